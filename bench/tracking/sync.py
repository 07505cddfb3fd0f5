"""Send the outbox's runs to the store that was away when they were made.

A run is known by its identity's tags, as everywhere: what the store has of it already (a run that
was begun there before the server went away, or that an interrupted `send` left half done) is added
to, point by point, so that sending twice changes nothing. Once whole, it is gone from the outbox.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from bench.errors import BenchError
from bench.jobs import holders
from bench.tracking import registered_models, run_files
from bench.tracking.address import local_folder
from bench.tracking.client import NOTE, cut_text, is_unreachable, log_params, log_points, log_tags
from bench.tracking.mlflow_store import MEANT_FOR, USER, MlflowStore
from bench.tracking.run_lifecycle import GATHERED, PARENT, join_values
from bench.tracking.run_record import FAILURE
from bench.tracking.run_workers import LEASE, PROCESS, is_worker_alive
from bench.tracking.stored_runs import is_figure

_SENT = "sent"
"""Tag of the outbox's run: its id in the store."""
_OWN = ("identity", "process", _SENT, MEANT_FOR, USER)
"""Tags that are not copied over a run that the store has."""


class Sent(NamedTuple):
    """What became of one of the outbox's runs."""

    run: str
    state: str
    """`sent`, `finished there already`, `still running`, or `not sent: ` and why."""
    is_whole: bool = True
    """False where some of its files are lost on the way, or gone: it waits on."""


def waiting_runs(outbox: MlflowStore) -> list[str]:
    """Return the names of the runs that wait."""
    return [_run_name(outbox, run) for run in _list_waiting(outbox)]


def send_runs(
    outbox: MlflowStore,
    store: MlflowStore,
    identity: Mapping[str, str] | None = None,
    *,
    elsewhere: bool = False,
) -> Iterator[Sent]:
    """Send what waits to `store`, or only the runs of one identity; say what became of each.

    What was recorded for another store is sent only with `elsewhere`, and else waits on.

    A run that a living process still records is left to it. One that lacks files, here or there
    when they were sent, waits on. Nothing is removed but below the outbox's own folder.
    """
    for run in _list_waiting(outbox):
        identity_tags, name = _identity_tags(run), _run_name(outbox, run)
        if identity is not None and identity_tags != dict(identity):
            continue
        meant_for = run.data.tags.get(MEANT_FOR, store.address.shown)
        if meant_for != store.address.shown and not elsewhere:
            if identity is None:
                yield Sent(name, _meant_for_another(meant_for, store), is_whole=False)
            continue
        if run.info.status == "RUNNING" and _is_alive(outbox, run):
            yield Sent(name, "still running")
            continue
        experiment = outbox.client.get_experiment(run.info.experiment_id)
        folder_path = _artifact_folder(outbox, experiment, run)
        run_files.clear_uploads(folder_path)
        if missing := _missing_files(run, folder_path):
            yield Sent(name, f"not sent: {missing}", is_whole=False)
            continue
        with store.hold_lock():
            there = store.search_table(experiment.name, identity_tags)
            target = there[0].info.run_id if there else _new_run(store, experiment.name, run)
            _tell_experiment(store, experiment)
        done = bool(there) and there[0].info.status == "FINISHED"
        if not done:
            _copy_run(outbox, store, run, target)
        if lost := _send_files(store, target, folder_path, done):
            yield Sent(name, f"not sent: {lost}", is_whole=False)
            continue
        if not done:  # last, so that one that was not sent whole never counts as finished
            status = "FAILED" if run.info.status == "RUNNING" else run.info.status
            store.client.set_terminated(target, status, end_time=run.info.end_time)
        _adopt_parts(store, experiment.name, run.info.run_id, target)
        outbox.client.set_tag(run.info.run_id, _SENT, target)
        outbox.client.delete_run(run.info.run_id)
        shutil.rmtree(folder_path.parent, ignore_errors=True)
        yield Sent(name, "finished there already" if done else "sent")


def _meant_for_another(meant_for: str, store: MlflowStore) -> str:
    return (
        f"not sent: it was recorded for {meant_for}, and {store.address.shown} is configured: "
        "configure that store, or send it here by `bench sync --from-other-stores`"
    )


def _missing_files(run: Any, path: Path) -> str:
    """Return what is said of a run whose files are not all in the outbox, "" where they are."""
    data = run.data
    # Records of before the number was kept: what has figures has a file of them.
    had = int(
        data.tags.get(
            run_files.FILE_COUNT, any(is_figure(metric, data.metrics) for metric in data.metrics)
        )
    )
    present = run_files.file_sizes(path)
    if len(present) >= had:
        return ""
    return (
        f"{had - len(present)} of its {had} files are not in {path}: bring them there from "
        f"where it was recorded ({local_folder(run.info.artifact_uri)}), or give the run up with "
        f"`mlflow runs delete --run-id {run.info.run_id}` at the outbox's address"
    )


