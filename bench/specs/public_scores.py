"""The card of public score files: scores that authors or auditors have published, and their source.

Only addresses, digests and results are in a card, never scores. What is not known is left out.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bench.specs.base import Positive, Spec
from bench.specs.corpus import Download, OneOrMore

_Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class IdFile(Spec):
    """The file of ids beside a NumPy file of scores, in the same order."""

    file: str
    url: str
    mirrors: OneOrMore = ()
    bytes: int | None = None
    about_bytes: int | None = None
    sha256: _Digest | None = None


class PublicFile(IdFile):
    """One published score file."""

    system: str
    """What the system is called, here and in reports."""
    by: Literal["authors", "auditors"]
    """`authors`: of the system's paper; `auditors`: others, who ran the released model."""
    page: str
    """The page that the file is linked on."""
    commit: str = ""
    """The commit or revision that `url` reads; empty where the address is of no version."""
    licence: str
    """Of the file, or that none is stated."""
    tables: OneOrMore = ()
    """Tables that the system stands in, as another row. None: it is evaluated alone."""
    column: str | None = None
    """The score: as `--column` of `bench score`."""
    id_column: str | None = None
    label_column: str | None = None
    labels: bool = True
    """False where the file has no labels, even if a column looks like labels."""
    higher_is_spoof: bool = False
    resolution_s: Positive | None = None
    """Length of a frame, if the scores are of frames."""
    ids: IdFile | None = None
    """Where ids lie in a file of their own."""
    printed: dict[str, float] = Field(default_factory=dict[str, float])
    """The results printed beside the file, by the names of `bench score`; rates in per cent."""
    printed_in: str = ""
    """Where they are printed."""
    notes: OneOrMore = ()

    @property
    def downloads(self) -> tuple[Download, ...]:
        """The files as `bench get` fetches them."""
        return tuple(
            Download(
                file=one.file,
                url=one.url,
                mirrors=one.mirrors,
                bytes=one.bytes,
                about_bytes=one.about_bytes,
                sha256=one.sha256,
            )
            for one in (self, self.ids)
            if one is not None
        )


class PublicScores(Spec):
    """The public score files of one split of a corpus."""

    key: str
    """`public/<name>`."""
    title: str
    corpus: str
    split: str
    notes: OneOrMore = ()
    files: dict[str, PublicFile]
    """By a short name, which `--rows` takes."""
