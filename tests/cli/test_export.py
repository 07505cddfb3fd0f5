"""`bench export` from a store of made runs: the folder, the zip, what is missing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
import yaml

from bench.config import Config
from bench.evaluation.row_evaluation import evaluate_file
from bench.metrics.measured import MetricResult
from bench.tracking import open_store
from bench.tracking.file_store import FileStore
from bench.tracking.run_record import ScoredFile
from bench.tracking.store import Store
from tests.output_schema import validated
from tests.reports.stored import fill

pytestmark = pytest.mark.rows


@pytest.fixture
def environment(tmp_path):
    """The environment of a machine that has nothing but a store."""
    return dict(os.environ) | {"BENCH_WORK": str(tmp_path / "work"), "BENCH_DEVICE": "cpu"}


@pytest.fixture
def stored(environment, monkeypatch, tmp_path):
    """A store with two rows, two seeds of each, and a scored system."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    work = Path(environment["BENCH_WORK"])
    store = Store(Config(work=work))
    fill(store, work, ["S3", "S5"], [666, 667], utterances=40)
    given = tmp_path / "MyDet scores.txt"
    given.write_text("u000000 0.5\n", encoding="utf-8")
    store.keep_scored_file(score_entry(), {"given": [given]})
    return work


def score_entry():
    """An evaluated score file beside the table."""
    return ScoredFile(
        table="sal/table4",
        system="MyDet",
        form="paper",
        split="partialspoof/eval",
        fingerprint="0123",
        digest="feedbeef",
        commit="18096a9",
        settings={"missing": "0"},
        figures={"partialspoof.eer": MetricResult(0.1, 0.05, 0.2)},
        evaluation="partialspoof",
    )


