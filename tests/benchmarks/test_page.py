"""docs/performance.md comes from the benchmarks' results and from nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date

import pytest

from tests.benchmarks.page import (
    GPU,
    NOT_ON_GPU,
    PAGE,
    ROOT,
    list_benchmarks,
    read_data,
    render_page,
)
from tests.benchmarks.records import RECORDS, Record, read_sizes, show
from tests.gpu import table
from tests.gpu.parts import MACHINE as MACHINE_PART
from tests.gpu.parts import Row

MACHINE = {"processor": "A", "cores": 2, "memory_gb": 8.0, "load": 0.1, "python": "3.11"}
MEASURED = {
    "date": "2026-01-02",
    "commit": "abc",
    "machine": MACHINE,
    "seconds": 3.0,
    "failed": "",
    "records": [
        {"what": "fast", "ours": 2.0, "unit": "s", "reference": 8.0, "goal": "5 x"},
        {"what": "slow", "ours": 50.0, "unit": "clips/s", "reference": 100.0, "goal": "40 clips/s"},
    ],
}


@pytest.fixture
def folder(tmp_path):
    """Two benchmarks."""
    for name in ("one", "two"):
        path = tmp_path / f"bench_{name}.py"
        path.write_text(f'"""Title of {name}.\n\nWhat it\ndoes.\n"""\n')
    return tmp_path


def test_the_page_is_made_from_its_data_and_not_by_hand():
    page = PAGE.read_text(encoding="utf-8")
    again = "make it anew: python -m tests.benchmarks --page"
    assert page == render_page(read_data()), again
    assert not {*read_data()} - {*list_benchmarks()}, f"results of no benchmark; {again}"


def test_every_benchmark_is_in_the_page():
    page = PAGE.read_text(encoding="utf-8")
    names = list_benchmarks()
    assert len(names) > 10
    assert [
        name for name in names if f"`python -m tests.benchmarks.bench_{name}`" not in page
    ] == []


def test_what_was_not_measured_says_so(folder, tmp_path):
    failed = MEASURED | {"failed": "exit code 1: no space", "records": []}
    page = render_page({"one": failed}, tmp_path / "none.json", folder)
    assert "Not measured further: exit code 1: no space" in page
    assert "`python -m tests.benchmarks.bench_two`: not measured: it was not run yet." in page
    for what in NOT_ON_GPU:
        assert f"- {what}" in page


def test_goals_and_slower_results_are_listed(folder, tmp_path):
    page = render_page({"one": MEASURED}, tmp_path / "none.json", folder)
    goals, slower = page.partition("## Goals")[2].split("## Where we are slower")
    lines = {line.split("|")[1].strip(): line for line in goals.splitlines() if "|" in line}
    assert [cell.strip() for cell in lines["fast"].split("|")[2:5]] == ["5 x", "4.00 x", "no"]
    assert [cell.strip() for cell in lines["slow"].split("|")[2:5]] == [
        *("40 clips/s", "50.0 clips/s", "yes")
    ]
    slower = slower.partition("## Title")[0]
    assert "slow" in slower
    assert "fast" not in slower


def test_a_gpu_s_results_are_included(folder, tmp_path):
    rows = [
        Row(MACHINE_PART, "one H200", {}),
        Row("training S7", "bf16-mixed", {"clips/s": 912.34}, "with fused Adam"),
    ]
    path = tmp_path / "gpu.json"
    path.write_text(table.format_json(table.collect_content(rows, "abc", 12.3, is_trial=False)))
    page = render_page({}, path, folder)
    assert "`make gpu`:" in page
    assert f"one H200; commit abc, {date.today().isoformat()}, 12 s." in page
    line = next(line for line in page.splitlines() if "training S7" in line)
    assert [cell.strip() for cell in line.split("|")[2:5]] == ["bf16-mixed", "", "912"]
    assert "with fused Adam" in line
    assert "Not measured yet on a GPU" not in page


def test_a_rate_is_better_where_it_is_higher():
    assert Record("a", 2, "s", 6).ratio == 3
    assert Record("a", 2, "clips/s", 6).ratio == pytest.approx(1 / 3)
    assert Record("a", 2, "%", 6).ratio is None
    assert Record("a", 12, "s", goal="12 s").is_reached
    assert not Record("a", 12.1, "s", goal="12 s").is_reached
    assert Record("a", 2_600, "clips/s", goal="2,500 clips/s").is_reached
    with pytest.raises(ValueError, match="a goal of 3 x for a result in s"):
        _ = Record("a", 12, "s", goal="3 x").is_reached


def test_what_is_shown_is_recorded(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv(RECORDS, str(tmp_path / "records"))
    show("a", 1, "ms", 3, "a loop", goal="2 x", note="n")
    show("b", 5, "MB")
    lines = (tmp_path / "records").read_text().splitlines()
    records = [Record(**json.loads(line)) for line in lines]
    assert records == [Record("a", 1, "ms", 3, "a loop", "2 x", "n"), Record("b", 5, "MB")]
    assert "3.00 x  a loop  (goal 2 x: reached)  n" in capsys.readouterr().out


def test_sizes_come_from_the_command_line():
    assert read_sizes("", [], trials=(100, 2)).trials == 100
    assert read_sizes("", ["--quick"], trials=(100, 2)).trials == 2
    assert read_sizes("", ["--quick", "--trials", "7"], trials=(100, 2)).trials == 7


@pytest.mark.slow
@pytest.mark.parametrize("name", list_benchmarks())
def test_each_benchmark_works(name, tmp_path):
    command = [sys.executable, "-m", "tests.benchmarks", "--quick", "--only", name]
    before = PAGE.read_bytes(), read_data(), GPU.exists()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert before == (PAGE.read_bytes(), read_data(), GPU.exists())
