"""Results of a made run, and the curves that a store holds."""

from __future__ import annotations

from bench.metrics.measured import MetricResult
from bench.tracking.store import Store

FIGURES = {
    "partialspoof.eer": MetricResult(0.0361, 0.0350, 0.0372),
    "partialspoof.f1": MetricResult(0.9650, 0.9641, 0.9660),
}


def curve(store: Store, tracked, name):
    history = store.client.get_metric_history(tracked.run_id, name)
    return [(point.step, point.value) for point in history]
