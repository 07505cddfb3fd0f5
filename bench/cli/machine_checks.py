"""What `bench doctor` tries on this machine: disk, locks, write access, GPUs, the environment."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from bench._io import file_locks
from bench._io.atomic_files import scratch_folder
from bench._io.packages import installed_version
from bench.errors import BenchError
from bench.provenance import ROOT

_LOCK_AGAIN = """
import sys
from pathlib import Path
from bench._io import file_locks

def refuse(holder):
    sys.exit(3)

with file_locks.hold_file(Path(sys.argv[1]), refuse):
    pass
"""
_GB = 1e9


def find_existing(folder: Path) -> Path:
    """Return the folder if it exists, or the nearest folder above that does."""
    folder = folder.absolute()
    return next(path for path in (folder, *folder.parents) if path.is_dir())


def free_disk(work: Path) -> str:
    """Return how much room the disk of the work folder has."""
    usage = shutil.disk_usage(find_existing(work))
    return f"{usage.free / _GB:,.1f} GB of {usage.total / _GB:,.1f} GB free for {work}"


def check_writing(work: Path) -> str:
    """Write a file into the work folder, read it and remove it; return where.

    OSError or BenchError if that fails.
    """
    folder = find_existing(work)
    with scratch_folder(folder / "check") as temporary:
        file = temporary / "check"
        file.write_bytes(b"1")
        if file.read_bytes() != b"1":
            raise BenchError(
                "machine.disk-unreliable",
                f"{folder}: a file read back differs from what was written",
            )
    return f"{folder} is written and read"


def locks_hold(work: Path) -> str:
    """Lock a file of the work folder and have a second process ask for the lock; return the result.

    BenchError if both processes get it: two runs would then damage each other's files.
    """
    folder = find_existing(work)
    with scratch_folder(folder / "check") as temporary:
        file = temporary / "lock"
        with file_locks.hold_file(file):
            second = subprocess.run(
                [sys.executable, "-c", _LOCK_AGAIN, str(file)],
                capture_output=True,
                encoding="utf-8",
                errors="replace",
            )
        if second.returncode == 3:
            return f"a second process sees a lock on {folder}"
    if second.returncode == 0:
        raise BenchError(
            "machine.no-locks",
            f"{folder}: a second process does not see a lock: two runs at once would spoil each "
            "other's files; put `work` in bench.toml on a local disk",
        )
    raise BenchError(
        "machine.no-locks",
        f"{folder}: a second process cannot try a lock: {_last_line(second.stderr)}",
    )


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["it ended without a word"])[-1]


def beside_lock(lock: Path = ROOT / "uv.lock") -> str:
    """Return that the installed packages have the versions of the lock file.

    BenchError names the packages of another version. Packages that are not installed, such as those
    of other systems or extras, do not count.
    """
    if not lock.is_file():
        return "no lock file here: this is no checkout"
    wanted: dict[str, set[str]] = {}
    for package in tomllib.loads(lock.read_text(encoding="utf-8"))["package"]:
        if "version" in package:
            wanted.setdefault(package["name"], set()).add(_public_version(package["version"]))
    others = {
        name: installed
        for name, locked in wanted.items()
        if (installed := installed_version(name)) and _public_version(installed) not in locked
    }
    if not others:
        return f"the installed packages are those of {lock.name}"
    differences = ", ".join(
        f"{name} {installed} (locked: {' or '.join(sorted(wanted[name]))})"
        for name, installed in sorted(others.items())
    )
    raise BenchError(
        "machine.other-versions",
        f"{len(others)} other than {lock.name} says: {differences}; `uv sync --locked`",
    )


def _public_version(text: str) -> str:
    """Return a version without what a build adds: 2.11.0 of 2.11.0+cu128."""
    return re.split(r"\+", text)[0]
