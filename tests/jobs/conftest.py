"""What tests of jobs share."""

from __future__ import annotations

import pytest

from tests.jobs.commands import FakeCommands


@pytest.fixture(autouse=True)
def no_job(monkeypatch):
    """A process that belongs to no cluster job."""
    for name in ("JOB_ID", "ARRAY_JOB_ID", "ARRAY_TASK_ID", "RESTART_COUNT"):
        monkeypatch.delenv(f"SLURM_{name}", raising=False)


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """Slurm's commands as a test wants them; those it does not name are missing."""
    folder = tmp_path / "commands"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return FakeCommands(folder)
