"""Text files that people write: cards, `bench.toml`, lists."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from bench._io import machine
from bench.errors import BenchError, quoted

_MARKS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
"""Byte order marks, and what follows each."""


def read(path: Path, shown: str = "") -> str:
    """Return the text of a file in UTF-8, with a byte order mark or without, or in UTF-16 with one
    (as Windows PowerShell writes it); lines end in a newline.

    BenchError, the file called `shown` in it, where it cannot be read or is in another encoding.
    """
    name = shown or str(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        error.filename = name
        raise BenchError("file.unreadable", machine.of_system(error).message) from error
    mark = next((mark for mark in _MARKS if data.startswith(mark)), b"")
    body, encoding = data[len(mark) :], _MARKS.get(mark, "utf-8")
    try:
        text = body.decode(encoding)
    except UnicodeDecodeError as error:
        line = body[: error.start].count("\n".encode(encoding)) + 1
        near = quoted(body[max(0, error.start - 20) : error.end + 20])
        raise BenchError(
            "file.encoding", f"{name}:{line}: not in UTF-8 (near {near}): save the file as UTF-8"
        ) from error
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise BenchError(
            "file.encoding", f"{name}:{line}: holds a zero byte: save the file as text in UTF-8"
        )
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_toml(path: Path, shown: str = "") -> dict[str, Any]:
    """Return a TOML file's content; BenchError as `read`, and with the line of a syntax error."""
    text = read(path, shown)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BenchError("file.malformed", f"{shown or path}: not TOML: {error}") from error
