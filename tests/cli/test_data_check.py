"""`bench data check` on a corpus with faults: what it prints, writes and answers."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.data import layouts

AUDIO = "ASVspoof2019_LA_eval/flac"


@pytest.fixture
def corpus(tmp_path: Path, environment: dict[str, str]) -> Path:
    """2019 LA, ten trials in eval; six of them have no audio and one has a hole."""
    root = layouts.asvspoof2019la(tmp_path / "LA")
    path = root / "ASVspoof2019_LA_cm_protocols/ASVspoof2019.LA.cm.eval.trl.txt"
    with path.open("a", encoding="utf-8") as file:
        file.writelines(f"LA_0003 LA_E_300000{i} - A19 spoof\n" for i in range(6))
    path = root / AUDIO / "LA_E_8877452.flac"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.5, 0.5, 4800), 16_000)
    whole = path.read_bytes()
    path.write_bytes(whole[:3000] + bytes(3000) + whole[6000:])
    environment["BENCH_CORPORA_ASVSPOOF2019LA"] = str(root)
    return root


def test_all_is_listed_and_nothing_is_decoded_unless_asked_for(bench, corpus, tmp_path):
    place = tmp_path / "faults.csv"
    done = bench(
        "data", "check", "19LA", "--split", "eval", "--problems-file", str(place), "--json"
    )
    assert done.returncode == 1
    missing = [f"{AUDIO}/LA_E_300000{i}.flac" for i in range(6)]
    (report,) = json.loads(done.stdout)["splits"]
    items = {problem["what"]: problem["items"] for problem in report["problems"]}
    assert items["audio file missing"] == missing
    assert "audio file unreadable" not in items
    rows = [*csv.DictReader(place.read_text(encoding="utf-8").splitlines())]
    assert [row["id"] for row in rows if row["finding"] == "audio file missing"] == missing

    done = bench(
        "data", "check", "19LA", "--split", "eval", "--problems-file", str(place), "--decode"
    )
    assert done.returncode == 1
    assert "`--problems-file FILE` writes all" in done.stdout
    rows = [*csv.DictReader(place.read_text(encoding="utf-8").splitlines())]
    (found,) = [row for row in rows if row["finding"] == "audio file unreadable"]
    assert found["id"] == f"{AUDIO}/LA_E_8877452.flac"
    assert found["detail"].startswith("cannot be decoded: ")


def test_what_was_found_is_printed_though_the_list_cannot_be_written(bench, corpus, tmp_path):
    (tmp_path / "taken").write_text("")
    place = tmp_path / "taken/faults.csv"
    done = bench("data", "check", "19LA", "--split", "eval", "--problems-file", str(place))
    assert done.returncode == 2
    assert str(place) in done.stderr
    assert "| audio file missing" in done.stdout
