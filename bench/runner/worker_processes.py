"""Several processes on this machine that share out work, if possible each on its own device."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch

from bench._io import interrupts
from bench._io.child_processes import start_command
from bench._io.cores import count_cores
from bench.config import Config
from bench.config.variables import variable_name

STORAGE_VARIABLE = "BENCH_SWEEP_STORAGE"
"""The variable that names the storage: a URL may hold a password, which a command line shows."""

_POLL_S = 0.5
"""How often it is looked whether this process should stop."""


class WorkerEnd(NamedTuple):
    """How a worker ended."""

    number: int
    """Of its command, from 0."""
    exit_code: int
    """Negative where a signal ended it."""
    output: str
    """What it printed on standard output."""


def run_workers(
    commands: Sequence[Sequence[str]],
    jobs: int,
    config: Config,
    say: Callable[[str], None],
    ended: Callable[[WorkerEnd], None],
) -> None:
    """Run `bench <arguments>` for each of `commands`, `jobs` at a time, and wait for them.

    `say` is given each line of their standard error, and `ended` is called as each ends; both are
    called by several threads, one at a time. Ctrl-C interrupts all that run and starts no more.
    They stop when this process ends, however it ends. Raise Stopped after they ended, where a
    signal asked for it.
    """
    pool = _WorkerPool(commands, jobs, config, say, ended)
    threads = [threading.Thread(target=pool.work, args=(slot,)) for slot in range(jobs)]
    for thread in threads:
        thread.start()
    is_stopping = False
    try:
        for thread in threads:
            while thread.is_alive():
                thread.join(_POLL_S)
                if interrupts.is_stop_asked() and not is_stopping:
                    is_stopping = True
                    pool.stop_workers(signal.SIGTERM)
    except KeyboardInterrupt:
        pool.stop_workers(signal.SIGINT)
        for thread in threads:
            thread.join()
        raise
    pool.raise_error()
    interrupts.raise_if_stop_asked("stopped, with its workers")


class _WorkerPool:
    """Commands that wait, and the processes that run."""

    def __init__(
        self,
        commands: Sequence[Sequence[str]],
        jobs: int,
        config: Config,
        say: Callable[[str], None],
        ended: Callable[[WorkerEnd], None],
    ) -> None:
        self._waiting = deque(enumerate(commands))
        self._jobs, self._config = jobs, config
        self._say, self._ended = say, ended
        self._running: set[subprocess.Popen[str]] = set()
        self._lock = threading.RLock()
        self._error: BaseException | None = None

    def work(self, slot: int) -> None:
        """Run one command after the other on a slot's share of the machine."""
        try:
            while self._run_next(slot):
                pass
        except BaseException as error:  # raised again where the workers are waited for
            self._error = error
            self.stop_workers(signal.SIGINT)

    def _run_next(self, slot: int) -> bool:
        """Run the next command to its end; return False where none waits."""
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
            with self._lock:
                if not self._waiting:
                    return False
                index, arguments = self._waiting.popleft()
                worker = start_command(
                    [sys.executable, "-m", "bench", *arguments],
                    worker_environment(slot, self._jobs, self._config),
                    stdout=output,
                    stderr=subprocess.PIPE,
                )
                self._running.add(worker)
            assert worker.stderr is not None
            assert worker.stdin is not None
            with worker.stderr, worker.stdin:
                for line in worker.stderr:
                    with self._lock:
                        self._say(line.rstrip("\n"))
                code = worker.wait()
            output.seek(0)
            with self._lock:
                self._running.discard(worker)
                self._ended(WorkerEnd(index, code, output.read()))
        return True

    def stop_workers(self, number: signal.Signals) -> None:
        """Send a signal to what runs, and start nothing more."""
        with self._lock:
            self._waiting.clear()
            for worker in self._running:
                worker.send_signal(number)

    def raise_error(self) -> None:
        """Raise what a thread ended by, if it was an error."""
        if self._error is not None:
            raise self._error


def worker_environment(number: int, jobs: int, config: Config) -> dict[str, str]:
    """Return the environment of a worker: its share of the GPUs, of cores and of loaders."""
    variables = dict(os.environ)
    groups = _group_gpus(config)
    if len(groups) > 1:
        variables["CUDA_VISIBLE_DEVICES"] = ",".join(groups[number % len(groups)])
    variables.setdefault("OMP_NUM_THREADS", str(max(1, count_cores() // jobs)))
    if groups or config.workers is not None:
        loaders = config.share_workers("cuda", jobs)
        variables[variable_name("workers")] = str(loaders)
    return variables


def count_workers(config: Config) -> int:
    """Return how many processes suit this machine: one for each GPU, or for every four cores."""
    return len(_group_gpus(config)) or max(1, count_cores() // 4)


def _group_gpus(config: Config) -> list[list[str]]:
    """Return the GPUs of each worker, as many together as a training takes."""
    gpus = visible_gpus() if config.device in ("auto", "cuda") else []
    return [
        gpus[start : start + config.devices]
        for start in range(0, len(gpus) - config.devices + 1, config.devices)
    ]


def visible_gpus() -> list[str]:
    """Return the GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [part.strip() for part in named.split(",") if part.strip()]
    return [str(number) for number in range(torch.cuda.device_count())]
