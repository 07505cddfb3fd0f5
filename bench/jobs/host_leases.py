"""A lease that processes of one machine share, and those of two machines never.

Its folder holds a file of each process that shares it. Who joins puts its own file there first and
looks for others then: of two machines that join at once, at least one sees the other.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from bench._io import atomic_files, machine
from bench.errors import Busy
from bench.jobs import holders
from bench.jobs.holders import Holder
from bench.jobs.leases import Lease

_ATTEMPTS = 10


def join_host(path: Path) -> Lease:
    """Share the lease in the folder `path`, made where it is missing.

    Raise Busy where processes of another machine share it, OSError where it cannot be written.
    """
    holder = holders.describe_this_process(secrets.token_hex(16))
    with machine.name_path(path):
        _place_file(path, holder)
    lease = Lease(path, holder)
    if text := describe_other_host(path):
        lease.give_back()
        raise Busy("tracking.other-host", text)
    return lease


def describe_other_host(path: Path) -> str:
    """Return who of another machine shares the lease, "" where nobody does."""
    for holder in holders.read_holders(path):
        if holder.is_of_this_machine:
            continue
        if holder.judge(path) != "free":
            return holder.describe(path)
    return ""


def remove_dead(path: Path) -> None:
    """Remove what dead processes left of a lease; what cannot be removed stays."""
    for holder in holders.read_holders(path):
        if holder.judge(path) == "free":
            with suppress(OSError):
                (path / holder.file_name()).unlink(missing_ok=True)
                path.rmdir()


def _place_file(path: Path, holder: Holder) -> None:
    for attempt in range(_ATTEMPTS):
        path.mkdir(parents=True, exist_ok=True)
        with atomic_files.scratch_folder(path) as aside:
            file = aside / holder.file_name()
            file.write_text(holder.format_file(), encoding="utf-8")
            try:
                os.replace(file, path / file.name)
                return
            except FileNotFoundError:  # the last one that shared it has removed the folder
                if attempt == _ATTEMPTS - 1:
                    raise
