"""Cards and small trees for the corpora's tests."""

from __future__ import annotations

from pathlib import Path

import layouts
import pytest

from bench.cards.corpus_cards import read_corpus_card
from bench.specs.corpus import CorpusCard


@pytest.fixture(scope="session")
def ps_card() -> CorpusCard:
    return read_corpus_card("partialspoof")


@pytest.fixture(scope="session")
def had_card() -> CorpusCard:
    return read_corpus_card("had")


@pytest.fixture(scope="session")
def lps_card() -> CorpusCard:
    return read_corpus_card("llamapartialspoof")


@pytest.fixture
def ps(tmp_path: Path) -> Path:
    return layouts.partialspoof(tmp_path / "database")


@pytest.fixture
def had(tmp_path: Path) -> Path:
    return layouts.had(tmp_path / "HAD")


@pytest.fixture
def lps(tmp_path: Path) -> Path:
    return layouts.llamapartialspoof(tmp_path / "LlamaPartialSpoof")
