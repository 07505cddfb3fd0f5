"""Where `bench.toml` is looked for, and what its texts may hold: variables and `~`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench.errors import BenchError

NAME = "bench.toml"
WITHIN = "BENCH_CONFIG_WITHIN"
"""The variable that names a folder outside which no `bench.toml` and no work folder is looked for
(our tests set it, so that they see nothing of the machine that they run on)."""
WRITTEN = "BENCH_CONFIG_WRITTEN"
"""The variable that names the file that places are written to, for a job, which reads a copy."""
_FOLDER = "speech-deepfake-bench"
_STORES = ("mlflow.db", "outbox.db", "tracking.lock")
"""Files by which a work folder that was used before is known."""
_VARIABLE = re.compile(r"\$(?:\$|(?P<bare>[A-Za-z_]\w*)|\{(?P<braced>[A-Za-z_]\w*)\})", re.ASCII)


def project_file(environment: Mapping[str, str]) -> Path | None:
    """Return the `bench.toml` of the working folder, else of the nearest folder above it.

    None where there is none. That of the working folder itself is named without a folder.
    """
    return next((path for path in _files_upwards(environment, NAME) if os.path.lexists(path)), None)


def user_file(environment: Mapping[str, str]) -> Path:
    """Return where the user's own `bench.toml` would be.

    That is in $XDG_CONFIG_HOME, else where programs of this system keep their settings.
    """
    import click

    named = environment.get("XDG_CONFIG_HOME")
    return Path(named, _FOLDER, NAME) if named else Path(click.get_app_dir(_FOLDER), NAME)


def machine_file(environment: Mapping[str, str]) -> Path:
    """Return where the `bench.toml` of all users of the machine would be."""
    base = environment.get("PROGRAMDATA", "") if os.name == "nt" else "/etc"
    return Path(base, _FOLDER, NAME)


def shared_files(environment: Mapping[str, str]) -> list[Path]:
    """Return the files of the user and of the machine that are there; the user's goes first."""
    places = [user_file(environment), machine_file(environment)]
    return [path for path in places if _is_within(path, environment) and os.path.lexists(path)]


def used_work(environment: Mapping[str, str]) -> Path | None:
    """Return the nearest folder `work` that holds a store already.

    The working folder and those above it are looked through; None where there is none.
    """
    stores = (path / store for path in _files_upwards(environment, "work") for store in _STORES)
    return next((path.parent for path in stores if path.is_file()), None)


def _files_upwards(environment: Mapping[str, str], name: str) -> Iterator[Path]:
    """Yield where `name` may be: in the working folder, then in each folder above it."""
    try:
        here = Path.cwd()
    except OSError:  # it was removed
        return
    for folder in (here, *here.parents):
        if _is_within(folder, environment):
            yield Path(name) if folder == here else folder / name


def _is_within(path: Path, environment: Mapping[str, str]) -> bool:
    within = environment.get(WITHIN)
    return within is None or path.is_relative_to(within)


def expand_variables(text: str, environment: Mapping[str, str], where: str) -> str:
    """Return a text with `$NAME` and `${NAME}` replaced by the variable's value, and `$$` by `$`.

    Raise BenchError, which begins with `where`, for a variable that is not set.

    >>> expand_variables("$DATA/${SET}_1$$", {"DATA": "/data", "SET": "eval"}, "work")
    '/data/eval_1$'
    """

    def value(match: re.Match[str]) -> str:
        name = match["bare"] or match["braced"]
        if name is None:
            return "$"
        if name not in environment:
            raise BenchError(
                "config.variable-unset",
                f"{where}: no variable {name} is set; a $ itself is written $$",
            )
        return environment[name]

    return _VARIABLE.sub(value, text)


def home_filled_in(text: str, where: str) -> Path:
    """Return a path, `~` as the home folder.

    BenchError, which begins with `where`, where a user has none.
    """
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise BenchError(
            "config.home-unknown", f"{where}: no home folder is known for the ~: write it out"
        ) from error
