"""Find cards, read them, fold rows into runs, and report every mistake of a card at once.

The fold (`bench._io.trees.merge_settings`) runs from the base outward: base, the chain of `from`,
the row, the smoke overlay where asked, `--set`; the key `*` stands for every key that is there by
then. A chain that begins at another table's row (`from = "breathnet/table4:BreathNet"`) begins with
all of that, but for what it evaluates.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from bench._io.trees import EVERY, as_tree, iterate_leaves, spread_wildcard, value_at
from bench.cards import column_checks, references
from bench.cards.card_files import (
    card_file,
    card_folders,
    card_keys,
    configuration_read_once,
    display_path,
    read_card,
    validate_card,
)
from bench.cards.layers import Chain, Layer, blame_layer, fold_layers, form_layers, validate_run
from bench.config import Form
from bench.errors import BenchError, near_name
from bench.specs.run import Run
from bench.specs.table import Paper, Row, Table

DEFAULT_PAPER = "sal"
"""`table4` means `sal/table4`."""
MARK = "@"
"""Between a row and its variant: `S7@released` (`bench.cards.paper_cards`)."""

_NUMBERS = re.compile(r"(\d+)")


def table_keys() -> list[str]:
    """Return every table's key, e.g. `sal/table4`; `table10` comes after `table9`."""

    def natural_order(key: str) -> list[str]:
        return [part.zfill(9) if part.isdigit() else part for part in _NUMBERS.split(key)]

    keys = card_keys("experiments", "*/*.toml")
    others = ("sweeps/", "public/")
    tables = (key for key in keys if not key.endswith("/paper") and not key.startswith(others))
    return sorted(tables, key=natural_order)


def table_key(name: str) -> str:
    """Return the full key of a table.

    `table4` is `sal/table4`, and `cross` is the one table of `cross`.
    """
    if re.fullmatch(r"(?!sweeps/|public/)[^/]+/(?!paper$)[^/]+", name) and _is_card(name):
        return name
    known = table_keys()
    if "/" in name:
        matching, short = [key for key in known if key == name], known
    else:
        matching = [key for key in known if key == f"{DEFAULT_PAPER}/{name}"]
        # A folder with one table is named by itself: `cross`.
        matching = matching or [key for key in known if key.startswith(f"{name}/")]
        short = [key.removeprefix(f"{DEFAULT_PAPER}/") for key in known]
    if len(matching) != 1:
        several = f"; of {name} there are {', '.join(matching)}"
        which = several if matching else near_name(name, short)
        raise BenchError(
            "table.unknown", f"{name!r}: there is no such table{which} (see `bench list`)"
        )
    return matching[0]


def read_table(name: str) -> Table:
    """Return a table's card, every row of it checked in both forms."""
    with configuration_read_once():
        key = table_key(name)
        return _read_table_file(key, card_file("experiments", key))


def short_key(table: Table) -> str:
    """Return the shortest name of a table: `table4` of `sal/table4`."""
    return table.key.removeprefix(f"{DEFAULT_PAPER}/")


def _is_card(key: str) -> bool:
    return card_file("experiments", key).is_file()


def read_paper(key: str) -> Paper:
    """Return the card of a paper: what its folder of tables shares.

    A folder of an extension needs none: its tables are then of no paper.
    """
    path = card_file("experiments", f"{key}/paper")
    return _read_paper_file(key, path) if path.is_file() else Paper(key=key, title=key)


def read_paper_of(table: Table) -> Paper:
    """Return the card of the paper that a table is of."""
    return read_paper(table.key.partition("/")[0])


def read_paper_tables(key: str) -> list[Table]:
    """Return the cards of all tables of a paper."""
    return [read_table(each) for each in table_keys() if each.startswith(f"{key}/")]


@lru_cache
def _read_paper_file(key: str, path: Path) -> Paper:
    return validate_card(Paper, {"key": key, **read_card(path)}, path)


def parse_table(key: str, path: Path) -> Table:
    """Read the table card at `path`; raise one error that holds all its faults."""
    card = _read_unfolded(key, path)
    wrong = list(dict.fromkeys(_table_mistakes(card, display_path(path))))
    if wrong:
        raise BenchError("card.invalid", "\n".join(wrong))
    return card


_read_table_file = lru_cache(parse_table)


def _read_unfolded(key: str, path: Path) -> Table:
    """Return the table card at `path`, its rows not looked into."""
    content = read_card(path)
    rows = as_tree(content.get("rows"))
    if rows is not None:
        roots = card_folders("experiments")
        content["rows"] = {
            name: references.fill_row(_gather_row(row), roots) for name, row in rows.items()
        }
    return validate_card(Table, {"key": key, **content}, path)


