"""What the machine refuses (no space, no permission, no memory, a broken file), in one message.

Errors of libraries are known by the names of their classes, so that nothing is imported for it.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from bench._io import packages
from bench.errors import plain_message, quote_text

EXIT_MACHINE, EXIT_GIVEN = 1, 2
"""Exit codes: the machine is at fault, or what it was given."""
EXIT_STOPPED = 75
"""Exit code: a signal asked to stop, and the same command goes on (EX_TEMPFAIL of sysexits.h)."""


class ErrorExplanation(NamedTuple):
    """An error as its reader is told of it."""

    code: str
    """As in `bench.error_codes`."""
    message: str
    """One line: the path where it is known, what happened, what to do."""
    exit_code: int
    """`EXIT_MACHINE` or `EXIT_GIVEN`."""


class _Case(NamedTuple):
    code: str
    what: str
    remedy: str
    exit_code: int = EXIT_MACHINE

    def explain(self, where: str = "") -> ErrorExplanation:
        text = "; ".join(filter(None, (self.what, self.remedy)))
        return ErrorExplanation(self.code, f"{where}: {text}" if where else text, self.exit_code)


_SPACE = "free some, or name another place: `work` in bench.toml, TMPDIR for temporary files"
_OTHER_PLACE = "give it the right to, or name another place, e.g. `work` in bench.toml"
_LOCAL = "put `work` in bench.toml on a local disk"
_MEMORY = "end other programs, or ask for less: fewer `workers`, a smaller training.batch_size"
_CASES: dict[int, _Case] = {
    errno.ENOSPC: _Case("machine.disk-full", "there is no space left on the disk", _SPACE),
    errno.EDQUOT: _Case("machine.disk-full", "the quota of disk space is used up", _SPACE),
    errno.EFBIG: _Case(
        "machine.limit", "the file may not grow further", "`ulimit -f` or the file system limits it"
    ),
    errno.EACCES: _Case("machine.permission", "permission denied", _OTHER_PLACE, EXIT_GIVEN),
    errno.EPERM: _Case("machine.permission", "permission denied", _OTHER_PLACE, EXIT_GIVEN),
    errno.EROFS: _Case(
        "machine.permission", "the file system is read-only", _OTHER_PLACE, EXIT_GIVEN
    ),
    errno.ENOENT: _Case(
        "file.missing", "there is no such file or folder", "look at the path", EXIT_GIVEN
    ),
    errno.ENOTDIR: _Case(
        "file.wrong-kind",
        "a file stands where the path needs a folder",
        "look at the path",
        EXIT_GIVEN,
    ),
    errno.EISDIR: _Case(
        "file.wrong-kind", "is a folder, should be a file", "look at the path", EXIT_GIVEN
    ),
    errno.EEXIST: _Case(
        "file.exists", "is there already", "move it away, or name another place", EXIT_GIVEN
    ),
    errno.ENOTEMPTY: _Case(
        "file.exists", "is a folder that is not empty", "move it away", EXIT_GIVEN
    ),
    errno.ELOOP: _Case(
        "file.bad-path", "is a link that leads back to itself", "look at the links", EXIT_GIVEN
    ),
    errno.ENAMETOOLONG: _Case(
        "file.bad-path", "the name is too long for the file system", "shorten it", EXIT_GIVEN
    ),
    errno.EIO: _Case(
        "machine.disk-failing",
        "the disk or network drive failed (input/output error)",
        "try another one; see `dmesg`",
    ),
    errno.ESTALE: _Case(
        "machine.disk-failing", "the network drive no longer knows the file", "run it again"
    ),
    errno.ENOLCK: _Case("machine.no-locks", "the file system gives no lock", _LOCAL),
    errno.EOPNOTSUPP: _Case("machine.no-locks", "the file system cannot do this", _LOCAL),
    errno.EMFILE: _Case(
        "machine.limit", "too many files are open", "raise `ulimit -n`, or set fewer `workers`"
    ),
    errno.ENFILE: _Case(
        "machine.limit", "too many files are open on this machine", "end other programs"
    ),
    errno.ENOMEM: _Case("machine.no-memory", "there is not enough memory", _MEMORY),
    errno.EAGAIN: _Case(
        "machine.limit", "no further process or thread can be made", "see `ulimit -u`"
    ),
}
_OF_DISK = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.ESTALE, errno.ENOLCK}
)
_OF_SQLITE: dict[str, _Case] = {
    "database or disk is full": _CASES[errno.ENOSPC],
    "attempt to write a readonly database": _Case(
        "machine.permission", "may not be written, or its folder may not", _OTHER_PLACE, EXIT_GIVEN
    ),
    "unable to open database file": _Case(
        "file.unreadable", "cannot be opened", _OTHER_PLACE, EXIT_GIVEN
    ),
    "disk I/O error": _CASES[errno.EIO],
    "database is locked": _Case(
        "machine.database-locked",
        "another process holds it",
        f"wait for it; on a network drive, {_LOCAL}",
    ),
    "malformed": _Case("file.malformed", "is damaged", "move it away, or restore a copy"),
    "file is not a database": _Case(
        "file.malformed", "is no SQLite database", "move it away", EXIT_GIVEN
    ),
}
_FULL_DATABASE = ("database or disk is full", "disk I/O error")
_DATABASES = frozenset(
    {"sqlite3.Error", "sqlalchemy.exc.SQLAlchemyError", "mlflow.exceptions.MlflowException"}
)
_NO_MEMORY = ("can't allocate memory", "not enough memory", "Cannot allocate memory")


def explain_error(error: BaseException) -> ErrorExplanation | None:
    """Return how to tell the user of an error that the machine or a file caused.

    Return None for any other error: it is a fault of this suite.
    """
    explanation = next(
        filter(None, (_explain_class(error, name) for name in _class_names(error))), None
    )
    return explanation or (_explain_runtime(error) if isinstance(error, RuntimeError) else None)


def is_disk_error(error: BaseException | None) -> bool:
    """Return whether the disk caused this error or its cause: no space, read-only or failing.

    What was asked for can be done once that is mended.
    """
    if error is None:
        return False
    if isinstance(error, OSError) and error.errno in _OF_DISK:
        return True
    if {*_class_names(error)} & _DATABASES and any(words in str(error) for words in _FULL_DATABASE):
        return True
    return _is_torn_write(error) or is_disk_error(error.__cause__ or error.__context__)


@contextmanager
def name_path(path: Path, part: Path | None = None) -> Generator[None]:
    """Make operating system errors of this block name `path`.

    That concerns errors without a path (of a write), and those of the `part` that becomes `path`.
    """
    try:
        yield
    except OSError as error:
        unnamed = error.filename is None or str(error.filename) == str(part)
        if error.errno is not None and unnamed:
            error.filename, error.filename2 = str(path), None
        raise


def _class_names(error: BaseException) -> Iterator[str]:
    for kind in type(error).__mro__:
        yield f"{kind.__module__}.{kind.__qualname__}"


def _explain_class(error: BaseException, name: str) -> ErrorExplanation | None:
    match name:
        case "builtins.OSError":
            assert isinstance(error, OSError)
            return explain_os_error(error)
        case "builtins.ModuleNotFoundError":
            assert isinstance(error, ModuleNotFoundError)
            return _explain_package(error.name or "")
        case "builtins.MemoryError":
            what = f"there is not enough memory ({_first_line(error)})".replace(" ()", "")
            return _Case("machine.no-memory", what, _MEMORY).explain()
        case "builtins.UnicodeDecodeError":
            assert isinstance(error, UnicodeDecodeError)
            part = error.object[max(0, error.start - 20) : error.end + 20]
            what = f"a file is not in UTF-8 near {quote_text(part)}"
            return _Case("file.encoding", what, "save it as UTF-8", EXIT_GIVEN).explain()
        case "mlflow.exceptions.MlflowException":
            return _explain_database("the tracking store", str(error))
        case "sqlite3.Error" | "sqlalchemy.exc.SQLAlchemyError":
            return _explain_database("the database", str(getattr(error, "orig", None) or error))
        case "soundfile.LibsndfileError":
            return _explain_audio(str(error))
        case "torch.OutOfMemoryError":
            what = f"the GPU's memory is full ({_first_line(error)})"
            remedy = "end what else runs on it, or set a smaller training.batch_size"
            return _Case("machine.gpu-memory", what, remedy).explain()
        case "torch.AcceleratorError":
            what = f"the GPU failed: {_first_line(error)}"
            return _Case("machine.gpu-failed", what, "see `nvidia-smi`").explain()
        case "concurrent.futures.process.BrokenProcessPool":
            what = "a process of ours was killed, perhaps for memory"
            return _Case("machine.no-memory", what, _MEMORY).explain()
        case _:
            return None


def _explain_package(module: str) -> ErrorExplanation | None:
    """Explain a module that cannot be imported; None where it is one of ours."""
    package = module.partition(".")[0]
    if package in ("", "bench"):
        return None
    message = packages.missing_message(packages.current_command(), package)
    return ErrorExplanation("package.missing", message, EXIT_MACHINE)


def explain_os_error(error: OSError) -> ErrorExplanation:
    """Return what to tell the reader of an operating system error."""
    number, words = error.errno, error.strerror or ""
    if number is None:  # a library's own, or passed on by a process that loads audio
        return ErrorExplanation("machine.refused", plain_message(error), EXIT_MACHINE)
    case = _CASES.get(number) or _Case("machine.refused", words.lower() or os.strerror(number), "")
    if words and words != os.strerror(number):
        case = case._replace(what=words)
    path = error.filename
    where = os.fsdecode(path) if isinstance(path, str | bytes) else ""
    if not where and number == errno.ENOSPC:
        case = case._replace(what=f"{case.what} ({_free_space()})")
    return case.explain(where)


def _free_space() -> str:
    """Return how much space there is here and where temporary files are."""
    free: dict[str, int] = {}
    for folder in (os.curdir, os.environ.get("TMPDIR", "/tmp")):
        with suppress(OSError):  # it is gone
            free[os.path.abspath(folder)] = shutil.disk_usage(folder).free
    return ", ".join(f"{folder}: {size / 1e6:,.1f} MB free" for folder, size in free.items())


def _explain_database(which: str, text: str) -> ErrorExplanation:
    case = next((case for words, case in _OF_SQLITE.items() if words in text), None)
    other = _Case("machine.database-failed", text.strip().partition("\n")[0], "")
    return (case or other).explain(which)


def _explain_audio(text: str) -> ErrorExplanation:
    """Explain an error of libsndfile, whose "System error." says of no file why."""
    path = re.match(r"Error opening '(.*)': ", text)
    where = path[1] if path else ""
    if not text.endswith("System error."):
        return ErrorExplanation("file.unreadable", text, EXIT_MACHINE)
    what = "audio cannot be read or written (disk full, no permission, or the drive failed)"
    return _Case("machine.refused", what, "look at the path and the free space").explain(where)


def _explain_runtime(error: RuntimeError) -> ErrorExplanation | None:
    """Explain what torch reports as a RuntimeError."""
    text = str(error)
    if "inline_container" in text or "PytorchStreamWriter" in text:
        # The system's own error is what torch's writer met before it noticed.
        cause = error.__cause__ or error.__context__
        if isinstance(cause, OSError):
            return explain_os_error(cause)
        if _is_torn_write(error):
            return _CASES[errno.ENOSPC].explain()
    if any(words in text for words in _NO_MEMORY):
        return _CASES[errno.ENOMEM].explain()
    if "DataLoader worker" in text and "killed by signal" in text:
        what = "a process that loads audio was killed, perhaps for memory or shared memory"
        remedy = "set fewer `workers` in bench.toml, 0 for none"
        return _Case("machine.no-memory", what, remedy).explain()
    return None


def _is_torn_write(error: BaseException) -> bool:
    """Return whether torch's writer says, in its way, that not all was written."""
    text = str(error)
    return isinstance(error, RuntimeError) and (
        ("inline_container" in text and "unexpected pos" in text) or "Writer failed" in text
    )


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0]
