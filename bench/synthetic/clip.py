"""What is to be made and what was made: a clip, its voice, its forgery; the miniature's size."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.units import BONAFIDE, CLASSES, SPOOF

Wave = NDArray[np.float64]
"""Mono samples at 16 kHz, full scale ±1."""

Pcm = NDArray[np.int16]
"""The same as 16-bit integers, as they stand in the file."""

FadeCurve = Literal["linear", "cosine", "root"]
"""Shape of a fade; `root` keeps the power of two unlike signals."""

T = TypeVar("T")


@dataclass(frozen=True)
class Size:
    """How many utterances each split of each miniature has, and how long they are.

    ASVspoof 2019 LA has as many as PartialSpoof in every split, as the official ones do, and 2021
    LA is made from its eval split.
    """

    partialspoof_train: int
    partialspoof_dev: int
    partialspoof_eval: int
    had_train: int
    had_dev: int
    had_test: int
    llamapartialspoof_texts: int
    """Sentences with one full and three partial fakes each; bona fide ones are twice as many."""
    asvspoof2021df_recordings: int
    """Recordings; each is there under nine compressions."""
    asvspoof5_train: int
    asvspoof5_dev: int
    asvspoof5_eval_recordings: int
    """Recordings; each is there as it is and under three codecs."""
    inthewild: int
    shortest_s: float = 2.0
    longest_s: float = 4.0


DEFAULT = Size(96, 32, 48, 32, 16, 16, 6, 24, 36, 24, 24, 36)
"""For the demonstration: 1232 clips, 56 of which only enrol speakers and are not kept."""

LARGE = Size(800, 80, 120, 120, 40, 40, 18, 60, 300, 60, 60, 120)
"""For a trial that should learn something: 4390 clips, 56 of them likewise."""

SIZES = {"demo": DEFAULT, "large": LARGE}


class Voice(Protocol):
    """A speaker: real recordings, or the built-in source-filter voice."""

    @property
    def name(self) -> str:
        """The speaker's name: a folder of recordings, or `built-in-NN`."""
        ...

    def speak(self, rng: np.random.Generator, n_samples: int) -> Wave:
        """Return speech of at most `n_samples` samples."""
        ...


class Speaker(NamedTuple):
    """A voice and the number that the ids of the miniatures carry for it."""

    number: int
    voice: Voice


class SpeakerSplits(NamedTuple):
    """Who speaks in which split; the three are disjoint, and the same for every miniature."""

    train: tuple[Speaker, ...]
    dev: tuple[Speaker, ...]
    eval: tuple[Speaker, ...]


FEWEST_SPEAKERS = 4
"""One for train, one for dev, two for eval (LlamaPartialSpoof's two subsets share no speaker)."""


class Vocoder(Protocol):
    """Analysis and re-synthesis of speech."""

    def __call__(self, wave: Wave) -> Wave:
        """Return `wave` re-synthesised: same length, aligned in time."""
        ...


class Channel(Protocol):
    """What a finished utterance goes through: a codec, a line."""

    def __call__(self, speech: Pcm) -> Pcm:
        """Return `speech` as it comes out: same length, aligned in time."""
        ...


@dataclass(frozen=True)
class Fade:
    """How a spoofed piece is joined: `curve` over `samples` at each inner end, inside the piece."""

    curve: FadeCurve
    samples: int
    """0 is a hard cut."""


@dataclass(frozen=True)
class SpoofRecipe:
    """What is done to the speech of a spoofed clip."""

    vocoder: Vocoder
    fade: Fade
    pieces: tuple[int, ...] = (2, 3, 4, 5, 6)
    """How many pieces of alternating class the clip may fall into; one is drawn."""
    first: tuple[str, ...] = CLASSES
    """Class that the first piece may have; one is drawn."""

    @classmethod
    def for_whole_clip(cls, vocoder: Vocoder) -> SpoofRecipe:
        """Return the forgery of a fully spoofed clip: one piece, spoof."""
        return cls(vocoder, Fade("linear", 0), pieces=(1,), first=(SPOOF,))


@dataclass(frozen=True)
class PlannedClip:
    """One utterance to be made."""

    utterance: str
    path: str
    """Below the corpus's folder."""
    speaker: Speaker
    source: str
    """Key of the speech beneath: clips with the same key are versions of one recording."""
    forgery: SpoofRecipe | None
    """None for a bona fide clip."""
    grid: int = 1
    """Boundaries and length are multiples of this many samples, exact in the label's decimals."""
    length: float = 1.0
    """Fraction of the size's lengths that the recording has."""
    trimmed: bool = False
    """Whether non-speech is cut out; only where the clip is one piece."""
    channels: tuple[Channel, ...] = ()
    """What the clip goes through when all else is done, in order."""
    fields: Mapping[str, str] = field(default_factory=dict[str, str])
    """What the corpus's own protocol says of the clip beside id, speaker and class."""

    @property
    def label(self) -> str:
        """The utterance's class."""
        return SPOOF if self.forgery else BONAFIDE


class Segment(NamedTuple):
    """A stretch of one class, in samples; `end` is the first sample after it."""

    start: int
    end: int
    label: str


class WrittenClip(NamedTuple):
    """A clip as it was written."""

    clip: PlannedClip
    n_samples: int
    pieces: tuple[Segment, ...]
    """Contiguous, of alternating class, from sample 0 to `n_samples`."""


def make_generator(seed: int, *key: str) -> np.random.Generator:
    """Return the random numbers of one thing, whatever else is made before, after or beside it."""
    return np.random.default_rng([seed, zlib.crc32("/".join(key).encode())])


def deal_items(rng: np.random.Generator, items: Sequence[T], n: int) -> list[T]:
    """Return `n` of `items` in random order, each as often as any other (one more or less)."""
    order = np.concatenate([rng.permutation(len(items)) for _ in range(-(-n // len(items)))])
    return [items[i] for i in order[:n]]


def draw_numbers(rng: np.random.Generator, n: int, taken: Collection[int] = ()) -> list[int]:
    """Return `n` distinct numbers of seven digits for ids, none of them among `taken`."""
    drawn = rng.choice(9_000_000, n + len(taken), replace=False) + 1_000_000
    return [int(number) for number in drawn if number not in taken][:n]


def split_speakers(voices: Sequence[Voice], seed: int) -> SpeakerSplits:
    """Return the voices split 3 : 1 : 1 at random; refuse fewer than four."""
    if len(voices) < FEWEST_SPEAKERS:
        names = ", ".join(voice.name for voice in voices)
        raise BenchError(
            "mini.too-few-speakers",
            f"{len(voices)} speaker(s) ({names}) are too few: no two splits share a speaker, which "
            f"needs at least {FEWEST_SPEAKERS}; give each a folder of recordings in --speech-dir",
        )
    named = sorted(voices, key=lambda voice: voice.name)
    speakers = [Speaker(number, voice) for number, voice in enumerate(named, start=1)]
    order = make_generator(seed, "cast").permutation(len(speakers))
    n_dev, n_eval = max(1, len(order) // 5), max(2, len(order) // 5)
    chosen = [speakers[i] for i in order]
    dev, rest = chosen[:n_dev], chosen[n_dev:]
    return SpeakerSplits(
        tuple(sorted(rest[n_eval:])), tuple(sorted(dev)), tuple(sorted(rest[:n_eval]))
    )
