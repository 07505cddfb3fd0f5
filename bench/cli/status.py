"""`bench status`: by which code, weights and data rows were made, and how they stand."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import click

from bench._io.digests import short_digest
from bench._io.packages import NotInstalled
from bench.cards import table_cards
from bench.cli import completion, configuration, json_output, options

if TYPE_CHECKING:  # pandas and MLflow take a second
    from bench.runner.row_status import Standing

_NAMED = 6
"""So many rows of a line are named; of more, how many there are."""


@click.command()
@click.argument("table", required=False, shell_complete=completion.table_names)
@options.smoke
@json_output.json_flag
def status(table: str | None, smoke: bool, as_json: bool) -> None:
    """Show for each row and seed of TABLE by which code, weights and data its last run was made,
    and whether it is current: the code, weights and data of now would give the same.

    `bench run` runs anew what is not. Without TABLE, the rows of every table that has runs, those
    of one state, code, weights and data on one line. Times are in UTC.
    """
    from bench.runner.row_status import of_all, of_table
    from bench.tracking import open_store

    here, form = configuration.load(), options.form(smoke)
    if text := open_store.unread(here):
        raise NotInstalled(text)
    found = of_table(table_cards.table_key(table), form, here) if table else of_all(form, here)
    if as_json:
        rows = [{**standing._asdict(), "form": form} for standing in found]
        json_output.print_json("status", {"form": form, "rows": rows})
        return
    if table:
        _print_rows(found)
    elif found:
        _print_groups(found)
    else:
        click.echo(f"no row of any table was run: `bench run table4{_option(smoke)}` runs one")
    _print_next(found, smoke)


def _print_rows(found: list[Standing]) -> None:
    header = ("row", "seed", "state", "code", "weights", "data", "ended", "by")
    lines = [(of.row, of.seed, *_provenance(of), of.ended or "-", of.user or "-") for of in found]
    options.print_table(header, lines)
    for of in found:
        if of.changed:
            click.echo(f"{of.row}, seed {of.seed}: changed since: {', '.join(of.changed)}")


def _print_groups(found: list[Standing]) -> None:
    """Print the rows and seeds of one table that have all in common on one line."""
    alike: dict[tuple[str, ...], list[Standing]] = {}
    for of in found:
        alike.setdefault((of.table, *_provenance(of)), []).append(of)
    lines = [(*common, len(group), _named(group)) for common, group in alike.items()]
    options.print_table(("table", "state", "code", "weights", "data", "runs", "rows"), lines)
    for common, group in alike.items():
        changed = dict.fromkeys(text for of in group for text in of.changed)
        if changed:
            click.echo(f"{common[0]} {_named(group)}: changed since: {', '.join(changed)}")


def _provenance(of: Standing) -> tuple[str, str, str, str]:
    """Return the state, and by which code, weights and data a row is."""
    return (
        of.state,
        " ".join(filter(None, (of.package, of.commit))) or "-",
        ", ".join(f"{name} {digest[:8]}" for name, digest in of.weights.items()) or "-",
        short_digest(of.fingerprints) if of.fingerprints else "-",
    )


def _named(group: list[Standing]) -> str:
    rows = [*dict.fromkeys(of.row for of in group)]
    more = f" and {len(rows) - _NAMED} more" if len(rows) > _NAMED else ""
    return ",".join(rows[:_NAMED]) + more


def _print_next(found: list[Standing], smoke: bool) -> None:
    """Print the command that runs anew what is not current, for each table."""
    for table, standings in groupby(found, key=lambda of: of.table):
        rows = dict.fromkeys(of.row for of in standings if of.changed)
        if rows:
            click.echo(f"next: bench run {table} --rows {','.join(rows)}{_option(smoke)}")


def _option(smoke: bool) -> str:
    return " --smoke" if smoke else ""
