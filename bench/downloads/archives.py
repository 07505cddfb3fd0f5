"""Archives, unpacked so that nothing in them can reach beyond the folder that they are unpacked in.

All of an archive arrives, or nothing: it is unpacked beside the folder and moved there at the end.
"""

from __future__ import annotations

import errno
import lzma
import os
import shutil
import stat
import tarfile
import threading
import zipfile
import zlib
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path, PureWindowsPath
from typing import BinaryIO

from bench._io import atomic_files, disk
from bench.downloads.http_files import DownloadStopped, Report
from bench.errors import BenchError, quote_text

_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_LEAST_LIMIT, _LIMIT_FACTOR = 20_000_000_000, 20
"""An archive may hold so many times its size, and always as much as the first: frame labels shrink
a hundredfold when they are packed, audio does not."""
_BLOCK = 1 << 20
_DAMAGED = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError),
    RuntimeError,  # by zipfile: a member is encrypted, or packed in a way that it does not know
)


def is_archive(name: str) -> bool:
    """Return whether a file is unpacked, by its name.

    >>> is_archive("R01TTS.0.a.tgz"), is_archive("label_R01TTS.0.a.txt")
    (True, False)
    """
    return name.lower().endswith(_SUFFIXES)


def unpack_archive(
    archive: Path,
    folder: Path,
    report: Report,
    stop: threading.Event,
    *,
    members: Sequence[str] = (),
    inner: Sequence[str] = (),
    limit: int | None = None,
) -> None:
    """Unpack an archive into `folder`: all of it, or what the patterns `members` match.

    Archives within it that match `inner` are unpacked where they lie, and removed. `limit` is how
    many bytes it may hold, by default a multiple of its size; free space is a limit too. Raise
    BenchError for members that lead out of the folder, for links out of it, devices, too many bytes
    and damage, DownloadStopped, and OSError as the disk gives it. Then nothing is changed in
    `folder`.
    """
    size = archive.stat().st_size
    limit = max(_LEAST_LIMIT, _LIMIT_FACTOR * size) if limit is None else limit
    with atomic_files.scratch_folder(folder / "unpacked") as scratch:
        room = _Room(archive.name, limit, scratch)
        with archive.open("rb") as file:

            def report_position() -> None:
                if stop.is_set():
                    raise DownloadStopped
                report("unpacked", min(file.tell(), size), size)

            _unpack_file(file, archive.name, scratch, members, room, report_position)
            for pattern in inner:
                for path in sorted(scratch.glob(pattern)):
                    with path.open("rb") as nested:
                        _unpack_file(nested, path.name, path.parent, (), room, report_position)
                    path.unlink()
        merge_folders(scratch, folder)


def unpack_remote(
    file: BinaryIO, name: str, folder: Path, members: Sequence[str], stop: threading.Event
) -> None:
    """Unpack `members` of a zip archive that is read where it lies, as `unpack_archive` does."""

    def check_stop() -> None:
        if stop.is_set():
            raise DownloadStopped

    with atomic_files.scratch_folder(folder / "unpacked") as scratch:
        room = _Room(name, _LEAST_LIMIT, scratch)
        _unpack_file(file, name, scratch, members, room, check_stop)
        merge_folders(scratch, folder)


def merge_folders(source: Path, target: Path) -> None:
    """Move all that is in `source` into `target`; files that are there already are replaced.

    One thread after the other: archives that arrive together may hold the same folder.
    """
    with _merging:
        _move_content(source, target)


_merging = threading.Lock()


def _move_content(source: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.iterdir()):
        there = target / path.name
        if path.is_dir() and not path.is_symlink() and there.is_dir():
            _move_content(path, there)
        else:
            os.replace(path, there)


class _Room:
    """Counts what an archive puts on the disk, and refuses what is too much."""

    def __init__(self, archive: str, limit: int, folder: Path) -> None:
        self.archive, self.limit = archive, limit
        self.free = disk.free_bytes(folder)
        self.taken = 0

    def take(self, count: int) -> None:
        """Count bytes that are about to be written."""
        self.taken += count
        if self.taken > self.limit:
            raise BenchError(
                "archive.too-large",
                f"{self.archive}: holds more than {disk.human_bytes(self.limit)}: it is not what "
                "it should be, and is not unpacked",
            )
        if self.taken > self.free:
            raise BenchError(
                "download.no-room",
                f"{self.archive}: what it holds does not fit: {disk.human_bytes(self.free)} are "
                "free: make room, or name another place: --output-dir",
            )


