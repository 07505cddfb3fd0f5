"""The results of an evaluation of a row, computed from its score file and the corpus's keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from bench.cards.corpus_cards import read_corpus_card
from bench.data.corpora import read_keys
from bench.data.subset import Subset
from bench.errors import BenchError
from bench.evaluation import score_file
from bench.evaluation.decided import measure_regions
from bench.evaluation.detection import (
    Trials,
    by_cell,
    compute_breakdown,
    compute_by_logit,
    compute_pooled,
    factors_of,
)
from bench.evaluation.localization import measure_gridless, measure_resolutions
from bench.evaluation.official import find_official
from bench.evaluation.reference import build_reference
from bench.metrics.breakdown import POOLED
from bench.metrics.f1 import ARGMAX
from bench.metrics.grid import FrameRules
from bench.metrics.measure import DecisionMetric
from bench.metrics.measured import MetricResult, measure_items, measure_ratios
from bench.metrics.plans import AUTO, Resampling, sum_groups
from bench.metrics.registry import (
    LOGIT,
    clean_level,
    describe_metrics,
    frame_measures,
    select_metrics,
)
from bench.metrics.timeline import LabelledStretches
from bench.specs.run import HeldOutData
from bench.units import RESOLUTIONS_S, to_samples

_REPLICATES, _SEED = 1000, 0
"""Of every interval that a run logs; `bench score` has the same unless told otherwise."""


def evaluate_row(path: Path, data: HeldOutData, subset: Subset) -> dict[str, MetricResult]:
    """Return the results of the score file at `path` by name; fractions.

    Of frames, those of `evaluate_file`, with the range EER by the corpus's own labels, as `bench
    score` has it. Of whole utterances, the EER, AUC and the corpus's official metrics; where the
    file has logits the same but AUC by the bona fide logit (`eer_bonafide_logit`); and for each
    breakdown of `data.by` those that are defined where levels meet (`A07.alaw.eer`) and at each of
    them (`A07.eer`, `alaw.eer`). Characters that no tracked metric may have in its name are `-` in
    a level's.
    """
    if data.resolution_s is not None:
        table = score_file.read_scores(path)
        exact = _exact_labels(score_file.list_utterances(table), data, subset)
        return evaluate_file(table, _REPLICATES, _SEED, exact=exact)
    table = _read_scores(path, subset)
    trials = _to_trials(table, subset, "score")
    corpus = read_corpus_card(data.corpus)
    measures = find_official(corpus, data.split, subset.root)
    resampling = Resampling(factors_of(subset.table), AUTO, _REPLICATES, _SEED)
    results = compute_pooled(trials, measures, resampling)
    if score_file.has_logits(table):
        by_logit = _to_trials(table, subset, "logit_bonafide")
        results |= compute_by_logit(by_logit, measures, resampling)
    of_cell = by_cell(trials, measures, resampling, results)
    for fields in data.by:
        for line in compute_breakdown(trials, corpus.roles, fields.split(","), of_cell).lines:
            levels = [level for level in line.levels if level != POOLED]
            cell = ".".join(clean_level(level) for level in levels)
            if cell:  # all together is there already
                results |= {f"{cell}.{name}": result for name, result in line.results.items()}
    return results


def evaluate_file(
    scores: Path | pa.Table,
    replicates: int = 1000,
    seed: int = 0,
    *,
    exact: LabelledStretches | None = None,
) -> dict[str, MetricResult]:
    """Return the results of a score file, or of a table that `read_scores` returned, by name.

    - `eer`: all rows pooled, by `score`, and `eer_<n>ms` at the coarser resolutions that frames on
      a grid have.
    - `f1`, `f1_spoof`: all rows pooled, bona fide and spoof as the positive class; the decision is
      the larger logit, or `score > 0` where the file has no logits. `f1` is the one that SAL and
      BAM print.
    - `eer_bonafide_logit`, only with logits: the EER of the bona fide logit alone, which SAL's
      released code scores S0 to S3 by; the paper says nothing of it.
    - `event_f1`, of whole regions, by the same decision and the labels `exact`.
    - `range_eer` by the labels `exact`, whose utterances are units of `list_utterances`, or by the
      file's own, which are exact to a frame.
    - `utterance_eer`, only where there are utterances of both classes: an utterance's score is its
      lowest frame's (as PartialSpoof's scripts go to coarser units), its label spoof where any
      frame is.

    Results are fractions. Intervals: `replicates` resamplings from `seed`, of speakers and attacks
    where the file names them, and of utterances (`bench.metrics.measured`). BenchError as
    `score_file.read_scores`, where frames are on no grid, or without both classes.
    """
    table = score_file.read_scores(scores) if isinstance(scores, Path) else scores
    resampling = Resampling(score_file.file_factors(table), AUTO, replicates, seed)
    measures, metrics = frame_measures(), describe_metrics()
    rows = score_file.pool_items(table)
    results = measure_items(rows, measures, resampling)
    if score_file.has_logits(table):
        by_logit = {name: each for name, each in measures.items() if metrics[name].by_logit}
        logits = score_file.pool_items(table, "logit_bonafide")
        of_logit = measure_items(logits, by_logit, resampling)
        results |= {f"{name}{LOGIT}": result for name, result in of_logit.items()}
    frames, labels, frame = score_file.read_frames(table)
    coarser_s = [each for each in RESOLUTIONS_S if to_samples(each) > frame]
    results |= measure_resolutions(frames, labels, coarser_s, FrameRules(), resampling)[0]
    truth = labels if exact is None else exact
    results |= measure_gridless(frames, truth, resampling, by_time=True)
    decided = score_file.read_frames(table, score_file.decision_score(table)).frames
    results |= measure_regions(decided, truth, ARGMAX, (), resampling)
    results |= measure_gridless(frames, labels, resampling, by_time=False)
    spoof = sum_groups(rows.unit, rows.spoof, rows.unit.max() + 1)
    logged = [name for name, metric in select_metrics(DecisionMetric).items() if metric.logged]
    ratios = score_file.count_decisions(table).select_ratios(logged)
    return results | measure_ratios(ratios, spoof, resampling)


def _exact_labels(names: list[str], data: HeldOutData, subset: Subset) -> LabelledStretches | None:
    """Return the finest labels that the corpus has of utterances; codes are places among `names`.

    None where the corpus labels whole utterances only, and where the row does not score whole
    utterances of the corpus: frames are then labelled by the score file alone.
    """
    if subset.timing is None or data.splice.kind != "none" or data.clip_s is not None:
        return None
    keys = read_keys(read_corpus_card(data.corpus), data.split, subset.root)
    truth = build_reference(keys)
    number = {name: code for code, name in enumerate(names)}
    codes = np.array([number.get(name, -1) for name in keys.table["utterance"]], dtype=np.int64)
    code = codes[truth.utterance]
    order = np.lexsort((truth.start, code))
    order = order[code[order] >= 0]
    return LabelledStretches(
        code[order], truth.start[order], truth.end[order], truth.is_spoof[order], truth.step
    )


def list_lacking(evaluations: Iterable[tuple[HeldOutData, Subset]]) -> Iterator[str]:
    """Yield which official results of utterances cannot be computed, and why.

    BenchError for a broken file, and for labels that the range EER of frames cannot go by: both
    before a row is trained.
    """
    checked: set[tuple[str, str]] = set()
    for data, subset in evaluations:
        if data.resolution_s is not None:
            split = (data.corpus, data.split)
            if split not in checked and _exact_labels([], data, subset) is not None:
                checked.add(split)
        else:
            reason = find_official(read_corpus_card(data.corpus), data.split, subset.root).lacking
            if reason:
                yield reason


def _read_scores(path: Path, subset: Subset) -> pa.Table:
    scored = score_file.read_scores(path)
    if scored["utterance"].to_pylist() != subset.table["utterance"].tolist():
        raise BenchError(
            "scores.other-utterances",
            f"{path}: has other utterances than {subset.corpus} {subset.split}: remove the file to "
            "have it scored again",
        )
    return scored


def _to_trials(scored: pa.Table, subset: Subset, column: str) -> Trials:
    items = score_file.pool_items(scored, column)
    return Trials(items.score, items.spoof > 0, subset.table, np.arange(len(subset)))
