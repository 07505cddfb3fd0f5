"""Every figure of the four papers, made of smoke runs as a person would."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from bench.config import Config
from bench.data import corpora

pytestmark = [pytest.mark.slow, pytest.mark.every_kind]


@pytest.fixture
def explained(bench, environment):
    """Run `bench explain`, and return what it printed and the figure that it wrote."""

    def run(*arguments: str) -> tuple[str, Path]:
        done = bench("explain", *arguments, "--smoke")
        assert done.returncode == 0, done.stderr
        folder = Path(environment["BENCH_WORK"]).parent
        png, svg, pdf = (
            folder / line.removeprefix("written: ")
            for line in done.stdout.splitlines()
            if line.startswith("written: ")
        )
        assert len(np.unique(imread(png))) > 10
        assert b"<svg" in svg.read_bytes()
        assert pdf.read_bytes().startswith(b"%PDF")
        assert png.name.endswith(".smoke.png")
        return done.stdout, png

    return run


def read_eval(environment, corpus: str) -> pd.DataFrame:
    config = Config(work=Path(environment["BENCH_WORK"]))
    return corpora.read_corpus_split(corpus, "eval", config, "smoke").table


def first_spoof(environment, corpus: str) -> str:
    table = read_eval(environment, corpus)
    return table.loc[table["label"] == "spoof", "utterance"].iloc[0]


def test_sal_1_and_3(bench, explained, environment):
    run = bench("run", "table4", "--rows", "S3,S7", "--smoke", "--set", "training.epochs=2")
    assert run.returncode == 0, run.stderr
    two = ("--row", "S7", "--against", "S3", "--set", "training.epochs=2")
    explained("gradcam", "--utterance", first_spoof(environment, "PS"), *two)
    said, _ = explained("positions", *two)
    assert "middle: paper 62.5 %" in said
    # The paper's two rows and utterance are what is drawn where nothing is named.
    said, png = explained("gradcam", "--set", "training.epochs=2")
    assert png.name.startswith("gradcam-S7-666-against-S3-666-CON_")


def test_tca_2(bench, explained, environment):
    run = bench("run", "tca/table2", "--rows", "TCA", "--smoke", "--set", "training.epochs=1")
    assert run.returncode == 0, run.stderr
    utterance = first_spoof(environment, "19LA")
    explained("tca", "--utterance", utterance, "--set", "training.epochs=1")
    said, _ = explained("tca", "--set", "training.epochs=1")
    attacks = sorted(set(read_eval(environment, "19LA")["attack"]) - {""})
    assert [line.split()[1] for line in said.splitlines()[6:]] == ["bonafide", *attacks]


def test_breathnet_3_to_6(bench, explained):
    for table, row in (("table4", "BreathNet"), ("table5", "BreathNet"), ("table7", "Default")):
        run = bench("run", f"breathnet/{table}", "--rows", row, "--smoke")
        assert run.returncode == 0, run.stderr
    said, _ = explained("ranks")
    assert "not run" not in said
    explained("features")
    for sweep in ("breathnet-lambda", "breathnet-delta"):
        run = bench("sweep", sweep, "--smoke")
        assert run.returncode == 0, run.stderr
    explained("curves", "breathnet-lambda", "breathnet-delta")
    not_run = bench("explain", "curves", "--smoke")
    assert "`bench sweep breathnet-alpha --smoke` runs it" in not_run.stderr
