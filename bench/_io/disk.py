"""Room on a disk: what is free, what files take, and both in words."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def human_bytes(number: int) -> str:
    """Return a number of bytes in powers of 1,000, two digits or three.

    >>> [human_bytes(number) for number in (0, 999, 1_264_000_000, 57_300_000_000, 999_950)]
    ['0 B', '999 B', '1.3 GB', '57 GB', '1.0 MB']
    """
    size, unit = float(number), _UNITS[0]
    for unit in _UNITS:
        if size < 999.5 or unit == _UNITS[-1]:
            break
        size /= 1000
    digits = 1 if unit != "B" and size < 9.95 else 0
    return f"{size:.{digits}f} {unit}"


def free_bytes(path: Path) -> int:
    """Return how many bytes this user may still write at `path`, or where it would be made.

    Quotas are not seen. Raise OSError where the disk cannot be asked.
    """
    folder = path.absolute()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


def taken_bytes(*paths: Path) -> int:
    """Return how many bytes the files below `paths` take together.

    No link is followed, and a file with several names counts once. A file that is gone or not
    readable counts nothing.
    """
    seen: set[tuple[int, int]] = set()
    total = 0
    for path in paths:
        for state in _list_states(path):
            if (state.st_dev, state.st_ino) not in seen:
                seen.add((state.st_dev, state.st_ino))
                total += state.st_size
    return total


def _list_states(path: Path) -> list[os.stat_result]:
    """Return the states of the files at `path` and below."""
    try:
        state = path.lstat()
    except OSError:
        return []
    if stat.S_ISREG(state.st_mode):
        return [state]
    if not stat.S_ISDIR(state.st_mode):
        return []
    states: list[os.stat_result] = []
    for folder, _, names in os.walk(path):
        for name in names:
            states += _list_states(Path(folder, name))
    return states


def describe_shortage(path: Path, needed: int) -> str | None:
    """Return why `needed` more bytes do not fit at `path`, and what to do; None where they fit."""
    free = free_bytes(path)
    if needed <= free:
        return None
    return (
        f"{path}: {human_bytes(needed)} are needed and {human_bytes(free)} are free: make room "
        "(`bench prune` lists what can go), or put `work` in bench.toml on another disk"
    )
