"""The card of a corpus.

It holds its story, citation, licence, downloads, splits with counts, and traps; where its lists are
delimited text, also how they are read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
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


Access = Literal["open", "terms", "request"]
"""How files are to be had: freely, after terms are accepted on a page, or after a form is sent."""


class Download(Spec):
    """One official file, and what of it `bench get` takes."""

    file: str
    url: str
    """Its address. A file of Hugging Face may be `hf://[datasets/]OWNER/NAME[@REVISION]/FILE`."""
    mirrors: OneOrMore = ()
    """Further addresses of the same file, tried in order where one fails."""
    bytes: int | None = None
    about_bytes: int | None = None
    """The rounded size of a web page, if the exact size is not known."""
    md5: Annotated[str, Field(pattern="^[0-9a-f]{32}$")] | None = None
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    keys: OneOrMore = ()
    """The protocols and keys in it: patterns of their names in the archive, `*` for all of it."""
    splits: OneOrMore = ()
    """The splits that need it; all where it is left out."""
    inner: OneOrMore = ()
    """Patterns of archives within the archive, which are unpacked where they lie."""

    @property
    def is_keys(self) -> bool:
        """Whether it holds protocols and keys alone."""
        return "*" in self.keys

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


def add_sizes(items: Sequence[Download]) -> DownloadSize:
    """Return what several files take together."""
    known = [item.size for item in items if item.size is not None]
    exact = not any(item.bytes is None for item in items if item.size is not None)
    return DownloadSize(sum(known), exact, len(items) - len(known))


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
    """Selects the protocol's lines of the split, by column: `where = { subset = "eval" }`. A `*`
    stands for any characters: `where = { utterance = "E1/*" }`."""
    file: OneOrMore = ()
    """The split's own protocol file, if `[protocol] file` does not fit."""
    audio: OneOrMore = ()
    """The split's own audio path, if `[protocol] audio` does not fit."""


class SpanText(Spec):
    """Spans as text: `START-END-LABEL` in seconds, which cover the whole utterance; or regions."""

    regions: Class | None = None
    """Spans are pairs of columns `START` and `END` of regions of this class, without a label. The
    rest of the utterance, up to `duration_s`, is of the other class."""
    of_video: bool = False
    """The regions are a video's: those of an utterance of the other class, whose picture alone was
    changed, are passed over, and what reaches beyond the audio's end is cut off."""
    labels: dict[str, Class] = Field(default_factory=lambda: dict[str, Class](_CLASSES))
    """The class of each word, e.g. `{ T = "bonafide", F = "spoof" }`."""
    separator: str = "/"
    """What separates two spans; not used if each span has its own column."""


class Protocol(Spec):
    """A list of utterances, or folders of audio.

    The list is delimited text in UTF-8, plain or gzipped, or one of records in JSON or Parquet.
    Paths are below the corpus's folder, with `/`; where there are alternatives, the one that is
    there is taken. In paths, `{split}` is the split's name.
    """

    file: OneOrMore = ()
    """The list. With a `*` for any characters within a name, all that fit are read together:
    `fake/*/*/meta.csv`. If it is left out, there is none: the utterances are the audio files whose
    paths fit `audio`, and the names in its braces are the columns."""
    separator: Literal["space", "tab", "comma", "semicolon", "pipe"] = "space"
    """`space`: any run of spaces and tabs; `pipe`: `|`. Quotes mean nothing with `space` and
    `tab`."""
    header: str = ""
    """A first line with names. It is skipped if the file has it; further names may follow there."""
    columns: OneOrMore = ()
    """Names of the columns in order, with a space between: `speaker utterance - attack label`.

    `utterance` and `label` are needed, or the keys of these names; `speaker`, `attack` and
    `duration_s` mean what they do in every table, `spans` holds spans, `samples` is the duration in
    samples of the card's rate, `-` is a column passed over, and any other name is a column of the
    table. `spans ...`: one span in this and in each further column, but for those that are named
    behind it. A corpus whose copies differ gives a text for each number of columns."""
    fields: dict[str, str] = Field(default_factory=dict[str, str])
    """In the place of `columns`, if the list is one of records (`.json`: a list, or one record a
    line; `.jsonl`; `.parquet`): the field of each column, with dots between nested ones, as in
    `{ utterance = "audio.path", spans = "fake_periods" }`. Spans are a list of pairs of start and
    end. A truth is the word `true` or `false`."""
    utterance: str = ""
    """Ids where no column has them, with columns in braces: `{label}/{name}`. It keeps files of one
    name in several folders apart."""
    label: str = ""
    """Labels where no column has them: the column whose words `labels` gives the classes of, such
    as `attack`; or the class of every line."""
    labels: dict[str, Class] = Field(default_factory=lambda: dict[str, Class](_CLASSES))
    """The class of each word in column `label`; another word is an error. A `*` stands for any
    characters; the first that fits counts."""
    none: str = "-"
    """The word for an empty field."""
    words: dict[str, dict[str, str]] = Field(default_factory=dict[str, dict[str, str]])
    """Words of a column that are replaced: `attack = { bonafide = "" }` makes them empty."""
    ids: str = ""
    """A regular expression that matches every whole id. It rejects other files with the same name
    and number of columns."""
    audio: OneOrMore
    """Path of an utterance's audio: `flac/{utterance}.flac`. It may have any column in braces, and
    `**` for folders at any depth. Where it ends in a brace, a suffix of `[audio]` follows."""
    spans: SpanText | None = None

    @property
    def forms(self) -> tuple[str, ...]:
        """`columns`, or those of `fields`; of folders, the names in the braces of `audio`."""
        if self.fields:
            return (" ".join(self.fields),)
        return self.columns if self.file else tuple(map(_name_braces, self.audio))

    def find_class(self, word: str) -> Class | None:
        """Return the class of a word by `labels`; None where it has none."""
        if word in self.labels:
            return self.labels[word]
        return next((self.labels[name] for name in self.labels if fnmatchcase(word, name)), None)


