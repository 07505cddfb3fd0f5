"""Find cards, read them, fold rows into runs, and report every mistake of a card at once.

The fold runs from the base outward: base, the chain of `from`, the row, the smoke overlay where
asked, `--set`. Tables merge key by key; a table that names another `kind` replaces the old one
whole, so that no setting of the old kind leaks into the new; lists and values replace.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

from pydantic import ValidationError

from bench.config import Form
from bench.errors import BenchError, near
from bench.specs.base import Spec
from bench.specs.faults import Fault, explain, faults
from bench.specs.run import Run
from bench.specs.table import Paper, Row, Table

DEFAULT_PAPER = "sal"
"""`table4` means `sal/table4`."""

_PACKAGE = Path(__file__).parent
_PLACES = {
    "datasets": "datasets",
    "experiments": "experiments",
    "templates": "reports/templates",
}
AnySpec = TypeVar("AnySpec", bound=Spec)


class Layer(NamedTuple):
    """Settings with the key under which the card holds them."""

    name: str
    settings: Mapping[str, Any]


def folder(name: str) -> Path:
    """Return the folder of cards (`datasets`, `experiments`, `templates`): the wheel's own, else
    the checkout's.
    """
    packed = _PACKAGE / "_cards" / name
    return packed if packed.is_dir() else _PACKAGE.parent / _PLACES[name]


def read(path: Path) -> dict[str, Any]:
    """Read a TOML card; a syntax error names file and line."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise BenchError(f"{shown(path)}: not TOML: {error}") from error


def shown(path: Path) -> str:
    """Return the card's path as a reader knows it: below the folder of cards."""
    for name in _PLACES:
        if path.is_relative_to(folder(name)):
            return f"{name}/{path.relative_to(folder(name))}"
    return str(path)


def validated(model: type[AnySpec], content: Mapping[str, Any], path: Path) -> AnySpec:
    """Return the card as a `model`; all its faults are in one error."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise BenchError("\n".join(explain(error, shown(path), model))) from error


# --- tables ---------------------------------------------------------------------------------------


def table_keys() -> list[str]:
    """Return every table's key, e.g. `sal/table4`."""
    root = folder("experiments")
    return sorted(
        f"{path.parent.name}/{path.stem}"
        for path in root.glob("*/*.toml")
        if path.stem != "paper" and path.parent.name != "sweeps"
    )


def table_key(name: str) -> str:
    """Return the full key of a table: `table4` is `sal/table4`."""
    key = name if "/" in name else f"{DEFAULT_PAPER}/{name}"
    known = table_keys()
    if key not in known:
        short = [k.removeprefix(f"{DEFAULT_PAPER}/") for k in known] if "/" not in name else known
        raise BenchError(f"{name!r}: there is no such table{near(name, short)} (see `bench list`)")
    return key


@lru_cache
def table(name: str) -> Table:
    """Return a table's card, every row of it checked in both forms."""
    key = table_key(name)
    return parse_table(key, folder("experiments") / f"{key}.toml")


@lru_cache
def paper(key: str) -> Paper:
    """Return the card of a paper: what its folder of tables shares."""
    path = folder("experiments") / key / "paper.toml"
    return validated(Paper, {"key": key, **read(path)}, path)


def parse_table(key: str, path: Path) -> Table:
    """Read the table card at `path`; raise one error that holds all its faults."""
    content = read(path)
    rows = tree(content.get("rows"))
    if rows is not None:
        content["rows"] = {name: _row(row) for name, row in rows.items()}
    card = validated(Table, {"key": key, **content}, path)
    wrong = list(dict.fromkeys(_mistakes(card, shown(path))))
    if wrong:
        raise BenchError("\n".join(wrong))
    return card


