"""What stands behind figures: errors and trials, the kept epoch, side figures, breaths."""

from __future__ import annotations

import json

import pandas as pd

from bench.reports.document import build_report
from bench.reports.result_cells import build_cells
from bench.reports.result_details import (
    describe_errors_and_runs,
    format_breath_shares,
    format_error_counts,
    format_other_metrics,
    format_trainings,
)
from bench.reports.row_runs import select_row_runs
from tests.tracked_frames import as_runs

from .made import MATRIX, PAPER, RUNS, TABLE, TRAINED, finished, frame, made, tracked


def parts(lines, table=TABLE, rows=("Both", "Single")):
    stands = {
        row: select_row_runs(table, row, RUNS[row].signatures, as_runs(lines), "paper")
        for row in rows
    }
    return build_cells(table, stands), stands


def line_of(text, first):
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {first} |")]
    return [cell.strip() for cell in line.strip("|").split(" | ")]


def test_errors_stand_below_the_trials_they_are_among():
    found, _ = parts(frame())
    text = format_error_counts(TABLE, found, "paper")
    assert line_of(text, "*of*") == ["*of*", "1,000 + 2,000"]
    assert line_of(text, "Both") == ["Both", "50 + 100"], "means of three seeds"
    assert "B F1" not in text, "no run counts them"


def test_trials_stand_in_each_cell_where_rows_have_others():
    lines = frame()
    lines.loc[lines["row"] == "Single", "a.eer.spoof"] = 7
    found, _ = parts(lines)
    text = format_error_counts(TABLE, found, "paper")
    assert line_of(text, "*of*")[1] == ""
    assert line_of(text, "Single")[1] == "41 + 82 <small>of 1,000 + 7</small>"


def test_errors_of_a_matrix_lie_as_its_figures_do():
    line = {f"a.A07.C1.eer{end}": value for end, value in (("", 0.75), (".low", 0), (".high", 2))}
    counts = zip(("missed", "accepted", "bonafide", "spoof"), (1, 2.5, 16, 2), strict=True)
    line |= {f"a.A07.C1.eer.{name}": count for name, count in counts}
    found, _ = parts(
        pd.DataFrame([tracked("Both", 7) | line | {"status": "FINISHED"}]), MATRIX, ["Both"]
    )
    text = format_error_counts(MATRIX, found, "paper")
    assert line_of(text, "A07") == ["A07", "1 + 2.5 <small>of 16 + 2</small>", "–", "–"]


def test_the_kept_epoch_its_dev_figure_and_the_end_are_said():
    _, stands = parts(frame())
    text = format_trainings(TABLE, stands, "paper")
    ended = "no better dev.eer for 10 epochs"
    assert f"| Both | 7 | 12 | dev.eer 1.23 % | 22 | {ended} | 5.20 | 91.00 |" in text
    assert "| Single | 1 | – | – | – | – | 4.10 | 95.00 |" in text, "an older run says none of it"
    alone = pd.DataFrame([tracked("Single", 1, finished(4.1, 95.0))])
    assert "Epoch kept" not in format_trainings(TABLE, parts(alone, rows=["Single"])[1], "paper")


def test_figures_that_no_column_prints_are_shown():
    _, stands = parts(frame())
    text = format_other_metrics(TABLE, stands, "paper")
    assert "| a | F1 spoof | 86.50 | 90.00 |" in text
    assert "EER" not in text, "the table has it"
    assert "missed" not in text


def test_breaths_are_said_by_split_and_class():
    other = {**TRAINED, "breaths": json.dumps({"a/dev": {"bonafide": 0.5, "utterances": 0.25}})}
    lines = pd.DataFrame(
        [
            tracked("Both", 7, finished(5.0, 90.0), **TRAINED),
            tracked("Single", 1, finished(5.0, 90.0), **other),
        ]
    )
    text = format_breath_shares(parts(lines)[1], "paper")
    assert "| a/train | 2.10 % | 0.30 % | 40.00 % | Both |" in text
    assert "| a/dev | 50.00 % | – | 25.00 % | Single |" in text
    assert format_breath_shares(parts(frame()[frame()["row"] == "Single"])[1], "paper") == ""


def test_nothing_stands_behind_what_was_not_run():
    found, _ = parts(frame())
    assert describe_errors_and_runs(TABLE, found, {}, "paper") == ""
    text = build_report(TABLE, PAPER, RUNS, as_runs(frame("smoke")), (), "paper").markdown
    assert "Errors and runs behind" not in text


def test_threads_and_determinism_stand_with_the_conditions_of_equal_figures():
    """D10: S3's smoke EER is 23.09 with one thread and 26.82 with two, and nothing said so."""
    text = made().markdown.partition("## How to repeat it")[2].partition("\n##")[0]
    assert "- Threads: 2\n" in text
    assert "- Determinism: torch.use_deterministic_algorithms(False)\n" in text
    assert "same signature, data, commit, packages, kind of device and number of threads" in text


def test_a_run_of_an_installed_release_is_repeated_by_installing_it():
    found = frame().assign(commit="version 0.1.0", lock="none")
    text = build_report(TABLE, PAPER, RUNS, as_runs(found), (), "paper").markdown
    assert "- Code: release 0.1.0, `pip install speech-deepfake-bench==0.1.0`\n" in text
    assert "Code: commit version" not in text
    assert "uv.lock" not in text


def repeated(**changes):
    text = build_report(
        TABLE, PAPER, RUNS, as_runs(frame().assign(**changes)), (), "paper"
    ).markdown
    return text.partition("## How to repeat it")[2].partition("\n##")[0]


def test_packages_are_those_that_the_runs_say_they_ran_with():
    """F19: a report is read on another machine, by other versions than its rows ran with."""
    said = "python 3.11.7, torch 2.11.0, numpy 2.5.5"
    assert f"- Packages: {said}\n" in repeated(environment=said)
    assert "- Packages: torch 1.0 and 2.0, numpy 2\n" in repeated(
        environment="torch 1.0, numpy 2, torch 2.0"
    )
    some = repeated(environment=[said if row == "Both" else "" for row in frame()["row"]])
    assert f"- Packages: {said} (reported by 3 of " in some
    assert "- Packages: not known\n" in repeated(environment="")
    assert "- Packages: not known\n" in repeated()


def test_a_run_of_a_commit_that_was_installed_without_a_lock_names_none():
    text = repeated(commit="18096a9c0de1, version 0.1.0", lock="none", environment="torch 2.11.0")
    assert "- Code: commit 18096a9c0de1\n" in text
    assert "- Code: release 0.1.0, `pip install speech-deepfake-bench==0.1.0`\n" in text
    assert "uv.lock" not in text
