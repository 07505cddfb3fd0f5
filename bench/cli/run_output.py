"""What `bench run` prints of results: a line for each row, the table, the next command."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from bench.cli.progress_log import format_duration
from bench.cli.results import Results
from bench.config import Config
from bench.runner.request import RunRequest
from bench.smoke import smoke_option

if TYPE_CHECKING:  # torch takes seconds
    from bench.runner.outcomes import JobOutcome


def format_seed_results(order: RunRequest, here: Config, job: str) -> str:
    """Return the results of a finished job beside the paper's, and how long it took.

    `job` is its name, e.g. `S5 · seed 666`. The text is empty if the store has no results.
    """
    row, _, seed = job.rpartition(" · seed ")
    signature = order.resolve_runs()[row].signature
    text, hours = Results(order.table, order.form, here).of_seed(row, signature, int(seed))
    return f"{text}  ({format_duration(3600 * hours)})" if text else ""


def print_results_table(order: RunRequest, here: Config) -> None:
    """Print the table; for runs with changed settings, the rows that were run and the changes."""
    results = Results(order.table, order.form, here)
    if not order.overrides:
        click.echo(f"\n{results.format_table(results.build_lines(None, others=False))}\n")
        return
    runs = order.resolve_runs()
    lines = [line for row in order.rows for line in results.of_settings(row, runs[row].signature)]
    click.echo(f"\n{results.format_table(lines)}\n")


def next_command(order: RunRequest, variant: str | None) -> str:
    """Return the command that shows these runs: a report shows no run with changed settings."""
    smoke = smoke_option(order.form)
    if not order.overrides:
        return f"bench report {order.table.key}{smoke}"
    chosen = f" --variant {variant}" if variant else ""
    return f"bench show {order.table.key} --other-settings{chosen}{smoke}"


def describe_outcome(order: RunRequest, outcome: JobOutcome) -> Mapping[str, Any]:
    """Return how a job ended, for scripts."""
    row, _, seed = outcome.job.rpartition(" · seed ")
    how = {"table": order.table.key, "row": row, "seed": int(seed), "state": outcome.state}
    how |= {"code": outcome.code or None, "message": outcome.message}
    return {"table": order.table.key, "form": order.form, "runs": [how]}


def list_result_records(order: RunRequest, here: Config) -> Mapping[str, Any]:
    """Return the results of the rows that were asked for, for scripts."""
    results = Results(order.table, order.form, here)
    others = results.build_other_records(order.rows) if order.overrides else []
    rows = [] if order.overrides else order.rows
    records = [record for row in rows for record in results.build_records(row)]
    return {"records": records, "other_runs": others}