def _row(content: Any) -> Any:
    """Gather what is not a key of `Row` as the row's settings."""
    row = tree(content)
    if row is None:
        return content
    own = {field.alias or name for name, field in Row.model_fields.items()} - {"settings"}
    settings = {key: value for key, value in row.items() if key not in own}
    return {**{key: value for key, value in row.items() if key in own}, "settings": settings}


def _mistakes(card: Table, file: str) -> Iterator[str]:
    metrics = {column.metric for column in card.columns}
    for name, row in card.rows.items():
        where = f"{file}: rows.{name}"
        if row.parent is not None and row.parent not in card.rows:
            yield f"{where}.from = {row.parent!r}: no such row{near(row.parent, card.rows)}"
        if len(row.cells) != len(card.text_columns):
            yield f"{where}.cells: should be {len(card.text_columns)} texts: {card.text_columns}"
        for metric in row.paper:
            if metric not in metrics:
                yield f"{where}.paper.{metric}: no column has this metric{near(metric, metrics)}"
        if row.published_only:
            if row.settings or row.parent:
                yield f"{where}: is published_only, so it has no settings and no `from`"
            continue
        yield from _chain_mistakes(card, name, file, metrics)


def _chain_mistakes(card: Table, name: str, file: str, metrics: set[str]) -> Iterator[str]:
    chain = _chain(card, name)
    if chain is None:
        yield f"{file}: rows.{name}.from: the chain of `from` leads back to itself or nowhere"
        return
    parent = merged(*(layer.settings for layer in chain[:-1]))
    for key, value in leaves(card.rows[name].settings):
        if _at(parent, key) == value:
            where = f"{file}: rows.{name}.{'.'.join(key)}"
            yield f"{where} = {value!r}: repeats its parent {chain[-2].name}"
    for form in ("paper", "smoke"):
        layers = _layers(card, name, chain, form)
        run, found = _validated_run(layers, form)
        yield from (_attributed(fault, layers, file) for fault in found)
        if run is not None:
            known = run.evaluate
            for metric in metrics - {m for m in metrics if m.partition(".")[0] in known}:
                yield f"{file}: columns: {metric!r}: rows.{name} evaluates {', '.join(known)}"


def _chain(card: Table, name: str) -> list[Layer] | None:
    """Return base, ancestors and the row, outermost last; None where `from` has no end."""
    chain: list[Layer] = []
    current: str | None = name
    while current is not None:
        if current not in card.rows or len(chain) > len(card.rows):
            return None
        chain.append(Layer(f"rows.{current}", card.rows[current].settings))
        current = card.rows[current].parent
    return [Layer("base", card.base), *reversed(chain)]


def _layers(card: Table, name: str, chain: Sequence[Layer], form: Form) -> list[Layer]:
    if form == "paper":
        return list(chain)
    return [*chain, Layer("smoke", card.smoke), Layer(f"rows.{name}.smoke", card.rows[name].smoke)]


def _validated_run(layers: Sequence[Layer], form: Form) -> tuple[Run | None, list[Fault]]:
    content = {**merged(*(layer.settings for layer in layers)), "form": form}
    try:
        return Run.model_validate(content), []
    except ValidationError as error:
        return None, faults(error, Run)


def _attributed(fault: Fault, layers: Sequence[Layer], file: str) -> str:
    """Blame the outermost layer that says anything on the way to the fault."""
    for depth in range(len(fault.keys), 0, -1):
        for layer in reversed(layers):
            if _at(layer.settings, fault.keys[:depth]) is not None:
                return fault.line(file, layer.name)
    return fault.line(file, layers[0].name)


# --- runs -----------------------------------------------------------------------------------------


def resolve(card: Table, row: str, form: Form = "paper", overrides: Sequence[str] = ()) -> Run:
    """Return the run of `row`, folded; `overrides` are the `KEY=VALUE` of `--set`, in order."""
    chain = _chain(card, row)
    if chain is None or card.rows[row].published_only:
        raise BenchError(f"{card.key}: row {row} holds published figures only and cannot be run")
    layers = [*_layers(card, row, chain, form), *(parse_override(text) for text in overrides)]
    run, found = _validated_run(layers, form)
    if run is None:
        raise BenchError("\n".join(_attributed(fault, layers, card.key) for fault in found))
    return run


