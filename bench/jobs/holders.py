"""Who holds a lease, as its file says, and whether they still work.

Whether a process of this machine lives, the system says. Whether a job of a cluster is over, its
commands say (`bench.jobs.cluster_jobs`). Of any other process only the renewals of its lease are
known. Their age is the difference of two times that the file server set, so that clocks of two
machines are never compared.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from bench._io import atomic_files
from bench.jobs import cluster_jobs, process
from bench.jobs.process import Process

RENEW_S = 20.0
"""How often a lease is renewed."""
SILENT_S = 600.0
"""After so long without renewal a holder on another machine is taken for dead."""
QUIET_S = 60.0
"""So long the lease of a job that is over must be silent: another cluster may have a job of this
number, and a process may outlive its job for a moment."""
_POLL_S = 2.0
_ENDING = ".json"

Verdict = Literal["held", "ending", "free"]
"""What a lease is: held, soon free (its job is over, its silence is short), or free."""


@dataclass(frozen=True)
class Holder:
    """Who holds a lease."""

    host: str
    pid: int
    started: str
    """See `bench.jobs.process.Process`."""
    machine: str
    """See `bench.jobs.process.machine_id`."""
    job: str
    restarts: int
    begun: str
    """When it was taken, by the holder's clock: only shown."""
    token: str
    """Random: the name of the lease's file, which no other lease ever has."""

    @property
    def worker(self) -> Process:
        """The process."""
        return Process(self.host, self.pid, self.started)

    @property
    def is_of_this_machine(self) -> bool:
        """Whether the system that this process runs in knows its processes."""
        here = (process.this_process().host, process.machine_id())
        return (self.host, self.machine) == here

    def file_name(self) -> str:
        """Return the name of its file in the folder of the lease."""
        return f"{self.token}{_ENDING}"

    def format_file(self) -> str:
        """Return the content of its file."""
        return json.dumps(asdict(self))

    def judge(self, path: Path) -> Verdict:
        """Return whether the lease in the folder `path` still counts."""
        if self.is_of_this_machine:
            return "held" if process.is_alive(self.worker) else "free"
        if self.job and self._was_restarted():
            return "free"
        silence = measure_silence(path / self.file_name())
        if silence is None or silence > SILENT_S:
            return "held" if silence is None else "free"
        if self.job and cluster_jobs.is_job_over(self.job, self.restarts):
            return "free" if silence > QUIET_S else "ending"
        return "held"

    def _was_restarted(self) -> bool:
        """Return whether this process belongs to a later run of the same job.

        A cluster starts a job again only when its earlier run is over.
        """
        same = self.job == cluster_jobs.current_job()
        return same and self.restarts < cluster_jobs.current_restarts()

    def describe(self, path: Path) -> str:
        """Return in a line who it is, since when, and how to free the lease in `path`."""
        if not self.pid:
            return f"an unknown process; {self._explain_silence(path)}"
        job = f", job {self.job}," if self.job else ""
        cancel = f"`scancel {self.job.rpartition(':')[2]}`" if self.job else f"`kill {self.pid}`"
        where = "" if self.job or self.is_of_this_machine else " there"
        text = f"process {self.pid} on {self.host}{job} since {self.begun}; {cancel}{where} ends it"
        if self.is_of_this_machine:
            return text
        return f"{text}; if it is gone already, {self._explain_silence(path)}"

    def _explain_silence(self, path: Path) -> str:
        silence = measure_silence(path / self.file_name())
        age = "" if silence is None else f", last renewed {max(silence, 0):.0f} s ago"
        return (
            f"its lease {path} is free after {SILENT_S / 60:.0f} minutes without renewal "
            f"(or remove it{age})"
        )


def describe_this_process(token: str) -> Holder:
    """Return this process as a holder."""
    here = process.this_process()
    return Holder(
        host=here.host,
        pid=here.pid,
        started=here.started,
        machine=process.machine_id(),
        job=cluster_jobs.current_job(),
        restarts=cluster_jobs.current_restarts(),
        begun=f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC",
        token=token,
    )


def read_holder(path: Path) -> Holder | None:
    """Return who holds the lease in the folder `path`, alive or dead; None where nobody does."""
    return next(iter(read_holders(path)), None)


def read_holders(path: Path) -> list[Holder]:
    """Return all who share the lease in the folder `path`, alive or dead.

    Of a file that a crash of the machine left without its content, only the token is known.
    """
    try:
        names = sorted(name for name in os.listdir(path) if name.endswith(_ENDING))
    except (FileNotFoundError, NotADirectoryError):
        return []
    sharing: list[Holder] = []
    for name in names:
        unknown = Holder("an unknown machine", 0, "", "", "", 0, "", name.removesuffix(_ENDING))
        try:
            # A network drive answers with what it has now only when a file is opened.
            text = (path / name).read_text(encoding="utf-8")
            known_parts = json.loads(text)
            sharing.append(Holder(**{**asdict(unknown), **known_parts, "token": unknown.token}))
        except FileNotFoundError:
            continue  # given back meanwhile
        except (ValueError, TypeError):
            sharing.append(unknown)
    return sharing


def wait_while_ending(path: Path) -> None:
    """Wait for leases in the folder `path` whose job is over, until they are free or renewed."""
    while any(holder.judge(path) == "ending" for holder in read_holders(path)):
        time.sleep(_POLL_S)


def measure_silence(file: Path) -> float | None:
    """Return the seconds since a lease's file was renewed, by the clock of the file server.

    None where nothing can be written beside the lease, so that the server's time is not known, or
    the file is gone.
    """
    with suppress(OSError):
        with file.open("rb") as opened:
            renewed = os.fstat(opened.fileno()).st_mtime
        with atomic_files.scratch_folder(file.parent) as made_now:
            return made_now.stat().st_mtime - renewed
    return None
