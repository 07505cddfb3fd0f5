"""`bench score --model`: a detector of one's own scores corpora, and is judged as any file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench._io import packages
from bench.config import Config
from bench.evaluation import score_file
from bench.runner import foreign_models
from bench.tracking.store import Store
from tests.tracked_frames import scored_frame

MINE = """
def load(device):
    return lambda waves: -waves.abs().mean(1)


def frames(device):
    return lambda waves: -waves.reshape(len(waves), -1, 2560).abs().mean(2)


def wrong(device):
    return lambda waves: waves
"""


@pytest.fixture(autouse=True)
def mine(tmp_path: Path) -> None:
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab/mine.py").write_text(MINE)


@pytest.mark.rows
def test_several_corpora_are_scored_evaluated_and_tracked(bench, environment, tmp_path):
    done = bench(
        *("score", "--model", "lab/mine.py:load", "--corpus", "19LA,21DF", "--smoke"),
        *("--replicates", "5", "--track", "cross", "--name", "Mine"),
    )
    assert done.returncode == 0, done.stderr
    work = Path(environment["BENCH_WORK"])
    assert done.stdout.count("SMOKE: Mine on") == 2
    for corpus in ("asvspoof2019la", "asvspoof2021df"):
        folder = work / f"scored/Mine-{corpus}-eval"
        table = score_file.read_scores(folder / "scores.parquet")
        lines = [line.split() for line in (folder / "scores.txt").read_text().splitlines()]
        assert [name for name, _ in lines] == table["utterance"].to_pylist()
        assert [float(score) for _, score in lines] == pytest.approx(table["score"].to_pylist())
    tracked = scored_frame(Store(Config(work=work)), "cross/detection", "smoke")
    assert len(tracked) == 2
    listed = json.loads(bench("prune", "--kind", "foreign", "--dry-run", "--json").stdout)["items"]
    assert [work / item["place"] for item in listed] == [*(work / "foreign").iterdir()]
    assert bench("prune", "--kind", "foreign", "--yes").returncode == 0
    assert not [*(work / "foreign").iterdir()]


def test_its_text_file_is_judged_alike(bench, environment):
    common = ("--corpus", "PS", "--smoke", "--no-intervals", "--json")
    made = bench("score", "--model", "lab/mine.py:frames", "--resolution", "0.16", *common)
    assert made.returncode == 0, made.stderr
    content = json.loads(made.stdout)
    text = Path(environment["BENCH_WORK"]) / "scored/mine-frames-partialspoof-eval/scores.txt"
    again = bench("score", str(text), "--resolution", "0.16", *common)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["results"] == content["results"]


def test_clips_are_first_seconds_repeated(bench, environment):
    common = ("--corpus", "19LA", "--smoke", "--no-intervals")
    assert bench("score", "--model", "lab/mine.py", "--clip", "4.0375", *common).returncode == 0
    (path,) = Path(environment["BENCH_WORK"]).glob("foreign/*/scores/*.parquet")
    assert "first-4037.5ms-repeat" in path.name


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--model", "lab/mine.py:wrong", "--corpus", "19LA"], "foreign.output", "lab/mine.py"),
        (["--model", "lab/mine.py"], "option.missing", "--corpus NAME,..."),
        (["--model", "lab/mine.py", "--row", "S0"], "option.conflict", "--model FILE"),
        (["--clip", "4", "--row", "S0", "--corpus", "PS"], "option.not-applicable", "--clip"),
        (["--model", "lab/mine.py", "--corpus", "19LA,LA9"], "corpus.unknown", "LA9"),
        (["--model", "lab/mine.py", "--corpus", "19LA", "--split", "x"], None, "no split 'x'"),
        (
            ["--model", "lab/mine.py", "--corpus", "19LA", "--resolution", "0.02"],
            "option.not-applicable",
            "whole utterances",
        ),
        (
            ["--model", "lab/mine.py", "--corpus", "PS", "--resolution", "0.00001"],
            "option.invalid",
            "whole samples",
        ),
        (
            ["--model", "lab/mine.py", "--corpus", "PS", "--resolution", "0.16", "--clip", "4.1"],
            "option.invalid",
            "whole frames",
        ),
        (
            ["--model", "lab/mine.py", "--corpus", "PS,19LA", "--json"],
            "option.conflict",
            "one corpus",
        ),
    ],
)
def test_what_cannot_be_scored_is_one_message(bench, arguments, code, message):
    done = bench("score", *arguments, "--smoke")
    assert done.returncode == 2
    assert code is None or done.code == code
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_an_onnx_model_without_its_package_names_the_extra(bench, tmp_path, monkeypatch):
    (tmp_path / "mine.onnx").touch()
    for module in (foreign_models, packages):
        monkeypatch.setattr(module, "is_installed", lambda name: name != "onnxruntime")
    done = bench("score", "--model", "mine.onnx", "--corpus", "19LA", "--smoke")
    assert done.code == "package.missing"
    assert done.returncode != 0
    assert "mine.onnx: an ONNX model needs onnxruntime, which an extra brings" in done.stderr
    assert "'speech-deepfake-bench[onnx]'" in done.stderr
