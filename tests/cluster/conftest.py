"""A real Slurm, where one can be started."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import bench, command, environment, run_apart, tiny
from tests.cluster.lab import Lab, read_figures
from tests.cluster.real_slurm import RealSlurm, find_obstacle, running_slurm

__all__ = ["bench", "command", "environment", "run_apart", "tiny"]


@pytest.fixture(scope="session")
def slurm() -> Iterator[RealSlurm]:
    """Slurm's daemons on private ports, in a folder of their own; skip where that cannot be."""
    if (obstacle := find_obstacle()) is not None:
        pytest.skip(f"no real Slurm: {obstacle}")
    with (
        tempfile.TemporaryDirectory(prefix="slurm-") as folder,  # a socket's name is short
        running_slurm(Path(folder)) as started,
    ):
        yield started


@pytest.fixture
def lab(slurm: RealSlurm, environment: dict[str, str], bench, tmp_path: Path) -> Lab:
    """A folder of work on the cluster, and the command `bench` there."""
    environment |= {"SLURM_CONF": str(slurm.conf), "PATH": slurm.environment["PATH"]}
    return Lab(slurm, bench, tmp_path / "work")


@pytest.fixture
def undisturbed(run_apart):
    """Run the same rows in a work folder of their own, in one process; return their results."""
    return lambda *order: read_figures(run_apart("undisturbed", *order))
