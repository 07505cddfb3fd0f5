"""What tests have other processes do; they import nothing else."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

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
