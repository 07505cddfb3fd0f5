"""`bench run --on local` and `--print-commands`: the units that are left, shared out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import click

from bench.cli import json_output
from bench.cli.cluster_options import ClusterOptions
from bench.cli.display import Display
from bench.cluster import local_units
from bench.cluster.unit_results import UnitResult
from bench.cluster.units import Unit, UnitCommand, group_units
from bench.config import Config
from bench.runner import local, worker_processes
from bench.runner.outcomes import JobOutcome
from bench.runner.request import RunRequest
from bench.tracking.store import Store


def choose_process_count(cluster: ClusterOptions, config: Config) -> int:
    """Return how many processes of this machine train at a time."""
    if cluster.on is None or not cluster.is_local:
        return 1
    return cluster.on.count or worker_processes.count_workers(config)


def list_units(order: RunRequest, command: UnitCommand, config: Config, store: Store) -> list[Unit]:
    """Return the units that are not finished."""
    jobs = local.find_unfinished(order, config, store, command.again)
    return group_units(order, [(job.row, job.seed) for job in jobs])


def print_commands(order: RunRequest, command: UnitCommand, config: Config) -> None:
    """Print the command of each unit that is not finished."""
    store = Store(config, partial(click.echo, err=True))
    lines = [command.format_line(unit) for unit in list_units(order, command, config, store)]
    json_output.print_json("commands", {"table": command.table, "commands": lines})
    for line in lines:
        click.echo(line)


def run_in_processes(
    order: RunRequest,
    command: UnitCommand,
    jobs: int,
    config: Config,
    store: Store,
    display: Display,
    ended: Callable[[JobOutcome], None],
) -> None:
    """Run what is not finished, `jobs` processes at a time; `ended` is given each row's end."""
    for name in store.fail_dead_runs():
        display.say(f"marked failed, its process had died: {name}")
    store.present_table(order.table)
    units = list_units(order, command, config, store)
    outcomes: list[JobOutcome] = []

    def note_result(result: UnitResult) -> None:
        # One that somebody stopped alone is not finished: the command says so by its exit code.
        state = "failed" if result.state == "stopped" else result.state
        outcome = JobOutcome(result.job, state, result.message, result.code)
        if result.code == "run.process-died":  # else its process has printed it
            display.end(outcome.job, outcome.state, outcome.message)
        else:
            display.count_end()
        outcomes.append(outcome)

    if units:
        local_units.run_local_units(units, command, jobs, config, display.pass_on, note_result)
    for outcome in outcomes:  # in this thread, which alone has the command's context
        ended(outcome)
