"""What tests have other processes do; they import nothing else."""

from __future__ import annotations

import os
import time
from pathlib import Path

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
