"""`bench settings`: what `--set` takes, with values, defaults and docstrings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import click

from bench.cards import card_files, table_cards
from bench.cli import completion, json_output, options
from bench.cli.text_width import wrap_prose
from bench.config import Form
from bench.errors import BenchError
from bench.specs import described
from bench.specs.described import Setting


@click.command()
@click.argument("key", required=False)
@click.option(
    "--table",
    metavar="TABLE",
    shell_complete=completion.table_names,
    help="Also print the values that a row of this table has.",
)
@click.option(
    "--row",
    metavar="ROW",
    shell_complete=completion.row_names,
    help="Row of --table (default: the first one).",
)
@options.smoke
@json_output.json_flag
def settings(
    key: str | None, table: str | None, row: str | None, smoke: bool, as_json: bool
) -> None:
    """Show the settings that `--set` can change: values, default and meaning.

    KEY names a part, e.g. `system.auxiliary` or `training`; without it the top-level parts are
    shown.
    """
    if row is not None and table is None:
        raise BenchError("option.conflict", "--row: needs --table, whose row it is")
    card_files.load_extensions()
    entries = described.describe_setting(key) if key else described.setting_groups()
    row_settings, name = _read_row(table, row, options.choose_form(smoke))
    # A setting may be of several kinds: those that the row is of, where it has the setting at all.
    entries = [
        one for one in entries if all(_has_value(kind, row_settings) for kind in one.where)
    ] or entries
    if as_json:
        records = [_build_record(one, row_settings) for one in entries]
        of_table, _, of_row = name.partition(":")
        content = {"table": of_table or None, "row": of_row or None, "settings": records}
        json_output.print_json("settings", {**content, "form": options.choose_form(smoke)})
        return
    if name:
        click.echo(f"values in brackets are those of {name}")
    for setting in entries:
        _print_setting(setting, row_settings, "")
        for kind in setting.kinds:
            click.echo(wrap_prose(f"\n  {setting.key}.kind = {kind.name}: {kind.doc}", "    "))
            for one in kind.settings:
                _print_setting(one, row_settings, "    ")
        for one in setting.settings:
            _print_setting(one, row_settings, "  ")


def _read_row(table: str | None, row: str | None, form: Form) -> tuple[Mapping[str, Any], str]:
    """Return the settings of the row that is asked about and its name; nothing where none is."""
    if table is None:
        return {}, ""
    card = table_cards.read_table(table)
    chosen = row or table_cards.runnable_rows(card)[0]
    if chosen not in table_cards.select_rows(card, chosen):
        raise BenchError("option.not-one-row", f"{card.key}: {chosen!r}: should be one row")
    run = table_cards.resolve_row(card, chosen, form)
    return run.flat_settings(), f"{card.key}:{chosen}"


def _has_value(kind: str, row_settings: Mapping[str, Any]) -> bool:
    key, _, value = kind.partition(" = ")
    return row_settings.get(key) == value


def _find_value(setting: Setting, row_settings: Mapping[str, Any]) -> Any:
    """Return what a row has; of a part its kind; None where it has no such setting."""
    return row_settings.get(setting.key, row_settings.get(f"{setting.key}.kind"))


def _print_setting(setting: Setting, row_settings: Mapping[str, Any], indent: str) -> None:
    parts = [f"{indent}{setting.key}", setting.values]
    if setting.default:
        parts.append(f"default {setting.default}")
    value = _find_value(setting, row_settings)
    parts += [] if value is None else [f"[{options.format_settings({'': value})[3:]}]"]
    where = f"  (where {', '.join(setting.where)})" if setting.where else ""
    click.echo(wrap_prose("  ".join(parts) + where, f"{indent}    "))
    if setting.doc:
        click.echo(wrap_prose(f"{indent}    {setting.doc}", f"{indent}    "))


def _build_record(setting: Setting, row_settings: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "key": setting.key,
        "values": setting.values,
        "default": setting.default or None,
        "doc": setting.doc,
        "where": list(setting.where),
        "value": _find_value(setting, row_settings),
        "kinds": [
            {
                "kind": kind.name,
                "doc": kind.doc,
                "settings": _build_records(kind.settings, row_settings),
            }
            for kind in setting.kinds
        ],
        "settings": _build_records(setting.settings, row_settings),
    }


def _build_records(
    entries: Iterable[Setting], row_settings: Mapping[str, Any]
) -> list[dict[str, Any]]:
    return [_build_record(entry, row_settings) for entry in entries]
