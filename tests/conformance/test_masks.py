"""The masks of BreathNet's Table 13 reach its network: in the smoke form, on miniatures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from bench.cards import corpus_cards as corpora
from bench.cards import table_cards
from bench.config import Config
from bench.training import engine
from bench.training.data import Utterances
from bench.training.row import DatasetCache

NAME = "asvspoof2019la"


@pytest.fixture(scope="module")
def heard(miniatures: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """For each row the scores and the numbers of marked hops of one evaluation's utterances, by
    the same network; its FiLM as an untrained one is.
    """
    card = table_cards.read_table("breathnet/table13")
    config = Config(work=miniatures, device="cpu", workers=0)
    library = DatasetCache(config)
    found = {}
    for row in card.rows:
        run = table_cards.resolve_row(card, row, "smoke")
        system = engine.build_system(run, 7, config).eval()
        data = run.evaluate[NAME]
        split = library.load_split("smoke", data).subset
        told = Utterances(split, data, corpora.read_corpus_card(NAME).audio, 40.0, config)
        scores, marks = np.zeros(len(split)), np.zeros(len(split))
        for number in range(len(told)):
            indices, batch, _ = told[number]
            with torch.inference_mode():
                answer = system.predict(batch.waves, batch.breath_mask, None)
            scores[list(indices)] = answer.score[:, 0].numpy()
            marks[list(indices)] = batch.breath_mask.sum(dim=1).numpy()
        found[row] = scores, marks
    return found


def test_some_utterances_have_breaths_and_some_have_none(heard):
    _, marks = heard["normal"]
    assert 0 < (marks > 0).mean() < 1


def test_other_marks_are_other_scores_and_the_same_marks_the_same(heard):
    normal, marks = heard["normal"]
    zeros, none = heard["zeros"]
    ones, every = heard["ones"]
    assert not none.any()
    assert (every == every[0]).all()
    np.testing.assert_array_equal(normal != zeros, marks > 0)
    assert (normal != ones).all()
