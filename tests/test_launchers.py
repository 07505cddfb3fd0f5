"""What started a process beside others, by the variables that launchers set."""

from __future__ import annotations

import io
import os

import pytest

from bench._io import cores, launchers
from bench._io.launchers import Launcher, read_launcher
from bench.config import Config
from bench.runner import worker_processes
from bench.training import engine
from tests.errors import raises_code

STEP = {
    "SLURM_JOB_ID": "77",
    "SLURM_STEP_ID": "3",
    "SLURM_NTASKS": "8",
    "SLURM_STEP_NUM_TASKS": "4",
    "SLURM_STEP_NUM_NODES": "2",
    "SLURM_STEP_NODELIST": "gpu[03-04]",
    "SLURM_PROCID": "3",
    "SLURM_LOCALID": "1",
    "SLURM_NODEID": "1",
}
TORCHRUN = {"TORCHELASTIC_RUN_ID": "x", "WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "2", "RANK": "1"}
IN_BATCH = {name: value for name, value in STEP.items() if "STEP" not in name}
"""In the script of sbatch, and in the shell of salloc: srun has started nothing."""


@pytest.fixture(autouse=True)
def stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a standard input that is no terminal, wherever the tests run."""
    monkeypatch.setattr("sys.stdin", io.StringIO())


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (STEP, Launcher("srun", 4, 2, 3, "gpu03")),
        (STEP | {"SLURM_STEP_NUM_NODES": "1"}, Launcher("srun", 4, 1, 3, "127.0.0.1")),
        (TORCHRUN | {"MASTER_ADDR": "n1"}, Launcher("torchrun", 4, 2, 1, "n1")),
        ({}, None),
        (IN_BATCH, None),
        (STEP | {"SLURM_STEP_NUM_TASKS": "1"}, None),
        (STEP | {"SLURM_JOB_NAME": "bash"}, Launcher("srun", 4, 2, 3, "gpu03")),
    ],
)
def test_a_launcher_is_known_by_what_it_alone_sets(variables, expected):
    assert read_launcher(variables) == expected


def test_what_a_person_types_in_a_step_was_not_started_by_it(monkeypatch):
    class Terminal:
        closed = False

        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal())
    assert read_launcher(STEP) is None


def test_each_process_of_a_step_gets_its_rank_from_slurm(monkeypatch):
    for name, value in (STEP | {"SLURM_JOB_NAME": "train"}).items():
        monkeypatch.setenv(name, value)
    for name in ("MASTER_ADDR", "MASTER_PORT", "SLURM_NTASKS_PER_NODE", "SLURM_NNODES"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    fabric = engine.make_fabric(Config(device="cpu", devices=2, nodes=2), "fp32")
    environment = fabric.strategy.cluster_environment
    assert (environment.main_address, environment.main_port) == ("gpu03", 15000 + 77 + 303)
    environment.validate_settings(num_devices=2, num_nodes=2)
    assert (environment.world_size(), environment.global_rank()) == (4, 3)
    assert (environment.local_rank(), environment.node_rank()) == (1, 1)
    # What one device does alone is no part of the run of all.
    one = engine.make_fabric(Config(device="cpu", devices=2, nodes=2).for_one_device(), "fp32")
    assert (one.world_size, one.global_rank) == (1, 0)


def test_torchrun_for_one_device_is_refused_but_srun_may_share_rows_out(monkeypatch):
    for name, value in STEP.items():
        monkeypatch.setenv(name, value)
    assert engine.check_launcher(Config()) is None
    for name, value in TORCHRUN.items():
        monkeypatch.setenv(name, value)
    assert engine.find_launcher(Config()) is None
    with raises_code("machine.launcher-mismatch", "torchrun started 4 processes", "devices = 1"):
        engine.check_launcher(Config())


def test_two_steps_of_a_job_have_ports_of_their_own():
    ports = set()
    for step in ("0", "1"):
        environment = STEP | {"SLURM_STEP_ID": step}
        launchers.prepare_slurm(Launcher("srun", 4, 2, 0, "gpu03"), environment)
        ports.add(environment["MASTER_PORT"])
    assert len(ports) == 2


def test_several_processes_of_a_node_share_its_loaders(monkeypatch):
    monkeypatch.setattr("bench.config.count_cores", lambda: 32)
    monkeypatch.setattr(worker_processes, "count_cores", lambda: 32)
    assert [Config().share_workers("cuda", jobs) for jobs in (1, 2, 4, 40)] == [8, 8, 4, 1]
    assert Config(devices=2).share_workers("cuda", 2) == 8
    assert Config().share_workers("cpu", 2) == 0
    assert [Config(workers=stated).share_workers("cuda", 4) for stated in (0, 2, 12)] == [0, 1, 3]
    monkeypatch.setattr(worker_processes, "visible_gpus", lambda: ["0", "1"])
    shared = [worker_processes.worker_environment(job, 4, Config()) for job in range(4)]
    assert [each["BENCH_WORKERS"] for each in shared] == ["4"] * 4
    assert [each["CUDA_VISIBLE_DEVICES"] for each in shared] == ["0", "1", "0", "1"]
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    alone = worker_processes.worker_environment(0, 2, Config(device="cpu"))
    assert "BENCH_WORKERS" not in alone
    assert alone["OMP_NUM_THREADS"] == "16"


def test_cores_are_those_that_this_process_may_use(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5, 7}, raising=False)
    assert cores.count_cores() == 3


@pytest.mark.parametrize(
    ("stated", "devices", "device", "expected"),
    [
        (8, 4, "cuda", 2),
        (2, 4, "cuda", 1),
        (0, 4, "cuda", 0),
        (None, 2, "cpu", 0),
        (6, 1, "cpu", 6),
    ],
)
def test_the_devices_of_a_node_share_the_processes_that_load_audio(
    stated, devices, device, expected
):
    config = Config(workers=stated, devices=devices, nodes=2)
    assert config.loader_workers(device) == expected
