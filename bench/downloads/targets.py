"""What was asked for: corpora and weights, which of their files are here, and which are to come."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from bench._io import disk
from bench.cards import corpus_cards, public_cards, table_cards
from bench.cards.corpus_names import near_corpus
from bench.config import Config
from bench.config.variables import NOISE
from bench.downloads import receipts
from bench.errors import BenchError, near_name
from bench.models import weights
from bench.specs.corpus import Access, CorpusCard, Download, DownloadSize, add_sizes
from bench.specs.run import Run

State = Literal["there", "elsewhere", "to fetch", "by hand"]


@dataclass(frozen=True)
class Target:
    """A corpus or weights that were asked for."""

    section: Literal["corpora", "weights", "noise", "public"]
    key: str
    """Its key in that section of bench.toml, which has none for public score files."""
    name: str
    """What it is called: `PS`, `xlsr2_300m`, `public/itw`."""
    licence: str
    state: State
    """`there`: all files were brought by this command; `elsewhere`: bench.toml names a folder or a
    file of the user's own; `by hand`: only a person can get it."""
    advice: str = ""
    """What a person has to do."""
    folder: Path = Path()
    """Where its files are unpacked."""
    path: Path = Path()
    """What bench.toml names."""
    files: tuple[Download, ...] = ()
    """What is to come."""
    keys_only: bool = False
    splits: tuple[str, ...] = ()
    """The splits that were asked for, of a corpus."""
    card: CorpusCard | None = None

    @property
    def size(self) -> DownloadSize:
        """What is to come, without what parts of files are there already."""
        left = [self._size_left(item) for item in self.files]
        return add_sizes(left)

    def _size_left(self, item: Download) -> Download:
        part = self.folder / f"{item.file}.part"
        if item.size is None or not part.is_file():
            return item
        size = max(0, item.size - part.stat().st_size)
        exact = item.bytes is not None
        change = {"bytes": size} if exact else {"about_bytes": size}
        return item.model_copy(update=change)


def plan_targets(
    names: Sequence[str], tables: Sequence[str], here: Config, base: Path, *, keys_only: bool
) -> list[Target]:
    """Return what is meant by names of corpora and weights, and by tables, each once.

    A table means the splits that its rows use, and the weights that they begin with. Files are put
    below `base` unless bench.toml names another folder of an earlier call. Raise BenchError for
    names that nothing has, with a near one.
    """
    wanted: dict[str, set[str]] = {}
    models: dict[str, None] = {}
    others: dict[str, Target] = {}
    for name in names:
        if name.startswith(public_cards.PREFIX):
            others[name] = plan_public_scores(name, here, keys_only=keys_only)
        elif (key := _find_weights(name)) is not None:
            models[key] = None
        else:
            card = _read_card(name)
            wanted[card.key] = set(card.splits)
    for table in tables:
        for run in _list_runs(table):
            for data in run.data.values():
                wanted.setdefault(data.corpus, set()).add(data.split)
            for target in list_requirements(run, here):
                if target.section == "weights" and target.key in weights.published_weights():
                    models[target.key] = None
                else:
                    others[target.key] = target
    if keys_only and models:
        if not tables:
            raise BenchError(
                "option.conflict",
                f"--keys-only: {', '.join(models)}: weights have no keys: leave them out",
            )
        models, others = {}, {}
    corpora = [
        plan_corpus(corpus_cards.read_corpus_card(key), splits, here, base, keys_only=keys_only)
        for key, splits in wanted.items()
    ]
    return [*corpora, *(plan_weights(key, here, base) for key in models), *others.values()]


def _find_weights(name: str) -> str | None:
    """Return the key of published weights, however its case and dashes are written."""
    alike = {_normalize_key(key): key for key in weights.published_weights()}
    return alike.get(_normalize_key(name))


def _normalize_key(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "", name.lower())


