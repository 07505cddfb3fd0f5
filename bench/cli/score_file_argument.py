"""A score file as the command line names it, with options of this file alone.

For example, `A.txt,column=3,higher-is-spoof,name=AASIST`.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from bench._io import atomic_files
from bench.cli.old_options import RENAMED_FILE_OPTIONS, warn_of_old_name
from bench.errors import BenchError, near_name

if TYPE_CHECKING:
    from bench.evaluation.evaluator import Evaluator
    from bench.evaluation.matched_scores import MatchedScores
    from bench.evaluation.read_options import ReadOptions

FILE_OPTIONS_HINT = "options of one file follow its name: FILE,column=3,higher-is-spoof,name=NAME"


class ScoreFileArgument(NamedTuple):
    """A file, and what stands after it."""

    path: Path
    """The file that is read; of a pipe or standard input its copy, which goes when the command
    ends."""
    name: str
    """What the system is called; "" where it is not said."""
    options: Mapping[str, Any]
    """Fields of `bench.evaluation.read_options.ReadOptions` that hold for this file."""
    shown: Path
    """What the file is called in messages and verdicts: its path, `stdin`, or `pipe-63`."""

    def apply_options(self, default: ReadOptions) -> ReadOptions:
        """Return how the file is to be read: as it says, and as all files are for the rest."""
        return replace(default, **self.options)

    def read_scores(self, judge: Evaluator) -> MatchedScores:
        """Return the scores, read as is said of them and checked by the judge."""
        from bench.evaluation.findings import UnusableScores

        try:
            return judge.read_scores(self.path, self.apply_options(judge.request.reading))
        except BenchError as error:
            message = str(error).replace(str(self.path), str(self.shown))
            findings = error.findings if isinstance(error, UnusableScores) else None
            raise (
                BenchError(error.code, message)
                if findings is None
                else UnusableScores(error.code, message, findings)
            ) from error


def _parse_seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise BenchError(
            "option.invalid", f"resolution={text}: should be the seconds of a frame, as 0.02"
        ) from None


def _parse_order(text: str) -> str:
    if text not in ("ids", "protocol"):
        raise BenchError("option.invalid", f"order={text}: should be ids or protocol")
    return text


_VALUES: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "column": ("column", str),
    "id-column": ("id_column", str),
    "label-column": ("label_column", str),
    "resolution": ("resolution_s", _parse_seconds),
    "order": ("order", _parse_order),
    "name": ("name", str),
}
"""Keys with a value: the field that they fill, and how."""
_FLAGS = {"no-labels": ("labels", False), "higher-is-spoof": ("negate", True)}


class ScoreFileParam(click.ParamType):
    """The command line's type of such a file; a path that is there as it is written has no keys."""

    name = "file"

    def __init__(self, *, folders: bool = False) -> None:
        self._folders = folders
        """Whether a folder of score files will do."""

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,  # noqa: ARG002
        ctx: click.Context | None,
    ) -> ScoreFileArgument:
        """Return the file; BenchError where there is none."""
        if isinstance(value, ScoreFileArgument):
            return value
        return _parse_file(str(value), ctx, folders=self._folders)


def _parse_file(text: str, ctx: click.Context | None, *, folders: bool) -> ScoreFileArgument:
    parts = text.split(",")
    paths = [Path(",".join(parts[:n])) for n in range(1, len(parts) + 1)]
    counts = [n for n, path in enumerate(paths, 1) if path in _STDIN or path.exists()]
    if not counts:
        raise BenchError("file.missing", f"{parts[0]}: there is no such score file")
    path = paths[counts[-1] - 1]
    if path.is_dir() and not folders:
        raise BenchError("file.wrong-kind", f"{path}: is a folder, should be a file of scores")
    file_options = dict(_parse_option(path, part.strip()) for part in parts[counts[-1] :])
    name = file_options.pop("name", "")
    if ctx is None or path.is_dir() or (path.is_file() and path not in _STDIN):
        return ScoreFileArgument(path, name, file_options, path)
    shown = _name_pipe(path)
    if ctx.meta.setdefault(f"{__name__}.{shown}", path) is not path:
        raise BenchError("option.read-twice", f"{path}: {shown} can be read once only")
    return ScoreFileArgument(
        ctx.with_resource(_copy_pipe(path, shown.name)), name or shown.name, file_options, shown
    )


_STDIN = (Path("-"), Path("/dev/stdin"))


def _name_pipe(path: Path) -> Path:
    """Return what a pipe is called; those that the shell numbers have no folder of their own."""
    if path in _STDIN:
        return Path("stdin")
    return Path(f"pipe-{path.name}") if path.name.isdigit() else path


@contextmanager
def _copy_pipe(path: Path, name: str) -> Iterator[Path]:
    """Copy what comes through a pipe into a file of that name, so that readers can open it again.

    The file is removed with the context.
    """
    with atomic_files.scratch_folder() as folder:
        copy = folder / name
        try:
            with copy.open("wb") as file:
                if path in _STDIN:
                    shutil.copyfileobj(sys.stdin.buffer, file)
                else:
                    with path.open("rb") as pipe:
                        shutil.copyfileobj(pipe, file)
        except OSError as error:
            raise BenchError(
                "file.unreadable", f"{path}: could not be copied to {copy}: {error}"
            ) from error
        yield copy


def _parse_option(path: Path, part: str) -> tuple[str, Any]:
    key, given, value = part.partition("=")
    if key in RENAMED_FILE_OPTIONS:
        warn_of_old_name(key, RENAMED_FILE_OPTIONS[key])
        key = RENAMED_FILE_OPTIONS[key]
    if key in _FLAGS and not given:
        return _FLAGS[key]
    if key in _VALUES and value:
        field, read = _VALUES[key]
        return field, read(value)
    if key in _FLAGS:
        raise BenchError("option.invalid", f"{path}: {part!r}: {key} stands alone, without a value")
    if key in _VALUES:
        raise BenchError("option.invalid", f"{path}: {part!r}: should be {key}=VALUE")
    raise BenchError(
        "option.invalid",
        f"{path}: nothing is called {key!r}{near_name(key, [*_VALUES, *_FLAGS])} "
        f"({FILE_OPTIONS_HINT})",
    )
