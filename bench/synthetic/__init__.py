"""Miniatures of corpora in their exact official trees.

Bona fide is the speaker as found; spoof is the same speech re-synthesised by a real vocoder, whole
or spliced in at random; both then go through the corpus's codecs. Made by `bench data mini`; the
readers of the full corpora read them unchanged. They are for smoke rows and trials, never for
results.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from bench._io import atomic_files, machine
from bench._io.trees import format_toml_value
from bench.errors import BenchError, near_name
from bench.specs.corpus import CorpusCard
from bench.synthetic import (
    asvspoof5,
    asvspoof2019la,
    asvspoof2021df,
    asvspoof2021la,
    had,
    inthewild,
    llamapartialspoof,
    partialspoof,
)
from bench.synthetic.card_corpus import CardCorpus
from bench.synthetic.clip import (
    DEFAULT,
    LARGE,
    SIZES,
    PlannedClip,
    Size,
    SpeakerSplits,
    Voice,
    WrittenClip,
    split_speakers,
)
from bench.synthetic.make import group_recordings, make_all, share_work
from bench.synthetic.source_filter import SourceFilter
from bench.synthetic.voices import find_speakers

__all__ = ["DEFAULT", "LARGE", "SIZES", "Size", "write_miniatures"]

MARKER = "MINIATURE.toml"
RECIPE = 3
"""Version of what is made: raised with every change of a byte, so that old ones are made anew."""

BUILT_IN_SPEAKERS = 20


class Miniature(Protocol):
    """What a miniature is made by: a module, or the card of a corpus."""

    @property
    def KEY(self) -> str:
        """The corpus's key."""
        ...

    def plan(self, cast: SpeakerSplits, size: Size, seed: int) -> list[PlannedClip]:
        """Return the clips."""
        ...

    def annotate(self, root: Path, made: Sequence[WrittenClip]) -> None:
        """Write the lists and what else the corpus has."""
        ...


CORPORA: tuple[Miniature, ...] = (
    *(partialspoof, had, llamapartialspoof),
    *(asvspoof2019la, asvspoof2021la, asvspoof2021df, asvspoof5, inthewild),
)


def write_miniatures(
    folder: Path,
    speech: Path | None = None,
    seed: int = 0,
    size: Size = DEFAULT,
    progress: Callable[[str, int, int], None] | None = None,
    only: Collection[str] | None = None,
    cards: Collection[CorpusCard] = (),
    *,
    ready: Callable[[Path, str], None] | None = None,
    replace: bool = True,
) -> list[Path]:
    """Write the miniatures to `folder`, and return the folders that were written.

    Each goes to a folder of its corpus's key; `only` names the keys that are wanted. `cards` are
    those of corpora of extensions, of which miniatures are made, too. A miniature of
    the same recipe (seed, size, speech and version in its MINIATURE.toml) is left alone. One of
    another recipe is replaced; with `replace` False, another seed, size or speech is a BenchError
    before anything is written. A miniature appears whole or not at all; `ready` then gets its
    folder and what was there before ("" for nothing). `speech` is a folder of recordings with a
    sub-folder for each speaker; None is the built-in voice. `progress` gets the corpus, the number
    of its clips that are made, and the number of all. BenchError for a folder that is no miniature,
    for unreadable recordings, for fewer than four speakers and for an unknown key.
    """
    corpora: dict[str, Miniature] = {corpus.KEY: corpus for corpus in CORPORA}
    corpora |= {card.key: CardCorpus(card) for card in cards}
    for key in only or ():
        if key not in corpora:
            raise BenchError(
                "mini.unknown-corpus", f"no miniature is made of {key!r}{near_name(key, corpora)}"
            )
    if speech is None:
        voices: list[Voice] = [SourceFilter(i + 1, seed) for i in range(BUILT_IN_SPEAKERS)]
        beneath = "built-in"
    else:
        voices, beneath = find_speakers(speech, size.shortest_s)
    speakers = split_speakers(voices, seed)
    marker = _write_recipe(beneath, seed, size, speakers)
    wanted = [c for key, c in corpora.items() if only is None or key in only]
    markers = {c.KEY: marker + (c.recipe if isinstance(c, CardCorpus) else "") for c in wanted}
    due = [corpus for corpus in wanted if not _is_made(folder / corpus.KEY, markers[corpus.KEY])]
    others = {c.KEY: _describe_difference(folder / c.KEY, marker) for c in due}
    differing = [f"{key} ({difference})" for key, difference in others.items() if difference]
    if differing and not replace:
        raise BenchError(
            "mini.other-recipe",
            f"{folder}: miniatures by another recipe are there, and runs may have been trained on "
            f"them: {', '.join(differing)}; --replace puts new ones in their place, --output-dir "
            "writes elsewhere",
        )
    there = {c.KEY: _describe_existing(folder / c.KEY, others[c.KEY]) for c in due}
    plans = [corpus.plan(speakers, size, seed) for corpus in due]
    with share_work(sum(len(group_recordings(clips)) for clips in plans)) as share:
        for corpus, clips in zip(due, plans, strict=True):
            with (
                machine.name_path(folder / corpus.KEY),
                _replace_folder(folder / corpus.KEY) as new,
            ):
                made = list[WrittenClip]()
                for one in make_all(clips, new, size, seed, share):
                    made.append(one)
                    if progress:
                        progress(corpus.KEY, len(made), len(clips))
                corpus.annotate(new, made)
                (new / MARKER).write_text(markers[corpus.KEY], encoding="utf-8", newline="\n")
            if ready:
                ready(folder / corpus.KEY, there[corpus.KEY])
    return [folder / corpus.KEY for corpus in due]


