"""A figure of a paper that is drawn of a table's rows, where its text alone says what it shows."""

from __future__ import annotations

from pydantic import Field

from bench.specs.base import Spec


class Illustration(Spec):
    """Which rows a figure of the paper sets against each other, and what it prints."""

    source: str
    """Where it stands: `Figure 1`."""
    row: str
    against: str = ""
    """The row that it is set against."""
    why: str = ""
    """Why this one, where the paper does not name a row."""
    evaluation: str = ""
    """What it is of: the evaluation's key in these rows, ours to say where the paper does not."""
    utterance: str = ""
    """Whose it is, by the paper."""
    paper: dict[str, float] = Field(default_factory=dict[str, float])
    """Figures that the paper prints with it and that no table has, by name; rates in per cent."""
