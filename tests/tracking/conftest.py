"""Tracking stores, and entries to put into them."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from bench import cards
from bench.config import Config
from bench.tracking.entry import RunEntry
from bench.tracking.store import Store
from tests.tracking.serving import Server, free_port


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    config = Config(work=tmp_path / "work folder")
    Store(config)
    return config


@pytest.fixture
def store(config):
    return Store(config)


@pytest.fixture(scope="session")
def entry():
    return RunEntry(
        table="sal/table4",
        paper="sal",
        row="S5",
        seed=666,
        run=cards.resolve(cards.table("sal/table4"), "S5"),
        fingerprints={"partialspoof/train": "0123456789abcdef", "partialspoof/eval": "fe"},
        made_from={"weights xlsr2_300m": "01234567"},
        commit="18096a9",
        device="NVIDIA H200",
        description_figures={"partialspoof.eer": 3.50, "partialspoof.f1": 96.62},
    )


@pytest.fixture(scope="session")
def smoke_entry(entry):
    return replace(entry, run=cards.resolve(cards.table("sal/table4"), "S5", "smoke"))


@pytest.fixture
def said():
    return []


@pytest.fixture
def away(config, said):
    """A store on a port where nothing listens."""
    uri = f"http://127.0.0.1:{free_port()}"
    return Store(replace(config, tracking=uri), said.append)


@pytest.fixture
def back(config, tmp_path):
    """What a server would be that answers again: a store of another folder of this machine."""
    place = tmp_path / "server"
    place.mkdir()
    shutil.copy(config.work / "mlflow.db", place)
    return Store(replace(config, work=place))


@pytest.fixture
def server(config, tmp_path):
    shutil.copy(config.work / "mlflow.db", tmp_path)
    serving = Server(tmp_path)
    yield serving
    serving.stop()
