"""`bench explain`: figures of trained rows, drawn, written, and kept with their runs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from bench.analysis import activation
from bench.analysis.trained_rows import load_trained_rows
from bench.cards import table_cards
from bench.config import Config
from bench.data import corpora
from bench.runner.request import RunRequest

pytestmark = pytest.mark.drawn

SMALL = ["training.epochs=1", "frontend={blocks=2, dim=16, heads=2, feed_forward=16, channels=8}"]
SETS = [part for item in SMALL for part in ("--set", item)]


@pytest.fixture
def config(environment) -> Config:
    """The machine that `bench` runs on."""
    return Config(work=Path(environment["BENCH_WORK"]), device="cpu", workers=0)


def is_drawn(work: Path, stem: str) -> bool:
    """Whether the figure is there in each format, beside others and among a run's artifacts."""
    for folder in (work / "explained", *work.glob("artifacts/*/*/*/artifacts/figures/explained")):
        assert len(np.unique(imread(folder / f"{stem}.png"))) > 10
        assert b"<svg" in (folder / f"{stem}.svg").read_bytes()
        assert (folder / f"{stem}.pdf").read_bytes().startswith(b"%PDF")
    return True


@pytest.mark.every_kind
@pytest.mark.slow
def test_a_trained_row_is_drawn_and_an_untrained_one_named(bench, config):
    table = corpora.read_corpus_split("19LA", "eval", config, "smoke").table
    utterance = table["utterance"].iloc[0]
    order = ("explain", "tca", "--utterance", utterance, "--smoke", *SETS)
    untrained = bench(*order)
    assert untrained.returncode == 2
    assert "`bench run tca/table2 --rows TCA --smoke` trains it" in untrained.stderr
    run = bench("run", "tca/table2", "--smoke", "--rows", "TCA", *SETS)
    assert run.returncode == 0, run.stderr
    done = bench(*order)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[4].split()[:3] == ["utterance", "label", "decided"]
    assert "kept: figures/explained of run" in done.stdout
    stem = f"tca-TCA-1234-{utterance}.smoke"
    assert is_drawn(config.work, stem), done.stdout
    wrong = bench("explain", "tca", "--utterance", f"{utterance}x", "--smoke", *SETS)
    assert wrong.returncode == 2
    assert f"did you mean '{utterance}'?" in wrong.stderr

    asked = RunRequest(table_cards.read_table("tca/table2"), ["TCA"], None, "smoke", SMALL)
    (row,) = load_trained_rows(asked, [None], config, print)
    (found,) = activation.temporal_activations(row, [utterance], config)
    assert found.activation.shape[1] == len(found.classes) == 3
    assert len(found.wave) // 320 >= len(found.activation) >= len(found.wave) // 320 - 1
    assert np.isfinite(found.activation).all()

    # Without an utterance a panel: bona fide, and each attack of the evaluation.
    panel = bench("explain", "tca", "--smoke", *SETS)
    assert panel.returncode == 0, panel.stderr
    assert is_drawn(config.work, "tca-TCA-1234-panel.smoke")
    labels = [line.split()[1] for line in panel.stdout.splitlines()[6:]]
    assert labels == ["bonafide", *sorted(set(table["attack"]) - {""})]
    unnamed = bench("explain", "gradcam", "--table", "tca/table2", "--row", "TCA", "--smoke")
    assert unnamed.code == "option.missing"
    assert "--utterance" in unnamed.stderr

    # A detector has Grad-CAM and hidden features as well, and its run figures by attack.
    of_row = ("--table", "tca/table2", "--row", "TCA", "--json")
    for name, more in (("gradcam", order[2:]), ("features", order[4:])):
        seen = bench("explain", name, *of_row, *more)
        assert seen.returncode == 0, seen.stderr
        content = json.loads(seen.stdout)
        assert content["rows"] == [{"table": "tca/table2", "row": "TCA", "seed": 1234}]
        assert content["run"]
        assert {Path(file).suffix for file in content["files"]} == {".png", ".svg", ".pdf"}
    whole = bench("explain", "positions", "--table", "tca/table2", "--row", "TCA", *order[4:])
    assert whole.code == "option.not-applicable"
    (logged,) = config.work.glob("artifacts/*/*/*/artifacts/figures/asvspoof2019la")
    names = {path.name for path in logged.iterdir()}
    assert names == {
        f"{name}.{kind}"
        for name in ("det", "scores", "by-attack")
        for kind in ("png", "svg", "pdf")
    }


