"""Stores that are away, deleted or out of reach say so once, soon and without passwords."""

from __future__ import annotations

import base64
import os
import socket
import threading
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from mlflow.experiments import commands
from sqlalchemy.exc import OperationalError

from bench.config import Config
from bench.metrics.measured import MetricResult
from bench.tracking import client as mlflow_client
from bench.tracking.run_record import RunRecord, ScoredFile
from bench.tracking.store import Store
from tests.errors import raises_code
from tests.tracked_frames import scored_frame, table_frame
from tests.tracking.serving import free_port

FIGURES = {"partialspoof.eer": MetricResult(0.0361, 0.0350, 0.0372)}
SECRET = "s3cr3t"


@pytest.fixture
def stated(config: Config, said):
    """Return the store at an address."""
    return lambda uri: Store(replace(config, tracking=uri), said.append)


@pytest.fixture
def login(monkeypatch):
    """Forget a server's login afterwards."""
    for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
        monkeypatch.setenv(name, "")


@contextmanager
def closing_at_once():
    """A port that takes connections and closes them."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve():
            while True:
                try:
                    listening.accept()[0].close()
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


@contextmanager
def nothing():
    yield free_port()


@pytest.mark.parametrize("listening", [nothing, closing_at_once])
@pytest.mark.parametrize("scheme", ["http", "postgresql+psycopg"])
def test_a_run_goes_to_the_outbox_and_one_line_says_so(
    stated: Callable[[str], Store], said, entry: RunRecord, listening, scheme, monkeypatch, login
):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with listening() as port:
        store = stated(f"{scheme}://bob:{SECRET}@127.0.0.1:{port}/d")
        assert store.fail_dead_runs() == []
        with store.begin_run(entry) as tracked:
            tracked.finish_run(FIGURES)
        assert store.find_finished(entry)
        with raises_code("tracking.no-answer") as raised:
            table_frame(store, "sal/table4", "paper")
    assert len(said) == 1
    assert "does not answer" in said[0]
    assert f"127.0.0.1:{port}/d" in said[0]
    for text in (said[0], str(raised.value), repr(store._access.store.address), store.uri):
        assert SECRET not in text
    assert len(said[0].splitlines()) == len(str(raised.value).splitlines()) == 1
    assert store.waiting_names() == ["sal/table4: S5 · seed 666"]


def test_a_database_is_asked_once(stated: Callable[[str], Store], monkeypatch):
    import sqlalchemy

    tried = []

    def create_engine(uri, **more):
        tried.append(uri)
        raise OperationalError("select 1", {}, Exception(f"no {uri}"))

    monkeypatch.setattr(sqlalchemy, "create_engine", create_engine)
    with closing_at_once() as port:
        store = stated(f"postgresql://bob:{SECRET}@127.0.0.1:{port}/d")
        with raises_code("tracking.no-answer") as raised:
            table_frame(store, "sal/table4", "paper")
    assert len(tried) == 1
    assert SECRET not in str(raised.value)


def test_a_missing_driver_is_named(stated: Callable[[str], Store], monkeypatch):
    import sqlalchemy

    def create_engine(uri, **more):
        raise ModuleNotFoundError("No module named 'psycopg2'", name="psycopg2")

    monkeypatch.setattr(sqlalchemy, "create_engine", create_engine)
    with closing_at_once() as port, raises_code("package.missing") as raised:
        table_frame(stated(f"postgresql://127.0.0.1:{port}/d"), "sal/table4", "paper")
    assert "pip install psycopg2" in str(raised.value)


@pytest.mark.parametrize("uri", ["uc:x", f"azureml://k:{SECRET}@h/x"])
def test_a_service_that_refuses_is_not_said_to_be_away(stated: Callable[[str], Store], said, uri):
    with raises_code("tracking.cannot-open") as raised:
        table_frame(stated(uri), "sal/table4", "paper")
    assert SECRET not in str(raised.value)
    assert said == []


def test_databricks_without_a_login_is_not_said_to_be_away(
    stated: Callable[[str], Store], said, monkeypatch, tmp_path
):
    monkeypatch.setenv("HOME", str(tmp_path))
    refused = mlflow_client_error("Reading Databricks credential configuration failed")
    monkeypatch.setattr("mlflow.MlflowClient", lambda **given: SimpleNamespace(**refused))
    with raises_code("tracking.cannot-open") as raised:
        table_frame(stated("databricks"), "sal/table4", "paper")
    assert "Reading Databricks credential configuration failed" in str(raised.value)
    assert said == []


def mlflow_client_error(text):
    from mlflow.exceptions import MlflowException

    def refuse(**given):
        raise MlflowException(text)

    return {"search_experiments": refuse}


def test_a_servers_login_is_sent_and_never_shown(stated: Callable[[str], Store], login):
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            asked.append(self.headers["Authorization"])
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        do_GET = do_POST

        def log_message(self, *given):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        store = stated(f"http://bob:{SECRET}%40@127.0.0.1:{server.server_port}")
        assert store.page_addresses() == {}
        server.shutdown()
    assert asked[-1] == "Basic " + base64.b64encode(f"bob:{SECRET}@".encode()).decode()
    assert SECRET not in store.client.tracking_uri
    assert os.environ["MLFLOW_TRACKING_PASSWORD"] == f"{SECRET}@"


@pytest.fixture
def deleted(store: Store, entry: RunRecord):
    """A store whose experiment was deleted in MLflow's pages; return its number."""
    with store.begin_run(entry) as tracked:
        tracked.finish_run(FIGURES)
    (experiment,) = store.client.search_experiments()
    store.client.delete_experiment(experiment.experiment_id)
    return experiment.experiment_id


def test_a_deleted_experiment_is_named_with_its_remedy(store: Store, entry: RunRecord, deleted):
    scored = ScoredFile("sal/table4", "BAM", "paper", "a/b", "0", "1", "2", {}, FIGURES)
    asked = {
        "run": lambda: store.begin_run(replace(entry, seed=7)),
        "known": lambda: store.find_finished(entry),
        "report": lambda: table_frame(store, "sal/table4", "paper"),
        "scored": lambda: scored_frame(store, "sal/table4", "paper"),
        "score": lambda: store.keep_scored_file(scored, {}),
        "show": lambda: store.search_runs("sal/table4", {"form": "paper"}),
    }
    for ask in asked.values():
        with raises_code("tracking.experiment-deleted") as raised:
            ask()
    words = str(raised.value).split("`")[1].replace("'", "").split(" mlflow ")
    assert words[1] == f"experiments restore --experiment-id {deleted}"
    uri = words[0].removeprefix("MLFLOW_TRACKING_URI=")
    done = CliRunner().invoke(
        commands, words[1].split()[1:], env={"MLFLOW_TRACKING_URI": uri.replace("%20", " ")}
    )
    assert done.exit_code == 0, done.output
    assert store.find_finished(entry)


def test_what_a_store_refuses_is_one_message(store: Store, monkeypatch):
    def refuse(*given, **more):
        raise OperationalError("insert", {}, Exception("database or disk is full"))

    monkeypatch.setattr(store.client, "search_runs", refuse)
    monkeypatch.setattr(store.client, "get_experiment_by_name", refuse)
    with raises_code("tracking.store-failed") as raised:
        table_frame(store, "sal/table4", "paper")
    assert "mlflow.db" in str(raised.value)
    assert "disk is full" in str(raised.value)
    assert "\n" not in str(raised.value)
    assert mlflow_client.is_of_store(raised.value.__cause__)
