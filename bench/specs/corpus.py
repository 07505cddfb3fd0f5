"""A corpus as a card: story, citation, licence, where to get it, splits with counts, traps."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bench.specs.base import Spec


class Download(Spec):
    """One official file."""

    file: str
    url: str
    bytes: int | None = None
    md5: str | None = None


class Split(Spec):
    """What one split holds. A count is left out where the corpus has no such class or nobody
    knows.
    """

    utterances: int | None = None
    bonafide: int | None = None
    spoof: int | None = None
    standing: Literal["verified", "memory"] = "verified"
    """`verified`: counted from real files, a difference is an error. `memory`: a difference is a
    warning.
    """


class Audio(Spec):
    """What the corpus's audio should be, and what is done when a file is not."""

    suffix: str = ".wav"
    sample_rate_hz: int = 16_000
    channels: int = 1
    other_rates: Literal["refuse", "resample"] = "refuse"


class CorpusCard(Spec):
    """A corpus card, read and checked."""

    key: str
    name: str
    short: str
    """The field's short name, e.g. PS."""
    story: str
    citation: str
    licence: str
    page: str
    """The official page."""
    reader: str
    """Name of the module in `bench/corpora/readers`."""
    place: str
    """What to unpack where: said in the error for whoever lacks the corpus."""
    task: Literal["localization", "detection"]
    audio: Audio = Audio()
    resolutions_s: tuple[float, ...] = Field(default=(), strict=False)
    """Resolutions of official frame vectors; empty where labels are spans."""
    splits: dict[str, Split]
    downloads: tuple[Download, ...] = Field(default=(), strict=False)
    traps: tuple[str, ...] = Field(default=(), strict=False)
