"""Errors that their reader can mend, and the near names they offer."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from difflib import get_close_matches


class BenchError(Exception):
    """A mistake in what the suite was given. The message says what, where and what would be right.

    `code` names the kind of mistake and stays the same when the wording changes, for example
    `corpus.audio-missing`; `bench.error_codes` explains each. The command line prints the message
    without a traceback and exits with code 2.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return self.message


class RowFailed(BenchError):
    """A row could not be finished (diverged, ran out of disk, was interrupted). Others go on."""


class InputChanged(RowFailed):
    """Audio or weights were replaced while a row was run: what it logged is no result."""


class Busy(BenchError):
    """Another process does what was asked for: nothing failed, and it can be asked for again."""


class Stopped(BenchError):
    """A signal asked the command to stop (`bench._io.interrupts`): the same command goes on.

    Nothing failed; the command line exits with `bench._io.machine.EXIT_STOPPED`.
    """


def make_stop(point: str) -> Stopped:
    """Return the error for a stop at `point`, e.g. `stopped at step 40 of 120 of epoch 3`."""
    return Stopped("run.stopped", f"{point}; the same command continues from there")


@contextmanager
def name_source(source: object) -> Generator[None]:
    """Begin the message of a BenchError of this block with what it is about: a file, a split."""
    try:
        yield
    except BenchError as error:
        raise BenchError(error.code, f"{source}: {error}") from error


def near_name(name: str, known: Iterable[str]) -> str:
    """Return `.

    Did you mean 'X'?` for the known name closest to `name`, or a list of what is known.

    >>> near_name("S22", ["S1", "S2"])
    "; did you mean 'S2'?"
    >>> near_name("unlike", ["S1", "S2"])
    '; known: S1, S2'
    """
    names = sorted(known)
    close = get_close_matches(name, names, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known: {', '.join(names)}" if names else ""


def quote_text(text: str | bytes, longest: int = 80) -> str:
    """Return what was found in a file, quoted, its first `longest` characters where it is longer.

    >>> quote_text("LA_E_1 0.5", 4)
    "'LA_E'..."
    """
    shown = text[: 4 * longest].decode("utf-8", "replace") if isinstance(text, bytes) else text
    return repr(shown) if len(shown) <= longest else f"{shown[:longest]!r}..."


def plain_message(error: BaseException) -> str:
    """Return the error's own message, without the traceback that a loader's worker wraps around it.

    >>> plain_message(BenchError("file.missing", "no such file"))
    'no such file'
    """
    text = str(error)
    marker = f"{type(error).__name__}: "
    if "Original Traceback" not in text or marker not in text:
        return text
    return text.rpartition(marker)[2].strip()
