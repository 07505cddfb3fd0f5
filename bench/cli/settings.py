"""`bench settings`: what `--set` takes, with values, defaults and docstrings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import click

from bench.cards import table_cards
from bench.cli import completion, json_output, options
from bench.cli.wrapping import wrapped
from bench.errors import BenchError
from bench.specs import described
from bench.specs.described import Setting


@click.command()
@click.argument("key", required=False)
@click.option(
    "--table",
    metavar="TABLE",
    shell_complete=completion.table_names,
    help="Also print the values of a row of this table.",
)
@click.option(
    "--row",
    metavar="ROW",
    shell_complete=completion.row_names,
    help="Row of --table (default: its first).",
)
@options.smoke
@json_output.json_flag
def settings(
    key: str | None, table: str | None, row: str | None, smoke: bool, as_json: bool
) -> None:
    """Show what `--set` can change: values, default and meaning of the settings below KEY, e.g.
    `system.auxiliary` or `training`; without it the parts that there are."""
    if row is not None and table is None:
        raise BenchError("--row: needs --table, whose row it is")
    found = described.settings(key) if key else described.top()
    own, name = _of_row(table, row, smoke)
    # A setting may be of several kinds: those that the row is of, where it has the setting at all.
    found = [of for of in found if all(_holds(kind, own) for kind in of.where)] or found
    if as_json:
        records = [_record(of, own) for of in found]
        of_table, _, of_row = name.partition(":")
        content = {"table": of_table or None, "row": of_row or None, "settings": records}
        json_output.print_json("settings", {**content, "form": options.form(smoke)})
        return
    if name:
        click.echo(f"values in brackets are those of {name}")
    for setting in found:
        _print(setting, own, "")
        for kind in setting.kinds:
            click.echo(wrapped(f"\n  {setting.key}.kind = {kind.name}: {kind.doc}", "    "))
            for of in kind.settings:
                _print(of, own, "    ")
        for of in setting.settings:
            _print(of, own, "  ")


def _of_row(table: str | None, row: str | None, smoke: bool) -> tuple[Mapping[str, Any], str]:
    """Return the settings of the row that is asked about and its name; nothing where none is."""
    if table is None:
        return {}, ""
    card = table_cards.table(table)
    chosen = row or table_cards.runnable(card)[0]
    if chosen not in table_cards.select(card, chosen):
        raise BenchError(f"{card.key}: {chosen!r}: should be one row")
    run = table_cards.resolve(card, chosen, options.form(smoke))
    return run.flat(), f"{card.key}:{chosen}"


def _holds(kind: str, own: Mapping[str, Any]) -> bool:
    key, _, value = kind.partition(" = ")
    return own.get(key) == value


def _value(setting: Setting, own: Mapping[str, Any]) -> Any:
    """Return what a row has; of a part its kind; None where it has no such setting."""
    return own.get(setting.key, own.get(f"{setting.key}.kind"))


def _print(setting: Setting, own: Mapping[str, Any], indent: str) -> None:
    parts = [f"{indent}{setting.key}", setting.values]
    if setting.default:
        parts.append(f"default {setting.default}")
    value = _value(setting, own)
    parts += [] if value is None else [f"[{options.settings({'': value})[3:]}]"]
    where = f"  (where {', '.join(setting.where)})" if setting.where else ""
    click.echo(wrapped("  ".join(parts) + where, f"{indent}    "))
    if setting.doc:
        click.echo(wrapped(f"{indent}    {setting.doc}", f"{indent}    "))


def _record(setting: Setting, own: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "key": setting.key,
        "values": setting.values,
        "default": setting.default or None,
        "doc": setting.doc,
        "where": list(setting.where),
        "value": _value(setting, own),
        "kinds": [
            {"kind": of.name, "doc": of.doc, "settings": _records(of.settings, own)}
            for of in setting.kinds
        ],
        "settings": _records(setting.settings, own),
    }


def _records(found: Iterable[Setting], own: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [_record(of, own) for of in found]
