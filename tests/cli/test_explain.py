"""`bench explain tca`: the temporal class activation of a trained row, drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.image import imread

from bench import cards, corpora
from bench.config import Config
from bench.launchers import explain
from bench.launchers.order import Order

TINY = ["training.epochs=1", "frontend={blocks=2, dim=16, heads=2, feed_forward=16, channels=8}"]


def test_a_trained_row_is_drawn_and_an_untrained_one_named(bench, environment, tmp_path):
    config = Config(work=Path(environment["BENCH_WORK"]), device="cpu", workers=0)
    table = corpora.load("19LA", "eval", config, "smoke").table
    utterance = table["utterance"].iloc[0]
    sets = [part for item in TINY for part in ("--set", item)]
    order = ("explain", "tca", "--utterance", utterance, "--smoke", *sets)
    untrained = bench(*order)
    assert untrained.returncode == 2
    assert "`bench run tca/table2 --rows TCA --smoke` trains it" in untrained.stderr
    run = bench("run", "tca/table2", "--smoke", "--rows", "TCA", *sets)
    assert run.returncode == 0, run.stderr
    done = bench(*order)
    assert done.returncode == 0, done.stderr
    assert "logits: bonafide" in done.stdout
    stem = tmp_path / f"work/explained/tca-TCA-{utterance}"
    assert len(np.unique(imread(stem.with_suffix(".png")))) > 10
    assert b"<svg" in stem.with_suffix(".svg").read_bytes()
    wrong = bench("explain", "tca", "--utterance", f"{utterance}x", "--smoke", *sets)
    assert wrong.returncode == 2
    assert f"did you mean '{utterance}'?" in wrong.stderr

    found = explain.tca(
        Order(cards.table("tca/table2"), ["TCA"], None, "smoke", TINY), utterance, config
    )
    assert found.activation.shape[1] == len(found.classes) == 3
    assert len(found.wave) // 320 >= len(found.activation) >= len(found.wave) // 320 - 1
    assert np.isfinite(found.activation).all()


def test_only_tca_has_one(bench):
    done = bench(
        "explain", "tca", "--utterance", "x", "--table", "table4", "--row", "S0", "--smoke"
    )
    assert done.returncode == 2
    assert "only tca has a temporal class activation" in done.stderr