_read_other_table = lru_cache(_read_unfolded)


def _row_elsewhere(parent: str) -> tuple[Table, str] | None:
    """Return the other card and its row that `<table>:<row>` of a `from` names.

    None where no table is named.
    """
    name, colon, row = parent.partition(":")
    if not colon:
        return None
    key = table_key(name)
    return _read_other_table(key, card_file("experiments", key)), row


def _gather_row(content: Any) -> Any:
    """Gather what is not a key of `Row` as the row's settings."""
    row = as_tree(content)
    if row is None:
        return content
    own = {field.alias or name for name, field in Row.model_fields.items()} - {"settings"}
    settings = {key: value for key, value in row.items() if key not in own}
    return {**{key: value for key, value in row.items() if key in own}, "settings": settings}


def _table_mistakes(card: Table, file: str) -> Iterator[str]:
    metrics = {column.metric for column in card.columns}
    yield from (
        f"{file}: {mistake}"
        for mistake in references.citation_mistakes(card, card_folders("experiments"))
    )
    for name, row in card.rows.items():
        where = f"{file}: rows.{name}"
        if row.parent is not None:
            yield from _parent_mistakes(card, row.parent, where)
        if len(row.cells) != len(card.text_columns):
            yield f"{where}.cells: should be {len(card.text_columns)} texts: {card.text_columns}"
        for source, figures in (("paper", row.paper), ("digest", row.digest)):
            for metric in figures.keys() - metrics:
                reason = f"no column has this metric{near_name(metric, metrics)}"
                yield f"{where}.{source}.{metric}: {reason}"
        if row.published_only:
            if row.settings or row.parent:
                yield f"{where}: is published_only, so it has no settings and no `from`"
            continue
        yield from _chain_mistakes(card, name, file)


def _parent_mistakes(card: Table, parent: str, where: str) -> Iterator[str]:
    try:
        other = _row_elsewhere(parent)
    except BenchError as error:
        yield f"{where}.from = {error}"
        return
    table_of, row = other or (card, parent)
    if row not in table_of.rows:
        yield f"{where}.from = {parent!r}: no such row{near_name(row, table_of.rows)}"
    elif other and table_of.rows[row].published_only:
        yield f"{where}.from = {parent!r}: that row holds published results only"


def _chain_mistakes(card: Table, name: str, file: str) -> Iterator[str]:
    chain = _row_chain(card, name)
    if chain is None:
        yield f"{file}: rows.{name}.from: the chain of `from` leads back to itself or nowhere"
        return
    parent = fold_layers(chain.paper[:-1])
    for key, value in iterate_leaves(spread_wildcard(card.rows[name].settings, parent)):
        if value_at(parent, key) == value:
            where = f"{file}: rows.{name}.{'.'.join(key)}"
            yield f"{where} = {value!r}: repeats its parent {chain.paper[-2].name}"
    for form in ("paper", "smoke"):
        layers = form_layers(chain, form)
        run, wrong = validate_run(layers, form)
        yield from (blame_layer(fault, layers, file) for fault in wrong)
        seeds = card.rows[name].seeds or card.seeds
        if run is not None and not run.is_trained and len(seeds) > 1:
            yield (
                f"{file}: rows.{name}.seeds = {[*seeds]}: should be one seed: the row trains "
                "nothing, so that every seed gives the same result"
            )
        if run is not None:
            reasons = column_checks.check_columns(card.columns, run, name, card_folders("datasets"))
            yield from (f"{file}: {mistake}" for mistake in reasons)


def _row_chain(card: Table, name: str, seen: tuple[tuple[str, str], ...] = ()) -> Chain | None:
    """Return what row `name` is folded from; None where `from` has no end."""
    own, smoke = list[Layer](), list[Layer]()
    before = Chain([], [])
    current: str | None = name
    while current is not None:
        if current not in card.rows or (card.key, current) in seen:
            return None
        seen = (*seen, (card.key, current))
        where, file = _row_location(card, current)
        own.append(Layer(where, card.rows[current].settings, file))
        smoke.append(Layer(f"{where}.smoke", card.rows[current].smoke, file))
        current = card.rows[current].parent
        try:
            other = None if current is None else _row_elsewhere(current)
        except BenchError:
            return None
        if other:
            above = _row_chain(*other, seen)
            if above is None:
                return None
            file = display_path(card_file("experiments", other[0].key))
            before = Chain(*([_trained_as(layer, file) for layer in part] for part in above))
            current = None
    return Chain(
        [*before.paper, Layer("base", card.base), *reversed(own)],
        [*before.smoke, Layer("smoke", card.smoke), *reversed(smoke)],
    )


