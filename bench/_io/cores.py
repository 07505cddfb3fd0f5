"""The processor's cores."""

from __future__ import annotations

import os


def count_cores() -> int:
    """Return how many cores this process may use: of a job of Slurm or a container its own."""
    ask = getattr(os, "sched_getaffinity", None)  # Linux has it
    return len(ask(0)) if ask else os.cpu_count() or 1