def _unpack_file(
    file: BinaryIO,
    name: str,
    folder: Path,
    members: Sequence[str],
    room: _Room,
    advance: Callable[[], None],
) -> None:
    """Unpack an open archive into a folder that is given up if this raises."""
    unpack = _unpack_zip if name.lower().endswith(".zip") else _unpack_tar
    room.archive = name
    with _explain_damage(name):
        unpacked = unpack(file, name, folder, members, room, advance)
    missing = [pattern for pattern in members if not _matches_any(unpacked, pattern)]
    if missing:
        raise BenchError(
            "archive.member-missing", f"{name}: holds nothing that is called {missing[0]}"
        )


def _matches_any(names: Sequence[str], pattern: str) -> bool:
    return any(fnmatchcase(name, pattern) for name in names)


@contextmanager
def _explain_damage(name: str) -> Generator[None]:
    try:
        yield
    except _DAMAGED as error:
        if isinstance(error, tarfile.FilterError):
            raise _unsafe_error(name, str(error)) from error
        raise _damaged_error(name, error) from error
    except OSError as error:
        # gzip's own error has no number; a place before the file's start is an invalid argument.
        if error.errno not in (None, errno.EINVAL):
            raise
        raise _damaged_error(name, error) from error


def _damaged_error(name: str, error: Exception) -> BenchError:
    return BenchError("archive.damaged", f"{name}: is damaged, or is no such archive: {error}")


def _unsafe_error(name: str, why: str) -> BenchError:
    return BenchError("archive.unsafe", f"{name}: {why}: nothing of it is unpacked")


def _check_name(archive: str, member: str) -> None:
    """Raise BenchError for a member's name that no folder should be trusted with."""
    path = PureWindowsPath(member)  # which takes both kinds of slashes, and drives
    if path.is_absolute() or path.drive or path.root or ".." in path.parts or "\0" in member:
        raise _unsafe_error(archive, f"{quote_text(member)} leads out of its folder")


def _select_members(names: Sequence[str], members: Sequence[str]) -> set[str]:
    return {name for name in names if not members or any(fnmatchcase(name, m) for m in members)}


def _unpack_zip(
    file: BinaryIO,
    name: str,
    folder: Path,
    members: Sequence[str],
    room: _Room,
    advance: Callable[[], None],
) -> list[str]:
    with zipfile.ZipFile(file) as archive:
        wanted = _select_members(archive.namelist(), members)
        entries = [entry for entry in archive.infolist() if entry.filename in wanted]
        for entry in entries:
            _check_entry(name, entry)
        for entry in entries:
            advance()
            room.take(entry.file_size)
            path = folder / entry.filename
            if entry.is_dir():
                path.mkdir(parents=True, exist_ok=True)
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            # zipfile reads no more than the size that was counted, and compares the checksum.
            with archive.open(entry) as packed, path.open("wb") as unpacked:
                shutil.copyfileobj(packed, unpacked, _BLOCK)
        return [entry.filename for entry in entries]


def _check_entry(archive: str, entry: zipfile.ZipInfo) -> None:
    _check_name(archive, entry.filename)
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise _unsafe_error(archive, f"{quote_text(entry.filename)} is a link or a device")
    if entry.flag_bits & 1:
        raise BenchError("archive.damaged", f"{archive}: needs a password, and none is known")


def _unpack_tar(
    file: BinaryIO,
    name: str,
    folder: Path,
    members: Sequence[str],
    room: _Room,
    advance: Callable[[], None],
) -> list[str]:
    unpacked: list[str] = []
    with tarfile.open(fileobj=file, mode="r:*") as archive:
        for entry in archive:
            advance()
            _check_name(name, entry.name)
            if not _select_members([entry.name], members):
                continue
            room.take(entry.size)
            # Python's own filter refuses devices, and links that lead out of the folder.
            archive.extract(entry, folder, filter="data")
            unpacked.append(entry.name)
    return unpacked
