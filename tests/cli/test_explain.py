"""`bench explain`: figures of trained rows, drawn, written, and kept with their runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from bench import cards, corpora
from bench.config import Config
from bench.launchers import explain
from bench.launchers.order import Order
from bench.launchers.trained import trained

SMALL = ["training.epochs=1", "frontend={blocks=2, dim=16, heads=2, feed_forward=16, channels=8}"]
SETS = [part for item in SMALL for part in ("--set", item)]


@pytest.fixture
def config(environment) -> Config:
    """The machine that `bench` runs on."""
    return Config(work=Path(environment["BENCH_WORK"]), device="cpu", workers=0)


def is_drawn(work: Path, stem: str) -> bool:
    """Whether the figure is there as PNG and as SVG, beside others and among a run's artifacts."""
    for folder in (work / "explained", *work.glob("artifacts/*/*/*/artifacts/figures/explained")):
        assert len(np.unique(imread(folder / f"{stem}.png"))) > 10
        assert b"<svg" in (folder / f"{stem}.svg").read_bytes()
    return True


def test_a_trained_row_is_drawn_and_an_untrained_one_named(bench, config):
    table = corpora.load("19LA", "eval", config, "smoke").table
    utterance = table["utterance"].iloc[0]
    order = ("explain", "tca", "--utterance", utterance, "--smoke", *SETS)
    untrained = bench(*order)
    assert untrained.returncode == 2
    assert "`bench run tca/table2 --rows TCA --smoke` trains it" in untrained.stderr
    run = bench("run", "tca/table2", "--smoke", "--rows", "TCA", *SETS)
    assert run.returncode == 0, run.stderr
    done = bench(*order)
    assert done.returncode == 0, done.stderr
    assert "logits: bonafide" in done.stdout
    assert "kept: figures/explained of run" in done.stdout
    stem = f"tca-TCA-1234-{utterance}.smoke"
    assert is_drawn(config.work, stem), done.stdout
    wrong = bench("explain", "tca", "--utterance", f"{utterance}x", "--smoke", *SETS)
    assert wrong.returncode == 2
    assert f"did you mean '{utterance}'?" in wrong.stderr

    asked = Order(cards.table("tca/table2"), ["TCA"], None, "smoke", SMALL)
    (row,) = trained(asked, [None], config)
    found = explain.tca(row, utterance, config)
    assert found.activation.shape[1] == len(found.classes) == 3
    assert len(found.wave) // 320 >= len(found.activation) >= len(found.wave) // 320 - 1
    assert np.isfinite(found.activation).all()

    # A detector has Grad-CAM and hidden features as well, and its run figures by attack.
    cam = bench("explain", "gradcam", "--table", "tca/table2", "--row", "TCA", *order[2:])
    assert cam.returncode == 0, cam.stderr
    seen = bench("explain", "features", "--table", "tca/table2", "--row", "TCA", *order[4:])
    assert seen.returncode == 0, seen.stderr
    whole = bench("explain", "positions", "--table", "tca/table2", "--row", "TCA", *order[4:])
    assert "positions are of frames" in whole.stderr
    (logged,) = config.work.glob("artifacts/*/*/*/artifacts/figures/asvspoof2019la")
    names = {path.name for path in logged.iterdir()}
    assert names == {
        f"{name}.{kind}" for name in ("det", "scores", "by-attack") for kind in ("png", "svg")
    }


def test_only_tca_has_one(bench):
    done = bench(
        "explain", "tca", "--utterance", "x", "--table", "table4", "--row", "S0", "--smoke"
    )
    assert done.returncode == 2
    assert "only tca has a temporal class activation" in done.stderr


def test_two_rows_of_a_localizer_are_set_against_each_other(bench, config, tiny):
    rows = ("--row", "S5", "--against", "S0", "--smoke", *tiny)
    table = corpora.load("PS", "eval", config, "smoke").table
    utterance = table.loc[table["label"] == "spoof", "utterance"].iloc[0]
    run = bench("run", "table4", "--rows", "S0,S5", "--smoke", *tiny)
    assert run.returncode == 0, run.stderr
    cam = bench("explain", "gradcam", "--utterance", utterance, "--no-track", *rows)
    assert cam.returncode == 0, cam.stderr
    assert "kept:" not in cam.stdout
    assert (
        config.work / f"explained/gradcam-S5-666-against-S0-666-{utterance}.smoke.svg"
    ).is_file()
    places = bench("explain", "positions", *rows, "--no-track")
    assert places.returncode == 0, places.stderr
    assert places.stdout.splitlines()[2].split()[0] == "position"
    files = [*config.work.glob("runs/*/seed-666/scores/partialspoof-*.parquet")]
    assert len(files) == 2
    copies = [config.work / name for name in ("one.parquet", "two.parquet")]
    for path, copy in zip(files, copies, strict=True):
        copy.write_bytes(path.read_bytes())
    given = [part for path in copies for part in ("--scores", str(path))]
    of_files = bench("explain", "positions", *given, "--folder", str(config.work / "own"))
    assert of_files.returncode == 0, of_files.stderr
    assert (config.work / "own/positions-one-against-two.png").is_file()
    logged = [*config.work.glob("artifacts/sal/table4/*/artifacts/figures/llamapartialspoof/*.png")]
    assert sorted({path.stem for path in logged}) == ["det", "scores", "strips"]
    none = bench("explain", "positions", "--evaluation", "partialspof", *rows)
    assert "did you mean 'partialspoof'?" in none.stderr


def test_ranks_need_no_run(bench, config):
    done = bench("explain", "ranks")
    assert done.returncode == 0, done.stderr
    assert "not run, or not with every seed: breathnet/table5, inthewild.eer" in done.stdout
    assert len(np.unique(imread(config.work / "explained/ranks-BreathNet.png"))) > 10
