"""Which unit of a submission this process runs: what `bench run --on` gave to a cluster."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from bench.jobs import cluster_jobs


class CurrentUnit(NamedTuple):
    """A row and seed that a job of a submission runs."""

    submission: Path
    """The folder of the submission."""
    name: str
    """`S5@666`."""

    @property
    def log(self) -> str:
        """The file that its job prints to; "" outside of a job."""
        number = cluster_jobs.current_job().rpartition(":")[2]
        return str(self.submission / "logs" / f"{number}.log") if number else ""


def current_unit() -> CurrentUnit | None:
    """Return the row and seed that this process was submitted to run; None where it was not."""
    folder, name = os.environ.get("BENCH_SUBMISSION", ""), os.environ.get("BENCH_UNIT", "")
    # Other commands (a report) can be submitted as well: they are no units of a table.
    return CurrentUnit(Path(folder), name) if folder and "@" in name else None
