"""Tables that no training has part in (`breathnet/table1`), as the verbs treat them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench._io import packages
from bench.cards import checked_cards
from bench.cli import configuration, json_output, options
from bench.errors import BenchError
from bench.specs.checked import ShapeTable

if TYPE_CHECKING:
    from bench.reports.checked_report import CheckedReport


def is_checked_table(table: str) -> bool:
    """Return whether `table` names one."""
    return table in checked_cards.checked_table_keys()


def describe_checked_table(key: str) -> dict[str, str]:
    """Return what `bench list` says of such a table."""
    card = checked_cards.read_checked_table(key)
    return {"name": card.key, "about": f"{card.caption} [{card.kind}]"}


def list_available_tables() -> list[str]:
    """Return the tables that can be looked up here; say which are left out, as torch is missing."""
    keys = checked_cards.checked_table_keys()
    if packages.is_installed("torch"):
        return keys
    cards = [checked_cards.read_checked_table(key) for key in keys]
    left_out = [card.key for card in cards if isinstance(card, ShapeTable)]
    if left_out:
        reason = packages.missing_message(f"looking up {', '.join(left_out)}", "torch")
        click.echo(f"left out: {reason}", err=True)
    return [key for key in keys if key not in left_out]


def print_checked_table(table: str, *, refused: str = "") -> None:
    """Look the table up and print it; `refused` names options that were given and mean nothing."""
    checked = _look_up_table(table, refused)
    if json_output.is_wanted():
        from bench.reports.checked_report import build_line_records

        json_output.print_json("table without training", {"records": build_line_records(checked)})
        return
    click.echo(f"{checked.card.title}: {checked.card.caption}")
    headings = [f"{column}: {source}" for column in checked.columns for source in ("paper", "here")]
    lines = [(line.name, *line.pairs, line.state) for line in checked.lines]
    options.print_table(("line", *headings, "state"), lines)
    click.echo(f"{checked.summary} next: bench report {table}")


def report_checked_table(table: str, folder: Path, *, check: bool, refused: str = "") -> list[Path]:
    """Write the table's report into `folder`; with `check`, return what is out of date instead."""
    from bench.reports.checked_report import find_stale_checked_files, write_checked_report

    checked = _look_up_table(table, refused)
    if check:
        return find_stale_checked_files(checked, folder)
    click.echo(f"report: {write_checked_report(checked, folder)}")
    return []


def _look_up_table(table: str, refused: str) -> CheckedReport:
    if refused:
        raise BenchError(
            "option.not-applicable",
            f"{table} is looked up in the network or the protocols, and nothing is trained for it: "
            f"leave {refused} out",
        )
    from bench.analysis.checked_tables import look_up_table

    return look_up_table(table, configuration.load_configuration())
