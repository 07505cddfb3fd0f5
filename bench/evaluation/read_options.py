"""How one score file is to be read: what its user says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Order = Literal["ids", "protocol"]
"""`ids`: each score has an id; `protocol`: scores without ids, in the order of the keys."""

HINT = "scores without ids, in the order of the protocol, need --order protocol"
"""For whoever gives a file that holds no ids."""


@dataclass(frozen=True)
class ReadOptions:
    """What the caller says of a score file; all of it may be left out.

    Columns are named by the header, or by their number from 1.
    """

    column: str | None = None
    """The score, `A-B` for the difference of two (logits or log-probabilities: bona fide less
    spoof), or `A@B` for the confidence A of the class predicted in B."""
    id_column: str | None = None
    label_column: str | None = None
    """The file's own labels, which are compared with the keys."""
    labels: bool = True
    """Whether the file may have a column of labels."""
    fields: tuple[str, ...] = ()
    """Columns that results are broken down by, besides those of the keys."""
    resolution_s: float | None = None
    """Length of a frame, where the file does not say."""
    negate: bool = False
    """Whether higher scores mean spoof."""
    order: Order = "ids"
