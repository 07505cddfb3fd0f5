"""What two corpora have in common: source corpora, speakers, ids, and the very same recordings.

A system that was trained on one and is tested on the other is tested zero-shot only where they have
nothing in common. What the cards say of sources and speakers needs no files; ids need the lists;
equal recordings need the audio, of which only files of equal length are decoded.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from bench.cards import corpus_cards
from bench.config import Config, Form
from bench.data.audio import Header, read_header, read_wave
from bench.data.corpora import read_corpus_split
from bench.data.parallel import Progress
from bench.data.subset import Subset
from bench.specs.corpus import Audio, CorpusCard
from bench.units import SAMPLE_RATE_HZ

EXAMPLES = 5
_THREADS = 4
_OPENING = SAMPLE_RATE_HZ // 2
"""Samples that are compared before the whole: few files share both their length and these."""


class Shared(NamedTuple):
    """One kind of thing that both sides have."""

    what: str
    number: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class Side:
    """A corpus, or some of its splits; `subsets` are empty where only the card is at hand."""

    card: CorpusCard
    subsets: tuple[Subset, ...] = ()

    @property
    def name(self) -> str:
        """`PS` or `PS train, dev`."""
        splits = ", ".join(subset.split for subset in self.subsets)
        return f"{self.card.short} {splits}".strip()


def read_side(name: str, splits: str, config: Config, form: Form) -> Side:
    """Return a corpus with some of its splits, read from where `config` says.

    `splits` are names with commas between; all where it is empty. Without a folder on this machine
    only the card is returned. BenchError for a broken corpus and an unknown split.
    """
    card = corpus_cards.read_corpus_card(name)
    wanted = splits.split(",") if splits else [*card.splits]
    for split in wanted:
        corpus_cards.check_split(card, split)
    if form == "paper" and card.key not in config.corpora:
        return Side(card)
    return Side(card, tuple(read_corpus_split(card.key, split, config, form) for split in wanted))


def from_cards(a: CorpusCard, b: CorpusCard) -> tuple[Shared, ...]:
    """Return what the cards alone say that two corpora share; empty for unrelated ones.

    Speakers are counted among the things shared only by `from_lists`, which sees their names.
    """
    if a.key == b.key:
        return (Shared("the corpus itself", 1, (a.name,)),)
    # One may itself be the source of the other, as 2019 LA is of PartialSpoof.
    sources = [name for name in (*a.sources, a.name) if name in (*b.sources, b.name)]
    return tuple(_share_names("source corpora of the recordings", sources))


def from_lists(a: Side, b: Side) -> tuple[Shared, ...]:
    """Return the speakers and utterance ids that both sides list.

    Names of speakers are compared only where both cards give one namespace for them
    (`card.speakers`): speaker `1` of one corpus is not speaker `1` of another.
    """
    same_names = bool(a.card.speakers) and a.card.speakers == b.card.speakers
    speakers = set[str]()
    if same_names:
        speakers = _column_values(a, "speaker") & _column_values(b, "speaker")
    ids = _column_values(a, "utterance") & _column_values(b, "utterance")
    return (
        *_share_names(f"speakers ({a.card.speakers})", sorted(speakers)),
        *_share_names("utterance ids", sorted(ids)),
    )


def from_audio(a: Side, b: Side, progress: Progress) -> tuple[Shared, ...]:
    """Return the recordings of `a` that `b` holds too, sample for sample.

    The samples are compared, not the files: a FLAC file and a WAV file of one recording are equal.
    A recording that was cut, recoded or rescaled is another one and is not found. All audio must be
    there and readable: BenchError where it is not. `progress` is told how many files of both sides
    have been opened, and of how many.
    """
    sides = (a, b)
    paths = [_audio_paths(side) for side in sides]
    total = sum(map(len, paths))
    done = 0
    lengths: list[Mapping[int, list[Path]]] = []
    with ThreadPoolExecutor(_THREADS) as pool:
        for of_side in paths:
            by_length: dict[int, list[Path]] = defaultdict(list)
            for path, info in zip(of_side, pool.map(read_header, of_side), strict=True):
                by_length[_resampled_length(info)].append(path)
                done += 1
                progress(done, total)
            lengths.append(by_length)
        common = lengths[0].keys() & lengths[1].keys()
        groups = [[path for n in common for path in by_length[n]] for by_length in lengths]
        for stop in (_OPENING, None):
            groups = _keep_alike(pool, groups, [side.card.audio for side in sides], stop)
    same = sorted(_file_stem(path) for path in groups[0])
    return tuple(_share_names("recordings, sample for sample", same))


@dataclass(frozen=True)
class OverlapReport:
    """What two sides share, what was looked at to say so, and what could not be."""

    a: Side
    b: Side
    shared: tuple[Shared, ...]
    looked_at: tuple[str, ...]

    @property
    def absent_corpora(self) -> tuple[str, ...]:
        """Keys of corpora that are not on this machine."""
        return tuple(dict.fromkeys(s.card.key for s in (self.a, self.b) if not s.subsets))


def compare_sides(a: Side, b: Side, progress: Progress | None) -> OverlapReport:
    """Compare the cards, and the lists and recordings where both sides are on this machine.

    Recordings are compared only where `progress` is given.
    """
    shared, looked_at = [*from_cards(a.card, b.card)], ["cards"]
    if a.subsets and b.subsets:
        shared += from_lists(a, b)
        looked_at.append("lists")
        if progress is not None:
            shared += from_audio(a, b, progress)
            looked_at.append("recordings")
    return OverlapReport(a, b, tuple(shared), tuple(looked_at))


def render_overlap(comparison: OverlapReport) -> str:
    """Return the answer as text: what is shared, and whether a test on `b` is zero-shot."""
    a, b = comparison.a.card.short, comparison.b.card.short
    by = ", ".join(comparison.looked_at)
    lines = [f"{comparison.a.name} and {comparison.b.name}, compared by {by}"]
    lines += [f"  shared {s.what}: {s.number:,} ({_list_examples(s)})" for s in comparison.shared]
    if comparison.shared:
        lines.append(f"trained on {a}, tested on {b}: not zero-shot")
    else:
        lines.append(f"the two share nothing; trained on {a}, tested on {b}: zero-shot")
    for key in comparison.absent_corpora:
        lines.append(
            f"{key} is not on this machine, so lists and recordings were not compared "
            f"(`bench data show {key}` says what to get)"
        )
    return "\n".join(lines)


def overlap_as_dict(comparison: OverlapReport) -> dict[str, Any]:
    """Return the answer as what JSON can hold."""
    return {
        "a": comparison.a.name,
        "b": comparison.b.name,
        "shared": [
            {**item._asdict(), "examples": list(item.examples)} for item in comparison.shared
        ],
        "zero_shot": not comparison.shared,
        "compared_by": list(comparison.looked_at),
        "not_on_this_machine": list(comparison.absent_corpora),
    }


def _list_examples(shared: Shared) -> str:
    more = ", ..." if shared.number > len(shared.examples) else ""
    return ", ".join(shared.examples) + more


def _share_names(what: str, names: list[str]) -> Iterator[Shared]:
    if names:
        yield Shared(what, len(names), tuple(names[:EXAMPLES]))


def _column_values(side: Side, name: str) -> set[str]:
    return set(chain.from_iterable(subset.table[name] for subset in side.subsets)) - {""}


def _audio_paths(side: Side) -> list[Path]:
    return [subset.root / path for subset in side.subsets for path in subset.table["path"]]


def _file_stem(path: Path) -> str:
    return path.name.removesuffix(path.suffix)


def _resampled_length(info: Header) -> int:
    return round(info.samples * SAMPLE_RATE_HZ / info.sample_rate_hz)


def _keep_alike(
    pool: ThreadPoolExecutor, groups: list[list[Path]], audio: list[Audio], stop: int | None
) -> list[list[Path]]:
    """Keep of each group the files whose first `stop` samples are those of one in the other."""
    digests = [
        list(pool.map(partial(_digest_samples, audio_spec, stop), group))
        for group, audio_spec in zip(groups, audio, strict=True)
    ]
    common = set(digests[0]) & set(digests[1])
    return [
        [path for path, digest in zip(group, digests_of_group, strict=True) if digest in common]
        for group, digests_of_group in zip(groups, digests, strict=True)
    ]


def _digest_samples(audio: Audio, stop: int | None, path: Path) -> bytes:
    return hashlib.blake2b(read_wave(path, audio, 0, stop).tobytes(), digest_size=16).digest()