def _row_location(card: Table, row: str) -> tuple[str, str]:
    """Return the key and, where it is another than the table's, the card that hold a row."""
    _, mark, variant = row.partition(MARK)
    if not mark:
        return f"rows.{row}", ""
    paper = card_file("experiments", f"{card.key.partition('/')[0]}/paper")
    return f"variants.{variant}", display_path(paper)


def find_origin(card: Table, row: str) -> tuple[Table, str]:
    """Return the row that `row` is `from` in the end, and its table: its own where it has none."""
    while (parent := card.rows[row].parent) is not None:
        elsewhere = None if parent in card.rows else _row_elsewhere(parent)
        card, row = elsewhere or (card, parent)
    return card, row


def _trained_as(layer: Layer, file: str) -> Layer:
    """Return a layer of the card at `file` without its evaluations.

    Each table says itself what is evaluated.
    """
    settings = {key: value for key, value in layer.settings.items() if key != "evaluate"}
    return Layer(layer.name, settings, layer.file or file)


def resolve_rows(card: Table, form: Form = "paper") -> dict[str, Run]:
    """Return the folded run of each row that can be run."""
    return {row: resolve_row(card, row, form) for row in runnable_rows(card)}


def resolve_row(
    card: Table, row: str, form: Form = "paper", overrides: Sequence[str | Layer] = ()
) -> Run:
    """Return the run of `row`, folded.

    `overrides` are the `KEY=VALUE` of `--set`, or layers of another card, in order.
    """
    chain = _row_chain(card, row)
    if chain is None or card.rows[row].published_only:
        raise BenchError(
            "table.row-published-only",
            f"{card.key}: row {row} holds published results only and cannot be run",
        )
    extra = (parse_override(text) if isinstance(text, str) else text for text in overrides)
    layers = [*form_layers(chain, form), *extra]
    run, wrong = validate_run(layers, form)
    if run is None:
        raise BenchError(
            "settings.invalid", "\n".join(blame_layer(fault, layers, card.key) for fault in wrong)
        )
    return run


def runnable_rows(card: Table) -> list[str]:
    """Return the rows that have settings, in the paper's order."""
    return [name for name, row in card.rows.items() if not row.published_only]


def select_rows(card: Table, choice: str | None) -> list[str]:
    """Return the rows that `choice` names: `S0,S5-S8` (a dash is a range in the card's order).

    All by default.
    """
    known = runnable_rows(card)
    if choice is None:
        return known
    chosen: list[str] = []
    for part in (part.strip() for part in choice.split(",")):
        first, dash, last = part.partition("-")
        ends = [part] if part in card.rows or not dash else [first, last]
        for end in ends:
            _check_row(card, end, known)
        if known.index(ends[0]) > known.index(ends[-1]):
            raise BenchError(
                "table.row-range",
                f"{card.key}: {part!r}: {ends[0]} comes after {ends[-1]} in the table; should "
                f"be {ends[-1]}-{ends[0]}",
            )
        chosen += known[known.index(ends[0]) : known.index(ends[-1]) + 1]
    return [name for name in known if name in chosen]


def _check_row(card: Table, name: str, known: Sequence[str]) -> None:
    if name in known:
        return
    if name in card.rows:
        raise BenchError(
            "table.row-published-only",
            f"{card.key}: row {name} holds published results only and cannot be run",
        )
    raise BenchError(
        "table.row-unknown", f"{card.key}: {name!r}: no such row{near_name(name, known)}"
    )


def row_changes(card: Table, row: str) -> dict[str, Any]:
    """Return what `row` says against its parent, as dotted keys."""
    return {".".join(key): value for key, value in iterate_leaves(card.rows[row].settings)}


def parse_override(text: str) -> Layer:
    """Parse one `KEY=VALUE` of `--set` as TOML; a bare word is taken as text."""
    key, equals, value = text.partition("=")
    if not equals or not re.fullmatch(r"[\w.*-]+", key.strip()):
        raise BenchError(
            "settings.syntax", f"--set {text!r}: should be KEY=VALUE, e.g. training.epochs=3"
        )
    key = ".".join(f'"{EVERY}"' if part == EVERY else part for part in key.strip().split("."))
    word = re.fullmatch(r"[A-Za-z_][\w.-]*", value.strip())
    bare = word and value.strip() not in ("true", "false")
    try:
        settings = tomllib.loads(f'{key} = "{value.strip()}"' if bare else f"{key} = {value}")
    except tomllib.TOMLDecodeError as error:
        raise BenchError(
            "settings.syntax",
            f"--set {text!r}: the value is not TOML ({error}); text is a bare word or in quotes",
        ) from error
    return Layer("--set", settings)
