"""`bench report` from a store of made runs: every format, the comparison, the page over all."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
from pathlib import Path

import pytest

from bench.cards import checked_cards, table_cards
from bench.config import Config
from bench.reports import overview
from bench.tracking.store import Store
from tests.output_schema import validated
from tests.reports.stored import fill

TABLES = ["sal/table2", "sal/table4", "tca/table2"]


@pytest.fixture
def environment(tmp_path):
    """The environment of a machine that has nothing but a store."""
    return dict(os.environ) | {"BENCH_WORK": str(tmp_path / "work"), "BENCH_DEVICE": "cpu"}


@pytest.fixture
def stored(environment, monkeypatch):
    """A store with two rows and two seeds of each."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    work = Path(environment["BENCH_WORK"])
    fill(Store(Config(work=work)), work, ["S3", "S5"], [666, 667])
    return work


@pytest.mark.rows
def test_every_format_from_tracked_runs(bench, stored, tmp_path):
    done = bench("report", "table4", "--output-dir", "made", "--format", "md,html,latex")
    assert done.returncode == 0, done.stderr
    names = {path.name for path in (tmp_path / "made").iterdir()}
    assert names == {"sal-differences.md"} | {
        f"sal-table4.{end}" for end in ("md", "csv", "json", "png", "svg", "pdf", "html", "tex")
    }
    as_json = validated((tmp_path / "made/sal-table4.json").read_text(encoding="utf-8"))
    assert as_json == validated(bench("report", "table4", "--json").stdout)
    rows = {row["row"]: row for row in as_json["rows"]}
    assert rows["S5"]["evidence"] == "measured here"
    assert rows["S5"]["trained_on"] == "PS"
    assert rows["S5"]["front_end_parameters"] == 315_437_696
    assert rows["S0"]["evidence"] == "published", "it was not run"
    text = (tmp_path / "made/sal-table4.md").read_text(encoding="utf-8")
    assert "| S5 - S3 | **better** -" in text
    assert "- PS EER, PS F1, LPS EER, LPS F1: S5 is best, significantly better than S3." in text
    assert "2 of 2 seeds" in text
    assert "`bench run table4 --rows S3,S5 --seeds 2`" in text
    assert "energy: not known" in text
    page = (tmp_path / "made/sal-table4.html").read_text(encoding="utf-8")
    assert "LPS F1: S5 is best, significantly better than S3." in page
    assert "data:image/png" in page
    checked = bench("report", "table4", "--output-dir", "made", "--format", "html,latex", "--check")
    assert checked.returncode == 0, checked.stderr


@pytest.mark.slow
def test_what_was_drawn_once_is_not_drawn_again(bench, stored, tmp_path):
    assert bench("report", "table4", "--output-dir", "made").returncode == 0
    first = (tmp_path / "made/sal-table4.md").read_text(encoding="utf-8")
    drawn = sorted((stored / "draws").rglob("*.npz"))
    assert len(drawn) == 2 * 2 * (4 + 2), "four figures, and errors by place on two sets"
    for path in (stored / "artifacts").rglob("*.parquet"):
        path.unlink()
    assert bench("report", "table4", "--output-dir", "made", "--check").returncode == 0
    for path in drawn:
        path.unlink()
    # What is written stands: draws follow from the score files. What is made anew is without them.
    assert bench("report", "table4", "--output-dir", "made", "--check").returncode == 0
    assert bench("report", "table4", "--output-dir", "anew").returncode == 0
    text = (tmp_path / "anew/sal-table4.md").read_text(encoding="utf-8")
    assert "S3, S5 (the score file of seed 666 is not in the tracking store)" in text
    assert "S5 is best, significantly better than S3." in first
    assert "significantly" not in text


