"""What the command line prints, made safe: names may hold characters that a terminal obeys."""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import TextIOWrapper
from typing import Any, TextIO, cast

from bench._io.printable import escape_invisible

FROM_EPOCH = "from the last finished epoch"
"""How what trains goes on (`announce_resumption`)."""


@contextmanager
def announce_resumption(how: str) -> Iterator[None]:
    """Have Ctrl-C within the block say how the same command continues.

    `how` is, for example, `from the last finished epoch`.
    """
    try:
        yield
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt(f"the same command goes on {how}") from error


def make_printable(stream: TextIO) -> None:
    """Have a stream print every letter; letters that its encoding lacks are escaped.

    A pipe of Windows, whose own encoding has few letters, gets UTF-8 unless PYTHONIOENCODING is
    set.
    """
    if not hasattr(stream, "reconfigure"):
        return
    unasked = "PYTHONIOENCODING" not in os.environ
    encoding = "utf-8" if sys.platform == "win32" and unasked else None
    cast("TextIOWrapper", stream).reconfigure(encoding=encoding, errors="backslashreplace")


def prints_unicode() -> bool:
    """Return whether standard output is in UTF-8."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return codecs.lookup(encoding).name == "utf-8"


class _Visible:
    """A stream whose text is `visible`."""

    def __init__(self, stream: TextIO) -> None:
        self.rich_proxied_file = stream
        """The stream itself, to which Rich draws its bars."""

    def write(self, text: str) -> int:
        """Write text, made visible; a progress bar of another library is written as it is."""
        is_bar = text.startswith(("\r", "\x1b[A"))
        self.rich_proxied_file.write(text if is_bar else escape_invisible(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.rich_proxied_file, name)


@contextmanager
def visible_output() -> Iterator[None]:
    """Make all printed text `visible`, so that no escape sequence reaches the terminal."""
    # One that the shell closed (`>&-`) is None.
    out, err = (
        cast("TextIO", _Visible(stream) if stream else stream)
        for stream in (sys.stdout, sys.stderr)
    )
    with redirect_stdout(out), redirect_stderr(err):
        yield
