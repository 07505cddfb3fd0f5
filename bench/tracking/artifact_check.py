"""Whether a store's artifacts can be kept where it keeps them: a byte is written and read back."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from bench._io import packages
from bench.errors import BenchError
from bench.tracking.client import first_line
from bench.tracking.store import Store

_BYTE = b"1"


def require_artifacts(store: Store, table: str) -> None:
    """Raise one BenchError where files of the runs of `table` cannot be written and read back.

    A server that does not answer is not tested: its runs are recorded on this machine, as those of
    a store in a file are, whose artifacts are in the work folder.
    """
    if store.uri.startswith("sqlite:") or not store.is_reachable():
        return
    client = store.client
    experiment = client.get_experiment_by_name(table)
    if experiment is not None:
        _try_at(store, str(experiment.artifact_location), client.tracking_uri)


def probe_artifacts(store: Store) -> str:
    """Test where the artifacts of a store's newest experiment are, and return that place.

    Return "" where there is no experiment yet. Raise as `require_artifacts`.
    """
    client = store.client
    experiments = client.search_experiments(max_results=1)
    if not experiments:
        return ""
    location = str(experiments[0].artifact_location)
    _try_at(store, location, client.tracking_uri)
    return location


def _try_at(store: Store, location: str, tracking_uri: str) -> None:
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    name = f"check-{uuid4().hex}"
    try:
        with tempfile.TemporaryDirectory() as folder:
            repository = get_artifact_repository(location, tracking_uri=tracking_uri)
            sent = Path(folder, name)
            sent.write_bytes(_BYTE)
            repository.log_artifact(str(sent))
            back = Path(folder, "back")
            back.mkdir()
            read = Path(repository.download_artifacts(name, str(back))).read_bytes()
            with suppress(Exception):  # where nothing may be removed, the byte stays
                repository.delete_artifacts(name)
    except ModuleNotFoundError as error:
        why = packages.missing_message("it", error.name or "")
        failure = _describe_failure(store, location)
        raise BenchError("package.missing", f"{failure}: {why}") from None
    except Exception as error:
        # Whatever a store's own libraries raise, the training must not find it out at its end.
        why = first_line(error) or type(error).__name__
        raise BenchError(
            "tracking.artifacts-unusable", f"{_describe_failure(store, location)}: {why}"
        ) from None
    if read != _BYTE:
        raise BenchError(
            "tracking.artifacts-unusable",
            f"{_describe_failure(store, location)}: what was written there was read as another",
        )


def _describe_failure(store: Store, location: str) -> str:
    return (
        f"files of runs cannot be kept at {location}, where the tracking store {store.uri} has them"
    )
