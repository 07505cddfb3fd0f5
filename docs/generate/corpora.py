"""A page for each corpus, from its card in `datasets/`."""

from __future__ import annotations

from bench._io.disk import human_bytes
from bench._io.markdown import format_prose, format_table
from bench.cards import corpus_cards
from bench.specs.corpus import CorpusCard, Split


def make_pages() -> dict[str, str]:
    """Return a page for each corpus, and one that lists them."""
    card_by_key = {key: corpus_cards.read_corpus_card(key) for key in corpus_cards.list_corpora()}
    pages = {f"corpora/{key}.md": _describe_corpus(card) for key, card in card_by_key.items()}
    return pages | {"corpora/index.md": _list_corpora(card_by_key)}


def _list_corpora(card_by_key: dict[str, CorpusCard]) -> str:
    cells = [
        [f"[{card.name}]({key}.md)", f"`{card.short}`", card.task, card.licence]
        for key, card in card_by_key.items()
    ]
    return "\n".join(
        [
            "# Corpora",
            "",
            (
                "Each page is made from the corpus's card, `datasets/<key>.toml`. A command takes"
                " the key or the short name. Files are described as they lie in the official"
                " archives."
            ),
            "",
            *_unescaped_table(("corpus", "short name", "labels for", "licence"), cells),
            "",
            "```{toctree}",
            ":hidden:",
            "",
            *card_by_key,
            "```",
            "",
        ]
    )


def _unescaped_table(heads: tuple[str, ...], cells: list[list[str]]) -> list[str]:
    rows = [heads, ["---"] * len(heads), *cells]
    return [f"| {' | '.join(row)} |" for row in rows]


def _describe_corpus(card: CorpusCard) -> str:
    lines = [f"# {card.name}", "", format_prose(card.story), "", *_facts(card), ""]
    lines += ["## Where to put it", "", format_prose(card.place), ""]
    lines += [
        "```toml",
        "# bench.toml",
        "[corpora]",
        f'{card.key} = "/data/{card.key}"',
        "```",
        "",
        (
            f"Then `bench data check {card.short}` compares every file with the protocol, the"
            " labels and the counts below."
        ),
        "",
    ]
    lines += ["## Layout", "", *_layout(card), "", "## Counts", "", *_counts(card), ""]
    if card.traps:
        lines += ["## Traps", "", *(f"- {format_prose(trap)}" for trap in card.traps), ""]
    lines += ["## Downloads", "", *_downloads(card), ""]
    lines += ["## Citation", "", format_prose(card.citation), ""]
    return "\n".join(lines)


def _facts(card: CorpusCard) -> list[str]:
    labels = (
        "frames or spans (localization)"
        if card.task == "localization"
        else "whole utterances (detection)"
    )
    factors = ", ".join(f"`{name}` ({role})" for name, role in card.factors.items())
    facts = {
        "Key": f"`{card.key}`",
        "Short name": f"`{card.short}`",
        "Labels for": labels,
        "Licence": format_prose(card.licence),
        "Official page": f"<{card.page}>",
        "Recordings come from": ", ".join(card.sources),
        "Evaluation split": f"`{card.evaluation_split}`",
        "Break results down by": factors,
        "Official metrics beside the EER": ", ".join(f"`{name}`" for name in card.official),
        "Resolutions of the official frame labels": ", ".join(
            f"{1000 * of:g} ms" for of in card.resolutions_s
        ),
        "Audio": (
            f"{' or '.join(f'`{suffix}`' for suffix in card.audio.suffix)},"
            f" {card.audio.sample_rate_hz} Hz"
        ),
    }
    return [f"- **{name}:** {value}" for name, value in facts.items() if value]


def _layout(card: CorpusCard) -> list[str]:
    if card.protocol is None:
        return [
            (
                f"The module `bench/data/readers/{card.reader}.py` reads the lists of this"
                " corpus; its docstring describes them."
            )
        ]
    protocol = card.protocol
    heading = f"Its first line may be the header `{protocol.header}`." if protocol.header else ""
    names = [f"`{name}`" for name in protocol.columns]
    files = ", ".join(f"`{file}`" for file in protocol.file)
    lists = [
        f"- **List of utterances:** {files}, separated by {protocol.separator}. {heading}",
        f"- **Columns:** {' or '.join(names)} (`-`: ignored).",
    ]
    if protocol.fields:
        fields = [f"`{column}` of `{field}`" for column, field in protocol.fields.items()]
        lists = [
            f"- **List of utterances:** {files}, of records.",
            f"- **Columns:** {', '.join(fields)}.",
        ]
    if not protocol.file:
        lists = ["- **List of utterances:** none; the names in braces below are the columns."]
    return [
        (
            "Paths are relative to the folder that `bench.toml` names. Where several are listed,"
            " the first one that exists is used."
        ),
        "",
        *lists,
        f"- **Audio:** {', '.join(f'`{file}`' for file in protocol.audio)}",
    ]


def _counts(card: CorpusCard) -> list[str]:
    def shown(count: int | None) -> str:
        return "unknown" if count is None else f"{count:,}"

    def cells(name: str, split: Split) -> list[str]:
        counts = (split.utterances, split.bonafide, split.spoof)
        return [name, *map(shown, counts), split.standing]

    heads = ("split", "utterances", "bona fide", "spoof", "status")
    return [
        *format_table(heads, [cells(name, split) for name, split in card.splits.items()]),
        "",
        (
            "`verified`: counted in the official files, or printed by the organisers; other counts"
            " are an error. `memory`: not verified; other counts are a warning."
        ),
    ]


def _downloads(card: CorpusCard) -> list[str]:
    if not card.downloads:
        return ["The card names no file."]

    def size(known: int | None, about: int | None) -> str:
        if known is not None:
            return human_bytes(known)
        return "unknown" if about is None else f"about {human_bytes(about)}"

    cells = [
        [
            f"[{item.file}]({item.url})",
            size(item.bytes, item.about_bytes),
            f"`{item.md5}`" if item.md5 else "none known",
        ]
        for item in card.downloads
    ]
    return [
        f"Together: {card.download_size.in_words}.",
        "",
        *_unescaped_table(("file", "size", "MD5"), cells),
    ]
