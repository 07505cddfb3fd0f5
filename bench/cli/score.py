"""`bench score`: evaluate a score file, or scores made now, by the official protocol."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from bench.cli import completion, configuration, options
from bench.cli.evaluation_options import EvaluationOptions, evaluation_options
from bench.cli.expected_results import Expected, ExpectedParam
from bench.cli.score_file_argument import ScoreFileArgument, ScoreFileParam
from bench.cli.score_folder import find_corpus, list_known_splits, score_each
from bench.cli.score_model import score_model
from bench.cli.score_request import ScoreRequest, evaluate_scores
from bench.cli.score_row import score_row
from bench.cli.submitted import slurm_job
from bench.errors import BenchError


@click.command()
@click.argument("scores", type=ScoreFileParam(folders=True), required=False)
@click.option(
    "--row",
    metavar="ROW",
    shell_complete=completion.row_name,
    help="Instead of a score file: score the split with the weights of this trained row.",
)
@click.option(
    "--table",
    default="table4",
    show_default=True,
    shell_complete=completion.table_names,
    help="Table of --row.",
)
@click.option("--row-seed", type=int, help="Seed of the row's training (default: its first).")
@options.trained_with
@options.model
@options.clip
@evaluation_options
@click.option(
    "--all-eer-definitions", is_flag=True, help="Also print the EER under every definition in use."
)
@click.option(
    "--output-dir",
    type=click.Path(path_type=Path),
    help="Output folder for the report, plots and, with --row or --model, the scores (default: "
    "<work>/scored/<name>).",
)
@click.option(
    "--track",
    is_flag=False,
    flag_value="",
    metavar="[TABLE]",
    shell_complete=completion.table_names,
    help="Add the result to the tracking store, as one more system of a table that evaluates this "
    "split.",
)
@click.option(
    "--problems-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write every missing, unknown, repeated or contradicted id to FILE as CSV, also if no "
    "metric is computed.",
)
@click.option("--name", help="Name of the system (default: the file's name).")
@click.option(
    "--expect",
    type=ExpectedParam(),
    multiple=True,
    metavar="METRIC=NUMBER,...",
    help="Results you expect, e.g. eer=0.83,min_tdcf=0.0275 (rates in per cent). Exits with 1 if "
    "one differs after rounding to the digits given. May be repeated.",
)
@slurm_job
def score(
    scores: ScoreFileArgument | None,
    row: str | None,
    table: str,
    row_seed: int | None,
    overrides: tuple[str, ...],
    model: str | None,
    clip_s: float | None,
    evaluation: EvaluationOptions,
    as_json: bool,
    all_eer_definitions: bool,
    output_dir: Path | None,
    track: str | None,
    problems_file: Path | None,
    name: str | None,
    expect: tuple[tuple[Expected, ...], ...],
) -> None:
    """Evaluate a score file, to see whether a number is right.

    The file may have any usual form: id and score in text, CSV, JSON, Parquet, NumPy or MATLAB
    files, or scores of frames; `-` is standard input. The suite first checks it against the keys of
    the corpus, and computes metrics only if it passes. Options that say how to read a file may
    follow its name, as in `bench compare`: A.txt,column=3,higher-is-spoof.

    Without --corpus the suite finds the corpus by the ids, among the corpora whose keys are on this
    machine. In a folder it evaluates each file, e.g. those of one system on eight corpora: scores/
    --track cross --name MyDet.

    With --row the suite computes the scores with a trained row. It takes the weights from the work
    folder or the tracking store and writes the scores beside the report.

    With --model your own detector scores the corpora that --corpus lists, e.g. ITW,21DF. The same
    command resumes after a kill.
    """
    if sum(given is not None for given in (scores, row, model)) != 1:
        raise BenchError(
            "option.conflict",
            "give one of a score file, a trained row (--row ROW) and a model (--model FILE)",
        )
    if clip_s is not None and model is None:
        raise BenchError("option.not-applicable", "--clip: is for --model alone")
    request = ScoreRequest(
        evaluation,
        configuration.to_write(*filter(None, (output_dir,))),
        output_dir,
        track,
        problems_file,
        name,
        tuple(one for several in expect for one in several),
        all_eer_definitions,
        as_json,
    )
    if model is not None:
        score_model(request, model, clip_s)
        return
    if scores is None:
        score_row(request, table, str(row), row_seed, overrides)
        return
    is_folder = scores.path.is_dir()
    if is_folder and (as_json or output_dir is not None or problems_file is not None):
        raise BenchError(
            "option.conflict",
            "--json, --output-dir and --problems-file need one file, not a folder",
        )
    splits = () if evaluation.corpus else list_known_splits(evaluation, request.config)

    def score_one(file: ScoreFileArgument) -> None:
        asked = request
        if not evaluation.corpus:
            corpus, split = find_corpus(file, evaluation, splits)
            asked = replace(request, evaluation=replace(evaluation, corpus=corpus, split=split))
        evaluate_scores(asked, file)

    if is_folder:
        score_each(scores, score_one)
    else:
        score_one(scores)
