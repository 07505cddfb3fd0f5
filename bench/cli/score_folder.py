"""`bench score` without --corpus and of a folder: the corpus is found by the ids."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.evaluation_options import EvaluationOptions
from bench.cli.score_file_argument import ScoreFileArgument
from bench.config import Config
from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.evaluation.corpus_by_ids import KnownSplit

Splits = tuple["KnownSplit", ...]


def list_known_splits(evaluation: EvaluationOptions, config: Config) -> Splits:
    """Return the splits whose keys are on this machine, among which a file's corpus is looked for.

    BenchError if an option needs the corpus to be named.
    """
    from bench.evaluation.corpus_by_ids import known_splits

    if evaluation.keys is not None or evaluation.order == "protocol":
        what = "--keys" if evaluation.keys is not None else "--order protocol"
        raise BenchError("option.missing", f"{what} needs the corpus: add --corpus NAME")
    return tuple(known_splits(config, evaluation.form, evaluation.split or ""))


def find_corpus(
    given: ScoreFileArgument, evaluation: EvaluationOptions, splits: Splits
) -> tuple[str, str]:
    """Return the corpus and the split of a score file, and print them."""
    from bench.evaluation.corpus_by_ids import find_split

    reading = given.apply_options(evaluation.build_reading())
    match = find_split(given.path, reading, splits, given.shown)
    click.echo(f"{given.shown}: by its ids of {match.title}", err=True)
    return match.card.key, match.split


def score_each(folder: ScoreFileArgument, score_one: Callable[[ScoreFileArgument], None]) -> None:
    """Score each file of a folder, even if others fail; exit with 1, naming those that do."""
    files = _list_files(folder.path)
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


def _list_files(folder: Path) -> list[Path]:
    """Return the files of a folder by name, without hidden ones."""
    try:
        paths = sorted(
            path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")
        )
    except OSError as error:
        raise BenchError("file.unreadable", f"{folder}: cannot be read: {error}") from error
    if not paths:
        raise BenchError("file.missing", f"{folder}: there is no score file in it")
    return paths
