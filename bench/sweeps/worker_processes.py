"""Several processes on this machine that work on one study, if possible each on its own device."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import IO

import torch

from bench._io import interrupts
from bench.config import Config

STORAGE_VARIABLE = "BENCH_SWEEP_STORAGE"
"""The variable that names the storage: a URL may hold a password, which a command line shows."""

_POLL_S = 0.5
"""How often it is looked whether this process should stop."""


def run_workers(
    arguments: Sequence[str], jobs: int, config: Config, say: Callable[[str], None]
) -> None:
    """Start `jobs` workers, `bench <arguments>` each, pass on what they print, and wait for them.

    They stop when this process ends, however it ends: their standard input is a pipe from it. Raise
    Stopped after they ended, where a signal asked for it.
    """
    workers = [
        subprocess.Popen(
            [sys.executable, "-m", "bench", *arguments],
            env=worker_environment(number, jobs, config),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for number in range(jobs)
    ]
    pipes = (worker.stdout for worker in workers)
    readers = [threading.Thread(target=_forward_lines, args=(pipe, say)) for pipe in pipes]
    for reader in readers:
        reader.start()
    try:
        for worker in workers:
            code = _wait_for_worker(worker, workers)
            if code:
                say(f"worker {worker.pid} ended with exit code {code}")
        interrupts.raise_if_stop_asked("stopped, with its workers")
    except KeyboardInterrupt:
        for worker in workers:
            worker.send_signal(signal.SIGINT)
        for worker in workers:
            worker.wait()
        raise
    finally:
        for worker, reader in zip(workers, readers, strict=True):
            reader.join()
            assert worker.stdin is not None
            worker.stdin.close()


def _wait_for_worker(
    worker: subprocess.Popen[str], workers: Sequence[subprocess.Popen[str]]
) -> int:
    """Return the worker's exit code; have all workers stop where this process is asked to."""
    told_all = False
    while True:
        with suppress(subprocess.TimeoutExpired):
            return worker.wait(_POLL_S)
        if interrupts.is_stop_asked() and not told_all:
            for each in workers:
                each.terminate()
            told_all = True


def _forward_lines(lines: IO[str] | None, say: Callable[[str], None]) -> None:
    assert lines is not None
    with lines:
        for line in lines:
            say(line.rstrip("\n"))


def worker_environment(number: int, jobs: int, config: Config) -> dict[str, str]:
    """Return the environment of a worker: its share of the GPUs, or of the processor's cores."""
    variables = dict(os.environ)
    gpus = visible_gpus() if config.device in ("auto", "cuda") else []
    groups = [
        gpus[start : start + config.devices]
        for start in range(0, len(gpus) - config.devices + 1, config.devices)
    ]
    if len(groups) > 1:
        variables["CUDA_VISIBLE_DEVICES"] = ",".join(groups[number % len(groups)])
    variables.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // jobs)))
    return variables


def visible_gpus() -> list[str]:
    """Return the GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [part.strip() for part in named.split(",") if part.strip()]
    return [str(number) for number in range(torch.cuda.device_count())]


def stop_with_parent() -> None:
    """In a worker: be interrupted, as by Ctrl-C, when the process that started it is gone."""

    def wait_for_parent() -> None:
        while os.read(0, 1):
            pass
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=wait_for_parent, daemon=True).start()
