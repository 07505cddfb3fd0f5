"""`bench run --on local`: the units that are left, shared out."""

from __future__ import annotations

from collections.abc import Callable

from bench.cli.cluster_options import ClusterOptions
from bench.cli.display import Display
from bench.cluster import local_units
from bench.cluster.unit_results import UnitResult
from bench.cluster.units import UnitCommand, group_units
from bench.config import Config
from bench.runner import worker_processes
from bench.runner.outcomes import JobOutcome
from bench.runner.request import RunRequest
from bench.runner.unfinished_jobs import list_unfinished
from bench.tracking.store import Store


def choose_process_count(cluster: ClusterOptions, config: Config) -> int:
    """Return how many processes of this machine train at a time."""
    if cluster.on is None or not cluster.is_local:
        return 1
    return cluster.on.count or worker_processes.count_workers(config)


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
    units = group_units(order, list_unfinished(order, config, store, command.again))
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
