"""Lines that fit the terminal, broken between words."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap

NO_TERMINAL = 120
"""How wide a table is where there is no terminal; prose is then not broken at all."""


def terminal_width() -> int:
    """Return how many characters a line may have: the terminal's, or what COLUMNS says."""
    return shutil.get_terminal_size((NO_TERMINAL, 24)).columns


def wrap_prose(text: str, indent: str = "") -> str:
    """Return prose in lines that fit the terminal, if there is one; later lines get `indent`."""
    terminal = sys.stdout is not None and sys.stdout.isatty()  # None: it was closed
    if not (terminal or os.environ.get("COLUMNS")):
        return text
    return "\n".join(
        part
        for line in text.split("\n")
        for part in textwrap.wrap(
            line,
            max(terminal_width(), len(indent) + 20),
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
            drop_whitespace=True,
        )
        or [""]
    )
