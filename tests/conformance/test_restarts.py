"""Every system: a training that is stopped after an epoch ends as one that is not."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bench.cards import table_cards
from bench.config import Config
from bench.specs.run import EarlierTraining, Run
from bench.training import checkpoints
from tests.training.runs import Log, all_scores, run_to_end

pytestmark = pytest.mark.rows

SHORT = ["training.epochs=2", "train.clip_s=1.0375", "dev.clip_s=1.0375", "training.batch_size=4"]


def short(key: str, row: str, *overrides: str) -> Run:
    evaluations = table_cards.resolve_row(table_cards.read_table(key), row, "smoke").evaluate
    clips = [f"evaluate.{name}.clip_s=1.0375" for name in evaluations]
    return table_cards.resolve_row(
        table_cards.read_table(key), row, "smoke", [*SHORT, *clips, *overrides]
    )


def first_stage() -> Run:
    of_stage = [f"start.stage.{setting}" for setting in SHORT]
    run = short("mfpt/asvspoof5", "MFPT", *of_stage)
    assert isinstance(run.start, EarlierTraining)
    return run.start.stage


RUNS = {
    "tca": short("tca/table1", "TCA"),
    "breathnet": short("breathnet/table4", "BreathNet"),
    "mfpt, first stage": first_stage(),
    "mfpt": short("mfpt/asvspoof5", "none"),
}


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
def test_a_stopped_training_ends_as_one_that_is_not(run: Run, miniatures: Path, tmp_path: Path):
    (tmp_path / "mini").symlink_to(miniatures / "mini")
    config = Config(work=tmp_path, device="cpu", workers=0)
    log, again = Log(), Log()
    expected = run_to_end(run, config, tmp_path / "whole", log)
    with pytest.raises(KeyboardInterrupt):
        run_to_end(run, config, tmp_path / "torn", Log(stop_after=1))
    found = run_to_end(run, config, tmp_path / "torn", again)
    assert again.epochs == log.epochs
    one, other = (
        checkpoints.load_checkpoint(trained.checkpoint)["system"] for trained in (expected, found)
    )
    assert all(torch.equal(one[name], other[name]) for name in one)
    scores, theirs = all_scores(expected), all_scores(found)
    assert all((scores[name] == theirs[name]).all() for name in scores)
