"""What is put right in a store as a whole: runs whose process died, and how tables are shown."""

from __future__ import annotations

from bench.specs.table import Table
from bench.tracking import mlflow_views, run_files
from bench.tracking.address import local_folder
from bench.tracking.mlflow_store import MlflowStore
from bench.tracking.run_record import FAILURE
from bench.tracking.run_workers import PROCESS, is_worker_alive


def fail_dead_runs(to: MlflowStore) -> list[str]:
    """Mark runs FAILED whose process died without a word; return their names."""
    to.require_writable()
    dead: list[str] = []
    for experiment in to.client.search_experiments():
        for run in to.list_runs([experiment.experiment_id], "attributes.status = 'RUNNING'"):
            holder = run.data.tags.get(PROCESS)
            if holder is None or is_worker_alive(run.data.tags) is not False:
                continue
            run_files.clear_uploads(local_folder(run.info.artifact_uri))
            to.client.set_tag(run.info.run_id, FAILURE, f"its process {holder} died")
            to.client.set_terminated(run.info.run_id, "FAILED")
            dead.append(f"{experiment.name}: {run.info.run_name}")
    return dead


def present_table(to: MlflowStore, table: Table) -> None:
    """Give a table's experiment the tags by which MLflow's pages show it.

    Processes that begin together do so one after the other: MLflow fails where two add a tag.
    """
    with to.hold_lock():
        experiment = to.client.get_experiment(to.ensure_experiment(table.key))
        for key, value in mlflow_views.experiment_tags(table, experiment.experiment_id).items():
            if experiment.tags.get(key) != value:
                to.client.set_experiment_tag(experiment.experiment_id, key, value)
