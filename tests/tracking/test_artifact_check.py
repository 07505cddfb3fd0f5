"""Where artifacts cannot be kept is said before anything is trained."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from mlflow.store.artifact import artifact_repository_registry as registry
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

from bench.cards import table_cards
from bench.config import Config
from bench.tracking import artifact_check
from bench.tracking.store import Store
from tests.errors import raises_code
from tests.tracking.serving import Server


class Served:
    """A store on a server that keeps artifacts at a place."""

    uri = "http://tracking.example:5000"

    def __init__(self, place: str) -> None:
        found = SimpleNamespace(artifact_location=place)
        self.client = SimpleNamespace(
            tracking_uri=self.uri, get_experiment_by_name=lambda name: found
        )

    def is_reachable(self) -> bool:
        return True


def test_a_byte_is_written_read_and_removed(tmp_path):
    artifact_check.require_artifacts(Served(tmp_path.as_uri()), "sal/table4")
    assert list(tmp_path.iterdir()) == []


def test_where_nothing_may_be_removed_the_byte_stays(tmp_path, monkeypatch):
    class Lasting(LocalArtifactRepository):
        def delete_artifacts(self, *given, **more):
            raise PermissionError("objects are locked")

    known = registry._artifact_repository_registry._registry
    monkeypatch.setitem(known, "file", lambda uri, **more: Lasting(uri))
    artifact_check.require_artifacts(Served(tmp_path.as_uri()), "sal/table4")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [artifact_check._BYTE]


def test_what_is_read_as_another_is_told(tmp_path, monkeypatch):
    class Wrong(LocalArtifactRepository):
        def download_artifacts(self, *given, **more):
            path = super().download_artifacts(*given, **more)
            Path(path).write_bytes(b"2")
            return path

    known = registry._artifact_repository_registry._registry
    monkeypatch.setitem(known, "file", lambda uri, **more: Wrong(uri))
    with raises_code("tracking.artifacts-unusable"):
        artifact_check.require_artifacts(Served(tmp_path.as_uri()), "sal/table4")


@pytest.mark.parametrize(
    ("place", "absent", "code", "message"),
    [
        (
            "s3://bucket/mlflow",
            "boto3",
            "package.missing",
            "it needs boto3, which an extra brings: ",
        ),
        ("gs://bucket/mlflow", "google.cloud.storage", "package.missing", "it needs google"),
        ("nosuch://bucket/x", "", "tracking.artifacts-unusable", "nosuch://bucket/x"),
    ],
)
def test_what_is_missing_is_named(place, absent, code, message, monkeypatch):
    if absent:
        monkeypatch.setitem(sys.modules, absent, None)
    with raises_code(code) as raised:
        artifact_check.require_artifacts(Served(place), "sal/table4")
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_told(tmp_path):
    tmp_path.chmod(0o555)
    with raises_code("tracking.artifacts-unusable") as raised:
        artifact_check.require_artifacts(Served(tmp_path.as_uri()), "sal/table4")
    assert tmp_path.as_uri() in str(raised.value)
    assert "ermission" in str(raised.value)


@pytest.fixture
def kept_at(config: Config, tmp_path, monkeypatch):
    """Return the store on a server that keeps artifacts as its options say."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    shutil.copy(config.work / "mlflow.db", tmp_path)
    started = []

    def start(*options):
        server = Server(tmp_path, *options)
        started.append(server)
        server.start()
        return Store(replace(config, tracking=server.uri))

    yield start
    for server in started:
        server.stop()


@pytest.mark.slow
def test_a_server_with_s3_and_no_boto3(kept_at, monkeypatch):
    monkeypatch.setitem(sys.modules, "boto3", None)
    store = kept_at("--default-artifact-root", "s3://bucket/x", "--no-serve-artifacts")
    store.present_table(table_cards.read_table("sal/table4"))
    with raises_code("package.missing") as raised:
        artifact_check.require_artifacts(store, "sal/table4")
    assert "s3://bucket/x/" in str(raised.value)
    assert "pip install 'speech-deepfake-bench[s3]'" in str(raised.value)


@pytest.mark.slow
@pytest.mark.parametrize("is_whole", [True, False])
def test_a_server_that_takes_artifacts_or_cannot(kept_at, tmp_path, is_whole):
    place = tmp_path / "taken"
    if not is_whole:
        place.write_text("a file, where a folder is wanted: refused even to root")
    store = kept_at("--artifacts-destination", place.as_uri())
    store.present_table(table_cards.read_table("sal/table4"))
    if is_whole:
        artifact_check.require_artifacts(store, "sal/table4")
        assert not [path for path in place.rglob("*") if path.is_file()]
        return
    with raises_code("tracking.artifacts-unusable") as raised:
        artifact_check.require_artifacts(store, "sal/table4")
    assert "mlflow-artifacts:/" in str(raised.value)
