"""Corpora scored by models of anyone's: as a row scores them, and what is scored stays so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench._io import file_locks
from bench.cards import table_cards
from bench.config import Config
from bench.errors import Busy
from bench.evaluation import score_file
from bench.runner import local
from bench.runner.foreign_models import parse_model
from bench.runner.foreign_scores import ForeignScorer
from bench.runner.request import RunRequest
from bench.specs.run import HeldOutData
from bench.tracking.store import Store
from bench.training.callbacks import SilentCallback
from tests.errors import raises_code

COUNTED = """
from pathlib import Path

CALLS, WEIGHT, STOP = Path(__file__).with_name("calls"), Path(__file__).with_name("weight"), []


def load(device):
    weight = float(WEIGHT.read_text())

    def score(waves):
        before = CALLS.read_text() if CALLS.exists() else ""
        if weight < 0 and len(before) == 2:
            raise KeyboardInterrupt
        CALLS.write_text(before + "x")
        return abs(weight) * waves.square().mean(1)

    return score
"""
DATA = HeldOutData.model_validate(
    {"corpus": "asvspoof2019la", "split": "eval", "resolution_s": "utterance"}
)


class Silent(SilentCallback):
    """Shows nothing of a run."""

    def begin(self, name: str, epochs: int) -> None: ...

    def say(self, text: str) -> None: ...


class Counted:
    """A model that counts its calls; a weight below 0 has it stopped at the third one."""

    def __init__(self, config: Config) -> None:
        self.folder, self.said = config.work, list[str]()
        (self.folder / "mine.py").write_text(COUNTED)
        self.config = config

    def score(self, weight: float) -> tuple[list[float], int]:
        """Return the scores of a run, and the number of calls."""
        (self.folder / "weight").write_text(str(weight))
        (self.folder / "calls").write_text("")
        file = parse_model(str(self.folder / "mine.py"))
        scorer = ForeignScorer(file, "smoke", self.config, self.said.append)
        path = scorer.score_split(DATA, lambda done, total: None)
        return score_file.read_scores(path)["score"].to_pylist(), self.calls

    @property
    def calls(self) -> int:
        return len((self.folder / "calls").read_text())

    @property
    def log(self) -> Path:
        (path,) = self.folder.glob("foreign/*/scores/*.jsonl")
        return path


def test_a_killed_run_resumes_and_ends_as_a_whole_one(config):
    model = Counted(config)
    whole, calls = model.score(1.0)
    assert calls > 4, "batches"
    assert model.score(1.0) == (whole, 1), "one batch alone is compared"
    model.log.unlink()
    with pytest.raises(KeyboardInterrupt):
        model.score(-1.0)
    assert model.log.read_text().count("\n") == 2
    with model.log.open("a") as log:
        log.write("[[3, 1.5, [0.")  # cut off
    assert model.score(1.0) == (whole, calls - 2 + 1)
    assert "utterances were scored" in model.said[-1]


def test_other_weights_begin_anew(config):
    model = Counted(config)
    whole, calls = model.score(1.0)
    other, again = model.score(2.0)
    np.testing.assert_allclose(other, 2 * np.array(whole), rtol=1e-6)
    assert again == calls + 1
    assert "gives other scores than before" in model.said[-1]


def test_another_file_begins_anew(config):
    model = Counted(config)
    _, calls = model.score(1.0)
    (config.work / "mine.py").write_text(COUNTED + "\n")
    file = parse_model(str(config.work / "mine.py"))
    (config.work / "calls").write_text("")
    ForeignScorer(file, "smoke", config, print).score_split(DATA, lambda done, total: None)
    assert model.calls == calls


def test_scores_that_are_not_finite_name_the_recording(config):
    path = config.work / "nan.py"
    path.write_text("def load(d):\n    return lambda w: w.mean(1) / 0 * 0\n")
    scorer = ForeignScorer(parse_model(str(path)), "smoke", config, print)
    with raises_code("foreign.not-finite", str(path), "asvspoof2019la", "LA_E_"):
        scorer.score_split(DATA, lambda done, total: None)


def test_two_processes_do_not_score_the_same(config):
    model = Counted(config)
    model.score(1.0)
    with (
        file_locks.hold_file(model.log.with_suffix(".lock")),
        pytest.raises(Busy, match="scores it with"),
    ):
        model.score(1.0)


WRAPPED = """
from bench.cards import table_cards
from bench.config import Config
from bench.runner.request import RunRequest
from bench.runner.trained_models import find_model
from bench.tracking.store import Store
import torch


def load(device):
    config = Config(work={work!r}, device="cpu", workers=0)
    order = RunRequest(table_cards.read_table({table!r}), [{row!r}], 1, "smoke", {overrides!r})
    system = find_model(order, None, config, Store(config)).system.to(device).eval()

    def score(waves):
        marks = torch.zeros(len(waves), waves.shape[1] // 320, dtype=torch.bool)
        answer = system.predict(waves, marks, {resolution}).score
        return answer if {resolution} else answer[:, 0]

    return score
"""
TINY = (
    "training.epochs=2",
    "training.batch_size=4",
    "train.clip_s=1.28",
    "frontend={blocks=2, dim=16, heads=2, feed_forward=16, channels=8}",
)


@pytest.mark.rows
@pytest.mark.parametrize(
    ("table", "row", "overrides"),
    [("aasist/asvspoof2019", "AASIST-L-released", ()), ("sal/table4", "S0", TINY)],
)
def test_a_row_as_a_function_gives_its_scores_bit_for_bit(config, table, row, overrides):
    order = RunRequest(table_cards.read_table(table), [row], 1, "smoke", overrides)
    (outcome,) = local.run_jobs(order, config, Store(config), Silent())
    assert outcome.state == "finished", outcome
    (run,) = order.resolve_runs().values()
    name, data = next(iter(run.evaluate.items()))
    (own,) = (config.work / "runs").rglob(f"scores/{name}-*.parquet")
    path = config.work / "mine.py"
    path.write_text(
        WRAPPED.format(
            table=table,
            row=row,
            overrides=overrides,
            resolution=data.resolution_s,
            work=config.work,
        ).replace("PosixPath(", "__import__('pathlib').Path(")
    )
    scorer = ForeignScorer(parse_model(str(path)), "smoke", config, print)
    foreign = score_file.read_scores(scorer.score_split(data, lambda done, total: None))
    expected = score_file.read_scores(own)
    assert foreign.num_rows > 5
    assert foreign.equals(expected.select(foreign.column_names))
    assert set(expected.column_names) - set(foreign.column_names) == {
        "logit_bonafide",
        "logit_spoof",
    }
