"""`bench detect`: score recordings of anyone's with a trained row, published weights or a model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench._io import atomic_files
from bench._io.packages import require_packages
from bench.cards import corpus_cards, table_cards
from bench.cli import completion, configuration, json_output, options
from bench.cli.detect_output import DetectionReport, print_report, write_detections
from bench.cli.score_model import check_lengths
from bench.config import Config, Form
from bench.errors import BenchError
from bench.runner.request import RunRequest
from bench.specs.run import HeldOutData

if TYPE_CHECKING:  # torch takes seconds: only where something is scored
    from bench.runner.detectors import Detector
    from bench.runner.operating_points import OperatingPoint

_AT = "eer@"


@click.command()
@click.argument(
    "files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path)
)
@click.option(
    "--row", metavar="ROW", shell_complete=completion.row_name, help="Score with this trained row."
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
@click.option(
    "--weights",
    metavar="NAME",
    shell_complete=completion.official_names,
    help="Score with weights that authors published, e.g. official:aasist-l.",
)
@options.model
@options.clip
@click.option(
    "--resolution",
    "resolution_s",
    type=float,
    metavar="SECONDS",
    help="Duration of a frame, if --model scores frames.",
)
@click.option(
    "--threshold",
    metavar="eer@CORPUS|NUMBER",
    help="Decide bona fide above this score: a number, or the EER threshold on a corpus that the "
    "system is evaluated on, e.g. eer@19LA. Without it there are scores and no decisions.",
)
@click.option(
    "--output-dir",
    type=click.Path(path_type=Path),
    help="Folder for a picture and a TextGrid of each file, CSV, JSON and, with a threshold, RTTM.",
)
@options.smoke
@json_output.json_flag
def detect(
    files: tuple[Path, ...],
    row: str | None,
    table: str,
    row_seed: int | None,
    overrides: tuple[str, ...],
    weights: str | None,
    model: str | None,
    clip_s: float | None,
    resolution_s: float | None,
    threshold: str | None,
    output_dir: Path | None,
    smoke: bool,
    as_json: bool,
) -> None:
    """Score audio files with a trained row, published weights or a model of your own.

    Files may have any rate, number of channels and format that libsndfile reads. A higher score
    means bona fide. A score is no proof: systems fail on what they were not trained on.
    """
    if sum(given is not None for given in (row, weights, model)) != 1:
        raise BenchError(
            "option.conflict", "give one of --row ROW, --weights NAME and --model FILE"
        )
    if model is None and (clip_s is not None or resolution_s is not None):
        raise BenchError("option.not-applicable", "--clip, --resolution: are for --model alone")
    check_lengths(resolution_s, clip_s)
    corpus, number = _parse_threshold(threshold)
    require_packages("torch", "lightning_fabric", "mlflow")
    config = configuration.to_write(*filter(None, (output_dir,)))
    if model is not None:
        detector = _load_model(model, resolution_s, clip_s, config)
    elif weights is not None:
        from bench.runner.detectors import load_official_detector

        detector = load_official_detector(weights, corpus, config, _say)
    else:
        form = options.choose_form(smoke)
        order = _choose_row(table, str(row), form, overrides)
        from bench.runner.detectors import load_row_detector

        detector = load_row_detector(order, row_seed, corpus, config, _say)
    point, note = _find_point(detector, corpus, number)
    with atomic_files.scratch_folder() as folder:
        report = _score_files(detector, files, folder, config, point, note)
        written = [] if output_dir is None else write_detections(report, output_dir)
    print_report(report, written, as_json=as_json)


def _say(text: str) -> None:
    click.echo(text, err=True)


def _parse_threshold(text: str | None) -> tuple[str | None, float | None]:
    """Return the key of the corpus, or the number; neither without a threshold."""
    if text is None:
        return None, None
    if text.startswith(_AT):
        return corpus_cards.read_corpus_card(text.removeprefix(_AT)).key, None
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if number - number != 0:
        raise BenchError(
            "option.invalid", f"--threshold {text}: should be a number, or {_AT}CORPUS as {_AT}19LA"
        )
    return None, number


def _choose_row(table: str, row: str, form: Form, overrides: Sequence[str]) -> RunRequest:
    card = table_cards.read_table(table)
    chosen = table_cards.select_rows(card, row)
    if len(chosen) != 1:
        raise BenchError("option.not-one-row", f"--row {row}: should be one row of {card.key}")
    return RunRequest(card, chosen, None, form, overrides)


def _load_model(
    model: str, resolution_s: float | None, clip_s: float | None, config: Config
) -> Detector:
    from bench.runner.detectors import load_model_detector
    from bench.runner.foreign_models import parse_model

    data = HeldOutData.model_validate(
        {
            "corpus": "",
            "split": "",
            "resolution_s": resolution_s or "utterance",
            "clip_s": clip_s or "whole",
            "fill": "zeros" if clip_s is None else "repeat",
        }
    )
    return load_model_detector(parse_model(model), data, config, _say)


def _find_point(
    detector: Detector, corpus: str | None, number: float | None
) -> tuple[OperatingPoint | None, str]:
    """Return the threshold, or why there is none."""
    from bench.runner.operating_points import OperatingPoint

    if number is not None:
        return OperatingPoint(number, "a number that was given; its error rates are not known"), ""
    if corpus is None:
        return None, f"no threshold is stated (--threshold {_AT}CORPUS or a number): scores alone"
    point = detector.find_point(corpus)
    if isinstance(point, str):
        return None, f"no threshold is known, so there are scores alone: {point}"
    return point, ""


def _score_files(
    detector: Detector,
    files: Sequence[Path],
    folder: Path,
    config: Config,
    point: OperatingPoint | None,
    note: str,
) -> DetectionReport:
    from bench.data.audio import read_wave
    from bench.data.recordings import convert_recordings
    from bench.runner.detectors import score_recordings
    from bench.specs.corpus import Audio

    recordings = convert_recordings(files, folder)
    scores = score_recordings(detector, recordings, folder, config, _say)
    waves = {file.path: file.converted for file in recordings}
    return DetectionReport(
        detector.name,
        detector.source,
        detector.trained_on,
        detector.data.resolution_s,
        recordings,
        scores,
        point,
        note,
        lambda path: read_wave(waves[path], Audio()),
    )
