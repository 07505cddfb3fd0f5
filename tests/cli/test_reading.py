"""The verbs that only read: what they say, as text and as JSON, and how little they import."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

TORCH = {"torch", "lightning_fabric", "s3prl", "transformers", "matplotlib", "seaborn"}
STORE = {"mlflow", "sqlalchemy", "optuna"}
TABLES = {"pandas", "numpy", "pyarrow", "scipy"}
FRAMES = TABLES - {"numpy"}
LIGHT = [
    (["--help"], TORCH | STORE | TABLES),
    (["list"], TORCH | STORE | TABLES),
    (["settings", "training.epochs"], TORCH | STORE | TABLES),
    (["get", "--for", "table4", "--dry-run"], TORCH | STORE | TABLES),
    (["run", "table4", "--dry-run"], TORCH | STORE | TABLES),
    (["run", "table4", "--dry-run", "--smoke"], TORCH | STORE),
    (["run", "table4", "--dry-run", "--json"], TORCH | STORE | TABLES),
    (["run", "table4", "--status"], TORCH | STORE | FRAMES),
    (["run", "table4", "--print-commands", "--smoke"], TORCH),
    (["show", "table4"], TORCH | STORE | FRAMES),
    (["show", "sweep/sal-loss"], TORCH | STORE | TABLES),
    (["status"], TORCH | STORE),
    (["data", "show", "PS"], TORCH | STORE),
    (["data", "check", "PS", "--smoke"], TORCH | STORE),
]
"""Verbs, and what they have no need of: importing PyTorch or MLflow takes seconds."""


@pytest.mark.rows
@pytest.mark.parametrize(
    ("arguments", "heavy"), LIGHT, ids=lambda part: " ".join(part) if isinstance(part, list) else ""
)
def test_reading_imports_little(arguments, heavy, environment, tmp_path):
    code = (
        f"import sys; sys.argv[1:] = {arguments!r}\n"
        "from bench.cli import main\n"
        "try:\n    main()\n"
        "except SystemExit as end:\n    assert not end.code, end.code\n"
        f"heavy = {heavy!r} & {{*sys.modules}}\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_show_says_what_a_row_is(bench):
    row = json.loads(bench("show", "table4", "--rows", "S5", "--json").stdout)["rows"][0]
    assert row["says"] == {"system.auxiliary.kind": "position", "system.auxiliary.weight": 0.1}
    assert row["paper"]["partialspoof.eer"] == 3.5
    assert row["state"] == "not run"
    assert any("xlsr2_300m" in text for text in row["missing"])


@pytest.mark.rows
def test_doctor_finds_the_miniatures_and_misses_the_corpora(bench):
    findings = json.loads(bench("doctor", "--json").stdout)["findings"]
    found = {(item["area"], item["name"]): item["state"] == "ok" for item in findings}
    assert found["miniature corpora", "had"]
    assert not found["corpora", "had"]
    assert not found["weights", "wavlm_large"]


def test_a_broken_miniature_fails_its_check(bench, miniatures, environment, tmp_path):
    copy = tmp_path / "other"
    subprocess.run(["cp", "-rL", str(miniatures), str(copy)], check=True)
    environment["BENCH_WORK"] = str(copy)
    victim = sorted((copy / "mini" / "partialspoof" / "dev" / "con_wav").iterdir())[0]
    victim.unlink()
    done = bench("data", "check", "PS", "--smoke", "--split", "dev")
    assert done.returncode == 1
    assert victim.name in done.stdout


def test_data_show_says_what_is_here(bench):
    done = bench("data", "show", "21LA")
    assert done.returncode == 0, done.stderr
    assert "factor: codec (channel)" in done.stdout
    assert "miniature, eval:" in done.stdout
    assert "all their audio is there" in done.stdout
    assert "corpus asvspoof2021la is not configured" in done.stdout
    found = json.loads(bench("data", "show", "21LA", "--json").stdout)
    assert found["speakers"] == "ASVspoof LA"
    assert {"what", "state"} == set(found["on_this_machine"][0])


def test_data_overlap_compares_what_is_here(bench):
    done = bench("data", "overlap", "PS", "19LA", "--smoke")
    assert done.returncode == 0, done.stderr
    assert "shared recordings, sample for sample" in done.stdout
    assert "trained on PS, tested on 19LA: not zero-shot" in done.stdout
    found = json.loads(bench("data", "overlap", "PS", "HAD:test", "--smoke", "--json").stdout)
    assert found["zero_shot"] is True
    assert found["compared_by"] == ["cards", "lists", "recordings"]
    cards_only = json.loads(bench("data", "overlap", "PS", "LPS", "--json").stdout)
    assert cards_only["not_on_this_machine"] == ["partialspoof", "llamapartialspoof"]
    wrong = bench("data", "overlap", "PS:evil", "LPS")
    assert wrong.returncode == 2
    assert "did you mean 'eval'?" in wrong.stderr
