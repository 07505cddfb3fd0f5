"""`bench status`: by which code, weights and data rows were made, and how they stand."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import click

from bench import cards
from bench.cli import completion, configuration, json_output, options
from bench.digests import short_digest

if TYPE_CHECKING:  # pandas and MLflow take a second
    from bench.launchers.status import Standing


@click.command()
@click.argument("table", required=False, shell_complete=completion.table_names)
@options.smoke
@json_output.json_flag
def status(table: str | None, smoke: bool, as_json: bool) -> None:
    """Show for each row and seed of TABLE by which code, weights and data its last run was made,
    and whether it is current: the code, weights and data of now would give the same.

    `bench run` runs anew what is not. Without TABLE, a line for each table that has runs; weights
    and data are then not looked at. Times are in UTC.
    """
    from bench.launchers.status import runs_of, standings

    here, form = configuration.load(), options.form(smoke)
    tables = [cards.table(key) for key in ([table] if table else cards.table_keys())]
    frames = {of.key: runs_of(of.key, form, here) for of in tables}
    found = [
        standing
        for of in tables
        if table or len(frames[of.key])
        for standing in standings(of, form, here, frames[of.key], look=table is not None)
    ]
    if as_json:
        rows = [{**standing._asdict(), "form": form} for standing in found]
        json_output.print_json("status", {"form": form, "rows": rows})
    elif table:
        _print_rows(found, smoke)
    else:
        _print_tables(found, smoke)


def _print_rows(found: list[Standing], smoke: bool) -> None:
    header = ("row", "seed", "state", "code", "weights", "data", "ended", "by")
    lines = [
        (
            of.row,
            of.seed,
            of.state,
            " ".join(filter(None, (of.package, of.commit))) or "-",
            ", ".join(f"{name} {digest[:8]}" for name, digest in of.weights.items()) or "-",
            short_digest(of.fingerprints) if of.fingerprints else "-",
            of.ended or "-",
            of.user or "-",
        )
        for of in found
    ]
    options.print_table(header, lines)
    for of in found:
        if of.changed:
            click.echo(f"{of.row}, seed {of.seed}: changed since: {', '.join(of.changed)}")
    rows = list(dict.fromkeys(of.row for of in found if of.changed))
    if rows:
        form = " --smoke" if smoke else ""
        click.echo(f"next: bench run {found[0].table} --rows {','.join(rows)}{form}")


def _print_tables(found: list[Standing], smoke: bool) -> None:
    if not found:
        form = " --smoke" if smoke else ""
        click.echo(f"no row of any table was run: `bench run table4{form}` runs one")
        return
    counts: dict[str, Counter[str]] = {}
    for of in found:
        counts.setdefault(of.table, Counter())[of.state] += 1
    lines = [
        (table, sum(of.values()), ", ".join(f"{count} {state}" for state, count in of.items()))
        for table, of in counts.items()
    ]
    options.print_table(("table", "rows and seeds", "state"), lines)
