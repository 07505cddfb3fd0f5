"""`bench run --on slurm`: what is not finished, submitted as arrays of jobs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import click

from bench._io.printable import format_count
from bench.cli import json_output
from bench.cli.cluster_options import ClusterOptions
from bench.cluster import cluster_status, slurm_commands, submit
from bench.cluster.submission import Submission, SubmittedUnit
from bench.cluster.submit import RunRequested
from bench.cluster.units import Unit, UnitCommand, group_units
from bench.config import Config
from bench.config.slurm_settings import SlurmSettings, apply_options
from bench.runner import costs, local
from bench.runner.request import RunRequest
from bench.smoke import smoke_option
from bench.tracking.store import Store


def submit_rows(
    order: RunRequest, command: UnitCommand, cluster: ClusterOptions, config: Config
) -> None:
    """Submit the rows and seeds that are neither finished nor in the queue; print what was done.

    Rows that failed in an earlier submission are submitted with `--retry-failed` alone.
    """
    settings = apply_options(config.slurm, cluster.slurm)
    if not cluster.script:
        slurm_commands.require_slurm()
    # The experiment and the store's schema are made here, once, and not by many jobs at a time.
    store = Store(config, partial(click.echo, err=True))
    store.present_table(order.table)
    jobs = [
        (job.row, job.seed) for job in local.find_unfinished(order, config, store, command.again)
    ]
    statuses = cluster_status.collect_statuses(order, config)
    parts = cluster_status.split_units(statuses, cluster.retry_failed)
    skipped = {*parts["pending"], *parts["failed"]}
    jobs = [job for job in jobs if job not in skipped]
    _print_skipped(parts)
    units = [_describe_unit(order, command, unit) for unit in group_units(order, jobs)]
    if settings.max_submit is not None and len(units) > settings.max_submit:
        rest = len(units) - settings.max_submit
        click.echo(f"max_submit: the same command later submits the other {rest}")
        units = units[: settings.max_submit]
    if not units:
        click.echo("nothing to submit")
        return
    costs.require_disk_space(costs.remaining_trainings(order, config, command.again), config)
    asked = RunRequested("run", command.table, command.form, command.overrides, command.variant)
    submit_units(asked, units, settings, config, only_print=cluster.script)
    _print_next(order)


def submit_units(
    asked: RunRequested,
    units: Sequence[SubmittedUnit],
    settings: SlurmSettings,
    config: Config,
    *,
    only_print: bool,
) -> None:
    """Submit units and print the numbers of their jobs, or only print the scripts."""
    max_array = slurm_commands.read_max_array() if not only_print else len(units)
    prepared = submit.prepare_submission(asked, units, settings, config, max_array)
    if only_print:
        click.echo(prepared.format_scripts())
        return
    _print_sent(prepared.send_jobs())


def _describe_unit(order: RunRequest, command: UnitCommand, unit: Unit) -> SubmittedUnit:
    runs = order.resolve_runs()
    stages = [run for row in unit.rows for run in (runs[row].earlier, runs[row]) if run is not None]
    trainings = {run.training_signature for run in stages}
    return SubmittedUnit(
        name=unit.name,
        arguments=tuple(command.list_arguments(unit)),
        rows=unit.rows,
        seed=unit.seed,
        signatures=tuple(runs[row].signature for row in unit.rows),
        trainings=tuple(sorted(trainings)),
    )


def _print_skipped(parts: dict[str, list[tuple[str, int]]]) -> None:
    if parts["pending"]:
        names = ", ".join(f"{row} seed {seed}" for row, seed in parts["pending"])
        click.echo(f"in the queue already: {names}")
    if parts["failed"]:
        names = ", ".join(f"{row} seed {seed}" for row, seed in parts["failed"])
        click.echo(f"failed before, not submitted again without --retry-failed: {names}")


def _print_sent(sent: Submission) -> None:
    arrays = ", ".join(array.job for array in sent.arrays)
    checks = ", ".join(dict.fromkeys(array.preflight for array in sent.arrays))
    click.echo(
        f"submitted {format_count(len(sent.units), 'job')} as {arrays}, after the check "
        f"{checks}; {sent.closing} gathers the results"
    )
    click.echo(f"logs: {sent.folder / 'logs'}")
    record = {
        "submission": sent.name,
        "folder": sent.folder,
        "jobs": [array.job for array in sent.arrays],
        "units": [unit.name for unit in sent.units],
    }
    json_output.print_json("submission", record)


def _print_next(order: RunRequest) -> None:
    click.echo(f"next: bench run {order.table.key}{smoke_option(order.form)} --status --follow")
