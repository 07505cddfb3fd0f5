"""`bench data`: what a corpus is, whether it is here whole, and miniatures of the corpora."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from bench._io import atomic_files, disk
from bench.cards import corpus_cards
from bench.cards import table_cards as tables
from bench.cli import completion, configuration, json_output, miniatures, options
from bench.cli.data_list import data_list
from bench.config import Config
from bench.errors import BenchError
from bench.specs.corpus import CorpusCard, Download


@click.group()
def data() -> None:
    """Show, list, check and make corpora."""


data.add_command(data_list)


@data.command("show")
@click.argument("name", shell_complete=completion.corpus_names)
@json_output.json_flag
def show_corpus(name: str, as_json: bool) -> None:
    """Show a corpus's card: story, licence, where to get it, splits, traps."""
    card, here = corpus_cards.read_corpus_card(name), configuration.load_configuration()
    presence = [*_describe_presence(card, here)]
    if as_json:
        content = {"corpus": card.key, **card.model_dump(mode="json", exclude={"key"})}
        content |= {"on_this_machine": presence}
        json_output.print_json("data show", content)
        return
    click.echo(f"{card.name} ({card.short}), {card.task}\n\n{card.story}\n")
    click.echo(f"citation: {card.citation}\nlicence: {card.licence}\npage: {card.page}")
    for item in card.downloads:
        click.echo(f"  {item.file}: {item.url} ({_describe_download(item)})")
    if card.downloads:
        click.echo(f"to download: {card.download_size.in_words}")
    click.echo(f"place: {card.place}")
    for split, counts in card.splits.items():
        sizes = {k: getattr(counts, k) for k in ("utterances", "bonafide", "spoof")}
        text = options.format_settings({k: v for k, v in sizes.items() if v is not None})
        note = ", evaluated by default" if split == card.evaluation_split else ""
        click.echo(f"  {split}: {text} ({counts.standing}){note}")
    if card.sources:
        click.echo(f"recordings from: {', '.join(card.sources)}")
    for column, role in card.factors.items():
        click.echo(f"factor: {column} ({role})")
    if card.attack_types:
        click.echo(f"attacks: {options.format_settings(card.attack_types)}")
    for trap in card.traps:
        click.echo(f"trap: {trap}")
    click.echo("on this machine:")
    for line in presence:
        click.echo(f"  {line['what']}: {line['state']}")


def _describe_download(item: Download) -> str:
    """Return the size and checksums of an official file, as far as they are known."""
    if item.bytes is not None:
        size = f"{item.bytes:,} bytes"
    else:
        about = item.about_bytes
        size = "size unknown" if about is None else f"about {disk.human_bytes(about)}"
    sums = {"md5": item.md5, "sha256": item.sha256}
    return ", ".join([size, *(f"{kind} {digest}" for kind, digest in sums.items() if digest)])


def _describe_presence(card: CorpusCard, here: Config) -> Iterator[dict[str, str]]:
    """Yield where the corpus and its miniature are, and how each split was found at a look."""
    from bench.data.check import summarize_split

    for form in ("paper", "smoke"):
        what = "miniature" if form == "smoke" else "corpus"
        try:
            root = here.corpus_root(card.key, form)
        except BenchError as error:
            yield {"what": what, "state": str(error)}
            continue
        yield {"what": what, "state": str(root)}
        for split in card.splits:
            yield {"what": f"{what}, {split}", "state": summarize_split(card, root, split)}


@data.command()
@click.argument("name", shell_complete=completion.corpus_names)
@click.option("--split", help="Check only this split (default: all).")
@click.option("--decode", is_flag=True, help="Read every sample of every audio file.")
@click.option(
    "--problems-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write every file, utterance or line that has a problem to FILE as CSV.",
)
@options.smoke
@json_output.json_flag
@click.pass_context
def check(
    context: click.Context,
    name: str,
    split: str | None,
    decode: bool,
    problems_file: Path | None,
    smoke: bool,
    as_json: bool,
) -> None:
    """Check a corpus: files, labels, counts, and the header and last sample of each audio file.

    Only --decode finds damage in the middle of a file, samples that are not finite or far too loud,
    and silence.
    """
    from bench.cli.progress_bars import show_progress
    from bench.data.check import check_as_dict, check_corpus, list_issues, render_check
    from bench.data.parallel import count_processes

    card, form = corpus_cards.read_corpus_card(name), options.choose_form(smoke)
    if split is not None:
        corpus_cards.check_split(card, split)
    here = configuration.load_configuration()
    root = here.corpus_root(card.key, form)
    decoding = count_processes(here.workers) if decode else None
    reports = []
    for one in [split] if split else list(card.splits):
        with show_progress(f"{card.key} {one}") as progress:
            reports.append(check_corpus(card, root, one, progress, form, decoding))
    if as_json:
        splits = [check_as_dict(report) for report in reports]
        json_output.print_json("data check", {"corpus": card.key, "form": form, "splits": splits})
    else:
        for report in reports:
            click.echo(render_check(report))
    if problems_file is not None:
        atomic_files.write_list(problems_file, list_issues(reports), "finding,id")
    if not all(report.ok for report in reports):
        context.exit(1)


