"""Tracking stores, and entries to put into them."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from bench.cards import table_cards
from bench.config import Config
from bench.metrics.measured import MetricResult
from bench.tracking.run_record import RunRecord, ScoredFile
from bench.tracking.store import Store
from tests.tracking.serving import Server, free_port


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    config = Config(work=tmp_path / "work folder")
    Store(config)
    return config


@pytest.fixture
def store(config: Config):
    return Store(config)


@pytest.fixture(scope="session")
def entry() -> RunRecord:
    return RunRecord(
        table="sal/table4",
        paper="sal",
        row="S5",
        seed=666,
        run=table_cards.resolve_row(table_cards.read_table("sal/table4"), "S5"),
        fingerprints={"partialspoof/train": "0123456789abcdef", "partialspoof/eval": "fe"},
        made_from={"weights xlsr2_300m": "01234567"},
        commit="18096a9",
        device="NVIDIA H200",
        paper_results={"partialspoof.eer": 3.50, "partialspoof.f1": 96.62},
    )


@pytest.fixture(scope="session")
def smoke_entry(entry: RunRecord):
    return replace(
        entry, run=table_cards.resolve_row(table_cards.read_table("sal/table4"), "S5", "smoke")
    )


@pytest.fixture
def scored() -> ScoredFile:
    """A judged score file of another system."""
    return ScoredFile(
        table="sal/table4",
        system="BAM",
        form="paper",
        split="partialspoof/eval",
        fingerprint="0123456789abcdef",
        digest="feedbeef",
        commit="18096a9",
        settings={"columns": "id 1, score 2", "missing": "3"},
        evaluation="partialspoof",
        corpus="PS eval",
        cells={"System": "BAM"},
        figures={"partialspoof.eer": MetricResult(0.0361, 0.035, 0.0372)},
    )


@pytest.fixture
def said():
    return []


@pytest.fixture
def away(config: Config, said) -> Store:
    """A store on a port where nothing listens."""
    uri = f"http://127.0.0.1:{free_port()}"
    return Store(replace(config, tracking=uri), said.append)


@pytest.fixture
def back(config: Config, tmp_path) -> Store:
    """What a server would be that answers again: a store of another folder of this machine."""
    place = tmp_path / "server"
    place.mkdir()
    shutil.copy(config.work / "mlflow.db", place)
    return Store(replace(config, work=place))


@pytest.fixture
def server(config: Config, tmp_path):
    shutil.copy(config.work / "mlflow.db", tmp_path)
    serving = Server(tmp_path)
    yield serving
    serving.stop()
