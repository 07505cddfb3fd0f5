"""What tests ask of jobs on a real Slurm, and of the results that they leave."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from bench.cluster import submission
from bench.cluster.submission import Submission
from bench.config import Config
from bench.tracking.store import Store
from tests.cluster.real_slurm import RealSlurm, wait_until
from tests.tracked_frames import table_frame

WAIT_S = 400.0


class Lab(NamedTuple):
    """A cluster, the command line and a work folder."""

    slurm: RealSlurm
    bench: Callable[..., Any]
    work: Path

    def submit(self, *order: str, on: str = "slurm", slurm: Sequence[str] = ()) -> Submission:
        """Submit a command and return the submission; `slurm` are settings of the jobs."""
        settings = [word for text in ("time=60", *slurm) for word in ("--slurm", text)]
        done = self.bench(*order, "--on", on, *settings)
        assert done.returncode == 0, done.stderr
        return self.latest()

    def latest(self) -> Submission:
        """The newest submission."""
        return next(submission.list_submissions(self.work))

    def states(self, *order: str) -> dict[str, dict[str, Any]]:
        """How each row stands, by `bench run --status`."""
        done = self.bench(*order, "--status", "--json")
        assert done.returncode == 0, done.stderr
        return {row["row"]: row for row in json.loads(done.stdout)["rows"]}

    def wait_for_end(self) -> None:
        """Wait until no job is left."""
        wait_until(lambda: not self.slurm.ask("squeue", "-h").strip(), "no job", 2 * WAIT_S)

    def require_finished(self, sent: Submission) -> None:
        """Wait until no job is left, and require that a submission did all that it should."""
        self.wait_for_end()
        logs = {path.name: path.read_text() for path in (sent.folder / "logs").iterdir()}
        states = [sent.read_state(unit).state for unit in sent.units]
        assert {*states} == {"finished"}, (states, logs)

    def wait_for_epoch(self, sent: Submission, epoch: int) -> str:
        """Wait until a job of the first unit has ended an epoch; return the job's number."""
        unit = sent.units[0]

        def reached() -> bool:
            state = sent.read_state(unit)
            log = sent.log_path(state.job)
            text = log.read_text() if state.job and log.exists() else ""
            epochs = [int(number) for number in re.findall(r" epoch (\d+)/", text)]
            return state.state == "running" and max(epochs, default=0) >= epoch

        wait_until(reached, f"epoch {epoch}", WAIT_S)
        return sent.read_state(unit).job

    def wait_for_attempt(self, sent: Submission, attempt: int) -> None:
        """Wait until a job has begun the first unit so many times."""
        unit = sent.units[0]
        wait_until(lambda: sent.read_state(unit).attempts >= attempt, f"attempt {attempt}", WAIT_S)

    def find_member(self, sent: Submission) -> int:
        """The process of the member that runs the first unit."""
        mark = [b"-m", b"bench.cluster.member", str(sent.folder).encode()]
        for pid in self.slurm.find_processes():
            words = Path("/proc", str(pid), "cmdline").read_bytes().split(b"\0")
            if words[1:4] == mark:
                return pid
        raise AssertionError("no member runs")

    def list_commands(self, sent: Submission) -> list[int]:
        """The processes of a row's command: one, or those that srun started, by their rank."""
        tasks: dict[str, int] = {}
        for pid in self.slurm.find_processes():
            with suppress(psutil.NoSuchProcess):
                process = psutil.Process(pid)
                given, words = process.environ(), process.cmdline()
                is_of_row = given.get("BENCH_SUBMISSION") == str(sent.folder)
                if words[1:3] == ["-m", "bench"] and is_of_row:
                    tasks[given.get("SLURM_PROCID", "0")] = pid
        return [tasks[rank] for rank in sorted(tasks)]

    def reach_limit(self, sent: Submission) -> None:
        """Have the command of a row wait until Slurm says that the time of its job is nearly over.

        So a row of seconds reaches a limit of minutes: Slurm's own clock sends the signal.
        """
        (pid,) = self.list_commands(sent)
        os.kill(pid, signal.SIGSTOP)
        try:
            wait_until(lambda: is_signalled(pid, signal.SIGUSR1), "the signal", WAIT_S)
        finally:
            os.kill(pid, signal.SIGCONT)

    def kill_member(self, sent: Submission) -> None:
        """Kill the member that runs the first unit, without a word."""
        os.kill(self.find_member(sent), signal.SIGKILL)


def is_signalled(pid: int, number: signal.Signals) -> bool:
    """Return whether a signal waits for a process that is stopped."""
    status = Path("/proc", str(pid), "status").read_text()
    pending = re.findall(r"^(?:SigPnd|ShdPnd):\s*(\w+)", status, re.MULTILINE)
    return any(int(mask, 16) >> (number - 1) & 1 for mask in pending)


def read_figures(work: Path, tracking: str | None = None) -> dict[str, dict[str, float]]:
    """The results of every finished row, by its name."""
    frame = table_frame(Store(Config(work=work, tracking=tracking)), "sal/table4", "smoke")
    assert {*frame["status"]} == {"FINISHED"}, frame[["row", "status"]]
    names = [name for name in frame.columns if name.startswith(("partial", "llama"))]
    assert names
    assert frame["row"].is_unique
    return frame.set_index("row")[names].to_dict("index")
