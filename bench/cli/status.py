"""`bench status`: by which code, weights and data rows were made, and how they stand."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import click

from bench._io.digests import short_digest
from bench._io.packages import NotInstalled
from bench.cards import table_cards
from bench.cli import completion, configuration, json_output, options
from bench.config import Form
from bench.smoke import smoke_option

if TYPE_CHECKING:  # pandas and MLflow take a second
    from bench.runner.row_status import RowStatus

_NAMED = 6
"""So many rows of a line are named; of more, how many there are."""


@click.command()
@click.argument("table", required=False, shell_complete=completion.table_names)
@options.smoke
@json_output.json_flag
def status(table: str | None, smoke: bool, as_json: bool) -> None:
    """Show which code, weights and data the last run of each row and seed of TABLE used.

    A run is current if today's code, weights and data give the same; `bench run` repeats runs that
    are not current. Without TABLE, the command shows the rows of every table that has runs; rows
    with the same state, code, weights and data share a line. Times are in UTC.
    """
    from bench.runner.row_status import all_statuses, table_status
    from bench.tracking import open_store

    here, form = configuration.load_configuration(), options.choose_form(smoke)
    configuration.announce_waiting(here)
    if text := open_store.explain_unread(here):
        raise NotInstalled("machine.not-installed", text)
    standings = (
        table_status(table_cards.table_key(table), form, here)
        if table
        else all_statuses(form, here)
    )
    if as_json:
        rows = [{**standing._asdict(), "form": form} for standing in standings]
        json_output.print_json("status", {"form": form, "rows": rows})
        return
    if table:
        _print_rows(standings)
    elif standings:
        _print_groups(standings)
    else:
        click.echo(f"no row of any table was run: `bench run table4{smoke_option(form)}` runs one")
    _print_next(standings, form)


def _print_rows(standings: list[RowStatus]) -> None:
    header = ("row", "seed", "state", "code", "weights", "data", "ended", "by")
    lines = [
        (row.row, row.seed, *_describe_provenance(row), row.ended or "-", row.user or "-")
        for row in standings
    ]
    options.print_table(header, lines)
    for row in standings:
        if row.changed:
            click.echo(f"{row.row}, seed {row.seed}: changed since: {', '.join(row.changed)}")


def _print_groups(standings: list[RowStatus]) -> None:
    """Print the rows and seeds of one table that have all in common on one line."""
    alike: dict[tuple[str, ...], list[RowStatus]] = {}
    for row in standings:
        alike.setdefault((row.table, *_describe_provenance(row)), []).append(row)
    lines = [(*common, len(group), _format_rows(group)) for common, group in alike.items()]
    options.print_table(("table", "state", "code", "weights", "data", "runs", "rows"), lines)
    for common, group in alike.items():
        changed = dict.fromkeys(text for row in group for text in row.changed)
        if changed:
            click.echo(f"{common[0]} {_format_rows(group)}: changed since: {', '.join(changed)}")


def _describe_provenance(row: RowStatus) -> tuple[str, str, str, str]:
    """Return the state, and by which code, weights and data a row is."""
    return (
        row.state,
        " ".join(filter(None, (row.package, row.commit))) or "-",
        ", ".join(f"{name} {digest[:8]}" for name, digest in row.weights.items()) or "-",
        short_digest(row.fingerprints) if row.fingerprints else "-",
    )


def _format_rows(group: list[RowStatus]) -> str:
    rows = [*dict.fromkeys(row.row for row in group)]
    more = f" and {len(rows) - _NAMED} more" if len(rows) > _NAMED else ""
    return ",".join(rows[:_NAMED]) + more


def _print_next(standings: list[RowStatus], form: Form) -> None:
    """Print the command that runs anew what is not current, for each table."""
    for table, group in groupby(standings, key=lambda row: row.table):
        rows = dict.fromkeys(row.row for row in group if row.changed)
        if rows:
            click.echo(f"next: bench run {table} --rows {','.join(rows)}{smoke_option(form)}")
