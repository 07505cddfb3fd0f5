"""Times and memory of functions and of commands."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import perf_counter, process_time
from typing import NamedTuple

ROOT = Path(__file__).parents[2]


def least_s(works: Sequence[Callable[[], object]], rounds: int, calls: int = 1) -> list[float]:
    """Return the least processor time of a call of each of `works`, in seconds.

    They take turns of so many calls, so that what else runs on the machine meets all of them; the
    first call of all does not count.
    """
    least = [float("inf")] * len(works)
    for work in works:
        work()
    for _ in range(rounds):
        for which, work in enumerate(works):
            start = process_time()
            for _ in range(calls):
                work()
            least[which] = min(least[which], (process_time() - start) / calls)
    return least


class Finished(NamedTuple):
    """What a command took, with all its child processes."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    """Of the largest process; not less than the process that started it."""
    output: str


def run_command(command: Sequence[str], extra: Mapping[str, str] | None = None) -> Finished:
    """Run a command in the repository and return what it took.

    `extra` are further environment variables. RuntimeError with its last words where it fails.
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **(extra or {})}
    start = perf_counter()
    process = subprocess.Popen(
        command,
        env=environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout:
        output = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    wall = perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        last = output.strip().splitlines()[-1:] or ["no output"]
        raise RuntimeError(f"{' '.join(command)}: exit code {process.returncode}: {last[0]}")
    return Finished(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, output)


def run_bench(*arguments: str, extra: Mapping[str, str] | None = None) -> Finished:
    """Run `bench` with these arguments."""
    return run_command([sys.executable, "-m", "bench", *arguments], extra)


def run_module(module: str, *arguments: str, extra: Mapping[str, str] | None = None) -> Finished:
    """Run a module of the tests with these arguments."""
    return run_command([sys.executable, "-m", module, *arguments], extra)