@contextmanager
def _replace_folder(path: Path) -> Iterator[Path]:
    """Give a folder to fill; it becomes `path` when all went well, else nothing is changed."""
    atomic_files.remove_leftovers([path.parent])
    # Beside the place it is for, so that the last step is a rename within one file system.
    with atomic_files.scratch_folder(path) as work:
        new = work / "new"
        yield new
        if path.exists():
            path.rename(work / "old")
        new.rename(path)


def _is_made(path: Path, marker: str) -> bool:
    """Return whether the miniature at `path` is by this recipe; refuse what is no miniature."""
    if not path.exists():
        return False
    marker_path = path / MARKER
    if not marker_path.is_file():
        raise BenchError(
            "mini.no-miniature",
            f"{path}: exists and is no miniature (it has no {MARKER}), so it is left alone; "
            "choose another folder, or move it away",
        )
    return marker_path.read_bytes() == marker.encode("utf-8")


def _describe_difference(path: Path, marker: str) -> str:
    """Say how the recipe of the miniature at `path` differs from `marker`.

    The version does not count. "" where there is no miniature, or no difference.
    """
    if not path.exists():
        return ""
    there, wanted = (tomllib.loads(text) for text in ((path / MARKER).read_text("utf-8"), marker))
    parts = [
        f"{key} {there.get(key)}, not {wanted[key]}"
        for key in ("seed", "speech")
        if there.get(key) != wanted[key]
    ]
    return ", ".join([*parts, *["another size"] * (there.get("size") != wanted["size"])])


def _describe_existing(path: Path, differs: str) -> str:
    return f"one with {differs or 'the recipe of an earlier version'}" if path.exists() else ""


def _write_recipe(beneath: str, seed: int, size: Size, speakers: SpeakerSplits) -> str:
    """Return the text of MINIATURE.toml: the whole recipe, and which voice each number is."""
    lines = [
        "# A miniature made by `bench data mini`, not the published corpus.",
        f"version = {RECIPE}",
        f"seed = {seed}",
        f'speech = "{beneath}"',
        "",
        "[size]",
        *(f"{name} = {value}" for name, value in vars(size).items()),
    ]
    for split, members in speakers._asdict().items():
        lines += ["", f"[speakers.{split}]"]
        lines += [f"{member.number} = {format_toml_value(member.voice.name)}" for member in members]
    return "\n".join(lines) + "\n"
