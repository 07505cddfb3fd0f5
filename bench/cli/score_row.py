"""`bench score --row`: a trained row scores a split, and its scores are evaluated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from bench._io.digests import short_digest
from bench.cards import table_cards
from bench.cli.result_files import make_folder, safe_name
from bench.cli.score_file_argument import ScoreFileArgument
from bench.cli.score_request import ScoreRequest, evaluate_scores
from bench.config import Form
from bench.errors import BenchError
from bench.runner.request import RunRequest


def score_row(
    request: ScoreRequest, table: str, row: str, seed: int | None, overrides: Sequence[str]
) -> None:
    """Have a trained row score the split that is asked for, and evaluate its scores."""
    if not request.evaluation.corpus:
        raise BenchError(
            "option.missing", "the corpus that the row is to score is not named: add --corpus NAME"
        )
    order = _choose_row(table, row, request.evaluation.form, overrides)
    name = request.name
    if not name:
        parts = [table, row]
        parts += [] if seed is None else [f"seed-{seed}"]
        parts += [short_digest({"set": " ".join(overrides)})] if overrides else []
        name = "-".join(parts)
    folder = request.results_dir / f"{safe_name(name)}{request.folder_ending}"
    folder = request.output_dir or folder
    path = folder / "scores.parquet"

    def compute_scores() -> Mapping[str, Any]:
        chosen = _compute_scores(request, order, seed, make_folder(folder) / path.name)
        of_row = {"table": order.table.key, "row": order.rows[0]}
        return {**of_row, "seed": chosen, "set": [*overrides]}

    request = replace(request, name=name, output_dir=folder)
    evaluate_scores(request, ScoreFileArgument(path, name, {}, path), compute_scores)


def _choose_row(table: str, row: str, form: Form, overrides: Sequence[str]) -> RunRequest:
    """Return the order of one row; BenchError where there is no such row or setting."""
    card = table_cards.read_table(table)
    chosen = table_cards.select_rows(card, row)
    if len(chosen) != 1:
        raise BenchError("option.not-one-row", f"--row {row}: should be one row of {card.key}")
    order = RunRequest(card, chosen, None, form, overrides)
    order.resolve_runs()
    return order


def _compute_scores(request: ScoreRequest, order: RunRequest, seed: int | None, path: Path) -> int:
    """Have a trained row score a split; print which weights it has, and return its seed."""
    # These import torch and MLflow, which takes seconds: only now.
    from bench.runner import trained_models
    from bench.tracking.store import Store

    def say(text: str) -> None:
        click.echo(text, err=True)

    card, split = request.evaluation.find_card()
    model = trained_models.find_model(order, seed, request.config, Store(request.config))
    like, data = trained_models.choose_evaluation(model.run, card.key, split)
    length = "whole" if data.clip_s is None else f"the first {data.clip_s:g} s of"
    frames = "whole" if data.resolution_s is None else f"frames of {1000 * data.resolution_s:g} ms"
    say(f"{order.table.key}, row {order.rows[0]}, seed {model.seed}: weights of {model.source}")
    say(f"{card.key} {split}: {length} utterances, {frames} scored, as in the evaluation {like}")
    trained_models.score_split(model, data, path, request.config, say)
    return model.seed
