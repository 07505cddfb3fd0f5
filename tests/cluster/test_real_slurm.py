"""What the launcher takes for granted of Slurm, on a real one."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.cluster.real_slurm import RealSlurm, wait_until

pytestmark = pytest.mark.slurm

JOB = """#!/bin/bash
trap 'echo signalled; scontrol requeue $SLURM_ARRAY_JOB_ID"_"$SLURM_ARRAY_TASK_ID; sleep 60' USR1
echo "begun ${SLURM_RESTART_COUNT:-0}"
if [ "$SLURM_ARRAY_TASK_ID" = 0 ] && [ -z "$SLURM_RESTART_COUNT" ]; then
    for _ in $(seq 600); do sleep 0.1; done
fi
echo ended
"""


def submit(slurm: RealSlurm, folder: Path, *options: str, script: str = JOB) -> str:
    done = subprocess.run(
        ["sbatch", "--parsable", f"--output={folder}/%A_%a.log", "--open-mode=append", *options],
        env=slurm.environment,
        cwd=folder,
        input=script,
        text=True,
        capture_output=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.rows
def test_signal_requeue_array_and_dependency_work_together(slurm, tmp_path):
    job = submit(slurm, tmp_path, "--array=0-1", "--requeue", "--signal=B:USR1@10")
    after = submit(slurm, tmp_path, f"--dependency=afterany:{job}", script="#!/bin/sh\necho last\n")
    first, second = (tmp_path / f"{job}_{member}.log" for member in (0, 1))
    wait_until(lambda: first.exists() and "begun 0" in first.read_text(), "the first member")
    slurm.ask("scancel", "--batch", "--signal=USR1", f"{job}_0")
    wait_until(lambda: "ended" in first.read_text(), "the requeued member", 60)
    assert "signalled" in first.read_text()
    assert "begun 1" in first.read_text()
    assert "ended" in second.read_text()
    last = tmp_path / f"{after}_4294967294.log"
    wait_until(lambda: last.exists() and last.read_text() == "last\n", "the last job")
