"""What `bench score` is asked for, and the evaluation of one score file as asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli import expected_results, json_output, options
from bench.cli.evaluation_options import EvaluationOptions
from bench.cli.expected_results import Expected
from bench.cli.progress_bars import show_progress
from bench.cli.result_files import check_folder, choose_folder, make_folder, write_results
from bench.cli.score_file_argument import ScoreFileArgument
from bench.cli.tracked_results import TrackedResult, keep_verdict
from bench.config import Config

if TYPE_CHECKING:  # pandas and pyarrow take a second: only where scores are evaluated
    from bench.evaluation.evaluator import Evaluator
    from bench.evaluation.matched_scores import MatchedScores
    from bench.evaluation.score_report import ScoreReport

NO_ROW: Mapping[str, Any] = {"table": None, "row": None, "seed": None, "set": []}
"""What scripts are told of the row where the scores are those of a file."""


@dataclass(frozen=True)
class ScoreRequest:
    """What `bench score` is asked for."""

    evaluation: EvaluationOptions
    config: Config
    output_dir: Path | None
    track: str | None
    """Table of the tracking store that the result is added to, "" for the only one that fits."""
    problems_file: Path | None
    name: str | None
    """Name of the system; None for the file's name."""
    expected: tuple[Expected, ...]
    all_eer_definitions: bool
    as_json: bool

    @property
    def results_dir(self) -> Path:
        """The folder that the folders of results are in."""
        return self.config.work / "scored"

    @property
    def folder_ending(self) -> str:
        """What the name of a folder of results ends with: the corpus and the split."""
        card, split = self.evaluation.find_card()
        return f"-{card.key}-{split}"


def evaluate_scores(
    request: ScoreRequest,
    scores: ScoreFileArgument,
    compute_scores: Callable[[], Mapping[str, Any]] | None = None,
) -> None:
    """Evaluate a score file; write and print the result.

    `compute_scores` makes the file first, once the request is checked, and returns which row it is
    of. Exit with 1 if there is no result, or another one than expected.
    """
    from bench.evaluation.file_names import longer_names
    from bench.evaluation.table_placement import find_placement

    evaluation, config = request.evaluation, request.config
    judge = evaluation.read_keys(
        config, scores.shown, all_eer_definitions=request.all_eer_definitions
    )
    card, split = evaluation.find_card()
    stands = None
    if request.track is not None:
        stands = find_placement(card.key, split, request.track, evaluation.form)
    of_row = NO_ROW if compute_scores is None else compute_scores()
    judged = _read_scores(judge, scores, request.problems_file)
    name = request.name or scores.name
    names = [name] if name else [*longer_names(scores.path)]
    if request.output_dir is None:
        target = choose_folder(request.results_dir, names, request.folder_ending, judged)
        effect = f"goes to {target.folder}"
    else:
        target = check_folder(request.output_dir, names[0], judged)
        effect = "is written over it"
    if target.conflict:
        click.echo(f"{target.conflict}: this one {effect}", err=True)
    make_folder(target.folder)
    with show_progress("breakdown") as progress:
        verdict = replace(judge.evaluate_scores(judged, progress), scores=scores.shown)
    expected = request.expected if verdict.results else ()
    expected_results.check_names(expected, verdict.results, verdict.notes)
    if name or target.conflict:
        verdict = replace(verdict, name=target.system)
    written = write_results(verdict, judged, target)
    tracked = None
    if stands is not None:
        system = target.system
        tracked = keep_verdict(verdict, judge, judged, stands, system, scores, written, config)
    if request.as_json:
        _print_json(verdict, written, of_row, tracked, expected)
    else:
        _print_text(verdict, written, tracked)
    if not verdict.results:
        options.end_without_figures(verdict.notes)
    expected_results.end_where_different(expected, verdict.results)


def _read_scores(
    judge: Evaluator, scores: ScoreFileArgument, problems_file: Path | None
) -> MatchedScores:
    """Read and check a score file; write all problems to a file if one is named."""
    from bench.evaluation.findings import UnusableScores, write_problems

    if problems_file is None:
        return scores.read_scores(judge)
    try:
        judged = scores.read_scores(judge)
    except UnusableScores as refused:
        write_problems(problems_file, refused.findings)
        raise
    write_problems(problems_file, judged.checked.findings)
    return judged


def _print_text(
    verdict: ScoreReport, written: Sequence[Path], tracked: TrackedResult | None
) -> None:
    from bench.evaluation import render

    click.echo(render.render_report(verdict))
    click.echo(f"written: {written[0].parent}: {', '.join(path.name for path in written)}")
    if tracked is not None:
        click.echo(tracked.description)


def _print_json(
    verdict: ScoreReport,
    written: Sequence[Path],
    of_row: Mapping[str, Any],
    tracked: TrackedResult | None,
    expected: Sequence[Expected],
) -> None:
    from bench.evaluation import render

    content = {
        **of_row,
        **render.report_as_dict(verdict),
        "files": written,
        "tracked": tracked and tracked._asdict(),
        "expected": expected_results.as_dicts(expected, verdict.results),
    }
    json_output.print_json("score", content)
