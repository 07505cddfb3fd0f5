"""`bench score --model`: anyone's detector scores corpora, and its scores are evaluated."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench._io import atomic_files
from bench._io.packages import require_packages
from bench.cards import corpus_cards
from bench.cli.console import announce_resumption
from bench.cli.evaluation_options import EvaluationOptions
from bench.cli.result_files import make_folder, safe_name
from bench.cli.score_file_argument import ScoreFileArgument
from bench.cli.score_request import NO_ROW, ScoreRequest, evaluate_scores
from bench.errors import BenchError
from bench.specs.run import HeldOutData
from bench.units import SAMPLE_RATE_HZ, frame_samples, to_samples

if TYPE_CHECKING:  # torch takes seconds: only where a model scores
    from bench.runner.foreign_scores import ForeignScorer


def score_model(request: ScoreRequest, model: str, clip_s: float | None) -> None:
    """Have a model score each corpus that is asked for, and evaluate its scores.

    Exit with 1 if one of the corpora gives no result, or another than expected.
    """
    evaluation = request.evaluation
    corpora = [name.strip() for name in (evaluation.corpus or "").split(",") if name.strip()]
    if not corpora:
        raise BenchError(
            "option.missing",
            "the corpora that the model is to score are not named: add --corpus NAME,...",
        )
    one_only = (request.as_json, request.output_dir, request.problems_file, evaluation.keys)
    if len(corpora) > 1 and any(one_only):
        raise BenchError(
            "option.conflict",
            "--json, --output-dir, --problems-file and --keys need one corpus, not several",
        )
    require_packages("torch", "lightning_fabric")
    from bench.runner.foreign_models import parse_model
    from bench.runner.foreign_scores import ForeignScorer

    file = parse_model(model)
    scorer = ForeignScorer(file, evaluation.form, request.config, partial(click.echo, err=True))
    check_lengths(evaluation.resolution_s, clip_s)
    asked = [replace(evaluation, corpus=corpus, resolution_s=None) for corpus in corpora]
    for each in asked:  # before hours of scoring
        card, split = each.find_card()
        corpus_cards.check_split(card, split)
        request.config.corpus_root(card.key, evaluation.form)
    plans = [(each, _plan_scoring(each, evaluation.resolution_s, clip_s)) for each in asked]
    code = 0
    for each, data in plans:
        of_corpus = replace(request, evaluation=each, name=request.name or file.name)
        try:
            _score_corpus(of_corpus, scorer, data)
        except click.exceptions.Exit as ended:
            code = code or ended.exit_code
    if code:
        raise click.exceptions.Exit(code)


def check_lengths(resolution_s: float | None, clip_s: float | None) -> None:
    """Raise BenchError unless frames are whole samples, and clips whole frames."""
    unit = 1
    if resolution_s is not None:
        try:
            unit = frame_samples(resolution_s)
        except ValueError:
            unit = 0
        if unit < 1:
            raise BenchError(
                "option.invalid",
                f"--resolution {resolution_s:g}: should be the seconds of a frame, whole samples "
                f"at {SAMPLE_RATE_HZ:,} Hz, as 0.02",
            )
    if clip_s is not None and (to_samples(clip_s) < 1 or to_samples(clip_s) % unit):
        raise BenchError(
            "option.invalid",
            f"--clip {clip_s:g}: should be the seconds of a clip, whole frames, as 4.0375",
        )


def _plan_scoring(
    evaluation: EvaluationOptions, resolution_s: float | None, clip_s: float | None
) -> HeldOutData:
    """Return how a split is scored; short utterances are repeated to fill a clip."""
    card, split = evaluation.find_card()
    if resolution_s is not None and card.task != "localization":
        raise BenchError(
            "option.not-applicable",
            f"--resolution {resolution_s:g}: {card.short} labels whole utterances: leave it out, "
            "and give one score for each waveform",
        )
    return HeldOutData.model_validate(
        {
            "corpus": card.key,
            "split": split,
            "resolution_s": resolution_s or "utterance",
            "clip_s": clip_s or "whole",
            "fill": "zeros" if clip_s is None else "repeat",
            "label_rule": evaluation.label_rule,
        }
    )


def _score_corpus(request: ScoreRequest, scorer: ForeignScorer, data: HeldOutData) -> None:
    """Score a split, and evaluate the scores."""
    name = str(request.name)
    folder = request.results_dir / f"{safe_name(name)}{request.folder_ending}"
    folder = request.output_dir or folder
    path = folder / "scores.parquet"

    from bench.cli.progress_bars import show_progress

    def compute_scores() -> Mapping[str, Any]:
        make_folder(folder)
        title = f"{data.corpus} {data.split}"
        with announce_resumption("from the last scored batch"), show_progress(title) as progress:
            scores = scorer.score_split(data, progress)
        with atomic_files.open_whole(path) as file, scores.open("rb") as source:
            shutil.copyfileobj(source, file)
        atomic_files.write_text(path.with_suffix(".txt"), _list_lines(path, data))
        return NO_ROW

    request = replace(request, output_dir=folder)
    evaluate_scores(request, ScoreFileArgument(path, name, {}, path), compute_scores)


def _list_lines(path: Path, data: HeldOutData) -> str:
    """Return the scores as text: `id score`, or `id start score` for frames."""
    from bench.evaluation import score_file

    table = score_file.read_scores(path)
    columns = ["utterance", "score"] if data.resolution_s is None else list(_FRAME_COLUMNS)
    lines = zip(*(table[name].to_pylist() for name in columns), strict=True)
    return "".join(" ".join(map(_format_cell, line)) + "\n" for line in lines)


_FRAME_COLUMNS = ("utterance", "start_s", "score")


def _format_cell(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.9g}"