def files_of(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_folder_holds_all_that_the_results_rest_on(bench, stored, tmp_path):
    done = bench("export", "table4", "--output-dir", "out", "--json")
    assert done.returncode == 0, done.stderr
    folder, said = tmp_path / "out", validated(done.stdout)
    files = files_of(folder)
    assert {file["path"] for file in said["files"]} | {"SHA256SUMS"} == {*files}
    checked = subprocess.run(
        ["sha256sum", "-c", "--strict", "SHA256SUMS"], cwd=folder, capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout
    assert checked.stdout.count(": OK") == len(files) - 1

    evaluations = ("partialspoof", "llamapartialspoof")
    scores = {
        f"scores/{row}/seed-{seed}/{name}.parquet": f"{row}-{seed}-{name}.parquet"
        for row in ("S3", "S5")
        for seed in (666, 667)
        for name in evaluations
    }
    assert {name for name in files if name.endswith(".parquet")} == {*scores}
    for name, source in scores.items():
        assert files[name] == (stored / "made" / source).read_bytes()
    assert files["scores/MyDet/partialspoof/MyDet_scores.txt"] == b"u000000 0.5\n"

    report = validated(files["report/sal-table4.json"].decode())
    record = next(
        each
        for each in report["records"]
        if (each["row"], each["metric"]) == ("S5", "partialspoof.eer")
    )
    again = evaluate_file(folder / "scores/S5/seed-666/partialspoof.parquet", replicates=20)
    assert 100 * again["eer"].value == pytest.approx(record["values"][0])
    for end in ("md", "csv", "html", "tex", "bib", "png"):
        assert files[f"report/sal-table4.{end}"]
    assert {"report/sal-table4.svg", "report/sal-table4.pdf"} <= {*files}
    assert b"@misc{paper:sal," in files["report/sal-table4.bib"]

    settings = json.loads(files["settings/S5.json"])
    runs = json.loads(files["runs.json"])["runs"]
    trained = [run for run in runs if run["row"] == "S5"]
    assert [run["seed"] for run in trained] == [666, 667]
    assert {run["signature"] for run in trained} == {settings["signature"]}
    assert settings["settings"]["system"]["kind"] == "sal"
    assert trained[0]["made_from"] == {"weights xlsr2_300m": "01234567"}
    root = Path(__file__).parents[2]
    assert files["environment/uv.lock"] == (root / "uv.lock").read_bytes()
    assert b"\ntorch==" in files["environment/requirements-1.txt"]
    assert yaml.safe_load(files["CITATION.cff"])["references"]
    results = files["eval_results/S5/.eval_results/speech-deepfake-bench.yaml"].decode()
    assert yaml.safe_load(results) == []
    assert "# no benchmark of the Hub: partialspoof.eer" in results

    readme = files["README.md"].decode()
    assert "bench run table4 --rows S3,S5 --seeds 2" in readme
    not_run = {part["row"] for part in said["missing"]}
    assert not_run == {"S0", "S1", "S2", "S4", "S6", "S7", "S8"}
    assert {part["reason"] for part in said["missing"]} == {"not run"}
    assert all(f"row {row}, run of seed" in readme for row in not_run)


def test_the_same_store_gives_the_same_zip(bench, stored, tmp_path):
    done = bench("export", "table4", "--zip", "one.zip")
    assert done.returncode == 0, done.stderr
    assert "not in it: row S0, run of seed" in done.stdout
    assert bench("export", "table4", "--zip", "two.zip").returncode == 0
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    assert bench("export", "table4").returncode == 0
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        packed = {name: archive.read(name) for name in archive.namelist()}
        assert archive.testzip() is None
    assert {name.partition("/")[0] for name in packed} == {"sal-table4"}
    unpacked = files_of(tmp_path / "exports/sal-table4")
    assert {name.partition("/")[2]: content for name, content in packed.items()} == unpacked
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".part"]


def test_a_pruned_score_file_is_named(bench, stored, tmp_path):
    lost = [
        path
        for path in (stored / "artifacts").rglob("partialspoof/*.parquet")
        if path.name == "S5-667-partialspoof.parquet"
    ]
    assert len(lost) == 1
    lost[0].unlink()
    given = [*(stored / "artifacts").rglob("given")]
    shutil.rmtree(given[0])
    done = bench("export", "table4", "--output-dir", "out", "--json")
    assert done.returncode == 0, done.stderr
    missing = [part for part in validated(done.stdout)["missing"] if part["reason"] != "not run"]
    assert [(part["row"], part["what"]) for part in missing] == [
        ("S5", "score file of partialspoof, seed 667"),
        ("MyDet", "score file of partialspoof"),
    ]
    readme = (tmp_path / "out/README.md").read_text(encoding="utf-8")
    assert "row S5, score file of partialspoof, seed 667: run" in readme
    assert "row MyDet, score file of partialspoof: run" in readme
    assert not (tmp_path / "out/scores/MyDet").exists()


def test_score_files_without_mlflow_are_exported_too(bench, environment, tmp_path, monkeypatch):
    monkeypatch.setattr(open_store, "open_to_read", FileStore)
    given = tmp_path / "MyDet.txt"
    given.write_text("u000000 0.5\n", encoding="utf-8")
    FileStore(Config(work=Path(environment["BENCH_WORK"]))).keep_scored_file(
        score_entry(), {"given": [given]}
    )
    done = bench("export", "table4", "--output-dir", "out")
    assert done.returncode == 0, done.stderr
    copy = tmp_path / "out/scores/MyDet/partialspoof/MyDet.txt"
    assert copy.read_text(encoding="utf-8") == "u000000 0.5\n"


def test_nothing_is_overwritten(bench, stored, tmp_path):
    (tmp_path / "out").mkdir()
    assert bench("export", "table4", "--output-dir", "out").returncode == 0, "it is empty"
    before = files_of(tmp_path / "out")
    again = bench("export", "table4", "--output-dir", "out")
    assert (again.returncode, again.code) == (2, "report.export-exists")
    assert files_of(tmp_path / "out") == before
    (tmp_path / "mine.zip").write_bytes(b"mine")
    again = bench("export", "table4", "--zip", "mine.zip")
    assert (again.returncode, again.code) == (2, "report.export-exists")
    assert (tmp_path / "mine.zip").read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["table4"], "report.empty"),
        (["breathnet/table1"], "option.not-applicable"),
        (["table4", "--output-dir", "a", "--zip", "b"], "option.conflict"),
        (["table44"], "table.unknown"),
    ],
)
def test_what_cannot_be_exported_says_why(bench, tmp_path, words, code):
    done = bench("export", *words)
    assert (done.returncode, done.code) == (2, code)
    assert not (tmp_path / "exports").exists()
