"""Files and folders written whole or not at all, and what killed processes left of them removed.

Whoever writes holds a lock on what is not whole yet, so that `remove_leftovers` can tell what a
living process of any machine still writes from what a killed one left.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Generator, Iterable, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from bench._io import file_locks, machine
from bench.errors import BenchError

_PART = re.compile(r"\..+\.[0-9a-f]{8}\.part")
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])(\.|$)", re.IGNORECASE)
"""Names of Windows' devices: no file can be called so, whatever its suffix."""
_SETTLED_S = 60
"""A younger file may be one whose lock its writer is about to take."""
_LONGEST_BASE = 40


@contextmanager
def open_whole(path: Path) -> Generator[IO[bytes]]:
    """Yield an open file that takes the place of `path` when the block ends, flushed to the disk.

    A reader never meets half a file, and where the block raises or the process dies, what was at
    `path` before stays as it was. The folder is made where it is missing; the file's mode is the
    umask's. Raise OSError as the system does, of `path`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = _part_path(path)
    with machine.name_path(path, part):
        # Not `tempfile`: its files are for their owner alone, whatever the umask says.
        file = part.open("xb")
        try:
            with file:
                file_locks.hold_handle(file.fileno())
                yield file
                file.flush()
                os.fsync(file.fileno())
                os.utime(part)  # young, so that it is left alone although nobody holds it now
            os.replace(part, path)  # Windows moves no open file
        except BaseException:  # also Ctrl-C: nothing half-written is left
            part.unlink(missing_ok=True)
            raise


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path`, whole or not at all; see `open_whole`."""
    with open_whole(path) as file:
        file.write(content)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` in UTF-8, whole or not at all; see `open_whole`."""
    write_bytes(path, text.encode("utf-8"))


def write_list(path: Path, text: str, begins: str) -> None:
    """Write a list for scripts to `path`, which may be a pipe or `/dev/stdout`.

    A file is written whole, and only over an earlier list, which begins alike. Raise BenchError
    where it cannot be written, or another file is there.
    """
    try:
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8")
            return
        if path.is_file() and not path.read_bytes().startswith(begins.encode()):
            raise BenchError(
                "file.exists", f"{path}: is there already, and is no such list: name another file"
            )
        write_text(path, text)
    except OSError as error:
        raise BenchError(
            "file.unwritable", f"{path}: cannot be written: {error.strerror}"
        ) from error


def write_all(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Write files into `folder` by name, each whole, and none where the disk is too small for all.

    Text is written in UTF-8. Raise OSError as the system does, with the name of the file.
    """
    with scratch_folder(folder / "files") as aside:
        for name, content in files.items():
            data = content.encode("utf-8") if isinstance(content, str) else content
            with machine.name_path(folder / name, aside / name):
                (aside / name).write_bytes(data)
        for name in files:
            with machine.name_path(folder / name, aside / name):
                os.replace(aside / name, folder / name)


@contextmanager
def scratch_folder(beside: Path | None = None) -> Generator[Path]:
    """Yield a new folder that is removed, with all that it holds, when the block ends.

    It lies `beside` a path, so that what is made there can be moved to it, or else in the system's
    folder of temporary files; there it is its owner's alone.
    """
    if beside is None:
        folder, mode = _part_path(Path(tempfile.gettempdir(), "bench")), 0o700
    else:
        folder, mode = _part_path(beside), 0o777
        folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode)
    try:
        with _held_folder(folder):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def temporary_folder() -> Generator[None]:
    """Put temporary files of this process, and of its libraries, into a folder of its own.

    It is removed at the end, or by `remove_leftovers` where the process was killed. Where that is
    not possible, the system's folder is used: names of sockets have at most some hundred
    characters, too few for a long name of that folder.
    """
    with ExitStack() as stack:
        base, folder = "", None
        try:
            base = tempfile.gettempdir()
            usable = len(base) <= _LONGEST_BASE and os.access(base, os.W_OK)
            folder = stack.enter_context(scratch_folder()) if usable else None
        except OSError:  # full, or there is none: who needs one will say so
            pass
        if folder is None:
            yield
            return
        stated = os.environ.get("TMPDIR")
        tempfile.tempdir = os.environ["TMPDIR"] = str(folder)
        try:
            yield
        finally:
            tempfile.tempdir = base
            if stated is None:
                del os.environ["TMPDIR"]
            else:
                os.environ["TMPDIR"] = stated


def portable_name(text: str, between: str = "_") -> str:
    """Return text as a name of a file or folder that every system accepts.

    Other characters become `between`. What is added to the name should not begin with a point.

    >>> portable_name("a/b: c.1"), portable_name("nul.txt"), portable_name("..")
    ('a_b_c.1', '_nul.txt', '')
    """
    name = re.sub(r"[^\w.+=-]+", between, text).strip(".")
    return f"_{name}" if _RESERVED.match(name) else name


def is_part(name: str) -> bool:
    """Return whether a file or folder is called as what is not whole yet."""
    return _PART.fullmatch(name) is not None


def remove_leftovers(folders: Iterable[Path]) -> list[Path]:
    """Remove what killed writers left directly in any of the folders, and return it.

    What a living process writes, another user owns or cannot be removed is left. Folders that are
    not there hold nothing.
    """
    removed: list[Path] = []
    for folder in folders:
        try:
            names = [name for name in os.listdir(folder) if _PART.fullmatch(name)]
        except OSError:
            continue
        removed += [folder / name for name in sorted(names) if _remove_leftover(folder / name)]
    return removed


def _part_path(path: Path) -> Path:
    """Return a new name for what is to become `path`, no longer than a file system takes."""
    return path.with_name(f".{path.name[:50]}.{secrets.token_hex(4)}.part")


@contextmanager
def _held_folder(folder: Path) -> Generator[None]:
    """Hold a folder; Windows opens none, and nothing removes it there (`_is_left`)."""
    if os.name == "nt":
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        file_locks.hold_handle(handle)
        yield
    finally:
        os.close(handle)


def _remove_leftover(path: Path) -> bool:
    """Remove a file or folder where it is ours and nobody holds it; say whether it is gone."""
    try:
        if not _is_left(path):
            return False
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    except OSError:
        return False
    return True


def _is_left(path: Path) -> bool:
    """Return whether a file or folder is this user's, and whoever wrote it is gone.

    Raise OSError where it cannot be opened, so of a link, and of any folder on Windows.
    """
    if path.is_symlink():
        return False
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    try:
        state = os.fstat(handle)
        settled = time.time() - state.st_mtime > _SETTLED_S
        return settled and state.st_uid == _user_id() and file_locks.hold_handle(handle)
    finally:
        os.close(handle)


def _user_id() -> int:
    """Return who this process is to the file system: 0 on Windows, as the owner of every file."""
    return getattr(os, "geteuid", lambda: 0)()
