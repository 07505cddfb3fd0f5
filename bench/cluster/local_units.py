"""Units that several processes of this machine run, each process on its own share of the GPUs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bench.cluster.unit_results import UnitResult, read_results
from bench.cluster.units import Unit, UnitCommand
from bench.config import Config
from bench.runner import worker_processes
from bench.runner.worker_processes import WorkerEnd


def run_local_units(
    units: Sequence[Unit],
    command: UnitCommand,
    jobs: int,
    config: Config,
    say: Callable[[str], None],
    ended: Callable[[UnitResult], None],
) -> None:
    """Run units, `jobs` at a time; `say` is given their lines, `ended` how each row ended.

    One that fails, or whose process dies, stops no other.
    """

    def pass_results(end: WorkerEnd) -> None:
        for result in read_results(units[end.number], end.exit_code, end.output):
            ended(result)

    arguments = [[*command.list_arguments(unit), "--json", "--worker"] for unit in units]
    worker_processes.run_workers(arguments, min(jobs, len(units)), config, say, pass_results)
