"""`bench run --status` and `--cancel`: jobs of a table, shown and cancelled."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

import click

from bench._io.printable import format_count
from bench.cli import json_output, options
from bench.cluster import cluster_status, slurm_commands
from bench.cluster.cluster_status import UnitStatus
from bench.config import Config
from bench.errors import BenchError
from bench.runner.request import RunRequest

_FOLLOW_S = 10.0
"""How often the queue is asked."""


def show_status(order: RunRequest, config: Config, *, follow: bool) -> None:
    """Print how each row and seed stands; with `follow`, each change until no job is left.

    Exit with 1 after `follow` if a row failed or was lost.
    """
    statuses = cluster_status.collect_statuses(order, config)
    _print_statuses(statuses)
    try:
        while follow and any(status.is_pending for status in statuses):
            time.sleep(_FOLLOW_S)
            before, statuses = statuses, cluster_status.collect_statuses(order, config)
            changed = [new for old, new in zip(before, statuses, strict=True) if old != new]
            if changed:
                click.echo(time.strftime("%H:%M:%S"))
                _print_statuses(changed)
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt("the jobs go on; the same command looks on again") from error
    rows = [status._asdict() for status in statuses]
    table = {"table": order.table.key, "form": order.form, "rows": rows}
    json_output.print_json("cluster status", table)
    if follow and any(status.is_bad for status in statuses):
        raise click.exceptions.Exit(1)


def _print_statuses(statuses: Sequence[UnitStatus]) -> None:
    header = ("row", "seed", "state", "job", "node", "epoch", "left")
    lines = [
        (
            status.row,
            status.seed,
            status.state,
            *(text or "-" for text in (status.job, status.node, status.epoch, status.time_left)),
        )
        for status in statuses
    ]
    options.print_table(header, lines)
    for status in statuses:
        name = f"{status.row}, seed {status.seed}"
        if status.message:
            click.echo(f"{name}: {status.message}")
        if status.last_line and status.state != "finished":
            click.echo(f"{name}: {status.log}: {status.last_line}")


def cancel_rows(order: RunRequest, config: Config, *, yes: bool) -> None:
    """Cancel the jobs of the submissions that run rows of a request, after a question."""
    pending = [one for one in cluster_status.collect_statuses(order, config) if one.is_pending]
    names = {one.submission for one in pending}
    sent = [one for one in cluster_status.find_submissions(order, config) if one.name in names]
    if not sent:
        click.echo("no job of these rows waits or runs")
        return
    whole = sum(len(one.units) for one in sent)
    text = f"{format_count(len(pending), 'row')} with {format_count(whole, 'job')} of {len(sent)} "
    text += "submission" + "s" * (len(sent) > 1)
    if not yes:
        if sys.stdin is None or not sys.stdin.isatty():
            raise BenchError(
                "cluster.unconfirmed",
                f"{text} are to be cancelled, and there is no terminal to ask at: add --yes",
            )
        click.confirm(f"cancel {text}?", abort=True, err=True)
    for one in sent:
        one.mark_cancelled()
        slurm_commands.cancel_jobs(one.list_jobs())
        click.echo(f"cancelled: {one.name}")