@data.command("pack")
@click.argument("name", shell_complete=completion.corpus_names)
@click.option(
    "--output-dir",
    "folder",
    type=click.Path(path_type=Path),
    help="Folder of the packed corpus (default: <folder of the corpus>-packed, beside it).",
)
@options.smoke
@json_output.json_option("data pack")
def pack(name: str, folder: Path | None, smoke: bool) -> None:
    """Pack a corpus's audio into a few large files, for a network drive that is slow with many.

    The packed corpus is used as the corpus itself, and gives the same results.
    """
    from bench.cli.progress_bars import show_progress
    from bench.data.packing import SHARD_BYTES, pack_corpus

    card = corpus_cards.read_corpus_card(name)
    root = configuration.load_configuration().corpus_root(card.key, options.choose_form(smoke))
    target = (folder or root.with_name(f"{root.name}-packed")).absolute()
    with show_progress(f"{card.key}: packing") as progress:
        packed = pack_corpus(root, target, card.audio.suffix, progress)
    files = f"{packed.files:,} files ({disk.human_bytes(packed.size)})"
    largest = disk.human_bytes(SHARD_BYTES)
    click.echo(f"{target}: {files} of audio in {packed.shards} of up to {largest}")
    click.echo(f'to use it: `{card.key} = "{target}"` under [corpora] in bench.toml')
    content = {"corpus": card.key, "folder": target, "files": packed.files}
    json_output.add_content({**content, "shards": packed.shards, "bytes": packed.size})


@data.command("convert")
@click.argument("name", shell_complete=completion.corpus_names)
@click.option(
    "--output-dir",
    "folder",
    type=click.Path(path_type=Path),
    help="Folder of the converted corpus (default: <folder of the corpus>-audio, beside it).",
)
@json_output.json_option("data convert")
def convert(name: str, folder: Path | None) -> None:
    """Make FLAC files of a corpus's videos, whose audio is not read directly.

    Lists are copied. The converted corpus is used as the corpus itself. A conversion that was
    stopped goes on where it was.
    """
    from bench.cli.progress_bars import show_progress
    from bench.data.conversion import convert_corpus
    from bench.data.parallel import count_processes

    card, here = corpus_cards.read_corpus_card(name), configuration.load_configuration()
    root = here.corpus_root(card.key, "paper")
    target = (folder or root.with_name(f"{root.name}-audio")).absolute()
    with show_progress(f"{card.key}: converting") as progress:
        made = convert_corpus(root, target, count_processes(here.workers), progress)
    click.echo(f"{target}: audio of {made.files:,} videos, and {made.copied:,} other files")
    click.echo(f'to use it: `{card.key} = "{target}"` under [corpora] in bench.toml')
    content = {"corpus": card.key, "folder": target, "files": made.files}
    json_output.add_content({**content, "copied": made.copied})


@data.command()
@click.argument("a", metavar="A[:SPLIT,...]", shell_complete=completion.corpus_names)
@click.argument("b", metavar="B[:SPLIT,...]", shell_complete=completion.corpus_names)
@click.option(
    "--audio/--no-audio",
    default=True,
    help="Whether the recordings are compared too (default: yes).",
)
@options.smoke
@json_output.json_flag
def overlap(a: str, b: str, audio: bool, smoke: bool, as_json: bool) -> None:
    """Find what two corpora share: sources, speakers, ids and identical recordings.

    The cards are always compared; lists and audio only if both corpora are on this machine.
    """
    from bench.cli.progress_bars import show_progress
    from bench.data import overlap as look

    here, form = configuration.load_configuration(), options.choose_form(smoke)
    (one, of_one), (other, of_other) = (side.partition(":")[::2] for side in (a, b))
    first = look.read_side(one, of_one, here, form)
    second = look.read_side(other, of_other, here, form)
    with show_progress("recordings") as progress:
        shared = look.compare_sides(first, second, progress if audio else None)
    if as_json:
        json_output.print_json("data overlap", {**look.overlap_as_dict(shared), "form": form})
    else:
        click.echo(look.render_overlap(shared))


@data.command()
@click.option(
    "--speech-dir",
    "speech",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of human recordings with one sub-folder per speaker (default: a built-in voice).",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Seed of everything that is random.",
)
@click.option(
    "--size",
    type=click.Choice(["demo", "large"]),
    default="demo",
    show_default=True,
    help="Number of speakers and utterances.",
)
@click.option(
    "--corpus",
    "only",
    multiple=True,
    metavar="NAME",
    shell_complete=completion.corpus_names,
    help="Make only this corpus; may be repeated.",
)
@click.option(
    "--table",
    "for_tables",
    multiple=True,
    metavar="TABLE",
    shell_complete=completion.table_names,
    help="Make the corpora that the rows of this table need; may be repeated.",
)
@click.option(
    "--output-dir",
    "folder",
    type=click.Path(path_type=Path),
    help="Output folder (default: <work>/mini).",
)
@click.option(
    "--replace", is_flag=True, help="Replace miniatures that were made with another seed or size."
)
@json_output.json_option("data mini")
def mini(
    speech: Path | None,
    seed: int,
    size: str,
    only: tuple[str, ...],
    for_tables: tuple[str, ...],
    folder: Path | None,
    replace: bool,
) -> None:
    """Make miniature corpora in the official layouts: the eight of the papers, or others."""
    output_dir = folder or configuration.to_write().mini_root
    atomic_files.remove_leftovers([output_dir])
    keys = {corpus_cards.read_corpus_card(name).key for name in only} | {
        key for table in for_tables for key in _list_corpora(table)
    }
    written = miniatures.write_wanted(output_dir, keys, speech, seed, size, replace=replace)
    json_output.add_content({"folder": output_dir, "written": [*written]})
    if not written:
        click.echo(f"already there, made in the same way: {output_dir}")


def _list_corpora(table: str) -> set[str]:
    """Return the corpora that the rows of a table are trained and evaluated on in smoke form."""
    runs = tables.resolve_rows(tables.read_table(table), "smoke").values()
    return {key for run in runs for key in miniatures.smoke_corpora(run)}
