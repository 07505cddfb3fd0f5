"""`bench report` from a store of made runs: every format, the comparison, the page over all."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import pytest

from bench import cards
from bench.config import Config
from bench.tracking.store import Store
from tests.reporting.stored import fill

TABLES = ["sal/table2", "sal/table4", "tca/table2"]


@pytest.fixture
def environment(tmp_path):
    """The environment of a machine that has nothing but a store."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("BENCH_")}
    own.pop("MLFLOW_TRACKING_URI", None)
    return own | {"BENCH_WORK": str(tmp_path / "work"), "BENCH_DEVICE": "cpu"}


@pytest.fixture
def stored(environment, monkeypatch):
    """A store with two rows and two seeds of each."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    work = Path(environment["BENCH_WORK"])
    fill(Store(Config(work=work)), work, ["S3", "S5"], [666, 667])
    return work


def test_every_format_from_tracked_runs(bench, stored, tmp_path):
    done = bench("report", "table4", "--folder", "made", "--format", "md,html,latex")
    assert done.returncode == 0, done.stderr
    names = {path.name for path in (tmp_path / "made").iterdir()}
    assert names == {f"sal-table4.{end}" for end in ("md", "csv", "png", "html", "tex")}
    text = (tmp_path / "made/sal-table4.md").read_text(encoding="utf-8")
    assert "| S5 - S3 | **better** -" in text
    assert "- PS EER, PS F1, LPS EER, LPS F1: S5 is best, and beats S3." in text
    assert "2 of 2 seeds" in text
    assert "`bench run table4 --rows S3,S5 --seeds 2`" in text
    assert "energy: not known" in text
    page = (tmp_path / "made/sal-table4.html").read_text(encoding="utf-8")
    assert "LPS F1: S5 is best, and beats S3." in page
    assert "data:image/png" in page
    checked = bench("report", "table4", "--folder", "made", "--format", "html,latex", "--check")
    assert checked.returncode == 0, checked.stderr


def test_what_was_drawn_once_is_not_drawn_again(bench, stored, tmp_path):
    assert bench("report", "table4", "--folder", "made").returncode == 0
    first = (tmp_path / "made/sal-table4.md").read_text(encoding="utf-8")
    drawn = sorted((stored / "draws").rglob("*.npz"))
    assert len(drawn) == 2 * 2 * (4 + 2), "four figures, and errors by place on two sets"
    for path in (stored / "artifacts").rglob("*.parquet"):
        path.unlink()
    assert bench("report", "table4", "--folder", "made", "--check").returncode == 0
    for path in drawn:
        path.unlink()
    assert bench("report", "table4", "--folder", "made", "--check").returncode == 1
    assert bench("report", "table4", "--folder", "made").returncode == 0
    text = (tmp_path / "made/sal-table4.md").read_text(encoding="utf-8")
    assert "S3, S5 (the score file of seed 666 is not in the tracking store)" in text
    assert "beats" in first
    assert "beats" not in text


def test_all_tables_and_a_page_over_them(bench, stored, tmp_path, monkeypatch):
    monkeypatch.setattr(cards, "table_keys", lambda: TABLES)  # a few, for time
    done = bench("report", "all", "--folder", "made")
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "made/README.md").read_text(encoding="utf-8")
    lines = [line for line in page.splitlines() if line.startswith("| [")]
    assert len(lines) == len(TABLES)
    for line in lines:
        (name,) = [part.partition(")")[0] for part in line.split("](")[1:]]
        assert (tmp_path / "made" / name).is_file()
    own = next(line for line in lines if "sal-table4.md" in line)
    complete, incomplete, not_run, inside, outside, farthest = own.strip("| ").split(" | ")[1:]
    assert (complete, incomplete, not_run) == ("2", "0", "7")
    assert int(inside) + int(outside) == 8
    assert farthest.startswith(("S3", "S5"))
    assert bench("report", "all", "--folder", "made", "--check").returncode == 0
    (tmp_path / "made/README.md").write_text("by hand", encoding="utf-8")
    stale = bench("report", "all", "--folder", "made", "--check")
    assert stale.returncode == 1
    assert "README.md" in stale.stderr
    records = json.loads(bench("report", "all", "--json").stdout)
    with (tmp_path / "made/sal-table4.csv").open(encoding="utf-8") as file:
        assert len(records) > len(list(csv.DictReader(file)))


def test_a_format_that_is_none_is_a_mistake(bench):
    done = bench("report", "table4", "--format", "htm")
    assert done.returncode == 2
    assert "did you mean 'html'?" in done.stderr
