"""A score file as it is named on the command line, with what is said of this file alone:
`A.txt,column=3,higher-is-spoof,name=AASIST`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from bench.errors import BenchError, near

if TYPE_CHECKING:
    from bench.scoring.reading import Reading

SAID = "options of one file stand after it: FILE,column=3,higher-is-spoof,name=NAME"


class Given(NamedTuple):
    """A file, and what stands after it."""

    path: Path
    name: str
    """What the system is called; "" where it is not said."""
    said: Mapping[str, Any]
    """Fields of `bench.scoring.reading.Reading` that hold for this file."""

    def reading(self, default: Reading) -> Reading:
        """Return how the file is to be read: as it says, and as all files are for the rest."""
        return replace(default, **self.said)


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise BenchError(f"resolution={text}: should be the seconds of a frame, as 0.02") from None


def _order(text: str) -> str:
    if text not in ("ids", "protocol"):
        raise BenchError(f"order={text}: should be ids or protocol")
    return text


_VALUES: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "column": ("column", str),
    "id-column": ("id_column", str),
    "label-column": ("label_column", str),
    "resolution": ("resolution_s", _seconds),
    "order": ("order", _order),
    "name": ("name", str),
}
"""Keys with a value: the field that they fill, and how."""
_FLAGS = {"no-labels": ("labels", False), "higher-is-spoof": ("negate", True)}


class ScoreFileParam(click.ParamType):
    """The command line's type of such a file; a path that is there as it is written has no keys."""

    name = "file"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Given:
        """Return the file, or refuse what is none."""
        if isinstance(value, Given):
            return value
        try:
            return _parsed(str(value))
        except BenchError as error:
            self.fail(str(error), param, ctx)


def _parsed(text: str) -> Given:
    parts = text.split(",")
    counts = [n for n in range(len(parts), 0, -1) if Path(",".join(parts[:n])).exists()]
    if not counts:
        raise BenchError(f"{parts[0]}: there is no such score file")
    path = Path(",".join(parts[: counts[0]]))
    if path.is_dir():
        raise BenchError(f"{path}: is a folder, should be a file of scores")
    said = dict(_said(path, part.strip()) for part in parts[counts[0] :])
    return Given(path, said.pop("name", ""), said)


def _said(path: Path, part: str) -> tuple[str, Any]:
    key, given, value = part.partition("=")
    if key in _FLAGS and not given:
        return _FLAGS[key]
    if key in _VALUES and value:
        field, read = _VALUES[key]
        return field, read(value)
    if key in _FLAGS:
        raise BenchError(f"{path}: {part!r}: {key} stands alone, without a value")
    if key in _VALUES:
        raise BenchError(f"{path}: {part!r}: should be {key}=VALUE")
    raise BenchError(f"{path}: nothing is called {key!r}{near(key, [*_VALUES, *_FLAGS])} ({SAID})")
