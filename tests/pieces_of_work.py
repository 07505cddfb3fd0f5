"""What tests have other processes do; they import nothing else."""

from __future__ import annotations

import atexit
import importlib
import multiprocessing
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

LONG_S = 600.0


def note_start(folder: Path, number: int) -> int:
    """Say by a file which process does a piece of work."""
    (folder / f"{number}={os.getpid()}").touch()
    return number


def work_for_long(folder: Path, number: int) -> int:
    """Do nothing for long at number 0, and give up the processor at once otherwise."""
    note_start(folder, number)
    time.sleep(LONG_S if number == 0 else 0.2)
    return number


def describe_process(module: str) -> dict[str, Any]:
    """Import a module; return what the process is like then."""
    importlib.import_module(module)
    return {
        "nice": os.nice(0),
        "modules": {"torch", "lightning_fabric", "mlflow"} & sys.modules.keys(),
        "threads": os.environ["OMP_NUM_THREADS"],
    }


def end_process(how: str) -> None:
    """End by an error, or by a signal."""
    if how == "raise":
        raise ValueError("no")
    os.kill(os.getpid(), signal.SIGKILL)


def fail_on_device(_: int, folder: Path) -> None:
    """Fail as the process of a device whose training raises; say by a file if exit goes on."""
    row_run: Any = importlib.import_module("bench.runner.row_run")
    relay: Any = importlib.import_module("bench.runner.relay")
    pipe, stop = multiprocessing.Pipe()[1], multiprocessing.Event()

    def train_and_score(*_: object) -> None:
        raise ValueError("broken batch")

    row_run.train_and_score = train_and_score
    atexit.register((folder / "exit-goes-on").touch)  # functions run in the order of last to first
    job, fabric = MagicMock(), MagicMock(is_global_zero=False)
    row_run._train_on_each(job, folder, None, relay.DeviceRelay(pipe, stop), fabric)
