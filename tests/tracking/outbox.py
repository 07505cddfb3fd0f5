"""Runs that are recorded in the outbox, and all that a store holds of one."""

from __future__ import annotations

from bench.metrics.measured import MetricResult
from bench.tracking import sync
from bench.tracking.run_record import DatasetUse, RunRecord
from bench.tracking.store import Store

FIGURES = {"partialspoof.eer": MetricResult(0.0361, 0.0350, 0.0372)}


def run_row(store: Store, entry: RunRecord, path):
    path.write_text("a")
    with store.begin_run(entry) as tracked:
        tracked.log_datasets([DatasetUse("partialspoof/train", "0123456789abcdef", "train")])
        tracked.log_epoch({"train.loss": 0.7}, 1)
        tracked.log_epoch({"train.loss": 0.5}, 2)
        tracked.add_artifact(path, "folder")
        tracked.finish_run(FIGURES)


def everything(store: Store, entry: RunRecord):
    """Return all that a store holds of the runs of `entry`, without ids and places."""
    found = []
    for run in store.search_runs(entry.table, entry.identity):
        history = {
            name: [
                (point.step, point.value, point.timestamp)
                for point in store.client.get_metric_history(run.info.run_id, name)
            ]
            for name in run.data.metrics
            if not name.startswith("system/")
        }
        inputs = [(of.dataset.name, of.dataset.digest) for of in run.inputs.dataset_inputs]
        files = [file.path for file in store.client.list_artifacts(run.info.run_id)]
        info = (run.info.run_name, run.info.status, run.info.start_time, run.info.end_time)
        found.append((info, run.data.params, run.data.tags, history, inputs, sorted(files)))
    return found


def sent(outbox_of: Store, to):
    return list(sync.send_runs(outbox_of._access.outbox, to._access.store, elsewhere=True))
