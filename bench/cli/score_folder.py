"""`bench score` where the corpus is not said: it is known by the ids, of one file or of each file
of a folder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli import options
from bench.cli.given import Given
from bench.config import Config
from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.evaluation.corpus_by_ids import KnownSplit

Splits = tuple["KnownSplit", ...]


def known_splits(asked: Mapping[str, Any], smoke: bool, here: Config) -> Splits:
    """Return the splits whose keys are here, to find a file's among; UsageError where what is asked
    for needs the corpus to be named."""
    from bench.evaluation.corpus_by_ids import known_splits as known

    if asked["keys"] is not None or asked["order"] == "protocol":
        what = "--keys" if asked["keys"] is not None else "--order protocol"
        raise click.UsageError(f"{what} is of one corpus: say which, --corpus NAME")
    return tuple(known(here, options.form(smoke), asked["split"] or ""))


def find_corpus(given: Given, asked: Mapping[str, Any], splits: Splits) -> tuple[str, str]:
    """Return the corpus and the split that a score file is of, and say them."""
    from bench.evaluation.corpus_by_ids import find_split
    from bench.evaluation.reading import Reading

    reading = Reading(**{of.name: asked[of.name] for of in fields(Reading) if of.name in asked})
    found = find_split(given.path, given.reading(reading), splits, given.shown)
    click.echo(f"{given.shown}: by its ids of {found.shown}", err=True)
    return found.card.key, found.split


def score_each(folder: Given, score_one: Callable[[Given], None]) -> None:
    """Score each file of a folder, by name; those that fail are said, the others are scored, and
    the command then ends with exit code 1."""
    files = _files(folder.path)
    failed: list[str] = []
    for path in files:
        given = folder._replace(path=path, shown=path)
        try:
            score_one(given)
        except BenchError as error:
            click.echo(f"error: {error}", err=True)
            failed.append(path.name)
        except click.exceptions.Exit as ended:
            if ended.exit_code:
                failed.append(path.name)
    if failed:
        click.echo(f"{len(failed)} of {len(files)} files failed: {', '.join(failed)}", err=True)
        raise click.exceptions.Exit(1)


def _files(folder: Path) -> list[Path]:
    """Return the files of a folder by name, but hidden ones."""
    try:
        found = sorted(
            path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")
        )
    except OSError as error:
        raise BenchError(f"{folder}: cannot be read: {error}") from error
    if not found:
        raise BenchError(f"{folder}: holds no files of scores")
    return found
