"""What `bench detect` prints and writes: scores, decisions, spans, and what they are worth."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench._io import atomic_files
from bench.cli import json_output
from bench.cli.result_files import make_folder, safe_name
from bench.errors import BenchError
from bench.units import BONAFIDE, SPOOF

if TYPE_CHECKING:  # these import numpy, pandas or torch: only where something is scored
    from numpy import ndarray

    from bench.data.recordings import Recording
    from bench.evaluation.recording_scores import DecidedSpan, RecordingScores
    from bench.reports.span_files import DecidedRecording
    from bench.runner.operating_points import ErrorRates, OperatingPoint

NO_PROOF = (
    "A score is no proof that a recording is genuine or fake. Error rates hold for the corpus that "
    "they were measured on; on other speech, channels and generators they are often far higher."
)


@dataclass(frozen=True)
class DetectionReport:
    """The scores of recordings, and how they are decided."""

    system: str
    source: str
    trained_on: str
    resolution_s: float | None
    """Seconds of a frame; None where whole files are scored."""
    recordings: Sequence[Recording]
    scores: Sequence[RecordingScores]
    point: OperatingPoint | None
    note: str
    """Why there is no threshold, or ""."""
    read_wave: Callable[[Path], ndarray[Any, Any]]
    """Returns a recording at 16 kHz."""

    def list_spans(self, scores: RecordingScores) -> list[DecidedSpan]:
        """Return what is decided of a recording; nothing without a threshold."""
        return [] if self.point is None else scores.list_spans(self.point.threshold)

    def decide(self, scores: RecordingScores) -> str | None:
        """Return the class of a recording: spoof if any of it is; None without a threshold."""
        if self.point is None:
            return None
        return BONAFIDE if scores.lowest > self.point.threshold else SPOOF

    @cached_property
    def decided(self) -> list[DecidedRecording]:
        """The recordings as they are written, with names of their own."""
        from bench.reports.span_files import DecidedRecording

        stems = [safe_name(file.path.stem) for file in self.recordings]
        if len({stem.casefold() for stem in stems}) < len(stems):
            stems = [f"{number}-{stem}" for number, stem in enumerate(stems, 1)]
        return [
            DecidedRecording(str(file.path), stem, file.duration_s, scores, self.list_spans(scores))
            for file, stem, scores in zip(self.recordings, stems, self.scores, strict=True)
        ]


def print_report(report: DetectionReport, written: Sequence[Path], *, as_json: bool) -> None:
    """Print the report as text or JSON."""
    if as_json:
        json_output.print_json("detect", {**describe_report(report), "written": [*written]})
        return
    click.echo(f"system: {report.system}; weights: {report.source}")
    click.echo(f"trained: {report.trained_on}")
    for line in _describe_point(report):
        click.echo(line)
    for file, scores in zip(report.recordings, report.scores, strict=True):
        decision = report.decide(scores)
        notes = "; ".join(filter(None, (_describe_heard(file, scores), file.conversion)))
        text = f"{file.path}: score {scores.lowest:.4f}"
        text += f", {_name_class(decision)}" if decision else ""
        click.echo(text + (f" ({notes})" if notes else ""))
        if report.resolution_s is not None:
            for span in report.list_spans(scores):
                click.echo(
                    f"  {span.start_s:8.2f} s to {span.end_s:8.2f} s: {_name_class(span.label)}, "
                    f"lowest score {span.score:.4f}"
                )
    if written:
        click.echo(f"written: {written[0].parent}: {', '.join(path.name for path in written)}")
    click.echo(NO_PROOF)


def _name_class(label: str) -> str:
    return "bona fide" if label == BONAFIDE else label


def _describe_heard(file: Recording, scores: RecordingScores) -> str:
    heard_s = float(scores.edges_s[-1])
    if file.duration_s - heard_s < 0.01:
        return ""
    return f"heard: the first {heard_s:.2f} s of {file.duration_s:.2f} s"


def _describe_point(report: DetectionReport) -> list[str]:
    point = report.point
    if point is None:
        return [report.note]
    unit = "frames" if point.of_frames else "utterances"
    lines = [f"threshold: {point.threshold:.4f}, {point.source}"]
    if point.rates is not None:
        lines.append(f"error rates there: {_describe_rates(point.rates, unit)}")
    if point.utterance_rates is not None:
        text = _describe_rates(point.utterance_rates, "utterances")
        lines.append(f"by the lowest frame: {text}")
    return lines


def _describe_rates(rates: ErrorRates, unit: str) -> str:
    return (
        f"{100 * rates.bonafide_missed:.2f} % of {rates.bonafide:,} bona fide {unit} are called "
        f"spoof, {100 * rates.spoof_accepted:.2f} % of {rates.spoof:,} spoofed {unit} bona fide"
    )


def describe_report(report: DetectionReport) -> dict[str, Any]:
    """Return the report for scripts; rates are in per cent."""
    point = report.point
    threshold = point and {
        "value": point.threshold,
        "source": point.source,
        "frames": point.of_frames,
        "rates": _rates_as_dict(point.rates),
        "utterance_rates": _rates_as_dict(point.utterance_rates),
    }
    return {
        "system": report.system,
        "weights": report.source,
        "trained_on": report.trained_on,
        "resolution_s": report.resolution_s,
        "threshold": threshold,
        "note": report.note or None,
        "caution": NO_PROOF,
        "recordings": [
            {
                "file": file.path,
                "duration_s": file.duration_s,
                "heard_s": float(scores.edges_s[-1]),
                "sample_rate_hz": file.header.sample_rate_hz,
                "channels": file.header.channels,
                "score": scores.lowest,
                "decision": report.decide(scores),
                "spans": [span._asdict() for span in report.list_spans(scores)],
                "frame_scores": None if report.resolution_s is None else scores.score.tolist(),
            }
            for file, scores in zip(report.recordings, report.scores, strict=True)
        ],
    }


def _rates_as_dict(rates: ErrorRates | None) -> Mapping[str, float] | None:
    return rates and {
        "bonafide_missed_percent": 100 * rates.bonafide_missed,
        "spoof_accepted_percent": 100 * rates.spoof_accepted,
        "bonafide": rates.bonafide,
        "spoof": rates.spoof,
    }


def write_detections(report: DetectionReport, folder: Path) -> list[Path]:
    """Write JSON, CSV, RTTM (with a threshold), and of each file a picture and a TextGrid."""
    from bench.reports import plots, span_files
    from bench.reports.plot_style import render_figure

    threshold = None if report.point is None else report.point.threshold
    as_json = json_output.json_text({"kind": "detect", **describe_report(report), "written": []})
    files: dict[str, str | bytes] = {
        "detect.json": as_json,
        "detect.csv": span_files.write_csv(report.decided),
    }
    if threshold is not None:
        files["detect.rttm"] = span_files.write_rttm(report.decided)
    for file, one in zip(report.recordings, report.decided, strict=True):
        label = report.decide(one.scores)
        decided = f", {_name_class(label)}" if label else ""
        title = f"{one.name}: score {one.scores.lowest:.4f}{decided} (no proof)\n{report.system}"
        figure = plots.draw_recording(report.read_wave(file.path), one.scores, threshold, title)
        files[f"{one.stem}.png"] = render_figure(figure, "png")
        files[f"{one.stem}.TextGrid"] = span_files.write_textgrid(one)
    try:
        atomic_files.write_all(make_folder(folder), files)
    except OSError as error:
        raise BenchError("file.unwritable", f"{folder}: cannot be written: {error}") from error
    return [folder / name for name in files]
