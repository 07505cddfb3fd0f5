"""Score files of every system hold the bona fide logit beside what the system is scored by."""

from __future__ import annotations

import numpy as np
import pytest

from bench.cards import corpus_cards as corpus_cards
from bench.cards import table_cards
from bench.training import engine
from bench.training.row import DatasetCache
from bench.training.scoring import build_utterances, score_columns, score_utterances

ROWS = {
    "table4": ("S7", "partialspoof", []),
    "tca/table1": ("TCA", "asvspoof2019la", []),
    "breathnet/table4": ("BreathNet", "asvspoof2021la", ["breath={kind='zeros'}"]),
    "breathnet/table6": ("BreathNet", "asvspoof5", ["breath={kind='zeros'}"]),
    "mfpt/asvspoof2021": ("none", "asvspoof2021la", []),
}


@pytest.mark.rows
@pytest.mark.parametrize("table", ROWS)
def test_both_are_in_the_file(table, config):
    row, evaluation, overrides = ROWS[table]
    run = table_cards.resolve_row(table_cards.read_table(table), row, "smoke", overrides)
    data = run.evaluate[evaluation]
    fabric = engine.make_fabric(config, "fp32")
    subset = DatasetCache(config).load_split("smoke", data).subset
    audio = corpus_cards.read_corpus_card(data.corpus).audio
    share = build_utterances(fabric, subset, data, audio, config)
    system = engine.build_system(run, 1, config)
    columns = score_columns(share, score_utterances(fabric, system, share, 0))
    bonafide, spoof = columns["logit_bonafide"], columns["logit_spoof"]
    assert len(np.unique(bonafide)) > 1
    alone = getattr(run.system, "score", "") == "bonafide-logit"
    assert alone == (table == "breathnet/table6")
    expected = bonafide if alone else bonafide - spoof
    np.testing.assert_allclose(columns["score"], expected, atol=1e-5)
