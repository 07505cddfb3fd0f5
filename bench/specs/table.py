"""A paper's table as a card: rows that inherit, columns, published figures, and a smoke overlay."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from bench.specs.base import Spec


class Column(Spec):
    """One column of figures."""

    heading: str
    """As the paper prints it, without the arrow."""
    group: str = ""
    """The heading above it, e.g. the corpus."""
    metric: str
    """`<evaluation>.<metric>`, e.g. `partialspoof.eer`."""
    better: Literal["lower", "higher"]


class Row(Spec):
    """One row: what it says against its parent, and what the paper prints for it."""

    cells: tuple[str, ...] = Field(strict=False)
    """The row's text cells, one for each of the table's `text_columns`."""
    group: str = ""
    """The heading above the row where the paper groups rows; inherited by none."""
    parent: str | None = Field(default=None, alias="from")
    published_only: bool = False
    """A row of another system, kept for its figures; it has no settings and is never run."""
    source: str = ""
    """Where the figures are from when not from this table's own experiments."""
    seeds: tuple[int, ...] | None = Field(default=None, strict=False)
    paper: dict[str, float] = Field(default_factory=dict[str, float])
    """The paper's figures by metric, rates in per cent."""
    smoke: dict[str, Any] = Field(default_factory=dict[str, Any])
    """What the row's smoke form says beyond the table's `[smoke]`."""
    settings: dict[str, Any] = Field(default_factory=dict[str, Any])
    """The row's own settings (every key that is not one of the above)."""


class Table(Spec):
    """A table card, read and checked, its rows not yet folded."""

    key: str
    """`<paper>/<file name>`, e.g. `sal/table4`."""
    title: str
    caption: str = ""
    text_columns: tuple[str, ...] = Field(strict=False)
    columns: tuple[Column, ...] = Field(strict=False)
    seeds: tuple[int, ...] = Field(strict=False)
    notes: tuple[str, ...] = Field(default=(), strict=False)
    base: dict[str, Any] = Field(default_factory=dict[str, Any])
    rows: dict[str, Row]
    smoke: dict[str, Any] = Field(default_factory=dict[str, Any])


class Difference(Spec):
    """One point where the paper, the authors' released code and this suite do not say the same."""

    item: str
    paper: str
    released: str
    ours: str
    setting: str = ""
    """The dotted key and value that give the released behaviour, where there is one."""
    consequence: str = ""


class Paper(Spec):
    """What a paper's folder of tables shares."""

    key: str
    title: str
    authors: str
    venue: str
    url: str = ""
    code: str = ""
    differences: tuple[Difference, ...] = Field(default=(), strict=False)
