"""One member of an array: it checks the code, runs the plain command, and queues itself again.

The signal that Slurm sends before the time limit only asks the command to stop: it ends with 75
after it has written a checkpoint. The member then goes back into the queue, by `scontrol requeue`
or, where nodes may not do that, as a job of its own. So does a command that was killed. A unit that
begins for the fourth time without progress fails.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench import config as configuration
from bench._io.child_processes import start_command
from bench._io.interrupts import STOP_SIGNALS
from bench._io.machine import EXIT_STOPPED
from bench.cards import card_files
from bench.cluster import member_checks, slurm_commands
from bench.cluster.submission import (
    SUBMISSION_VARIABLE,
    UNIT_VARIABLE,
    Submission,
    SubmittedArray,
    SubmittedUnit,
    UnitState,
    read_submission,
)
from bench.cluster.submit import submit_closing
from bench.cluster.unit_results import (
    BUSY,
    FAILED,
    FINISHED,
    INCOMPLETE,
    STOPPED,
    UnitResult,
    find_decisive,
    read_results,
)
from bench.cluster.units import Unit
from bench.config import locations
from bench.errors import BenchError, Busy, RowFailed

MAX_STALLS = 3
"""So many times in a row a unit may begin without progress."""
_BUSY_TRIES, _BUSY_PAUSE_S = 3, 20.0
"""Who holds the row may be the process of an earlier job that is just ending."""
_REQUEUE_S = 60.0
"""So long Slurm may take to end a job that it has put back into the queue."""


def run_member(arguments: Sequence[str]) -> int:
    """Run the unit of this job; `arguments` are the submission's folder and the array's number."""
    submission = read_submission(Path(arguments[0]))
    array = submission.arrays[int(arguments[1])]
    index = int(os.environ.get("SLURM_ARRAY_TASK_ID", "0"))
    member = Member(submission, array, submission.units[array.members[index]], index)
    return member.run_unit()


class Member:
    """A unit and the job that runs it."""

    def __init__(
        self, submission: Submission, array: SubmittedArray, unit: SubmittedUnit, index: int
    ) -> None:
        self.submission, self.array, self.unit, self.index = submission, array, unit, index
        self.job = _current_number()
        self._signals: list[int] = []
        self._child: subprocess.Popen[str] | None = None

    def run_unit(self) -> int:
        """Run the unit and say how it stands; return the exit code of the job."""
        for number in STOP_SIGNALS:
            signal.signal(number, self._pass_signal)
        if self.submission.is_cancelled:
            self._write_state(self._read_state().move_to("cancelled"))
            return 0
        try:
            member_checks.check_code(self.submission)
            card_files.load_extensions()
            member_checks.resolve_unit(self.submission, self.unit)
            state = self._begin_attempt()
        except BenchError as error:
            return self._end_unit(UnitResult("", 0, FAILED, error.code, error.message))
        if state.stalls >= MAX_STALLS:
            return self._end_unit(self._fail_stalled(state))
        self._write_state(state)
        result = self._run_command()
        for _ in range(_BUSY_TRIES):
            if result.state != BUSY or self._signals:
                break
            time.sleep(_BUSY_PAUSE_S)
            result = self._run_command()
        return self._end_unit(result)

    def _begin_attempt(self) -> UnitState:
        """Return the state of a unit that begins once more, with its progress counted."""
        before = self._read_state()
        progress = self._read_progress()
        # Of a command that trains nothing by itself no progress is known.
        is_counted = before.attempts > 0 and bool(self.unit.trainings)
        has_stalled = is_counted and progress <= before.progress
        return replace(
            before.move_to("running"),
            job=self.job,
            node=os.environ.get("SLURMD_NODENAME", socket.gethostname()),
            attempts=before.attempts + 1,
            stalls=before.stalls + 1 if has_stalled else 0,
            progress=progress,
        )

    def _read_progress(self) -> tuple[int, ...]:
        if not self.unit.trainings:
            return ()
        from bench.cluster.training_progress import read_training_progress  # imports torch

        work = configuration.read_config().work
        return read_training_progress(work, self.unit.trainings, self.unit.seed)

    def _run_command(self) -> UnitResult:
        """Run the command to its end and return the result that stands for the unit."""
        path = self.submission.folder / "units" / f"output-{self.job}.json"
        command = [sys.executable, "-m", "bench", *self.unit.arguments]
        if self.unit.rows:
            command.append("--json")
        if (count := self.array.processes * self.array.nodes) > 1:
            number = self.array.processes
            launcher = ["srun", f"--ntasks={count}", f"--ntasks-per-node={number}"]
            # Where one process dies the others end by themselves; srun would spoil exit code 75.
            command = [*launcher, "--kill-on-bad-exit=0", *command]
        variables = {
            **os.environ,
            SUBMISSION_VARIABLE: str(self.submission.folder),
            UNIT_VARIABLE: self.unit.name,
            locations.WRITTEN: self.submission.settings_file,
        }
        with (
            path.open("w", encoding="utf-8") as output,
            start_command(command, variables, stdout=output) as self._child,
        ):
            for number in self._signals:  # that came before the process was there
                self._child.send_signal(number)
            code = self._child.wait()
        self._child = None
        text = path.read_text(encoding="utf-8", errors="replace")
        rows = self.unit.rows or (self.unit.name,)
        results = read_results(Unit(rows, self.unit.seed), code, text)
        if not self.unit.rows:  # another command: what it prints belongs into the log
            print(text, flush=True)
            if code == 0:
                return UnitResult(self.unit.name, 0, FINISHED)
        return find_decisive(results)

    def _end_unit(self, result: UnitResult) -> int:
        """Write how the unit stands, queue it again if it was stopped; return the exit code."""
        state = self._read_state()
        if not state.job:
            state = replace(state, job=self.job)
        is_killed = result.code in ("run.process-died", "row.process-lost")
        if result.state == STOPPED or (is_killed and self.unit.rows):
            return self._queue_again(state, result)
        name = FINISHED if result.state == "already finished" else result.state
        self._write_state(state.move_to(name, result.code, result.message))
        if result.state not in (FAILED, INCOMPLETE):
            return 0
        print(f"{name}: {self.unit.name}: {result.message}", file=sys.stderr, flush=True)
        return 1

    def _queue_again(self, state: UnitState, result: UnitResult) -> int:
        """Put the job back into the queue, unless somebody wants it to end."""
        if self.submission.is_cancelled:
            self._write_state(state.move_to("cancelled"))
            return 0
        if {*self._signals} == {signal.SIGTERM}:
            if _is_time_over():
                return self._submit_again(state, "the time limit came before the signal")
            # Slurm ends the job itself: one that is preempted it queues again by itself.
            self._write_state(state.move_to(STOPPED, result.code, "ended by Slurm (SIGTERM)"))
            return EXIT_STOPPED
        self._write_state(state.move_to("requeued", result.code, result.message))
        received = len(self._signals)
        try:
            slurm_commands.requeue_job(self.job)
        except BenchError as error:
            return self._submit_again(state, str(error))
        deadline = time.monotonic() + _REQUEUE_S
        while len(self._signals) == received and time.monotonic() < deadline:
            time.sleep(0.1)  # Slurm ends this job, and starts it again later
        return EXIT_STOPPED

    def _submit_again(self, state: UnitState, reason: str) -> int:
        """Submit this member as a job of its own, where this one cannot be queued again."""
        script = (self.submission.folder / self.array.script).read_text(encoding="utf-8")
        try:
            number = slurm_commands.submit_script(script, [f"--array={self.index}"])
            print(f"{reason}; submitted as {number} instead", file=sys.stderr, flush=True)
            again = state.move_to("requeued", message=reason)
            self._write_state(replace(again, job=f"{number}_{self.index}"))
            submit_closing(self.submission, [number])
        except BenchError as error:
            message = f"{reason}; {error}; the same command submits it again"
            self._write_state(state.move_to(STOPPED, "cluster.refused", message))
        return EXIT_STOPPED

    def _fail_stalled(self, state: UnitState) -> UnitResult:
        """Mark the rows as failed in the tracking store and return the result."""
        message = (
            f"began {state.attempts} times, the last {state.stalls} without progress; "
            f"log: {self.submission.log_path(self.job)}"
        )
        error = RowFailed("cluster.no-progress", message)
        self._write_state(state)
        with suppress(Busy):
            self._record_failure(error)
        return UnitResult("", self.unit.seed, FAILED, error.code, message)

    def _record_failure(self, error: RowFailed) -> None:
        from bench.cluster.failed_rows import record_failure

        os.environ[SUBMISSION_VARIABLE] = str(self.submission.folder)
        os.environ[UNIT_VARIABLE] = self.unit.name
        record_failure(self.submission, self.unit, error)

    def _read_state(self) -> UnitState:
        return self.submission.read_state(self.unit)

    def _write_state(self, state: UnitState) -> None:
        self.submission.write_state(self.unit, state)

    def _pass_signal(self, number: int, _: Any) -> None:
        """Note a signal and pass it on to the command."""
        self._signals.append(number)
        if self._child is not None:
            self._child.send_signal(number)


def _is_time_over() -> bool:
    """Return whether this job has reached its time limit; False where Slurm does not say it."""
    end = os.environ.get("SLURM_JOB_END_TIME", "")
    return end.isdecimal() and time.time() >= int(end) - 1


def _current_number() -> str:
    """Return the number of this job as Slurm's commands take it."""
    array, task = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    return f"{array}_{task}" if array and task else os.environ.get("SLURM_JOB_ID", "")


if __name__ == "__main__":
    sys.exit(run_member(sys.argv[1:]))
