"""The card of a corpus.

It holds its story, citation, licence, downloads, splits with counts, and traps; where its lists are
delimited text, also how they are read.
"""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

from pydantic import BeforeValidator, Field

from bench._io.disk import human_bytes
from bench.specs.base import Spec
from bench.units import BONAFIDE, SPOOF


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


Class = Literal["bonafide", "spoof"]
OneOrMore = Annotated[tuple[str, ...], BeforeValidator(_as_list), Field(strict=False)]
"""A text, or a list of alternatives."""


class Download(Spec):
    """One official file."""

    file: str
    url: str
    bytes: int | None = None
    about_bytes: int | None = None
    """The size as a page rounds it, where the exact one is not known."""
    md5: str | None = None
    sha256: str | None = None

    @property
    def size(self) -> int | None:
        """`bytes`, else `about_bytes`; None where neither is known."""
        return self.about_bytes if self.bytes is None else self.bytes


class DownloadSize(NamedTuple):
    """Of several files together."""

    known_bytes: int
    """Of those whose size is known, rounded or not."""
    exact: bool
    """Whether none of these is rounded."""
    unknown: int
    """Files of unknown size."""

    @property
    def in_words(self) -> str:
        """E.g. `13 GB and 2 files of unknown size`."""
        about = "" if self.exact else "about "
        known = f"{about}{human_bytes(self.known_bytes)}" if self.known_bytes else ""
        files = f"{self.unknown} file{'' if self.unknown == 1 else 's'} of unknown size"
        parts = (known, files if self.unknown else "")
        return " and ".join(part for part in parts if part) or "nothing"


class Split(Spec):
    """What one split holds.

    A count is left out where the corpus has no such class or nobody knows.
    """

    utterances: int | None = None
    bonafide: int | None = None
    spoof: int | None = None
    standing: Literal["verified", "memory"] = "verified"
    """`verified`: counted from real files, or stated by the organisers or in print, a difference is
    an error. `memory`: a difference is a warning."""
    where: dict[str, OneOrMore] = Field(default_factory=dict[str, OneOrMore])
    """The protocol's lines that belong to the split, by column: `where = { subset = "eval" }`."""
    file: OneOrMore = ()
    """The split's own protocol file, where `[protocol] file` does not fit it."""
    audio: OneOrMore = ()
    """The split's own place of audio, where `[protocol] audio` does not fit it."""


class SpanText(Spec):
    """Spans in text, `START-END-LABEL` in seconds, which cover the utterance from 0 s on."""

    labels: dict[str, Class] = Field(default_factory=lambda: dict[str, Class](_CLASSES))
    """The class of each word, e.g. `{ T = "bonafide", F = "spoof" }`."""
    separator: str = "/"
    """What stands between two spans; plays no part where each has a column of its own."""


class Protocol(Spec):
    """A list of utterances in a delimited text file in UTF-8, plain or gzipped.

    Paths are below the corpus's folder, with `/`; where there are alternatives, the one that is
    there is taken. In paths, `{split}` is the split's name.
    """

    file: OneOrMore
    separator: Literal["space", "tab", "comma", "semicolon"] = "space"
    """`space`: any run of spaces and tabs. Quotes mean anything with `comma` and `semicolon`
    only."""
    header: str = ""
    """A first line of names; passed over where the file has it."""
    columns: OneOrMore
    """Names of the columns in order, with a space between: `speaker utterance - attack label`.

    `utterance` and `label` are needed; `speaker`, `attack` and `duration_s` mean what they do in
    every table, `spans` holds spans, `-` is a column passed over, and any other name is a column of
    the table. `spans ...` at the end: one span in this and in each further column. A corpus whose
    copies differ gives a text for each number of columns."""
    labels: dict[str, Class] = Field(default_factory=lambda: dict[str, Class](_CLASSES))
    """The class of each word in column `label`; another word is an error."""
    none: str = "-"
    """The word that says a field is empty; "" in the table."""
    words: dict[str, dict[str, str]] = Field(default_factory=dict[str, dict[str, str]])
    """Words of a column that the table has otherwise: `attack = { bonafide = "" }`."""
    ids: str = ""
    """A regular expression that matches an utterance's id whole. It tells this list from another
    file of the same name and number of columns."""
    audio: OneOrMore
    """Where an utterance's audio is; `{utterance}` or any column in braces, and `**` for folders at
    any depth: `flac/{utterance}.flac`."""
    spans: SpanText | None = None


_CLASSES: dict[str, Class] = {BONAFIDE: BONAFIDE, SPOOF: SPOOF}


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
    """Name of the module in `bench/data/readers`."""
    place: str
    """What to unpack where: said in the error for whoever lacks the corpus."""
    task: Literal["localization", "detection"]
    audio: Audio = Audio()
    resolutions_s: tuple[float, ...] = Field(default=(), strict=False)
    """Resolutions of official frame vectors; empty where labels are spans."""
    splits: dict[str, Split]
    evaluation: str = ""
    """The split that is evaluated unless another is asked for; `eval` where it is left out and
    there is one."""
    protocol: Protocol | None = None
    """How the lists of a corpus with `reader = "protocol"` are read."""
    factors: dict[str, Literal["spoof", "channel"]] = Field(
        default_factory=dict[str, Literal["spoof", "channel"]]
    )
    """Columns of the table by which figures may be broken down. `spoof` (attack, vocoder): a level
    restricts the spoof trials, bona fide ones stay all. `channel` (codec, source): both classes."""
    attack_types: dict[str, Literal["TTS", "VC", "TTS+VC"]] = Field(
        default_factory=dict[str, Literal["TTS", "VC", "TTS+VC"]]
    )
    """Text-to-speech or voice conversion, by attack or by pattern (`SPO-*`), the first that fits.
    """
    official: tuple[Literal["min_tdcf_2019", "min_tdcf_2021", "dcf"], ...] = Field(
        default=(), strict=False
    )
    """The organisers' figures beside the EER: min t-DCF in the form of 2019 or 2021, or ASVspoof
    5's minDCF, actDCF and Cllr."""
    tdcf: dict[str, str] = Field(default_factory=dict[str, str])
    """For each split what min t-DCF needs, below the corpus's folder: the organisers' ASV scores
    (2019) or their C012 coefficients (2021)."""
    sources: tuple[str, ...] = Field(default=(), strict=False)
    """Corpora that the recordings come from, by name: `VCTK`, `ASVspoof 2019 LA`."""
    speakers: str = ""
    """Namespace of the speakers' names: corpora with the same one share the speakers whose names
    are equal. Empty where names cannot be compared."""
    downloads: tuple[Download, ...] = Field(default=(), strict=False)
    traps: tuple[str, ...] = Field(default=(), strict=False)

    @property
    def download_size(self) -> DownloadSize:
        """What its official files take together."""
        sizes = [item.size for item in self.downloads]
        known = [size for size in sizes if size is not None]
        exact = not any(item.bytes is None for item in self.downloads if item.size is not None)
        return DownloadSize(sum(known), exact, len(sizes) - len(known))

    @property
    def roles(self) -> dict[str, Literal["spoof", "channel"]]:
        """What figures may be broken down by: `factors`, and the speaker, of both classes."""
        return {**self.factors, "speaker": "channel"}

    @property
    def evaluation_split(self) -> str:
        """`evaluation`, else `eval` where there is one, else the first split."""
        return self.evaluation or ("eval" if "eval" in self.splits else next(iter(self.splits)))
