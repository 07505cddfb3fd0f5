"""Find sweeps' cards, read them, and make runs of their points.

A trial's run is folded as a row is: the row that the sweep starts from, the sweep's `[base]`, its
epochs, the point of its space.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from bench._io.trees import as_tree, format_toml_value, iterate_leaves, merge_settings, value_at
from bench.cards import card_files, table_cards
from bench.cards.layers import Layer
from bench.config import Form
from bench.errors import BenchError, near_name
from bench.specs.base import digest
from bench.specs.run import Run
from bench.specs.sweep import Float, Int, Point, PublishedPoint, Sweep
from bench.specs.table import Table

PREFIX = "sweep/"
"""Before a sweep's name wherever a table's could stand: `bench report sweep/sal-lambda`."""


def sweep_names() -> list[str]:
    """Return every sweep's name."""
    return [key.partition("/")[2] for key in card_files.card_keys("experiments", "sweeps/*.toml")]


def read_sweep(name: str, form: Form = "paper") -> Sweep:
    """Return a sweep's card in a form, both forms checked; `sweep/` before the name is allowed."""
    key = name.removeprefix(PREFIX)
    if key not in sweep_names():
        raise BenchError(
            "sweep.unknown", f"{name!r}: there is no such sweep{near_name(key, sweep_names())}"
        )
    return _read_forms(key, card_files.card_file("experiments", f"sweeps/{key}"))[form]


def parse_sweep(key: str, path: Path) -> dict[Form, Sweep]:
    """Read the card at `path`; raise one error that holds all its faults."""
    content = card_files.read_card(path)
    smoke = content.pop("smoke", {})
    overlaid = merge_settings(content, smoke)
    forms: dict[Form, Mapping[str, Any]] = {"paper": content, "smoke": overlaid}
    by_form: dict[Form, Sweep] = {}
    wrong: list[str] = []
    for form, settings in forms.items():
        try:
            by_form[form] = _validate_form(key, form, settings, path)
            wrong += _sweep_mistakes(by_form[form])
        except BenchError as error:
            wrong += str(error).splitlines()
    if wrong:
        raise BenchError("card.invalid", "\n".join(dict.fromkeys(wrong)))
    return by_form


_read_forms = lru_cache(parse_sweep)


def _validate_form(key: str, form: Form, settings: Mapping[str, Any], path: Path) -> Sweep:
    space = as_tree(settings.get("space", {}))
    folded = settings if space is None else {**settings, "space": dict(_flat_dimensions(space))}
    return card_files.validate_card(Sweep, {**folded, "key": key, "form": form}, path)


