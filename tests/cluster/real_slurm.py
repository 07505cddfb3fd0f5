"""A real Slurm of this test's own: munged, slurmctld and two slurmd on one host, as root."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "scancel", "srun")
NODES = ("node1", "node2")
MAX_ARRAY = 4
"""Small, so that the nine rows of a table need several arrays."""

_CONF = """
ClusterName=bench
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ReturnToService=2
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0,sched_min_interval=0
MaxArraySize={max_array}
SlurmdTimeout=5
KillWait=10
OverTimeLimit=0
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
{nodes}
PartitionName=main Nodes=node1,node2 Default=YES DefaultTime=60 MaxTime=600 PriorityTier=1 State=UP
PartitionName=urgent Nodes=node1,node2 MaxTime=600 PriorityTier=9 PreemptMode=OFF State=UP
"""
# cred_expire: Slurm starts a requeued job only after the old credentials have expired (120 s by
# default).


def find_obstacle() -> str | None:
    """Return why no Slurm can be started here; None where one can."""
    missing = [name for name in PROGRAMS if shutil.which(name, path=_search_path()) is None]
    if missing:
        return f"not installed: {', '.join(missing)} (apt-get install slurm-wlm munge)"
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "slurmd and munged want to be root here"
    return None


def _search_path() -> str:
    return os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


class RealSlurm:
    """The daemons, their configuration and what tests ask them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.conf = folder / "slurm.conf"
        self.environment = {**os.environ, "SLURM_CONF": str(self.conf), "PATH": _search_path()}
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Start the daemons and wait until both nodes are idle."""
        for name in ("state", "spool"):
            (self.folder / name).mkdir()
        self.folder.chmod(0o755)
        key = self.folder / "munge.key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o400)
        host, ports = socket.gethostname(), _free_ports(3)
        cpus = os.cpu_count() or 1
        nodes = "\n".join(
            f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={cpus} "
            "RealMemory=1000"
            for node, port in zip(NODES, ports[1:], strict=True)
        )
        self.conf.write_text(
            _CONF.format(
                host=host, ports=ports, folder=self.folder, nodes=nodes, max_array=MAX_ARRAY
            )
        )
        paths = {"key-file": key, "socket": self.folder / "munge.socket"}
        paths |= {f"{name}-file": self.folder / f"munged.{name}" for name in ("pid", "log", "seed")}
        options = [f"--{name}={path}" for name, path in paths.items()]
        self._start_daemon("munged", "munged", "--foreground", "--num-threads=1", *options)
        wait_until(lambda: (self.folder / "munge.socket").exists(), "munged")
        self._start_daemon("slurmctld", "slurmctld", "-D", "-c", "-f", str(self.conf))
        for node in NODES:
            self.start_node(node)
        wait_until(lambda: self.node_states() == dict.fromkeys(NODES, "idle"), "idle nodes")

    def start_node(self, node: str) -> None:
        """Start a node's daemon."""
        self._start_daemon(node, "slurmd", "-D", "-N", node, "-f", str(self.conf))

    def stop_node(self, node: str) -> None:
        """Lose a node: its daemon and all that runs on it are killed."""
        daemon = self._daemons.pop(node)
        daemon.kill()
        daemon.wait()
        for pid in self._find_steps(node):
            os.kill(pid, signal.SIGKILL)

    def stop(self) -> None:
        """End all jobs and all daemons, and what is left of them."""
        subprocess.run(["scancel", "--user=root"], env=self.environment, check=False, timeout=20)
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline and self.ask("squeue", "-h", check=False).strip():
            time.sleep(0.2)
        for daemon in [*self._daemons.values()][::-1]:
            daemon.terminate()
        for daemon in self._daemons.values():
            try:
                daemon.wait(timeout=10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        for pid in self.find_processes():
            os.kill(pid, signal.SIGKILL)

    def ask(self, *command: str, check: bool = True) -> str:
        """Return what one of Slurm's commands prints."""
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False, timeout=30
        )
        assert not check or done.returncode == 0, (command, done.stderr)
        return done.stdout

    def take_nodes(self) -> None:
        """Submit a job that takes both nodes from all others for some seconds."""
        command = ["sbatch", "--partition=urgent", "--nodes=2", "--exclusive"]
        self.ask(*command, "--output=/dev/null", "--chdir=/", "--wrap=sleep 8")

    def node_states(self) -> dict[str, str]:
        """Return the state of each node."""
        lines = self.ask("sinfo", "-h", "-N", "-o", "%N %t", check=False).splitlines()
        return {name: state.rstrip("*") for name, state in map(str.split, lines)}

    def find_processes(self) -> list[int]:
        """Return the processes that have this Slurm's configuration: daemons and jobs."""
        mark = f"SLURM_CONF={self.conf}".encode()
        return [pid for pid, environ in _list_environments() if mark in environ.split(b"\0")]

    def _find_steps(self, node: str) -> list[int]:
        """Return the processes of a node's jobs, and those that watch them."""
        marks = {f"SLURM_CONF={self.conf}".encode(), f"SLURMD_NODENAME={node}".encode()}
        jobs = {pid for pid, environ in _list_environments() if marks <= {*environ.split(b"\0")}}
        watchers = {
            pid
            for pid in self.find_processes()
            if f"slurmstepd-{node}" in " ".join(psutil.Process(pid).cmdline())
            or any(child.pid in jobs for child in psutil.Process(pid).children())
        }
        return [*jobs, *(watchers - {daemon.pid for daemon in self._daemons.values()})]

    def _start_daemon(self, name: str, *command: str) -> None:
        with (self.folder / f"{name}.out").open("ab") as output:
            self._daemons[name] = subprocess.Popen(
                command, env=self.environment, stdout=output, stderr=output
            )


@contextmanager
def running_slurm(folder: Path) -> Iterator[RealSlurm]:
    """Start a Slurm in a folder that is empty and short-named, and end it with all its jobs."""
    slurm = RealSlurm(folder)
    try:
        slurm.start()
        yield slurm
    finally:
        slurm.stop()
    assert slurm.find_processes() == []


def _list_environments() -> Iterator[tuple[int, bytes]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            with suppress(OSError):  # it is over
                yield int(entry.name), (entry / "environ").read_bytes()


def _free_ports(number: int) -> list[int]:
    sockets = [socket.socket() for _ in range(number)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def wait_until(condition: Callable[[], object], what: str, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not seen in {seconds} s"
        time.sleep(0.05)
