"""Columns of a table that cross two fields of a breakdown, such as attacks and codecs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any, cast

from pydantic import ValidationError, model_validator

from bench._io.trees import as_tree
from bench.errors import near_name
from bench.specs.base import Spec

POOLED = "Pooled"
"""As a level: all levels of the field together, whose metric does not name the field."""


class Matrix(Spec):
    """Headings down and across with the metric where they meet: a column for each pair.

    A heading stands for the level of its own name, or for the level that a table gives it:
    `across = { "LA-C1" = "none", Pooled = "Pooled" }`.
    """

    metric: str
    """`{down}` and `{across}` stand for the levels: `asvspoof2021la.{down}.{across}.eer`. A pooled
    level is left out of the metric's name."""
    down: dict[str, str]
    across: dict[str, str]

    @model_validator(mode="before")
    @classmethod
    def _read_headings(cls, content: Any) -> Any:
        """Let a list of headings stand for levels of the same names."""
        read = dict(as_tree(content) or {})
        for key in ("down", "across"):
            if isinstance(read.get(key), list):
                read[key] = {str(name): str(name) for name in cast("list[object]", read[key])}
        return read if as_tree(content) else content

    @model_validator(mode="after")
    def _names_both(self) -> Matrix:
        parts = self.metric.split(".")
        if parts.count("{down}") != 1 or parts.count("{across}") != 1:
            raise ValueError(
                f"metric = {self.metric!r}: should name {{down}} and {{across}} once each, as "
                "'asvspoof2021la.{down}.{across}.eer'"
            )
        return self

    def list_columns(self) -> Iterator[dict[str, str]]:
        """Yield the columns, those of a heading down together."""
        for group, heading in product(self.down, self.across):
            yield {"group": group, "heading": heading, "metric": self.name_metric(group, heading)}

    def name_metric(self, group: str, heading: str) -> str:
        """Return the metric where two headings meet."""
        levels = {"{down}": self.down[group], "{across}": self.across[heading]}
        named = (levels.get(part, part) for part in self.metric.split("."))
        return ".".join(part for part in named if part != POOLED)


def expand_matrix(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table card with the columns and the published numbers that its `matrix` stands for.

    A row's numbers are given by heading down: `paper.A07 = [0.00, 0.62, ...]`, one for each heading
    across. A ValueError says what does not fit; faults of the matrix itself are left to its fields.
    """
    given = {name: content[name] for name in ("columns", "layout") if name in content}
    if given:
        raise ValueError(f"{', '.join(given)}: should be left out where there is a matrix")
    try:
        matrix = Matrix.model_validate(content["matrix"])
    except ValidationError:
        return {**content, "columns": []}
    rows = as_tree(content.get("rows")) or {}
    return {
        **content,
        "columns": [*matrix.list_columns()],
        "layout": "matrix",
        "rows": {name: _expand_row(row, matrix, f"rows.{name}") for name, row in rows.items()},
    }


def _expand_row(content: Any, matrix: Matrix, where: str) -> Any:
    row = as_tree(content)
    if row is None:
        return content
    numbers = {
        key: dict(_expand_numbers(as_tree(row[key]) or {}, matrix, f"{where}.{key}"))
        for key in ("paper", "digest")
        if as_tree(row.get(key)) is not None
    }
    return {**row, **numbers}


def _expand_numbers(
    numbers: Mapping[str, Any], matrix: Matrix, where: str
) -> Iterator[tuple[str, Any]]:
    for key, value in numbers.items():
        if not isinstance(value, list):
            yield key, value
            continue
        if key not in matrix.down:
            raise ValueError(f"{where}.{key}: no such heading down{near_name(key, matrix.down)}")
        values = cast("list[object]", value)
        if len(values) != len(matrix.across):
            raise ValueError(
                f"{where}.{key}: has {len(values)} numbers; should have {len(matrix.across)}, "
                f"one for each of {', '.join(matrix.across)}"
            )
        for heading, number in zip(matrix.across, values, strict=True):
            yield matrix.name_metric(key, heading), number