def _send_files(store: MlflowStore, target: str, path: Path, done: bool) -> str:
    """Send the files in `path` and compare; return what was lost, "" where nothing was.

    Of a run that is `done` in the store, only files that it lacks are sent.
    """
    client, sizes = store.client, run_files.file_sizes(path)

    def list_lacking() -> list[str]:
        there = dict(run_files.list_artifact_files(client, target))
        return [
            name
            for name, size in sizes.items()
            if name not in there or (not done and there[name] not in (size, None))
        ]

    try:
        for name in list_lacking():
            inside = str(Path(name).parent)
            client.log_artifact(target, str(path / name), None if inside == "." else inside)
        if (path / registered_models.FOLDER).is_dir():
            registered_models.register_model(client, target)
        lost = list_lacking()
    except Exception as error:
        if is_unreachable(error):
            raise
        return f"the store does not take its files ({store.describe_error(error)})"
    if not lost:
        return ""
    return f"{len(lost)} of its {len(sizes)} files did not arrive at the store, e.g. {lost[0]}"


def _list_waiting(outbox: MlflowStore) -> list[Any]:
    """Return the runs that wait, those that began first first: parents go before their parts."""
    return sorted(outbox.list_all_runs(), key=lambda run: run.info.start_time)


def _copy_run(outbox: MlflowStore, store: MlflowStore, run: Any, target: str) -> None:
    """Bring a run of the store to the state of the outbox's."""
    client = store.client
    before = client.get_run(target).data
    tags = {key: value for key, value in run.data.tags.items() if key not in _OWN}
    for key in {*GATHERED} & tags.keys() & before.tags.keys():
        tags[key] = join_values(before.tags[key], tags[key])
    if PARENT in tags:
        tags[PARENT] = _sent_id(outbox, tags[PARENT])
    if run.info.status == "RUNNING":
        holder = run.data.tags.get("process", "")
        tags[FAILURE] = cut_text(" ".join(filter(None, ("its process", holder, "died"))))
    elif FAILURE in before.tags and FAILURE not in tags:
        client.delete_tag(target, FAILURE)
    log_tags(client, target, tags)
    log_params(client, target, run.data.params)
    if run.inputs.dataset_inputs:
        client.log_inputs(target, run.inputs.dataset_inputs)
    for name in run.data.metrics:
        there = {point.step for point in client.get_metric_history(target, name)}
        points = outbox.client.get_metric_history(run.info.run_id, name)
        log_points(client, target, [point for point in points if point.step not in there])


def _new_run(store: MlflowStore, table: str, run: Any) -> str:
    names = ("process", "identity", USER, *_identity_tags(run))
    tags = {key: run.data.tags[key] for key in names if key in run.data.tags}
    return store.create_run(table, run.info.run_name, tags, run.info.start_time)


def _tell_experiment(store: MlflowStore, experiment: Any) -> None:
    """Copy the tags of the experiment that MLflow's pages show it by.

    Its note is left out, since it names the experiment by its number.
    """
    target = store.client.get_experiment_by_name(experiment.name)
    for key, value in experiment.tags.items():
        if key not in target.tags and key != NOTE:
            store.client.set_experiment_tag(target.experiment_id, key, value)


def _adopt_parts(store: MlflowStore, table: str, local: str, target: str) -> None:
    """Name the parent by its id in the store at those of its parts that were begun there."""
    for part in store.search_table(table, {PARENT: local}):
        store.client.set_tag(part.info.run_id, PARENT, target)


def _sent_id(outbox: MlflowStore, run_id: str) -> str:
    """Return the id in the store of a run that may be the outbox's."""
    from mlflow.exceptions import MlflowException

    try:
        return outbox.client.get_run(run_id).data.tags.get(_SENT, run_id)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return run_id  # not the outbox's: it was begun in the store


def _identity_tags(run: Any) -> dict[str, str]:
    return {key: run.data.tags[key] for key in run.data.tags["identity"].split()}


def _is_alive(outbox: MlflowStore, run: Any) -> bool:
    """Return whether a process works on a run.

    A study's run has no process of its own: it is alive while one of its trials is.
    """
    if LEASE in run.data.tags:
        holders.wait_while_ending(Path(run.data.tags[LEASE]))
    if PROCESS in run.data.tags:
        return is_worker_alive(run.data.tags) is not False
    parts = outbox.list_runs([run.info.experiment_id], f"tags.`{PARENT}` = '{run.info.run_id}'")
    return any(part.info.status == "RUNNING" and _is_alive(outbox, part) for part in parts)


def _run_name(outbox: MlflowStore, run: Any) -> str:
    return f"{outbox.client.get_experiment(run.info.experiment_id).name}: {run.info.run_name}"


def _artifact_folder(outbox: MlflowStore, experiment: Any, run: Any) -> Path:
    """Return the folder of a run's files in the outbox.

    It is beside the outbox's database, wherever that was when the run was recorded.
    """
    root = outbox.artifacts
    assert root is not None
    path = root / experiment.name / run.info.run_id / "artifacts"
    if not path.resolve().is_relative_to(root.resolve()):
        raise BenchError(
            "tracking.outside-outbox", f"{path}: is not below {root}, the outbox's folder"
        )
    return path
