"""Files that were packed into a few large ones (`bench.data.packing`), read as if they lay there.

A packed folder has shards, which are tar archives, and an index of what lies where in them. A path
below such a folder that the index names is read from its shard, with one read, and compared with
the checksum that it had when it was packed. All other paths are ordinary files.
"""

from __future__ import annotations

import hashlib
import io
import os
import zlib
from collections.abc import Iterator
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from bench.errors import BenchError

INDEX = "packed.npy"
NAMES = "packed.txt"
"""The index, and the packed paths below the folder, a line each, in its order."""

RECORD = [("key", "<u8"), ("shard", "<i4"), ("begin", "<i8"), ("size", "<i8"), ("crc", "<u4")]
"""NumPy's type of what the index has of a packed file: its path's key (`path_key`), the shard's
number, where it begins there, its length in bytes, and its CRC-32. Records are in the order of
their keys."""


class _Member(NamedTuple):
    shard: Path
    begin: int
    size: int
    crc: int


class PackedFolder:
    """A folder that holds shards and their index."""

    def __init__(self, root: Path) -> None:
        import numpy as np  # needed here alone, and verbs that read no audio start without it

        self.root = root
        index = root / INDEX
        try:
            self._records: Any = np.load(index, mmap_mode="r")
        except (ValueError, EOFError) as error:
            raise _damaged_error(index, "is no index of packed files") from error
        if self._records.dtype != np.dtype(RECORD):
            raise _damaged_error(index, "is no index of packed files")
        # A column of records is not contiguous, and would be copied for every search.
        self._keys: Any = np.ascontiguousarray(self._records["key"])  # pyright: ignore

    @cached_property
    def names(self) -> list[str]:
        """The packed paths below the folder."""
        return (self.root / NAMES).read_text(encoding="utf-8").splitlines()

    def find_member(self, name: str) -> _Member | None:
        """Return where a file is by its path below the folder; None where it is not packed."""
        key = path_key(name)
        row = int(self._keys.searchsorted(self._keys.dtype.type(key)))
        if row == len(self._keys) or int(self._keys[row]) != key:
            return None
        _, shard, begin, size, crc = self._records[row].item()
        return _Member(self.root / shard_name(shard), begin, size, crc)


def path_key(name: str) -> int:
    """Return 64 bits of the BLAKE2b of a path below the packed folder."""
    digest = hashlib.blake2b(os.fsencode(name), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def shard_name(number: int) -> str:
    """Return the file name of a shard."""
    return f"packed-{number:04d}.tar"


def forget_folders() -> None:
    """Look anew for indices: a folder was packed."""
    _find_packed.cache_clear()


@lru_cache(maxsize=4096)
def _find_packed(folder: Path) -> tuple[PackedFolder, str] | None:
    """Return the packed folder that is `folder` or above it, and the path from it to `folder`."""
    if (folder / INDEX).is_file():
        return PackedFolder(folder), ""
    if folder == folder.parent or (above := _find_packed(folder.parent)) is None:
        return None
    return above[0], f"{above[1]}{folder.name}/"


def _find_member(path: Path) -> _Member | None:
    located = _find_packed(path.parent)
    return None if located is None else located[0].find_member(located[1] + path.name)


def open_file(path: Path) -> BinaryIO:
    """Open a file to read its bytes.

    Raise OSError, and BenchError where a packed file is not what it was.
    """
    member = _find_member(path)
    if member is None:
        return path.open("rb")
    with member.shard.open("rb", buffering=0) as shard:
        shard.seek(member.begin)
        content = shard.read(member.size)
    if len(content) != member.size or zlib.crc32(content) != member.crc:
        raise _damaged_error(member.shard, f"{path.name} is not as it was packed")
    return io.BytesIO(content)


def file_state(path: Path) -> tuple[int, int]:
    """Return a file's size and its time of change in ns; of a packed one the shard's time.

    Raise OSError where it is not there.
    """
    member = _find_member(path)
    if member is None:
        info = path.stat()
        return info.st_size, info.st_mtime_ns
    return member.size, member.shard.stat().st_mtime_ns


def is_packed(path: Path) -> bool:
    """Return whether a path is read from a shard."""
    return _find_member(path) is not None


def is_file(path: Path) -> bool:
    """Return whether there is a file, packed or not."""
    return is_packed(path) or path.is_file()


def list_folder(folder: Path) -> set[str]:
    """Return the names of what lies in a folder, packed or not; nothing where it is not there."""
    names = {*os.listdir(folder)} if folder.is_dir() else set[str]()
    return names | {name for name in _list_packed(folder) if "/" not in name}


def walk_files(folder: Path) -> Iterator[str]:
    """Yield the paths below a folder, packed or not, with `/` between their parts."""
    for where, _, files in os.walk(folder):
        below = Path(where).relative_to(folder).as_posix()
        before = "" if below == "." else f"{below}/"
        yield from (before + file for file in files)
    yield from _list_packed(folder)


def _list_packed(folder: Path) -> Iterator[str]:
    """Yield the packed paths below a folder, as `walk_files` does."""
    if (located := _find_packed(folder)) is not None:
        packed, before = located
        yield from (name.removeprefix(before) for name in packed.names if name.startswith(before))


def _damaged_error(path: Path, what: str) -> BenchError:
    return BenchError("file.packed-damaged", f"{path}: {what}: copy or pack it again")
