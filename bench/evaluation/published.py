"""Published results of a split, from the tables of papers, to compare a score file with."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from bench._io.markdown import fill_template, format_prose, format_table
from bench.cards import table_cards
from bench.evaluation.json_units import printed_result
from bench.evaluation.table_placement import TablePlacement, list_placements
from bench.metrics.catalogue import find_metric, format_value, is_rate
from bench.metrics.measured import MetricResult
from bench.specs.table import Row, Table

BEST, NEAREST = 3, 5
"""Systems that are shown: so many of the best, and so many of the nearest."""
_NUMBER = re.compile(r"\s*\[\d+\]")
"""Of a reference in a paper's own list."""


class PublishedSystem(NamedTuple):
    """A system's published results."""

    name: str
    table: str
    """The title of the table that prints them."""
    figures: Mapping[str, float]
    """By name (`bench.metrics.catalogue`); rates are fractions."""
    second_hand: bool
    """Whether one of them is known from a digest of the paper alone."""


class PublishedSystems(NamedTuple):
    """The systems to compare a result with."""

    by: str
    """The figure that they are ordered and chosen by."""
    own_value: float
    """What the judged file has of it."""
    systems: tuple[PublishedSystem, ...]
    """The best and the nearest, in order of this figure."""
    more: int
    """Published systems that are left out."""


def find_published(
    corpus: str, split: str, figures: Mapping[str, MetricResult]
) -> PublishedSystems | None:
    """Return the published systems that are best on a split, and those nearest to `figures`.

    None where no table prints one of these results of the split. A table of frames is looked at
    where there are results of frames at its resolution, and a table of utterances where there are
    results of utterances. The rows of several tables that give one system the same results count
    once.
    """
    systems: dict[tuple[str, tuple[float, ...]], PublishedSystem] = {}
    own_values: dict[str, float] = {}
    for placement in list_placements(corpus, split):
        if _same_kind(placement, figures):
            ours = placement.name_results(figures)
            own_values = {
                name.rpartition(".")[2]: figure.value for name, figure in ours.items()
            } | own_values
            for system in _list_systems(placement, {*ours}):
                systems.setdefault((system.name.casefold(), (*system.figures.values(),)), system)
    by = next(
        (name for name in own_values if any(name in each.figures for each in systems.values())),
        None,
    )
    if by is None:
        return None
    info = find_metric(by)
    sign = -1 if info and info.better == "higher" else 1
    ordered = sorted(
        (system for system in systems.values() if by in system.figures),
        key=lambda system: sign * system.figures[by],
    )
    best, rest = ordered[:BEST], ordered[BEST:]
    near = sorted(rest, key=lambda system: abs(system.figures[by] - own_values[by]))[:NEAREST]
    chosen = [*best, *(system for system in rest if system in near)]
    return PublishedSystems(by, own_values[by], tuple(chosen), len(systems) - len(chosen))


def render_published(published: PublishedSystems, figures: Mapping[str, MetricResult]) -> list[str]:
    """Return the table as lines of Markdown, with this file at its place among the systems."""
    names = list(dict.fromkeys(name for each in published.systems for name in each.figures))
    labels = {name: info.label if (info := find_metric(name)) else name for name in names}
    rows = [
        (
            system.figures[published.by],
            [
                system.name,
                *(_format_cell(name, system.figures.get(name)) for name in names),
                system.table + ", second-hand" * system.second_hand,
            ],
        )
        for system in published.systems
    ]
    values = {name: figure.value for name, figure in figures.items()} | {
        published.by: published.own_value
    }
    cells = [
        fill_template("**this file**"),
        *(_format_cell(name, values.get(name)) for name in names),
        "",
    ]
    rows.append((published.own_value, cells))
    better = find_metric(published.by)
    down = better is not None and better.better == "higher"
    rows.sort(key=lambda row: row[0], reverse=down)
    headings = ["System", *(labels[name] for name in names), "Published in"]
    more = f", {published.more:,} more are not shown" if published.more else ""
    explanation = (
        f"The best and the nearest by {labels[published.by]}{more}. Training data, front-ends and "
        "how clips are cut differ from one to another; `bench show TABLE` says what is known of "
        "each."
    )
    lines = format_table(headings, [cells for _, cells in rows])
    return ["## Published on this split", "", *lines, "", format_prose(explanation)]


def published_as_dict(published: PublishedSystems) -> dict[str, Any]:
    """Return the systems as what JSON can hold; rates in per cent."""
    systems = [
        {
            "name": system.name,
            "published_in": system.table,
            "second_hand": system.second_hand,
            "results": {
                name: printed_result(name, value) for name, value in system.figures.items()
            },
        }
        for system in published.systems
    ]
    own_result = {"metric": published.by, **printed_result(published.by, published.own_value)}
    return {**own_result, "systems": systems, "more": published.more}


def _format_cell(name: str, value: float | None) -> str:
    return "–" if value is None else format_value(name, value)


def _same_kind(placement: TablePlacement, figures: Mapping[str, MetricResult]) -> bool:
    """Return whether a table's results are of the same kind.

    That is frames at its resolution, or utterances.
    """
    if placement.resolution_s is None:
        return "range_eer" not in figures
    return f"eer_{round(1000 * placement.resolution_s)}ms" in figures


def _list_systems(placement: TablePlacement, wanted: set[str]) -> Iterator[PublishedSystem]:
    """Yield the rows of a table that print one of the wanted results.

    A table that compares no systems of others has none: its rows are one system's parts.
    """
    card: Table = table_cards.read_table(placement.table)
    if not any(row.published_only for row in card.rows.values()):
        return
    plain = [column.metric for column in card.columns if column.combine == "none"]
    for row in card.rows.values():
        figures = {
            name.rpartition(".")[2]: value / 100 if is_rate(name) else value
            for name, value in row.published_figures.items()
            if name in plain and name in wanted
        }
        if figures:
            second_hand = any(name in row.digest for name in plain if name in wanted)
            yield PublishedSystem(_system_name(row), card.title, figures, second_hand)


def _system_name(row: Row) -> str:
    return _NUMBER.sub("", ", ".join(filter(None, row.cells)))
