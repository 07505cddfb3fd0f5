"""What each metric gives for fixed scores with ties."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bench.evaluation import row_evaluation, score_file
from bench.metrics import cllr, dcf, det, f1, grid, positions, ranges, ratios, tdcf
from bench.metrics.auc import auc
from bench.metrics.det import equal_error_rate
from bench.metrics.items import Items
from bench.metrics.measured import measured
from bench.metrics.plans import Resampling, factors
from bench.metrics.tally import Tally, tally
from bench.metrics.timeline import frames_on_grid, reference
from tests.versions.summary import Output

N = 400
LABEL = np.arange(N) % 3 > 0
"""Spoof, of `N` trials or frames of 20 ms."""
SCORE = np.round(2 * np.sin(np.arange(N) ** 1.5) - 1.2 * LABEL, 2)
UTTERANCE = np.arange(N) // 20


def output(name: str) -> Output:
    """Return a metric by its name in `bench.metrics.catalogue`."""
    return {"value": METRICS[name]()}


def of_tally(measure: Callable[[Tally], float]) -> list[float]:
    return [float(measure(tally(SCORE[~LABEL], SCORE[LABEL])))]


def of_decisions(name: str) -> Callable[[], list[float]]:
    return lambda: [ratios.decision_ratios(LABEL, ~f1.decide(SCORE), UTTERANCE).values[name]]


def timed():
    start = np.arange(N) % 20 * 320
    truth = reference(UTTERANCE, start, start + 320, LABEL)
    return frames_on_grid(np.full(N // 20, 20), 320, SCORE), truth


def range_eer() -> list[float]:
    return [ranges.range_eer(*timed()).eer]


def utterance_eer() -> list[float]:
    start = np.arange(N) % 20 * 0.02
    table = {
        "utterance": np.array([f"u{of:02d}" for of in UTTERANCE], dtype=object),
        "speaker": np.array([""] * N, dtype=object),
        "attack": np.array([""] * N, dtype=object),
        "start_s": start,
        "end_s": start + 0.02,
        "label": np.where(LABEL & (UTTERANCE % 2 > 0), "spoof", "bonafide").astype(object),
        "score": SCORE,
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "scores.parquet")
        score_file.write(path, table)
        return [row_evaluation.evaluate_file(path, 0)["utterance_eer"].value]


def errors() -> list[float]:
    frames, truth = timed()
    found = positions.position_errors(grid.points(frames, truth, 0.02), f1.ARGMAX)
    return [float(found.wrong[found.group == group].sum()) for group in range(len(found.names))]


def min_tdcf() -> list[float]:
    errors = tdcf.AsvErrors(0.1, 0.05, 0.5, 0.05, 1.0)
    forms = (tdcf.coefficients_2019, tdcf.coefficients_2021)
    counts = tally(SCORE[~LABEL], SCORE[LABEL])
    return [tdcf.min_tdcf(counts, form(errors)).cost for form in forms]


METRICS: dict[str, Callable[[], list[float]]] = {
    "eer": lambda: of_tally(lambda counts: det.eer_of(counts).eer),
    "eer_official": lambda: [det.eer_official(SCORE[~LABEL], SCORE[LABEL]).eer],
    "auc": lambda: of_tally(auc),
    "min_tdcf": min_tdcf,
    "min_dcf": lambda: of_tally(lambda counts: dcf.min_dcf(counts).cost),
    "act_dcf": lambda: of_tally(lambda counts: dcf.act_dcf(counts).cost),
    "cllr": lambda: of_tally(cllr.cllr),
    "min_cllr": lambda: of_tally(cllr.min_cllr),
    "range_eer": range_eer,
    "utterance_eer": utterance_eer,
    "f1": of_decisions("f1"),
    "precision": of_decisions("precision"),
    "recall": of_decisions("recall"),
    "f1_spoof": of_decisions("f1_spoof"),
    "precision_spoof": of_decisions("precision_spoof"),
    "recall_spoof": of_decisions("recall_spoof"),
    "error": errors,
}


def intervals() -> Output:
    """Return the bounds of EERs: of many errors and of few, by utterances and by speakers."""
    found: Output = {}
    for name, shift in {"many": 0.0, "few": 2.9}.items():
        items = Items(SCORE - shift * LABEL, 1.0 - LABEL, 1.0 * LABEL, UTTERANCE)
        for plan in ("utterance", "speaker"):
            speakers = np.array([f"s{of % 7}" for of in range(N // 20)], dtype=object)
            known = factors(np.arange(N // 20), speakers, None)
            resampling = Resampling(known, plan, 200, 0)
            of = measured(items, {"eer": equal_error_rate}, resampling)["eer"]
            found[f"{name}, {plan}"] = [of.value, of.low, of.high, of.missed, of.accepted]
    return found
