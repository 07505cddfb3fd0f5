"""A submission: what was sent to Slurm, in a folder of the work folder that all its jobs read.

`submission.json` says what runs; `units/<name>.json` how each unit stands, written by the job that
runs it; `logs/` holds what the jobs print.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from bench._io import atomic_files
from bench.cards.table_cards import MARK
from bench.errors import BenchError
from bench.specs.precision import PrecisionName

SUBMISSION_VARIABLE = "BENCH_SUBMISSION"
"""The variable that names the folder of the submission that a process belongs to."""
UNIT_VARIABLE = "BENCH_UNIT"
"""The variable that names the unit that a process runs: `S5@666`."""
AGAIN = "--again"
"""The option of `bench run` that runs what is finished once more."""
_FOLDER = "submissions"
_FILE = "submission.json"
_CANCELLED = "cancelled"


@dataclass(frozen=True)
class SubmittedUnit:
    """What one member of an array runs."""

    name: str
    """`S5@666`; of another command its first word."""
    arguments: tuple[str, ...]
    """Of `bench`."""
    rows: tuple[str, ...] = ()
    """Of a table; none for another command."""
    seed: int = 0
    signatures: tuple[str, ...] = ()
    """Of the rows, as they were when it was submitted."""
    trainings: tuple[str, ...] = ()
    """Signatures of the trainings, by which their folders are called."""
    precision: PrecisionName | None = None
    """In which the rows are computed; None in submissions of before it could be chosen."""

    @property
    def is_repeat(self) -> bool:
        """Whether it runs what is finished once more."""
        return AGAIN in self.arguments


@dataclass(frozen=True)
class SubmittedArray:
    """Units with one class of resources, in one array of jobs."""

    members: tuple[int, ...]
    """Which units, by their index; their own index in this list is the array's task."""
    script: str
    """Name of its file in the submission's folder."""
    processes: int = 1
    """How many processes on each node a unit is started in, by srun."""
    nodes: int = 1
    job: str = ""
    """Its number; "" before it is submitted."""
    preflight: str = ""
    """The job that it waits for."""


@dataclass(frozen=True)
class Submission:
    """All that the jobs of one submission have to know."""

    folder: Path
    kind: str
    """`run`, or the other command that was submitted."""
    table: str
    form: str
    overrides: tuple[str, ...]
    variant: str | None
    units: tuple[SubmittedUnit, ...]
    arrays: tuple[SubmittedArray, ...]
    snapshot: Path
    commit: str
    lock: str
    versions: dict[str, str]
    token: str
    """Written to `token` as well: a node that cannot read it does not share the folder."""
    host: str
    user: str
    submitted: float
    """Seconds since 1970."""
    settings_file: str = ""
    """The `bench.toml` that a command writes places to; the jobs read a copy of what was in it."""
    closing: str = ""
    """The job that runs when all others are over."""

    @property
    def name(self) -> str:
        """Its id."""
        return self.folder.name

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody cancelled it."""
        return (self.folder / _CANCELLED).exists()

    def mark_cancelled(self) -> None:
        """Have no job of it go back into the queue."""
        (self.folder / _CANCELLED).touch()

    def list_jobs(self) -> list[str]:
        """Return the numbers of its jobs, those that its jobs submitted themselves among them."""
        own = [array.job for array in self.arrays] + [array.preflight for array in self.arrays]
        states = (self.read_state(unit) for unit in self.units)
        later = [state.job.partition("_")[0] for state in states]
        return [*dict.fromkeys(job for job in [*own, self.closing, *later] if job)]

    def log_path(self, job: str) -> Path:
        """Return the file that a job (`1230_4`) prints to."""
        return self.folder / "logs" / f"{job}.log"

    def read_state(self, unit: SubmittedUnit) -> UnitState:
        """Return how a unit stands by its own account."""
        try:
            content = json.loads(self._state_path(unit).read_text(encoding="utf-8"))
            return UnitState(**content)
        except FileNotFoundError:
            return UnitState()
        except (ValueError, TypeError):  # of another version
            return UnitState()

    def write_state(self, unit: SubmittedUnit, state: UnitState) -> None:
        """Write how a unit stands."""
        atomic_files.write_text(self._state_path(unit), json.dumps(asdict(state), indent=1))

    def _state_path(self, unit: SubmittedUnit) -> Path:
        name = unit.name.replace(MARK, "=").replace(",", "+")
        return self.folder / "units" / f"{atomic_files.portable_name(name)}.json"

    def save(self) -> None:
        """Write `submission.json`."""
        content = {**asdict(self), "folder": "", "snapshot": str(self.snapshot)}
        atomic_files.write_text(self.folder / _FILE, json.dumps(content, indent=1))


@dataclass(frozen=True)
class UnitState:
    """How a unit stands, as the last job that ran it wrote."""

    state: str = "queued"
    """`queued`, `running`, `requeued`, `finished`, `busy`, `failed`, `stopped`, `cancelled`."""
    job: str = ""
    """`1230_4`."""
    node: str = ""
    attempts: int = 0
    """How often a job began it."""
    stalls: int = 0
    """How often in a row it began with no more progress than before."""
    progress: tuple[int, ...] = ()
    """Epoch, step and score files when it last began."""
    code: str = ""
    message: str = ""
    changed: float = field(default_factory=time.time)

    def __post_init__(self) -> None:
        object.__setattr__(self, "progress", tuple(self.progress))  # JSON has lists

    def move_to(self, state: str, code: str = "", message: str = "") -> UnitState:
        """Return the unit in another state."""
        return replace(self, state=state, code=code, message=message, changed=time.time())


def make_submission_folder(work: Path) -> Path:
    """Make the folder of a new submission and return it."""
    now = datetime.now()
    # To the microsecond: names are in the order of submission.
    name = f"{now:%Y%m%d-%H%M%S-%f}-{secrets.token_hex(2)}"
    folder = (work / _FOLDER / name).absolute()
    for part in ("logs", "units"):
        (folder / part).mkdir(parents=True)
    return folder


def read_submission(folder: Path) -> Submission:
    """Return a submission; BenchError where its file is damaged or of another version."""
    path = folder / _FILE
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        content["folder"], content["snapshot"] = folder, Path(content["snapshot"])
        content["overrides"] = tuple(content["overrides"])
        content["units"] = tuple(map(_read_unit, content["units"]))
        content["arrays"] = tuple(
            SubmittedArray(**{**array, "members": tuple(array["members"])})
            for array in content["arrays"]
        )
        return Submission(**content)
    except (ValueError, TypeError, KeyError) as error:
        raise BenchError(
            "cluster.submission-damaged", f"{path}: cannot be read ({error!r}): submit again"
        ) from error


def _read_unit(content: dict[str, Any]) -> SubmittedUnit:
    lists = ("arguments", "rows", "signatures", "trainings")
    return SubmittedUnit(**{**content, **{name: tuple(content[name]) for name in lists}})


def list_submissions(work: Path) -> Iterator[Submission]:
    """Yield the submissions of a work folder, the newest first.

    Those that were only prepared, and damaged ones, are left out.
    """
    for path in sorted((work / _FOLDER).glob(f"*/{_FILE}"), reverse=True):
        try:
            sent = read_submission(path.parent.absolute())
        except (BenchError, OSError):
            continue
        if sent.closing:
            yield sent
