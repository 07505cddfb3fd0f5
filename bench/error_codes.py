"""The stable codes of errors and findings, with cause and remedy, read from `schema/errors/*.toml`.

A code is `area.name`: the area is the file's name, the name is the table in it.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import NamedTuple

_FOLDER = Path(__file__).parent / "schema" / "errors"


class ErrorCode(NamedTuple):
    """What a code means."""

    cause: str
    """What is wrong, in one sentence."""
    remedy: str
    """What to do, in one sentence."""


@cache
def read_error_codes() -> dict[str, ErrorCode]:
    """Return every code with its cause and remedy, in the order of areas and names."""
    codes: dict[str, ErrorCode] = {}
    for path in sorted(_FOLDER.glob("*.toml")):
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        codes |= {f"{path.stem}.{name}": ErrorCode(**tables[name]) for name in sorted(tables)}
    return codes
