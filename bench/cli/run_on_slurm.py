"""`bench run --on slurm`: what is not finished, submitted as arrays of jobs."""

from __future__ import annotations

from functools import partial

import click

from bench.cli.cluster_options import ClusterOptions
from bench.cli.submitted import submit_units
from bench.cluster import cluster_status, slurm_commands
from bench.cluster.submission import SubmittedUnit
from bench.cluster.submit import RunRequested
from bench.cluster.units import Unit, UnitCommand, group_units
from bench.config import Config
from bench.config.slurm_settings import apply_options
from bench.runner import costs
from bench.runner.request import RunRequest
from bench.runner.unfinished_jobs import list_unfinished
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
    jobs = list_unfinished(order, config, store, command.again)
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
        precision=unit.precision,
    )


def _print_skipped(parts: dict[str, list[tuple[str, int]]]) -> None:
    if parts["pending"]:
        names = ", ".join(f"{row} seed {seed}" for row, seed in parts["pending"])
        click.echo(f"in the queue already: {names}")
    if parts["failed"]:
        names = ", ".join(f"{row} seed {seed}" for row, seed in parts["failed"])
        click.echo(f"failed before, not submitted again without --retry-failed: {names}")


def _print_next(order: RunRequest) -> None:
    click.echo(f"next: bench run {order.table.key}{smoke_option(order.form)} --status --follow")
