"""`bench explain positions`: how often positions in a segment occur, and the errors at each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from bench.cards import table_cards
from bench.cli import explain_output
from bench.cli.figure_request import (
    FigureRequest,
    against_option,
    against_seed_option,
    figure_options,
    join_row_names,
)
from bench.errors import BenchError
from bench.smoke import smoke_prefix

if TYPE_CHECKING:  # these import torch and Matplotlib, which takes seconds: else only when called
    from bench.analysis.position_errors import PositionResults
    from bench.analysis.trained_rows import LoadedRow


class _PositionPlot(NamedTuple):
    """What `positions` shows, and of what."""

    errors: PositionResults
    subject: str
    name: str
    paper: dict[str, float]
    """Shares that the paper prints, in per cent."""
    row: LoadedRow | None = None


@click.command()
@against_option
@against_seed_option
@click.option("--evaluation", help="Evaluation of the row (default: its first).")
@click.option(
    "--labels-only",
    "labels",
    is_flag=True,
    help="Draw only how often each position occurs in the corpus's labels; needs no trained row.",
)
@click.option(
    "--scores",
    type=click.Path(path_type=Path),
    multiple=True,
    help="File of frame scores to use instead of rows; give two to compare them.",
)
@figure_options("sal/table4", "S7")
def positions(
    request: FigureRequest,
    against: str | None,
    against_seed: int | None,
    evaluation: str | None,
    labels: bool,
    scores: tuple[Path, ...],
) -> None:
    """Draw how often each position in a segment occurs (SAL's Figure 3).

    The figure also shows the errors of one or two systems at each position.
    """
    from bench.reports import plots

    if scores:
        shown = _compare_files(scores)
    elif labels:
        shown = _count_labels(request, evaluation)
    else:
        shown = _compare_rows(request, against, against_seed, evaluation)
    errors, paper = shown.errors, shown.paper
    smoke = smoke_prefix(request.form)
    title = f"{smoke}Positions in the segment: {shown.subject}"
    request.write_figure(
        shown.name, plots.draw_positions(errors.shares, errors.systems, title, paper), shown.row
    )
    illustration = request.find_illustration("positions")
    explain_output.say_positions(errors, paper, illustration.source if illustration else "", smoke)


def _compare_files(scores: Sequence[Path]) -> _PositionPlot:
    from bench.analysis.position_errors import errors_by_position

    if len(scores) > 2 or len({path.stem for path in scores}) < len(scores):
        raise BenchError(
            "option.invalid", "--scores: should be one file, or two with different names"
        )
    paths = {path.stem: path for path in scores}
    name = "positions-" + "-against-".join(paths)
    return _PositionPlot(errors_by_position(paths), f"errors of {' and '.join(paths)}", name, {})


def _count_labels(request: FigureRequest, evaluation: str | None) -> _PositionPlot:
    from bench.analysis.position_errors import position_shares

    card = table_cards.read_table(request.table)
    (row,) = table_cards.select_rows(card, request.row)
    run = table_cards.resolve_row(card, row, request.form, request.overrides)
    chosen = request.choose_evaluation(run, evaluation)
    subject = f"share of frames, {request.describe_frames(run, chosen)}"
    errors = position_shares(run.evaluate[chosen], request.form, request.here)
    return _PositionPlot(
        errors, subject, f"positions-labels-{chosen}", _find_printed_shares(request, chosen)
    )


def _compare_rows(
    request: FigureRequest, against: str | None, seed: int | None, evaluation: str | None
) -> _PositionPlot:
    from bench.analysis.position_errors import errors_by_position

    rows = request.find_pair("positions", against, seed)
    run = rows[0].run
    chosen = request.choose_evaluation(run, evaluation)
    names = " and ".join(row.name for row in rows[::-1])
    subject = f"errors of {names} of {rows[0].table}, {request.describe_frames(run, chosen)}"
    errors = errors_by_position({row.name: row.score_file(chosen) for row in rows[::-1]})
    name = f"positions-{join_row_names(rows)}-{chosen}"
    return _PositionPlot(errors, subject, name, _find_printed_shares(request, chosen), rows[0])


def _find_printed_shares(request: FigureRequest, evaluation: str) -> dict[str, float]:
    illustration = request.find_illustration("positions")
    return illustration.paper if illustration and illustration.evaluation == evaluation else {}
