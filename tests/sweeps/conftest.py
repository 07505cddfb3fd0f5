"""A sweep's card, its study in a file, and a training that is a formula."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from bench.cards import sweep_cards
from bench.config import Config
from bench.specs.sweep import Sweep
from bench.sweeps import storage
from bench.sweeps.study import Claim, Study
from bench.sweeps.worker import EndedTrial, EpochCallback, work_on_study
from bench.tracking.store import Store

CARD = """
title = "λ"
from = "sal/table4:S7"
trials = 6
epochs = 3
sampler = { kind = "random" }

[space]
system.auxiliary.weight = { kind = "float", low = 0.01, high = 10.0, log = true }
mix.rounds = { kind = "int", low = 1, high = 3 }
"""

WEIGHT = "system.auxiliary.weight"


@pytest.fixture
def parse(tmp_path: Path) -> Callable[..., Sweep]:
    """Read a card given as text."""

    def read(text: str = CARD, form: str = "smoke") -> Sweep:
        path = tmp_path / "made.toml"
        path.write_text(text, encoding="utf-8")
        return sweep_cards.parse_sweep("made", path)[form]

    return read


@pytest.fixture
def open_study(tmp_path: Path) -> Callable[..., Study]:
    """Open the study of a card in a file of this test's, as a new process would."""

    def opened(card: Sweep, name: str = "made") -> Study:
        return Study(card, name, storage.open_storage(None, name, tmp_path, print), (3, 1))

    return opened


class Formula:
    """A training without one: the dev EER falls from epoch to epoch, to |weight - 1| / 100."""

    def __init__(self, act: Callable[[Claim], None] = lambda claim: None) -> None:
        self.act = act
        self.trained: list[int] = []

    def __call__(self, claim: Claim, seed: int, heard: EpochCallback) -> Mapping[str, float]:
        self.act(claim)
        self.trained.append(claim.number)
        best = abs(claim.point[WEIGHT] - 1) / 100 + seed / 1e6
        for epoch in (1, 2, 3):
            heard(epoch, {"dev.eer": best + 0.1 * (3 - epoch)})
        return {"dev.eer": best}


def finish(
    study: Study, train: Formula, wanted: int, seeds: tuple[int, ...] = (0,)
) -> list[EndedTrial]:
    """Work at the study until `wanted` trials are there."""
    card = study.card
    return list(
        work_on_study(study, lambda c: sweep_cards.trial_run(card, c.point), seeds, train, wanted)
    )


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory) -> Path:
    """A new store's database; to make one takes MLflow seconds."""
    work = tmp_path_factory.mktemp("store")
    Store(Config(work=work))
    return work / "mlflow.db"


@pytest.fixture
def config(miniatures: Path, empty_store: Path, tmp_path: Path, monkeypatch) -> Config:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "mini").symlink_to(miniatures / "mini")
    shutil.copy(empty_store, tmp_path)
    return Config(work=tmp_path, device="cpu", workers=0)
