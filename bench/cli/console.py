"""What the command line prints: names of files, ids and settings may hold characters that a
terminal obeys.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, TextIO, cast

from bench.printable import visible


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
        self.rich_proxied_file.write(text if is_bar else visible(text))
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
