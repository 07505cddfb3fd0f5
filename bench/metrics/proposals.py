"""Average precision and average recall of ranked regions, as LAV-DF and AV-Deepfake1M define them.

Source: Cai et al., DICTA 2022 (LAV-DF) and ACM MM 2024 (AV-Deepfake1M), and their scripts
(ControlNet/LAV-DF@82496da, metrics.py; ControlNet/AV-Deepfake1M@e132970, src/loc_1d.rs). There a
localizer gives a hundred proposals with a confidence each. Here the proposals are the regions that
the decision rule makes of frame scores, ranked by their mean spoof score (`bench.metrics.regions`):
mostly one or a few of an utterance, so that AR of 100 and of 10 regions hardly differ.
"""

from __future__ import annotations

import numpy as np

from bench.metrics.measure import RegionMetric
from bench.metrics.regions import RegionPairs
from bench.metrics.tally import Floats, distinct_ends
from bench.metrics.timeline import count_within
from bench.metrics.weighed import Weighed, weigh_ratio

RESULTS_VERSION = 1
"""Raised when what this module gives can change (`bench.versions`)."""

AR_IOUS = (50, 55, 60, 65, 70, 75, 80, 85, 90, 95)
"""The IoUs, in hundredths, whose recalls AR is the mean of."""


def weigh_ap(pairs: RegionPairs, iou: int) -> Weighed:
    """Return the average precision at an IoU.

    Decided regions of all utterances are ranked by confidence. AP is the area under the curve of
    precision by recall, where the precision at a recall is the highest at that recall or beyond.
    Two departures from the scripts: regions of one confidence enter together, so that no order of
    theirs matters, and the area includes that up to the first recall, which the scripts leave out:
    theirs is lower by at most one true region's share.

    >>> from bench.metrics.regions import pair_regions
    >>> from bench.metrics.timeline import frames_on_grid, make_stretches
    >>> truth = make_stretches([0, 0, 1], [0, 320, 0], [320, 640, 640], [True, False, False])
    >>> scored = frames_on_grid([2, 2], 320, [-1.0, 1.0, 1.0, -2.0])
    >>> weigh_ap(pair_regions(scored, truth), 50).value
    0.5
    """
    hit = np.zeros(len(pairs.confidence))
    hit[pairs.decided_at[pairs.match_regions(iou)]] = 1
    order = np.argsort(-pairs.confidence, kind="stable")
    ends = distinct_ends(-pairs.confidence[order]) if len(order) else order
    unit, is_hit = pairs.decided.utterance[order], hit[order]
    n_true = pairs.n_true

    def add_areas(weights: Floats) -> Floats:
        return np.array([_area_under(row[unit], is_hit, ends, row @ n_true) for row in weights])

    hits = pairs.count_utterances(pairs.decided.utterance, hit)
    return Weighed(add_areas, hits, n_true + pairs.n_decided - 2 * hits, n_true)


def _area_under(weights: Floats, hit: Floats, ends: np.ndarray, total: float) -> float:
    """Return the area under the curve of ranked regions; NaN without any true one."""
    if not total:
        return np.nan
    ranked, hits = np.cumsum(weights)[ends], np.cumsum(weights * hit)[ends]
    precision = np.divide(hits, ranked, out=np.zeros(len(hits)), where=ranked > 0)
    highest = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.diff(hits, prepend=0.0) @ highest) / total


def weigh_ar(pairs: RegionPairs, n: int) -> Weighed:
    """Return the average recall of the `n` most confident regions of each utterance.

    It is the mean over `AR_IOUS` of the share of true regions that one of them matches.

    >>> from bench.metrics.regions import pair_regions
    >>> from bench.metrics.timeline import frames_on_grid, make_stretches
    >>> truth = make_stretches([0, 0], [0, 960], [960, 1280], [True, False])
    >>> weigh_ar(pair_regions(frames_on_grid([4], 320, [-1.0, -1.0, 1.0, 1.0]), truth), 100).value
    0.4
    """
    utterance = pairs.decided.utterance
    order = np.lexsort((-pairs.confidence, utterance))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = count_within(np.bincount(utterance, minlength=len(pairs.unit)))
    among = rank[pairs.decided_at] < n
    shares = np.mean([pairs.match_regions(iou) & among for iou in AR_IOUS], axis=0)
    found_regions = pairs.count_utterances(pairs.true.utterance[pairs.true_at], shares)
    return weigh_ratio(found_regions, pairs.n_true)


METRICS = (
    RegionMetric(
        name="ap",
        label="AP",
        definition="area under the precision-recall curve of regions ranked by mean spoof score",
        source="Cai et al., DICTA 2022 (LAV-DF) and ACM MM 2024 (AV-Deepfake1M), and their scripts",
        setting="iou",
        at=50,
        order=55,
        weigh=weigh_ap,
    ),
    RegionMetric(
        name="ar",
        label="AR",
        definition="recall of spoof regions by the most confident regions of each utterance, mean "
        "over IoUs from 0.5 to 0.95",
        source="Cai et al., DICTA 2022 (LAV-DF) and ACM MM 2024 (AV-Deepfake1M), and their scripts",
        setting="n",
        at=100,
        order=56,
        weigh=weigh_ar,
    ),
)
