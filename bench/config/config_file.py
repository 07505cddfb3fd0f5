"""`bench.toml`, written: a place is noted in it, and all else stays as its user wrote it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from bench._io import atomic_files
from bench.config import Config, locations
from bench.errors import BenchError


def find_written_file(here: Config, environment: dict[str, str]) -> Path:
    """Return the `bench.toml` that a place is written to: the project's, else a new one.

    A new one stands beside the work folder that is in use, so that this stays the same. A job
    reads a copy, and is told which file that was made of.
    """
    if named := environment.get(locations.WRITTEN) or environment.get("BENCH_CONFIG"):
        return Path(named)
    if (own := locations.project_file(environment)) is not None:
        return own
    return Path(locations.NAME) if "work" in here.origins else here.work.parent / locations.NAME


def write_place(
    file: Path, section: str, key: str, path: Path, is_same: Callable[[str], bool]
) -> None:
    """Write where a corpus or weights are to `bench.toml`, which is made where it is missing.

    Comments and order stay. An entry whose key `is_same` (`PS` for `partialspoof`) is changed, else
    `key` is added. The path is relative to the file where it lies below it. Raise BenchError where
    the file is not TOML, and OSError.
    """
    import tomlkit

    with _edit_document(file) as document:
        table = cast("dict[str, Any]", document.setdefault(section, tomlkit.table()))
        name = next((name for name in table if is_same(name)), key)
        table[name] = state_path(path, file.resolve().parent)


def write_extension(file: Path, folder: Path) -> None:
    """Add a folder to `extend` of `bench.toml`, as `write_place` does; raise what it raises."""
    with _edit_document(file) as document:
        stated = state_path(folder, file.resolve().parent)
        document["extend"] = [*document.get("extend", []), stated]


@contextmanager
def _edit_document(file: Path) -> Generator[dict[str, Any]]:
    """Give the content of a TOML file to change, and write it with its comments and order."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    target = file.resolve()
    text = target.read_text(encoding="utf-8-sig") if target.exists() else ""
    try:
        document = tomlkit.parse(text)
        yield cast("dict[str, Any]", document)
    except (TOMLKitError, AttributeError, TypeError) as error:
        raise BenchError("config.invalid", f"{file}: cannot be changed: {error}") from error
    atomic_files.write_text(target, tomlkit.dumps(cast("Any", document)))


def state_path(path: Path, folder: Path) -> str:
    """Return a path as `bench.toml` in `folder` states it.

    >>> state_path(Path("/lab/data/LA"), Path("/lab")), state_path(Path("/big/LA$"), Path("/lab"))
    ('data/LA', '/big/LA$$')
    """
    whole = path.absolute()
    if whole.is_relative_to(folder):
        whole = whole.relative_to(folder)
    return whole.as_posix().replace("$", "$$")