def _read_card(name: str) -> CorpusCard:
    try:
        return corpus_cards.read_corpus_card(name)
    except BenchError as error:
        if error.code != "corpus.unknown":
            raise
        models = weights.published_weights()
        hint = near_name(name, models)
        if not hint.startswith("; did you mean"):
            cards = corpus_cards.list_readable().cards
            hint = f"{near_corpus(name, cards)}; weights: {', '.join(sorted(models))}"
        raise BenchError(
            "download.unknown", f"{name!r}: there are no such corpus and no such weights{hint}"
        ) from error


def _list_runs(table: str) -> list[Run]:
    card = table_cards.read_table(table)
    runs = [table_cards.resolve_row(card, row) for row in table_cards.runnable_rows(card)]
    return [*runs, *(run.earlier for run in runs if run.earlier)]


def list_requirements(run: Run, here: Config) -> Iterable[Target]:
    """Yield what a run needs beside corpora; what this command cannot bring is `by hand`."""
    for part in (*run.parts, *(part for data in run.data.values() for part in data.parts)):
        for needed in part.requirements():
            section = "noise" if needed.what == "noise" else "weights"
            try:
                path = weights.locate_requirement(needed, here)
            except BenchError as error:
                advice = str(error)
                if needed.what == "noise":
                    advice = f"get {NOISE[needed.key]}, and set noise.{needed.key} in bench.toml"
                yield Target(section, needed.key, needed.key, "", "by hand", advice)
            else:
                yield Target(section, needed.key, needed.key, "", "elsewhere", path=path)


def plan_corpus(
    card: CorpusCard, splits: Iterable[str], here: Config, base: Path, *, keys_only: bool
) -> Target:
    """Return what is to come of a corpus: the files that its splits need, or their keys alone."""
    stated = here.corpora.get(card.key)
    folder = base / card.key
    if stated is not None and stated.is_dir():
        folder = _folder_above(stated, card.folder)
    target = Target(
        section="corpora",
        key=card.key,
        name=card.short,
        licence=card.licence,
        state="to fetch",
        folder=folder,
        path=folder / card.folder,
        keys_only=keys_only,
        splits=tuple(split for split in card.splits if split in set(splits)),
        card=card,
    )
    if stated is not None and stated.is_dir() and not receipts.is_managed(folder):
        return replace(target, state="elsewhere", path=stated)
    if (advice := _explain_absence(target, stated, here)) is not None:
        return replace(target, state="by hand", advice=advice)
    if card.access != "open":
        return replace(target, state="by hand", advice=explain_access(card.access, card))
    needed = [item for item in card.downloads if _is_needed(item, target)]
    files = tuple(item for item in needed if not receipts.is_here(folder, item, keys_only))
    if not needed:
        what = "its keys apart" if keys_only else "any file of it"
        advice = f"its card does not say where {what} can be downloaded: see {card.page}"
        return replace(target, state="by hand", advice=advice)
    return replace(target, state="to fetch" if files else "there", files=files)


def _explain_absence(target: Target, stated: Path | None, here: Config) -> str | None:
    """Return what to do where a place of the user's own is not there: its drive may come back."""
    if stated is None or stated.exists() or stated.absolute() == target.path.absolute():
        return None
    key = f"{target.section}.{target.key}"
    return (
        f"{key} = {str(stated)!r} in {here.source_of(key)} is not there: mount its drive, or "
        "remove the entry so that it is downloaded"
    )


def _folder_above(path: Path, folder: str) -> Path:
    """Return the folder that archives are unpacked in, from the one that bench.toml names."""
    depth = len(folder.split("/")) if folder else 0
    return path.absolute().parents[depth - 1] if depth else path


def _is_needed(item: Download, target: Target) -> bool:
    if item.splits and not set(item.splits) & set(target.splits):
        return False
    return bool(item.keys) if target.keys_only else True


