"""What the tests of launchers share: a machine with miniatures, and a table with stages."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.cards import table_cards
from bench.config import Config
from tests.runner.stages import CARD


@pytest.fixture
def config(miniatures: Path, tmp_path: Path) -> Config:
    (tmp_path / "mini").symlink_to(miniatures / "mini")
    return Config(work=tmp_path, device="cpu", workers=0)


@pytest.fixture
def card(tmp_path: Path):
    path = tmp_path / "card.toml"
    path.write_text(CARD, encoding="utf-8")
    return table_cards.parse_table("test/stages", path)
