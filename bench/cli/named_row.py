"""A row as `bench compare` takes it beside files: `table4:S5`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import click

from bench.cli.score_file_argument import ScoreFileArgument, ScoreFileParam
from bench.config import Config, Form
from bench.errors import BenchError


class NamedRow(NamedTuple):
    """A row by its table and its name."""

    text: str
    """`table4:S5`."""


class SystemParam(ScoreFileParam):
    """The command line's type of a score file or a row; a file that is there goes first."""

    name = "file or row"

    def convert(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> ScoreFileArgument | NamedRow:
        """Return the file or the row, or refuse what is neither."""
        text = str(value)
        is_row = re.fullmatch(r"[^:,\\]+:[^:\\]+", text) and not text.startswith((".", "/"))
        is_file = isinstance(value, ScoreFileArgument) or Path(text.partition(",")[0]).exists()
        if is_file or not is_row:
            return super().convert(value, param, ctx)
        return NamedRow(text)


def find_row_scores(
    row: NamedRow, corpus: str, split: str, seeds: str, form: Form, here: Config
) -> tuple[ScoreFileArgument, dict[str, Any]]:
    """Return the score file of a row's run on a split, and which row it is, for scripts.

    If the tracking store is a server, the file is fetched and exists as long as the command runs.
    """
    from bench.reports.row_pair import find_row
    from bench.tracking import open_store, run_artifacts

    store = open_store.open_to_read(here)
    runs_of_row = find_row(row.text, form, store, seeds)
    if len(runs_of_row.runs) != 1:
        raise BenchError(
            "option.missing",
            f"{runs_of_row.name}: a file is compared with one seed of a row: add --row-seed N",
        )
    names = [
        name
        for data, name in runs_of_row.evaluations.items()
        if (data.corpus, data.split) == (corpus, split)
    ]
    if not names:
        evaluated_on = ", ".join(f"{data.corpus} {data.split}" for data in runs_of_row.evaluations)
        raise BenchError(
            "row.no-such-evaluation",
            f"{runs_of_row.name}: is not evaluated on {corpus} {split}; it is on {evaluated_on}",
        )
    run = runs_of_row.runs[0]
    context = click.get_current_context()
    path = context.with_resource(
        run_artifacts.open_score_file(store, run.find_run_id(names[0]), names[0])
    )
    if path is None:
        raise BenchError(
            "run.no-scores",
            f"{runs_of_row.name}: its scores on {corpus} are not in the tracking store",
        )
    scores = ScoreFileArgument(path, runs_of_row.name, {}, Path(runs_of_row.name))
    return scores, runs_of_row.as_dict()