def runnable(card: Table) -> list[str]:
    """Return the rows that have settings, in the paper's order."""
    return [name for name, row in card.rows.items() if not row.published_only]


def select(card: Table, choice: str | None) -> list[str]:
    """Return the rows that `choice` names: `S0,S5-S8` (a dash is a range in the card's order); all
    by default.
    """
    known = runnable(card)
    if choice is None:
        return known
    chosen: list[str] = []
    for part in (part.strip() for part in choice.split(",")):
        first, dash, last = part.partition("-")
        ends = [part] if part in card.rows or not dash else [first, last]
        for end in ends:
            _check_row(card, end, known)
        chosen += known[known.index(ends[0]) : known.index(ends[-1]) + 1]
    return [name for name in known if name in chosen]


def _check_row(card: Table, name: str, known: Sequence[str]) -> None:
    if name in known:
        return
    if name in card.rows:
        raise BenchError(f"{card.key}: row {name} holds published figures only and cannot be run")
    raise BenchError(f"{card.key}: {name!r}: no such row{near(name, known)}")


def difference(card: Table, row: str) -> dict[str, Any]:
    """Return what `row` says against its parent, as dotted keys."""
    return {".".join(key): value for key, value in leaves(card.rows[row].settings)}


def parse_override(text: str) -> Layer:
    """Parse one `KEY=VALUE` of `--set` as TOML; a bare word is taken as text."""
    key, equals, value = text.partition("=")
    if not equals or not re.fullmatch(r"[\w.-]+", key.strip()):
        raise BenchError(f"--set {text!r}: should be KEY=VALUE, e.g. training.epochs=3")
    bare = re.fullmatch(r"[A-Za-z_][\w-]*", value.strip()) and value.strip() not in (
        "true",
        "false",
    )
    try:
        settings = tomllib.loads(f'{key} = "{value.strip()}"' if bare else text)
    except tomllib.TOMLDecodeError as error:
        raise BenchError(
            f"--set {text!r}: the value is not TOML ({error}); text is a bare word or in quotes"
        ) from error
    return Layer("--set", settings)


# --- trees of settings ----------------------------------------------------------------------------


def merged(*trees: Mapping[str, Any]) -> dict[str, Any]:
    """Fold settings from left to right by the rules at the head of this module.

    >>> merged({"mix": {"kind": "csm", "rounds": 1}}, {"mix": {"rounds": 2}})
    {'mix': {'kind': 'csm', 'rounds': 2}}
    >>> merged({"mix": {"kind": "csm", "rounds": 1}}, {"mix": {"kind": "none"}})
    {'mix': {'kind': 'none'}}
    """
    result: dict[str, Any] = {}
    for settings in trees:
        for key, value in settings.items():
            old, new = tree(result.get(key)), tree(value)
            if old is not None and new is not None and _same_kind(old, new):
                result[key] = merged(old, new)
            else:
                result[key] = value if new is None else merged(new)
    return result


def _same_kind(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    return "kind" not in new or old.get("kind") == new["kind"]


def leaves(
    settings: Mapping[str, Any], prefix: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every value that is no table, with the keys that lead to it."""
    for key, value in settings.items():
        inner = tree(value)
        if inner is None:
            yield (*prefix, key), value
        else:
            yield from leaves(inner, (*prefix, key))


def tree(value: Any) -> Mapping[str, Any] | None:
    """Return `value` where it is a table of settings, else None."""
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else None


def _at(settings: Mapping[str, Any], keys: Sequence[str]) -> Any:
    value: Any = settings
    for key in keys:
        inner = tree(value)
        if inner is None:
            return None
        value = inner.get(key)
    return value
