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
    results: Mapping[str, float]
    """By name (`bench.metrics.catalogue`); rates are fractions."""
    second_hand: bool
    """Whether one of them is known from a digest of the paper alone."""


class PublishedSystems(NamedTuple):
    """The systems to compare a result with."""

    by: str
    """The metric that they are ordered and chosen by."""
    own_value: float
    """What the evaluated file has of it."""
    systems: tuple[PublishedSystem, ...]
    """The best and the nearest, in order of this metric."""
    more: int
    """Published systems that are left out."""


def find_published(
    corpus: str, split: str, results: Mapping[str, MetricResult]
) -> PublishedSystems | None:
    """Return the published systems that are best on a split, and those nearest to `results`.

    None where no table prints one of these results of the split. A table of frames is looked at
    where there are results of frames at its resolution, and a table of utterances where there are
    results of utterances. The rows of several tables that give one system the same results count
    once.
    """
    systems: dict[tuple[str, tuple[float, ...]], PublishedSystem] = {}
    own_values: dict[str, float] = {}
    for placement in list_placements(corpus, split):
        if _same_kind(placement, results):
            ours = placement.name_results(results)
            values = {name.rpartition(".")[2]: result.value for name, result in ours.items()}
            own_values = values | own_values
            for system in _list_systems(placement, {*ours}):
                systems.setdefault((system.name.casefold(), (*system.results.values(),)), system)
    printed = {name for system in systems.values() for name in system.results}
    by = next((name for name in own_values if name in printed), None)
    if by is None:
        return None
    info = find_metric(by)
    sign = -1 if info and info.better == "higher" else 1
    with_it = [system for system in systems.values() if by in system.results]
    ordered = sorted(with_it, key=lambda system: sign * system.results[by])
    best, rest = ordered[:BEST], ordered[BEST:]
    near = sorted(rest, key=lambda system: abs(system.results[by] - own_values[by]))[:NEAREST]
    chosen = [*best, *(system for system in rest if system in near)]
    return PublishedSystems(by, own_values[by], tuple(chosen), len(systems) - len(chosen))


def render_published(published: PublishedSystems, results: Mapping[str, MetricResult]) -> list[str]:
    """Return the table as lines of Markdown, with this file at its place among the systems."""
    names = list(dict.fromkeys(name for each in published.systems for name in each.results))
    labels = {name: info.label if (info := find_metric(name)) else name for name in names}
    rows: list[tuple[float, list[str]]] = []
    for system in published.systems:
        cells = [_format_cell(name, system.results.get(name)) for name in names]
        source = system.table + ", second-hand" * system.second_hand
        rows.append((system.results[published.by], [system.name, *cells, source]))
    values = {name: result.value for name, result in results.items()}
    values[published.by] = published.own_value
    cells = [_format_cell(name, values.get(name)) for name in names]
    rows.append((published.own_value, [fill_template("**this file**"), *cells, ""]))
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
    lines = format_table(headings, [row for _, row in rows])
    return ["## Published on this split", "", *lines, "", format_prose(explanation)]


def published_as_dict(published: PublishedSystems) -> dict[str, Any]:
    """Return the systems as what JSON can hold; rates in per cent."""
    systems = [
        {
            "name": system.name,
            "published_in": system.table,
            "second_hand": system.second_hand,
            "results": {
                name: printed_result(name, value) for name, value in system.results.items()
            },
        }
        for system in published.systems
    ]
    own_result = {"metric": published.by, **printed_result(published.by, published.own_value)}
    return {**own_result, "systems": systems, "more": published.more}


def _format_cell(name: str, value: float | None) -> str:
    return "–" if value is None else format_value(name, value)


def _same_kind(placement: TablePlacement, results: Mapping[str, MetricResult]) -> bool:
    """Return whether a table's results are of the same kind.

    That is frames at its resolution, or utterances.
    """
    if placement.resolution_s is None:
        return "range_eer" not in results
    return f"eer_{round(1000 * placement.resolution_s)}ms" in results


def _list_systems(placement: TablePlacement, wanted: set[str]) -> Iterator[PublishedSystem]:
    """Yield the rows of a table that print one of the wanted results.

    A table that compares no systems of others has none: its rows are one system's parts.
    """
    card: Table = table_cards.read_table(placement.table)
    if not any(row.published_only for row in card.rows.values()):
        return
    plain = [column.metric for column in card.columns if column.combine == "none"]
    for row in card.rows.values():
        results = {
            name.rpartition(".")[2]: value / 100 if is_rate(name) else value
            for name, value in row.published_figures.items()
            if name in plain and name in wanted
        }
        if results:
            second_hand = any(name in row.digest for name in plain if name in wanted)
            yield PublishedSystem(_system_name(row), card.title, results, second_hand)


def _system_name(row: Row) -> str:
    return _NUMBER.sub("", ", ".join(filter(None, row.cells)))