@pytest.mark.rows
def test_all_tables_that_were_run_and_a_page_over_all(bench, stored, tmp_path, monkeypatch):
    monkeypatch.setattr(table_cards, "table_keys", lambda: TABLES)  # a few, for time
    monkeypatch.setattr(checked_cards, "checked_table_keys", list)
    folder = tmp_path / "made"
    assert bench("report", "sal/table2", "--output-dir", "made").returncode == 0
    assert (folder / "sal-table2.md").is_file(), "whoever names a folder has the paper's figures"
    assert not (folder / "sal-table2.png").exists()
    done = bench("report", "all", "--output-dir", "made", "--check")
    assert done.returncode == 1
    assert "sal-table2.md" in done.stderr
    done = bench("report", "all", "--output-dir", "made")
    assert done.returncode == 0, done.stderr
    names = {path.name for path in folder.iterdir()}
    tables = {name.partition(".")[0] for name in names}
    assert tables == {"README", "sal-table4", "sal-differences"}, "the others were not run"
    page = (folder / "README.md").read_text(encoding="utf-8")
    (own,) = [line for line in page.splitlines() if line.startswith("| [")]
    assert "](sal-table4.md)" in own
    counts = own.strip("| ").split(" | ")[1:]
    assert counts[:3] == ["2", "0", "7"]
    assert sum(map(int, counts[3:6])) == 8
    assert counts[6].startswith(("S3", "S5"))
    for key in ("sal/table2", "tca/table2"):
        assert f"`bench run {key}`" in page
    assert bench("report", "all", "--output-dir", "made", "--check").returncode == 0
    (folder / "README.md").write_text("by hand", encoding="utf-8")
    stale = bench("report", "all", "--output-dir", "made", "--check")
    assert stale.returncode == 1
    assert "README.md" in stale.stderr
    done = bench("report", "all", "--output-dir", "made", "--format", "html")
    assert done.returncode == 0, done.stderr
    assert "overview: made/index.html" in done.stdout
    grid = (folder / "index.html").read_text(encoding="utf-8")
    assert {*re.findall(r'href="([^"]*)"', grid)} == {"sal-table4.html"}
    assert (folder / "sal-table4.html").is_file()
    assert grid.count("measured here</td>") == 8, "two rows, four columns"
    (folder / "index.html").write_text("by hand", encoding="utf-8")
    stale = bench("report", "all", "--output-dir", "made", "--check")
    assert stale.returncode == 1
    assert "index.html" in stale.stderr
    printed = json.loads(bench("report", "all", "--json").stdout)
    one = json.loads((folder / "sal-table4.json").read_text(encoding="utf-8"))
    assert [row for row in printed["rows"] if row["table"] == "sal/table4"] == one["rows"]
    records = printed["records"]
    with (folder / "sal-table4.csv").open(encoding="utf-8") as file:
        assert len(records) > len(list(csv.DictReader(file)))


def test_the_page_links_the_tables_without_training():
    page = overview.render_overview(
        [], "paper", [checked_cards.read_checked_table("breathnet/table1")]
    )
    assert "| [BreathNet, Table 1](breathnet-table1.md) | Shapes of" in page
    assert "without training" not in overview.render_overview([], "paper")


def test_the_page_begins_with_what_tests_show_and_names_tests_that_exist():
    page = overview.render_overview([], "paper")
    headings = [line for line in page.splitlines() if line.startswith("#")]
    assert headings[:3] == ["# State of reproduction", "## Verified by tests", "## What was run"]
    named = re.findall(r"`(tests/\S+)`", page)
    assert len(named) == len(overview.SHOWN)
    assert all((Path(__file__).parents[2] / path).is_file() for path in named)


def test_a_table_of_which_nothing_was_run_is_not_published(bench, stored, tmp_path):
    done = bench("report", "tca/table2")
    assert done.returncode == 2
    assert done.code == "report.empty"
    assert "tca/table2: " in done.stderr
    assert "`bench run tca/table2`" in done.stderr
    assert not (tmp_path / "reports").exists()


@pytest.mark.rows
def test_cells_of_three_lines_on_demand(bench, stored, tmp_path):
    for detail in ([], ["--detail"]):
        done = bench("report", "table4", "--output-dir", "made", *detail)
        assert done.returncode == 0, done.stderr
        text = (tmp_path / "made/sal-table4.md").read_text(encoding="utf-8")
        line = next(line for line in text.splitlines() if line.startswith("| S5 |"))
        assert ("<br>" in line) == bool(detail)


def test_a_format_that_is_none_is_a_mistake(bench):
    done = bench("report", "table4", "--format", "htm")
    assert done.returncode == 2
    assert "did you mean 'html'?" in done.stderr


@pytest.mark.rows
@pytest.mark.parametrize("store", ["none", "half-made"])
def test_a_smoke_report_says_what_was_not_run(bench, environment, request, tmp_path, store):
    work = Path(environment["BENCH_WORK"])
    work.mkdir()
    if store == "half-made":  # by a kill while it was first made
        case = request.getfixturevalue("shared") / "cases/store/half-made-mlflow.db"
        if not case.is_file():
            pytest.skip("the case half-made-mlflow.db is not in ../shared")
        shutil.copy(case, work / "mlflow.db")
        (work / "mlflow.db").chmod(0o644)
    done = bench("report", "table4", "--smoke")
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "reports/smoke/sal-table4.smoke.md").read_text(encoding="utf-8")
    assert "not run" in text
