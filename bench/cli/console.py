"""What the command line prints: names of files, ids and settings may hold characters that a
terminal obeys.
"""

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
"""How what trains goes on (`resumable`)."""


@contextmanager
def announce_resumption(how: str) -> Iterator[None]:
    """Have Ctrl-C within it say how the same command goes on, e.g. `from the last finished epoch`;
    elsewhere it says no more than that the command was stopped.
    """
    try:
        yield
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt(f"the same command goes on {how}") from error


def make_printable(stream: TextIO) -> None:
    """Have a stream print every letter: in UTF-8 where it is a pipe of Windows, whose own encoding
    has few (PYTHONIOENCODING asks for another one); what an encoding lacks is escaped.
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
        """Write text; of other libraries' progress bars, which return to the line's begin, as it
        is.
        """
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
    """Within it (or the function that it decorates) all that is printed is `visible`: no escape
    sequence of a name reaches the terminal.
    """
    # One that the shell closed (`>&-`) is None.
    out, err = (
        cast("TextIO", _Visible(stream) if stream else stream)
        for stream in (sys.stdout, sys.stderr)
    )
    with redirect_stdout(out), redirect_stderr(err):
        yield
