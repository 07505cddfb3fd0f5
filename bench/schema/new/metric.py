"""EXAMPLE, a metric: the miss rate at a false alarm rate of 1 %."""

from __future__ import annotations

import numpy as np

from bench.metrics.measure import Ordered, ScoreMetric
from bench.metrics.tally import ScoreCounts, accumulate_errors

_FALSE_ALARMS = 0.01


def measure_example(counts: ScoreCounts) -> float:
    """Return the lowest miss rate at which at most 1 % of spoof trials are accepted, a fraction."""
    missed, rejected = accumulate_errors(counts)
    false_alarms = 1 - rejected / rejected[-1]
    return float((missed / missed[-1])[np.argmax(false_alarms <= _FALSE_ALARMS)])


METRICS = (
    ScoreMetric(
        name="example",
        label="miss at 1 % FA",
        unit="rate",
        better="lower",
        definition="miss rate at a false alarm rate of 1 %",
        source="ours",
        needs="scores",
        trials=("utterances",),
        by_logit=False,
        measure=Ordered(measure_example),
    ),
)
