"""MLflow's client, opened quietly, and what is sent to a run through it."""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import sys
import time
import warnings
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

from bench.errors import BenchError
from bench.tracking import database_schema
from bench.tracking.address import Address
from bench.tracking.run_record import DatasetUse

NOTE = "mlflow.note.content"
"""Tag of a run or an experiment: what MLflow's pages say of it."""
_LONGEST = 500
"""MLflow's limit of characters in a parameter or a tag."""
_BATCH = 100
"""MLflow's limit of parameters in one call."""
_SAMPLING_S = 10
"""How often system metrics are taken."""


_PATIENCE = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",
    "PGCONNECT_TIMEOUT": "10",
}
"""How often and how many seconds a server is waited for, unless the environment says so already:
MLflow's own 7 times 120 s would hold a training up for a quarter of an hour."""
_LOCK_KEY = 0x62656E6368  # "bench"
"""Of the lock in a database that is held while its tables are made."""
_LATER = (408, 429)
"""HTTP statuses below 500 that ask to come back later."""


def quiet_mlflow() -> dict[str, str]:
    """Return the environment, set for an MLflow that sends and prints nothing and waits briefly."""
    os.environ.update(MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="true")
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    # It prints addresses of pages where a run ends, in the middle of JSON.
    os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
    for name, value in _PATIENCE.items():
        os.environ.setdefault(name, value)
    return dict(os.environ)


def is_unreachable(error: Exception) -> bool:
    """Return whether an error says that a server did not do its work, and not that it refused."""
    from mlflow.exceptions import MlflowException
    from requests import RequestException
    from sqlalchemy.exc import InterfaceError, OperationalError

    if isinstance(error, (OperationalError, InterfaceError)):
        return True  # a database
    if isinstance(error, RequestException):
        status = 503 if error.response is None else error.response.status_code
    elif isinstance(error, MlflowException):
        status = error.get_http_status_code()
    else:
        return _is_bucket_unreachable(error)
    return status >= 500 or status in _LATER


def _is_bucket_unreachable(error: BaseException | None) -> bool:
    """Return whether an error says that a bucket of S3, which runs write from here, is away."""
    botocore: Any = sys.modules.get("botocore.exceptions")
    if botocore is None or error is None:
        return False
    if isinstance(error, botocore.ClientError):
        answer: Any = error
        return answer.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500
    if isinstance(error, (botocore.ConnectionError, botocore.HTTPClientError)):
        return True
    is_of_boto = type(error).__module__.startswith("boto3.")
    return is_of_boto and _is_bucket_unreachable(error.__cause__ or error.__context__)


def is_of_store(error: Exception) -> bool:
    """Return whether an error is one that MLflow or its database raised."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    return isinstance(error, (MlflowException, SQLAlchemyError))


def open_client(to: Address) -> Any:
    """Return MLflow's client of a store, made where new; BenchError where it cannot be opened."""
    quiet_mlflow()
    if to.login is not None:
        os.environ["MLFLOW_TRACKING_USERNAME"], os.environ["MLFLOW_TRACKING_PASSWORD"] = to.login
    with warnings.catch_warnings():
        # MLflow 3.17's own use of SQLAlchemy 2.1.
        warnings.filterwarnings("ignore", message=".*``noload`` loader strategy")
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

        logging.getLogger("mlflow").setLevel(logging.WARNING)
        logging.getLogger("alembic").setLevel(logging.WARNING)
        # Its monitor's complaints of a server that is away; the run itself says so once.
        logging.getLogger("mlflow.system_metrics").setLevel(logging.CRITICAL)
        # It logs whole tracebacks of errors that it raises as well.
        logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
        try:
            with _hold_database(to) if to.is_database else nullcontext():
                client = MlflowClient(tracking_uri=to.uri)
            if to.file is None and to.endpoint is None and not to.is_database:
                client.search_experiments(max_results=1)  # only so does a service say what it lacks
            return client
        except (MlflowException, SQLAlchemyError) as error:
            if to.is_database and is_unreachable(error):
                raise
            why = to.hide_secrets(first_line(error))
            raise BenchError(
                "tracking.cannot-open", f"the tracking store {to.shown} cannot be opened: {why}"
            ) from error


@contextmanager
def _hold_database(to: Address) -> Generator[None]:
    """Connect to a database and check its tables; hold it while MLflow opens it.

    It is connected to once: MLflow itself would try ten times, for two minutes. Machines that open
    a new one at once would both make its tables, and fail.
    """
    import sqlalchemy
    from sqlalchemy.pool import NullPool

    try:
        connection = sqlalchemy.create_engine(to.uri, poolclass=NullPool).connect()
    except ModuleNotFoundError as error:
        raise BenchError(
            "package.missing",
            f"the tracking store {to.shown}: its driver {error.name} is not installed: "
            f"`pip install {error.name}`, or name the driver that is (postgresql+psycopg://...)",
        ) from error
    with connection:
        if connection.dialect.name == "postgresql":
            # Of the session, so that it is given back when the process or its connection dies.
            connection.execute(sqlalchemy.text(f"select pg_advisory_lock({_LOCK_KEY})"))
        database_schema.require_current_schema(to)
        yield


def system_monitor(client: Any, run_id: str) -> Any:
    """Start and return MLflow's monitor of processor, memory and GPU; None without psutil."""
    if importlib.util.find_spec("psutil") is None:
        client.set_tag(run_id, "system_metrics", "none: psutil is not installed")
        return None
    from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

    monitor = SystemMetricsMonitor(
        run_id, sampling_interval=_SAMPLING_S, resume_logging=True, tracking_uri=client.tracking_uri
    )
    monitor.start()
    return monitor


def log_inputs(client: Any, run_id: str, datasets: Sequence[DatasetUse]) -> None:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    client.log_inputs(
        run_id,
        [
            DatasetInput(
                Dataset(used.name, used.digest, "local", json.dumps({"split": used.name})),
                [InputTag("mlflow.data.context", used.context)],
            )
            for used in datasets
        ],
    )


def log_params(client: Any, run_id: str, settings: Mapping[str, Any]) -> None:
    from mlflow.entities import Param

    params = [Param(key, cut_text(str(value))) for key, value in settings.items()]
    for batch in _split_batches(params):
        client.log_batch(run_id, params=batch)


def log_tags(client: Any, run_id: str, tags: Mapping[str, str]) -> None:
    from mlflow.entities import RunTag

    for batch in _split_batches([RunTag(key, value) for key, value in tags.items()]):
        client.log_batch(run_id, tags=batch)


def log_metrics(client: Any, run_id: str, metrics: Mapping[str, float], step: int) -> None:
    from mlflow.entities import Metric

    now = now_ms()
    points = [Metric(name, float(value), now, step) for name, value in metrics.items()]
    log_points(client, run_id, points)


def log_points(client: Any, run_id: str, points: Sequence[Any]) -> None:
    """Log points of curves (MLflow's `Metric`), any number of them."""
    for batch in _split_batches(points):
        client.log_batch(run_id, metrics=batch)


def _split_batches(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (items[start : start + _BATCH] for start in range(0, len(items), _BATCH))


def first_line(error: Exception) -> str:
    """Return what an error says, without the statement and the links that SQLAlchemy adds.

    >>> first_line(ValueError("(sqlite3.OperationalError) disk I/O error\\n[SQL: ...]"))
    '(sqlite3.OperationalError) disk I/O error'
    """
    return str(error).strip().partition("\n")[0]


def cut_text(text: str) -> str:
    """Return a text that MLflow takes as a parameter or a tag."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def now_ms() -> int:
    return time.time_ns() // 1_000_000