def test_only_tca_has_one(bench):
    done = bench(
        "explain", "tca", "--utterance", "x", "--table", "table4", "--row", "S0", "--smoke"
    )
    assert done.returncode == 2
    assert "only tca has a temporal class activation" in done.stderr


@pytest.mark.rows
@pytest.mark.every_kind
def test_labels_alone_confirm_the_papers_share_of_middles(bench, config):
    done = bench("explain", "positions", "--labels-only", "--smoke")
    assert done.returncode == 0, done.stderr
    last = done.stdout.splitlines()[-1]
    assert last.startswith("SMOKE: middle: paper 62.5 % (Figure 3), ours ")
    assert is_drawn(config.work, "positions-labels-partialspoof.smoke")
    elsewhere = bench(
        "explain", "positions", "--labels-only", "--smoke", "--evaluation", "llamapartialspoof"
    )
    assert elsewhere.returncode == 0, elsewhere.stderr
    assert "62.5" not in elsewhere.stdout


@pytest.mark.slow
def test_sals_figures_have_the_papers_rows_and_utterance(bench, config, tiny):
    """S7, its final system, against S3, with nothing named."""
    none = bench("explain", "gradcam", "--smoke", *tiny)
    assert none.returncode == 2
    assert "row S7" in none.stderr
    run = bench("run", "table4", "--rows", "S7", "--smoke", *tiny)
    assert run.returncode == 0, run.stderr
    half = bench("explain", "positions", "--smoke", *tiny)
    assert "`bench run sal/table4 --rows S3 --smoke` trains it" in half.stderr
    assert "`--against none` draws S7 alone" in half.stderr
    alone = bench("explain", "positions", "--against", "none", "--smoke", *tiny)
    assert alone.returncode == 0, alone.stderr
    assert "SMOKE: middle: paper 62.5 % (Figure 3), ours " in alone.stdout
    run = bench("run", "table4", "--rows", "S3", "--smoke", *tiny)
    assert run.returncode == 0, run.stderr
    cam = bench("explain", "gradcam", "--smoke", *tiny)
    assert cam.returncode == 0, cam.stderr
    assert "S7 against S3, for Figure 1: The paper names no row as its baseline" in cam.stdout
    assert "CON_E_0000096, the paper's, is not in partialspoof eval here" in cam.stdout
    assert len([*(config.work / "explained").glob("gradcam-S7-666-against-S3-666-*.png")]) == 1
    places = bench("explain", "positions", "--smoke", *tiny)
    assert places.returncode == 0, places.stderr
    drawn = "positions-S7-666-against-S3-666-partialspoof.smoke.png"
    assert len(np.unique(imread(config.work / "explained" / drawn))) > 10


@pytest.mark.slow
def test_two_rows_of_a_localizer_are_set_against_each_other(bench, config, tiny):
    rows = ("--row", "S5", "--against", "S0", "--smoke", *tiny)
    table = corpora.read_corpus_split("PS", "eval", config, "smoke").table
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
    assert places.stdout.splitlines()[3].split()[0] == "position"
    assert "S0, seed 666: wrong" in places.stdout
    files = [*config.work.glob("runs/*/seed-666/scores/partialspoof-*.parquet")]
    assert len(files) == 2
    copies = [config.work / name for name in ("one.parquet", "two.parquet")]
    for path, copy in zip(files, copies, strict=True):
        copy.write_bytes(path.read_bytes())
    given = [part for path in copies for part in ("--scores", str(path))]
    of_files = bench("explain", "positions", *given, "--output-dir", str(config.work / "own"))
    assert of_files.returncode == 0, of_files.stderr
    assert (config.work / "own/positions-one-against-two.png").is_file()
    logged = [*config.work.glob("artifacts/sal/table4/*/artifacts/figures/llamapartialspoof/*.png")]
    assert sorted({path.stem for path in logged}) == ["det", "scores", "strips"]
    none = bench("explain", "positions", "--evaluation", "partialspof", *rows)
    assert "did you mean 'partialspoof'?" in none.stderr


@pytest.mark.rows
def test_ranks_need_no_run(bench, config):
    done = bench("explain", "ranks")
    assert done.returncode == 0, done.stderr
    assert "not run, or not with every seed: breathnet/table5, inthewild.eer" in done.stdout
    assert "XLSR-Mamba: 0.93 instead of 1.68 on 21LA (BreathNet, Table 10)" in done.stdout
    assert "BreathNet 4 to 3" in done.stdout
    assert len(np.unique(imread(config.work / "explained/ranks-BreathNet.png"))) > 10
