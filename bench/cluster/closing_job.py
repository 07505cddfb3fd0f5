"""The last job of a submission: it sends what was recorded, and writes the report."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from bench._io.child_processes import start_command
from bench.cluster import slurm_commands
from bench.cluster.submission import Submission, SubmittedUnit, UnitState, read_submission
from bench.cluster.submit import submit_closing
from bench.errors import BenchError
from bench.smoke import smoke_option


def close_submission(arguments: Sequence[str]) -> int:
    """Close a submission; `arguments` is its folder. Return 1 where something was not sent."""
    submission = read_submission(Path(arguments[0]))
    is_table = submission.kind == "run"
    if is_table:
        _submit_lost(submission)
    code = _run_bench("sync")
    if is_table and not submission.overrides:
        report = ["report", submission.table, *smoke_option(submission.form).split()]
        _run_bench(*report)  # without results there is none: said in the log
    return code


def find_lost(submission: Submission) -> list[tuple[SubmittedUnit, UnitState]]:
    """Return the units that were begun and whose jobs are over without a word.

    A job that somebody cancelled is none of them.
    """
    units = [(unit, submission.read_state(unit)) for unit in submission.units]
    begun = [(unit, state) for unit, state in units if state.state in ("running", "requeued")]
    jobs = slurm_commands.list_jobs(state.job for _, state in begun)
    left = slurm_commands.WAITING | slurm_commands.ACTIVE | {slurm_commands.CANCELLED}
    return [
        (unit, state)
        for unit, state in begun
        if state.job not in jobs or jobs[state.job].state not in left
    ]


def _submit_lost(submission: Submission) -> None:
    """Submit units again whose job was killed; one that makes no progress ends by itself."""
    if submission.is_cancelled:
        return
    try:
        lost = {unit.name for unit, _ in find_lost(submission)}
        for array in submission.arrays:
            members = [
                index
                for index, unit in enumerate(array.members)
                if submission.units[unit].name in lost
            ]
            if members:
                _submit_members(submission, array.script, members)
    except BenchError as error:
        print(f"lost jobs were not submitted again: {error}", file=sys.stderr, flush=True)


def _submit_members(submission: Submission, script: str, members: Sequence[int]) -> None:
    text = (submission.folder / script).read_text(encoding="utf-8")
    number = slurm_commands.submit_script(text, [f"--array={','.join(map(str, members))}"])
    print(f"submitted lost jobs again as {number}: {members}", flush=True)
    submit_closing(submission, [number])


def _run_bench(*arguments: str) -> int:
    print(f"$ bench {' '.join(arguments)}", flush=True)
    with start_command([sys.executable, "-m", "bench", *arguments]) as command:
        return command.wait()


if __name__ == "__main__":
    sys.exit(close_submission(sys.argv[1:]))
