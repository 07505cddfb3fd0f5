"""What a row says and keeps of the breaths that it hears, and that it does not train without."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.cards import table_cards
from bench.config import Config
from bench.runner import local
from bench.runner.outcomes import JobOutcome
from bench.runner.request import RunRequest
from bench.tracking.store import Store
from tests.runner.stages import CARD, Watcher
from tests.tracked_frames import table_frame

BREATHING = (
    CARD.replace("[base]", '[base]\nbreath.kind = "dsp"')
    + """
[rows.deaf]
from = "alone"
cells = ["where nothing is loud enough to be a breath"]
breath = { min_level = 0.61 }

[rows.zeros]
from = "alone"
cells = ["breaths at evaluation alone are left out"]
evaluate.asvspoof2019la.breath.kind = "zeros"
"""
)


@pytest.fixture
def card(tmp_path: Path):
    path = tmp_path / "card.toml"
    # Spliced clips take no marks: the rows with an earlier training are not these.
    path.write_text(
        BREATHING[: BREATHING.index("[rows.two]")] + BREATHING[BREATHING.index("[rows.deaf]") :],
        encoding="utf-8",
    )
    return table_cards.parse_table("test/breaths", path)


def run(card, config: Config, rows: list[str], watcher: Watcher) -> list[JobOutcome]:
    return list(
        local.run_jobs(RunRequest(card, rows, None, "smoke"), config, Store(config), watcher)
    )


@pytest.mark.slow
def test_a_run_keeps_and_says_how_much_of_each_split_is_marked(card, config: Config):
    watcher = Watcher()
    outcomes = run(card, config, ["alone", "zeros"], watcher)
    assert {outcome.state for outcome in outcomes} == {"finished"}, outcomes
    kept = (
        table_frame(Store(config), "test/breaths", "smoke")
        .set_index("row")["breaths"]
        .map(json.loads)
    )
    for row in ("alone", "zeros"):
        assert set(kept[row]) == {"train", "dev", "evaluate.asvspoof2019la"}
        for shares in kept[row].values():
            assert set(shares) == {"bonafide", "spoof", "utterances"}
    assert kept["alone"]["train"] == kept["zeros"]["train"]
    assert 0.05 < kept["alone"]["train"]["utterances"] < 0.9
    assert kept["alone"]["evaluate.asvspoof2019la"]["utterances"] > 0
    assert kept["zeros"]["evaluate.asvspoof2019la"]["utterances"] == 0
    said = [
        text for text in watcher.said if text.startswith("train: asvspoof2019la train, breaths")
    ]
    assert len(said) == 2
    assert "of utterances" in said[0]


def test_a_row_that_would_hear_no_breath_is_refused_before_it_trains(card, config: Config):
    watcher = Watcher()
    (outcome,) = run(card, config, ["deaf"], watcher)
    assert outcome.state == "failed"
    assert "train.breath.kind = 'dsp': marks no hop of asvspoof2019la train" in outcome.message
    assert not watcher.steps