def explain_access(access: Access, card: CorpusCard) -> str:
    """Return what a person has to do for a corpus that is not freely downloadable."""
    how = (
        "accept the terms on" if access == "terms" else "fill in the form, or write to the authors:"
    )
    return (
        f"{how} {card.page}. Then: {card.place} The key is corpora.{card.key} in bench.toml; "
        f"`bench data check {card.short}` checks it."
    )


def plan_weights(key: str, here: Config, base: Path) -> Target:
    """Return what is to come of published weights."""
    entry = weights.published_weights()[key]
    path = base / "weights" / entry.file
    stated = here.weights.get(key)
    target = Target(
        section="weights",
        key=key,
        name=key,
        licence=entry.licence,
        state="to fetch",
        folder=path.parent,
        path=path,
    )
    if stated is not None and stated.exists():
        own = stated.absolute() == path.absolute()
        return replace(target, state="there" if own else "elsewhere", path=stated)
    if (advice := _explain_absence(target, stated, here)) is not None:
        return replace(target, state="by hand", advice=advice)
    if entry.access != "open" or not entry.url:
        how = "accept the terms on" if entry.access == "terms" else "get it from"
        advice = f"{how} {entry.source}, and set weights.{key} in bench.toml to the file"
        return replace(target, state="by hand", advice=advice)
    return replace(target, files=(entry.download,))


def public_folder(here: Config, key: str) -> Path:
    """Return the folder of the files of a card of public scores: it is in the work folder."""
    return here.work / key


def plan_public_scores(key: str, here: Config, *, keys_only: bool) -> Target:
    """Return what is to come of a card of public score files."""
    card = public_cards.read_public_card(key)
    if keys_only:
        raise BenchError(
            "option.conflict",
            f"--keys-only: {key}: score files have no keys; those of the corpus come with "
            f"`bench get {card.corpus} --keys-only`",
        )
    folder = public_folder(here, key)
    items = {item.file: item for public in card.files.values() for item in public.downloads}
    missing = tuple(item for item in items.values() if not receipts.has_arrived(folder, item))
    licences = dict.fromkeys(public.licence for public in card.files.values())
    return Target(
        section="public",
        key=key.replace("/", "-"),
        name=key,
        licence="; ".join(licences),
        state="to fetch" if missing else "there",
        folder=folder,
        path=folder,
        files=missing,
    )


def sum_sizes(targets: Iterable[Target]) -> DownloadSize:
    """Return what all that is to come takes together."""
    sizes = [target.size for target in targets]
    return DownloadSize(
        sum(size.known_bytes for size in sizes),
        all(size.exact for size in sizes),
        sum(size.unknown for size in sizes),
    )


def learn_sizes(targets: Iterable[Target]) -> list[Target]:
    """Return the targets with the sizes that the servers state, where the cards do not."""
    from bench.downloads.addresses import ask_size

    def learn_size(item: Download) -> Download:
        if item.size is not None:
            return item
        return item.model_copy(update={"about_bytes": ask_size(item.url)})

    return [
        replace(target, files=tuple(map(learn_size, target.files)))
        if not target.keys_only
        else target
        for target in targets
    ]


def require_room(targets: Iterable[Target], base: Path) -> None:
    """Raise BenchError where the disk cannot take what is to come.

    Archives of audio hold about their own size, so that they count twice.
    """
    needed = sum(
        2 * (item.size or 0) for target in targets if not target.keys_only for item in target.files
    )
    if (free := disk.free_bytes(base)) < needed:
        raise BenchError(
            "download.no-room",
            f"{base}: about {disk.human_bytes(needed)} are needed for the archives and what they "
            f"hold, and {disk.human_bytes(free)} are free: name another folder: --output-dir",
        )


def describe_files(target: Target) -> Mapping[str, str]:
    """Return what of each file is taken, by its name."""
    parts: dict[str, str] = {}
    for item in target.files:
        if target.keys_only and not item.is_keys:
            parts[item.file] = f"{', '.join(item.keys)} of it"
        else:
            parts[item.file] = "size unknown" if item.size is None else add_sizes([item]).in_words
    return parts
