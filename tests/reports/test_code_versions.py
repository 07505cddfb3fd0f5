"""Rows of older code are marked, and compared with others only with a word."""

from __future__ import annotations

import json

import pytest

from bench import versions
from bench.reports.code_versions import OUTDATED_MARK, find_version_changes
from bench.reports.document import build_report
from bench.reports.row_runs import select_row_runs
from tests.reports.made import PAPER, RUNS, TABLE, Kept, frame
from tests.tracked_frames import as_runs

SAL = json.dumps({"system sal": 1, "training": 1})


@pytest.fixture
def sal_2(monkeypatch):
    declared, sal = versions.read_version, "specs/systems/sal"
    monkeypatch.setattr(
        versions, "read_version", lambda module: 2 if module == sal else declared(module)
    )


def lines(**of_rows: str):
    """Return the made frame, with what rows say of their versions."""
    made = frame()
    made["package"] = "0.1.0"
    made["versions"] = [of_rows.get(row, "") for row in made["row"]]
    made["metrics"] = ""
    return made


def text(made) -> str:
    return build_report(
        TABLE, PAPER, RUNS, as_runs(made), (), "paper", artifacts=Kept(made)
    ).markdown


def test_rows_of_this_code_have_no_mark():
    assert OUTDATED_MARK not in text(lines(Both=SAL, Single=SAL))


def test_a_row_of_older_code_is_marked_with_what_changed_and_the_command(sal_2):
    found = text(lines(Both=SAL))
    said = (
        f"{OUTDATED_MARK} Both: by 0.1.0 (18096a9), system sal version 1; now version 2: "
        "`bench run made/table1 --rows Both` trains it again."
    )
    assert said in found.replace("\n  ", " ")
    (row,) = [line for line in found.splitlines() if line.startswith("| Both | two seeds")]
    assert OUTDATED_MARK in row
    (other,) = [line for line in found.splitlines() if line.startswith("| Single | own seeds")]
    assert OUTDATED_MARK not in other
    compared = found.partition("Which rows differ")[2].partition("\n## ")[0]
    assert f"From older code ({OUTDATED_MARK}): Both" in compared


def test_of_an_older_metric_results_are_computed_anew(monkeypatch):
    monkeypatch.setattr(versions, "read_version", lambda of: 3 if of == "metrics/f1" else 1)
    made = lines()
    made["metrics"] = json.dumps({"metric f1": 1, "metric eer": 1})
    assert find_version_changes(as_runs(made)) == {"metric f1": (1, 3)}
    assert "`bench run made/table1 --rows Both` computes its results again from" in text(made)


def test_a_part_that_is_gone_marks_nothing():
    made = lines(Both=json.dumps({"system gone": 1, "reader gone": 4}))
    assert find_version_changes(as_runs(made)) == {}


def test_runs_of_other_code_than_the_last_are_counted_as_such(sal_2):
    made = lines(Both=SAL)
    last = made[(made["row"] == "Both") & (made["signature"] == RUNS["Both"].signature)].index
    made.loc[:, "contents"] = "c1"
    made.loc[last[0], "contents"] = "c0"
    made.loc[last[1:], "versions"] = json.dumps({"system sal": 2, "training": 1})
    found = select_row_runs(TABLE, "Both", RUNS["Both"].signatures, as_runs(made), "paper")
    assert found.left_out["by older code"] + len(found.runs) == 3
    assert "with other weights, audio or breaths" not in found.left_out


def test_runs_of_another_precision_are_never_averaged():
    """The seeds of one precision stand in the table, the others are counted."""
    made = lines()
    made["precision"] = "fp32"
    of_tf32 = RUNS["Both"].signatures[1]
    for others, shown, missing in (([0], "fp32", [7]), ([0, 1], "tf32", [])):
        both = made.copy()
        places = both[(both["row"] == "Both") & (both["signature"] == RUNS["Both"].signature)].index
        changed = [places[number] for number in others]
        both.loc[changed, "signature"] = of_tf32
        both.loc[changed, "precision"] = "tf32"
        stands = select_row_runs(TABLE, "Both", RUNS["Both"].signatures, as_runs(both), "paper")
        assert {run.precision for run in stands.runs} == {shown}
        assert stands.left_out["in another precision"] == 1
        assert [seed.seed for seed in stands.missing] == missing


def test_precisions_are_named_where_a_table_has_them():
    made = lines()
    made["precision"] = "fp32"
    assert "recision of training" not in text(made)
    made.loc[made["row"] == "Single", "precision"] = "bf16-mixed"
    assert "Precision of training and scoring: fp32 (Both, Half), bf16-mixed (Single)" in text(made)
    made["precision"] = "tf32"
    assert "All rows were trained and scored in tf32 precision" in text(made)
    assert "by less than its seeds do" not in text(made)
    made["precision"] = "bf16-mixed"
    assert "bf16-mixed precision. A smoke row on the CPU had EERs" in text(made)


def test_the_weights_that_rows_were_made_from_are_named():
    made = lines()
    made["made_from"] = json.dumps({"weights xlsr2_300m": "0" * 16, "audio a/train": "1" * 16})
    repeated = text(made).partition("How to repeat it")[2]
    digest = f"sha256 `{'0' * 16}` (not the published xlsr2_300m.pt)"
    assert f"Weights: xlsr2_300m: {digest}" in repeated.replace("\\_", "_")
    assert "Weights:" not in text(lines())