def _flat_dimensions(space: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the dimensions by dotted key, written as one quoted key or as nested tables."""
    for key, value in space.items():
        inner = as_tree(value)
        if inner is None or "kind" in inner or None in map(as_tree, inner.values()):
            yield prefix + key, value
        else:
            yield from _flat_dimensions(inner, f"{prefix}{key}.")


def _sweep_mistakes(card: Sweep) -> Iterator[str]:
    """Yield what is wrong with the row, with a key of the space, or with a value at its edges."""
    file = _card_path(card)
    try:
        run = base_run(card)
    except BenchError as error:
        yield from (_with_file(line, file) for line in str(error).splitlines())
        return
    unknown = [
        text
        for name, dimension in card.space.items()
        for key in dimension.keys or (name,)
        for text in _key_mistakes(f"{file}: space.{name}", key, run)
    ]
    if unknown:
        yield from unknown
        return
    known = [*(f"{name}.eer" for name in run.evaluate), *mean_metrics(card)]
    for line in card.published:
        if line.metric not in known:
            where = f"{file}: published.metric = {line.metric!r}"
            yield f"{where}: no trial has this metric{near_name(line.metric, known)}"
    if not run.is_trained:
        yield (
            f"{file}: from = {card.parent!r}: should be a row that trains; this one evaluates "
            "published weights"
        )
        return
    if card.objective == "dev.loss" and run.training.select != "dev.loss":
        yield (
            f"{file}: objective = 'dev.loss': is measured only where training.select is "
            f"'dev.loss', and {card.parent} has {run.training.select!r}"
        )
    for point in card.edge_points():
        try:
            trial_run(card, point)
        except BenchError as error:
            yield from str(error).splitlines()


def _with_file(line: str, file: str) -> str:
    return line if line.startswith(file) else f"{file}: from = {line}"


def _key_mistakes(where: str, key: str, run: Run) -> Iterator[str]:
    """Say so where the run has no setting of that key."""
    inner: Any = run.model_dump(mode="json")
    for part in key.split("."):
        table = as_tree(inner)
        if table is None or part not in table:
            yield f"{where}: {key}: the row has no such key{near_name(part, table or ())}"
            return
        inner = table[part]


def start_row(card: Sweep) -> tuple[Table, str]:
    """Return the table and the name of the row that trials start from."""
    table, colon, name = card.parent.partition(":")
    if not colon:
        raise BenchError(
            "card.invalid", f"{card.parent!r}: should be <table>:<row>, e.g. 'sal/table4:S7'"
        )
    card_table = table_cards.read_table(table)
    table_cards.select_rows(card_table, name)
    return card_table, name


def trial_seeds(card: Sweep) -> tuple[int, ...]:
    """Return the seeds of each trial: the card's, else the first of the row's own."""
    table, name = start_row(card)
    return card.seeds or (table.rows[name].seeds or table.seeds)[:1]


def mean_metrics(card: Sweep) -> dict[str, tuple[str, ...]]:
    """Return the means over test sets that the row's table has a column of.

    These are the metrics that each is a mean of, by its own name; none where trials see no test
    set.
    """
    if card.evaluate == "nothing":
        return {}
    table, _ = start_row(card)
    return {column.metric: column.parts for column in table.columns if column.combine == "mean"}


def published_points(card: Sweep) -> list[PublishedPoint]:
    """Return what the paper prints of this sweep.

    These are the card's lines, and at the row's own value what its table prints of the row, where
    it is not there already.
    """
    table, name = start_row(card)
    run = base_run(card)
    ((dimension, swept), *_) = card.space.items()
    own = run.flat_settings().get((swept.keys or (dimension,))[0])
    if len(card.space) > 1 or card.evaluate == "nothing" or not isinstance(own, int | float):
        return [*card.published]
    wanted = [*(f"{evaluation}.eer" for evaluation in run.evaluate), *mean_metrics(card)]
    known = {(line.metric, line.value): line for line in card.published if line.value is not None}
    printed: list[PublishedPoint] = []
    for metric, figure in table.rows[name].paper.items():
        if metric in wanted:
            line = known.pop((metric, own), PublishedPoint(metric=metric, value=own, figure=figure))
            printed.append(line.model_copy(update={"figure": figure}))
    return [*printed, *known.values(), *(line for line in card.published if line.value is None)]


def base_run(card: Sweep) -> Run:
    """Return the run that every trial differs from in its point alone."""
    return _resolve_layers(card, [])


def trial_run(card: Sweep, point: Point) -> Run:
    """Return the run of a point; a BenchError names the key of the space whose value is refused."""
    return _resolve_layers(card, [Layer("space", point_settings(card, point), _card_path(card))])


def point_settings(card: Sweep, point: Point) -> dict[str, Any]:
    """Return a point as the tree of settings that it is.

    Tables of several dimensions that meet in one (`system.a.x` and `system.a.y`) are one table.
    """
    result: dict[str, Any] = {}
    for name, value in point.items():
        for key in card.space[name].keys or (name,):
            inner: Any = value
            for part in reversed(key.split(".")):
                inner = {part: inner}
            result = merge_settings(result, inner)
    return result


def trial_settings(card: Sweep, point: Point) -> dict[str, Any]:
    """Return all that a trial says beyond the row: `[base]`, epochs, point."""
    return merge_settings(
        *(layer.settings for layer in _base_settings(card)), point_settings(card, point)
    )


def _base_settings(card: Sweep) -> list[Layer]:
    layers = [Layer("base", card.base, _card_path(card))]
    if card.epochs is not None:
        layers.append(Layer("epochs", {"training": {"epochs": card.epochs}}, _card_path(card)))
    return layers


def _resolve_layers(card: Sweep, layers: list[Layer]) -> Run:
    table, name = start_row(card)
    run = table_cards.resolve_row(table, name, card.form, [*_base_settings(card), *layers])
    return run if card.evaluate == "as-row" else run.model_copy(update={"evaluate": {}})


def _card_path(card: Sweep) -> str:
    return card_files.display_path(card_files.card_file("experiments", f"sweeps/{card.key}"))


def study_signature(card: Sweep) -> str:
    """Return eight hexadecimal digits of all that makes trials of one study comparable.

    This is the run that they start from, the space, sampler, pruner, objective and seeds, but not
    how many trials there are.
    """
    own = digest(card, frozenset({"title", "caption", "notes", "trials", "published"}))
    text = json.dumps([own, base_run(card).signature, trial_seeds(card)])
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def value_text(value: Any) -> str:
    """Return a value of a dimension as tables and reports have it: words without quotes."""
    return value if isinstance(value, str) else format_toml_value(value)


def point_of(card: Sweep, cells: Mapping[str, Any]) -> Point:
    """Return the point whose values' texts are in `cells`, by dimension."""
    point: Point = {}
    for name, dimension in card.space.items():
        match dimension:
            case Float():
                point[name] = dimension.round_value(float(cells[name]))
            case Int():
                point[name] = int(cells[name])
            case _:
                point[name] = next(v for v in dimension.choices if value_text(v) == cells[name])
    return point


def as_row(card: Sweep, point: Point, name: str, cell: str) -> str:
    """Return the lines of TOML that make a point a row of the table that the sweep starts from.

    In the smoke form it is the row's smoke form that they make. `cell` is its last text cell.
    """
    table, parent = start_row(card)
    before = table_cards.resolve_row(table, parent, card.form).model_dump(mode="json")
    prefix = "smoke." if card.form == "smoke" else ""
    cells = [*table.rows[parent].cells[:-1], cell]
    lines = [
        f"[rows.{name}]",
        f"from = {format_toml_value(parent)}",
        f"cells = {format_toml_value(cells)}",
    ]
    lines += [
        f"{prefix}{'.'.join(key)} = {format_toml_value(value)}"
        for key, value in iterate_leaves(trial_settings(card, point))
        if value_at(before, key) != value
    ]
    return "\n".join(lines)