def _name_braces(pattern: str) -> str:
    """Return the names in the braces of a path, each once; "" where it is none."""
    names = re.findall(r"\{(\w+)\}", pattern)
    return " ".join(dict.fromkeys(name for name in names if name != "split"))


_CLASSES: dict[str, Class] = {BONAFIDE: BONAFIDE, SPOOF: SPOOF}


class Audio(Spec):
    """Format of the corpus's audio, and what happens if a file has another one."""

    suffix: OneOrMore = (".wav",)
    """Ends of the files' names. Of several, each file has one of them: the first that is there."""
    sample_rate_hz: int = 16_000
    channels: int = 1
    other_rates: Literal["refuse", "resample"] = "refuse"


class CorpusCard(Spec):
    """The card of a corpus."""

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
    """What to unpack where. Error messages show it if the corpus is missing."""
    task: Literal["localization", "detection"]
    audio: Audio = Audio()
    resolutions_s: tuple[float, ...] = Field(default=(), strict=False)
    """Resolutions of the official frame labels; empty if labels are spans."""
    splits: dict[str, Split]
    evaluation: str = ""
    """The split that is evaluated by default (`eval` if it is left out and exists)."""
    protocol: Protocol | None = None
    """How the protocol is read, for `reader = "protocol"`."""
    factors: dict[str, Literal["spoof", "channel"]] = Field(
        default_factory=dict[str, Literal["spoof", "channel"]]
    )
    """Columns for breakdowns. `spoof` (attack, vocoder): a breakdown restricts the spoof trials and
    keeps all bona fide trials. `channel` (codec, source): it restricts both classes."""
    attack_types: dict[str, Literal["TTS", "VC", "TTS+VC"]] = Field(
        default_factory=dict[str, Literal["TTS", "VC", "TTS+VC"]]
    )
    """Text-to-speech or voice conversion, by attack or pattern (`SPO-*`); the first fits."""
    official: tuple[Literal["min_tdcf_2019", "min_tdcf_2021", "dcf"], ...] = Field(
        default=(), strict=False
    )
    """The organisers' metrics beside the EER: min t-DCF in the form of 2019 or 2021, or ASVspoof
    5's minDCF, actDCF and Cllr."""
    tdcf: dict[str, str] = Field(default_factory=dict[str, str])
    """The file that min t-DCF needs, for each split: the organisers' ASV scores (2019) or C012
    coefficients (2021)."""
    sources: tuple[str, ...] = Field(default=(), strict=False)
    """Corpora that the recordings come from, by name: `VCTK`, `ASVspoof 2019 LA`."""
    speakers: str = ""
    """Namespace of the speakers' names: corpora with the same one share the speakers whose names
    are equal. Empty where names cannot be compared."""
    access: Access = "open"
    """`terms`: `page` asks for consent first; `request`: it has a form, and the authors answer.
    `bench get` then downloads nothing, and says what to do."""
    folder: str = ""
    """The corpus's folder within the one that its archives are unpacked in."""
    downloads: tuple[Download, ...] = Field(default=(), strict=False)
    traps: tuple[str, ...] = Field(default=(), strict=False)
    hub: str = ""
    """The benchmark dataset of Hugging Face whose trials are those of the evaluation split.
    `bench export` writes results for it. Empty where the Hub has none, or one of other trials."""

    @property
    def download_size(self) -> DownloadSize:
        """What its official files take together."""
        return add_sizes(self.downloads)

    @property
    def roles(self) -> dict[str, Literal["spoof", "channel"]]:
        """What figures may be broken down by: `factors`, and the speaker, of both classes."""
        return {**self.factors, "speaker": "channel"}

    @property
    def evaluation_split(self) -> str:
        """`evaluation`, else `eval` where there is one, else the first split."""
        return self.evaluation or ("eval" if "eval" in self.splits else next(iter(self.splits)))
