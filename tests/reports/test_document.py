"""Reports: against golden files, and each promise they make to their reader."""

from __future__ import annotations

import csv
import io
import json
import re
from itertools import product

import pandas as pd
import pytest

from bench.cards import table_cards
from bench.reports.document import build_report, find_stale_files, write_report
from tests.reports.judged_files import judged
from tests.tracked_frames import as_files, as_runs

from .made import (
    COMBINED,
    GOLDEN,
    MADE,
    PAPER,
    RUNS,
    TABLE,
    around,
    finished,
    frame,
    made,
    made_matrix,
    texts,
    tracked,
)
from .unrun import EACH_LAYOUT, not_run


def lines_of(markdown, row):
    return [line for line in markdown.splitlines() if line.startswith(f"| {row} |")]


def main_row(markdown, row):
    """The cells of a row in the main table."""
    return [cell.strip() for cell in lines_of(markdown, row)[0].strip("|").split(" | ")]


@pytest.mark.parametrize("which", MADE)
def test_is_the_golden_report(which):
    """Where a change is meant: `python -m tests.reports.made` writes the golden files anew."""
    for name, text in texts(MADE[which]()).items():
        assert text == (GOLDEN / name).read_text(encoding="utf-8"), name


def test_cells_hold_paper_ours_and_difference():
    cells = main_row(made().markdown, "Both")
    assert cells[2] == "5.00 / 5.00 ± 0.20 / +0.00 ✓ <small>[4.80, 5.30]</small>"
    assert cells[3] == "90.00 / 91.50 ± 0.50 / +1.50 ✓ <small>[90.50, 92.50]</small>"
    assert cells[4] == "3 of 3 seeds"
    best = main_row(made().markdown, "Single")
    assert best[2] == "4.00 / 4.10 / +0.10 ¹ <small>[3.90, 4.40]</small>"
    assert best[3] == "– / **95.00** / – <small>[94.00, 96.00]</small>"


def test_in_detail_a_cell_has_three_lines_and_the_verdict_in_words():
    text = build_report(TABLE, PAPER, RUNS, as_runs(frame()), (), "paper", detail=True).markdown
    assert main_row(text, "Both")[2] == "5.00<br>5.00 ± 0.20 [4.80, 5.30]<br>+0.00, inside"
    assert (
        main_row(text, "Half")[2] == "5.00<br>*1.00* (1 of 2 seeds) [0.80, 1.30]<br>-4.00, one seed"
    )
    assert "✓" not in text


def test_the_reading_says_how_intervals_were_drawn_and_what_marks_mean():
    text = made().markdown
    assert "- The intervals resample speakers and attacks (a), utterances (b). The CSV also" in text
    lines = frame()
    lines[["plan.a", "plan.b"]] = "utterance"
    text = build_report(TABLE, PAPER, RUNS, as_runs(lines), (), "paper").markdown
    assert "- The intervals resample utterances.\n" in text
    lines.loc[lines["row"] == "Both", "a.eer"] += 50
    text = build_report(TABLE, PAPER, RUNS, as_runs(lines), (), "paper").markdown
    assert "- ✓: a further seed" in text
    assert "- ✗: the paper's result lies outside that interval." in text


def test_costs_have_four_decimals_and_one_row_alone_is_not_best():
    cost = TABLE.model_copy(
        update={"columns": (TABLE.columns[0].model_copy(update={"metric": "a.min_tdcf"}),)}
    )
    row = cost.rows["Single"].model_copy(update={"paper": {"a.min_tdcf": 0.0165}, "parent": None})
    cost = cost.model_copy(update={"rows": {"Single": row}})
    values = {"a.min_tdcf": (0.0308, 0.0263, 0.0351)}
    runs = {"Single": RUNS["Single"]}
    lines = pd.DataFrame([tracked("Single", 1, values)])
    cells = main_row(
        build_report(cost, PAPER, runs, as_runs(lines), (), "paper").markdown, "Single"
    )
    assert cells[2] == "0.0165 / 0.0308 / +0.0143 ¹ <small>[0.0263, 0.0351]</small>"


def test_rows_stand_in_the_papers_order_below_their_groups():
    table = made().markdown.partition("## What was run")[0]
    places = [table.index(f"| {name} |") for name in ("**Published**", "Old", "**Ours**", *RUNS)]
    assert places == sorted(places)
    assert "| Row | Configuration | A EER ↓ | B F1 ↑ | Seeds |" in table


def test_rows_of_other_systems_have_the_papers_figures_only():
    assert main_row(made().markdown, "Old") == ["Old", "theirs", "9.50", "–", "published"]


def test_an_unfinished_row_is_never_shown_as_complete_or_best():
    cells = main_row(made().markdown, "Half")
    assert cells[2].startswith("5.00 / *1.00* (1 of 2 seeds) / -4.00 ¹")
    assert cells[-1] == "1 of 2 seeds"
    assert "**1.00**" not in made().markdown
    assert main_row(made().markdown, "Never")[2:] == ["5.00", "90.00", "not run"]
    missing = made().markdown.partition("## What is missing")[2]
    assert "| Half | 7 | failed: RuntimeError: CUDA out of memory |" in missing
    assert "| Never | 7, 3 | not run |" in missing


def test_a_row_that_lacks_one_figure_is_incomplete():
    lines = [tracked("Single", 1, {"a.eer": (4.1, 4.0, 4.2)})]
    text = build_report(TABLE, PAPER, RUNS, as_runs(pd.DataFrame(lines)), (), "paper").markdown
    assert main_row(text, "Single")[-2:] == ["– / – / –", "0 of 1 seed"]


def test_only_runs_with_the_rows_settings_and_data_are_shown():
    text = made().markdown
    assert "99.9" not in text
    assert "- Both: 2 runs with changed settings are not shown." in text
    assert "- Single: 1 run on other data is not shown." in text
    assert "- Gone: the card has no such row, but 1 run in the store has." in text


def test_seeds_beyond_the_cards_count_and_one_that_failed_is_missed():
    lines = pd.DataFrame([tracked("Single", 1, finished(4.0, 90.0)), tracked("Single", 2)])
    text = build_report(TABLE, PAPER, RUNS, as_runs(lines), (), "paper").markdown
    assert main_row(text, "Single")[-1] == "1 of 2 seeds"
    assert "| Single | 2 | failed: RuntimeError: CUDA out of memory |" in text
    lines = pd.DataFrame([tracked("Single", seed, finished(seed, 90.0)) for seed in (1, 2)])
    text = build_report(TABLE, PAPER, RUNS, as_runs(lines), (), "paper").markdown
    assert main_row(text, "Single")[2].startswith("4.00 / 1.50 ± 0.71 / -2.50 ²")
    assert "`bench run made/table1 --rows Single --seeds 2`" in text


def test_runs_of_the_other_form_are_not_there():
    for form, other in (("paper", "smoke"), ("smoke", "paper")):
        text = build_report(TABLE, PAPER, RUNS, as_runs(frame(other)), (), form).markdown
        assert "No run with the settings of this table is finished." in text
        assert "5.20" not in text


def test_smoke_says_so_in_every_header_and_name(tmp_path):
    smoke = made("smoke")
    assert write_report(smoke, tmp_path).name == "made-table1.smoke.md"
    headers = [line for line in smoke.markdown.splitlines() if line.startswith("#")]
    before_rules = re.findall(r"^(\|.*)\n\| ---", smoke.markdown, re.MULTILINE)
    assert len(before_rules) == 12
    for line in [*headers, *before_rules]:
        assert "SMOKE" in line
    names = next(csv.reader(io.StringIO(smoke.csv)))
    assert names == next(csv.reader(io.StringIO(made().csv))), "a script reads both forms"
    assert {line["form"] for line in csv.DictReader(io.StringIO(smoke.csv))} == {"smoke"}
    assert "SMOKE" not in made().markdown
    assert "smoke" not in made().csv


def test_rows_on_different_data_are_called_out():
    lines = frame()
    lines.loc[lines["row"] == "Single", "fingerprints"] = '{"a/eval": "ff"}'
    text = build_report(TABLE, PAPER, RUNS, as_runs(lines), (), "paper").markdown
    assert "different data in a/eval" in text
    assert "different data" not in made().markdown


def test_systems_scored_elsewhere_stand_apart_with_their_latest_judgement():
    text = made().markdown
    assert main_row(text, "Theirs")[2:] == ["**3.58** <small>[3.40, 3.70]</small>", "–", "scored"]
    part = "*3.58* (12 trials missing) <small>[3.40, 3.70]</small>"
    assert main_row(text, "Part")[2:] == [part, "–", "scored"]
    assert "- A EER: Theirs is best, significantly better than Both, Single." in text
    section = text.partition("## Scored, not trained here")[2].partition("\n##")[0]
    (theirs,) = lines_of(section, "Theirs")
    assert theirs.split(" | ")[1:3] == ["partialspoof/eval", "0"]
    assert theirs.endswith("| 1 |"), "an earlier file of the same corpus does not stand any more"
    assert "Broken" not in text
    alone = build_report(TABLE, PAPER, RUNS, as_runs(frame()), (), "paper").markdown
    assert "Scored, not trained" not in alone


def test_a_judged_system_without_errors_has_no_interval_of_no_width():
    system = judged("Theirs", 2, **{"a.eer": 0.0, "a.eer.low": 0.0, "a.eer.high": 0.0})
    text = build_report(
        TABLE, PAPER, RUNS, as_runs(frame()), as_files(pd.DataFrame([system])), "paper"
    ).markdown
    assert main_row(text, "Theirs")[2] == "**0.00** ᶠ"
    counts = {"a.eer.high": 0.04, "a.eer.missed": 0, "a.eer.accepted": 0}
    text = build_report(
        TABLE, PAPER, RUNS, as_runs(frame()), as_files(pd.DataFrame([system | counts])), "paper"
    ).markdown
    assert main_row(text, "Theirs")[2] == "**0.00** ᶠ <small>[0.00, 0.04]</small>"


def test_an_evaluation_is_zero_shot_only_where_nothing_is_shared():
    data = made().markdown.partition("## How to repeat it")[2].partition("\n##")[0]
    assert "`a`: in domain: trained on PS" in data
    alone = "- `b`: zero-shot: by their cards, LPS and PS share nothing"
    assert f"{alone} (Half, Single, Never)" in data
    assert f"{alone}; the front-end was pretrained, without labels, on LibriVox, from which" in data


def test_table_cells_cannot_break_the_table():
    assert "| cut \\| splice | Both, Half | small | one |" in made().markdown


def test_csv_holds_every_cell():
    rows = list(csv.DictReader(io.StringIO(made().csv)))
    assert len(rows) == (len(TABLE.rows) + 2) * len(TABLE.columns)
    theirs = next(row for row in rows if row["row"] == "Theirs")
    assert (theirs["value"], theirs["paper"], theirs["scored"]) == ("3.5800", "", "True")
    both = rows[2]
    assert (both["row"], both["metric"], both["paper"]) == ("Both", "a.eer", "5.0000")
    assert float(both["value"]) == pytest.approx(5.0)
    assert float(both["sd"]) == pytest.approx(0.2)
    assert (both["seeds_done"], both["seeds_wanted"]) == ("3", "3")
    assert rows[0]["value"] == ""


def test_records_are_the_csv_for_machines():
    records = made("smoke").records
    assert json.loads(json.dumps(records[2]))["paper"] == 5.0
    assert records[2]["value"] == pytest.approx(5.0)
    assert records[0]["value"] is None
    assert {record["form"] for record in records} == {"smoke"}
    assert [*records[0]] == made("smoke").csv.splitlines()[0].split(",")


def test_written_files_are_not_stale_until_something_changes(tmp_path):
    report_now = made()
    assert {path.name for path in find_stale_files(report_now, tmp_path)} == {
        "made-differences.md",
        "made-table1.md",
        "made-table1.csv",
        "made-table1.json",
        "made-table1.png",
        "made-table1.svg",
        "made-table1.pdf",
        *report_now.pictures,
    }
    path = write_report(report_now, tmp_path)
    assert find_stale_files(made.__wrapped__(), tmp_path) == [], "built anew, it is the same"
    path.write_text(path.read_text() + "edited by hand\n")
    assert find_stale_files(made(), tmp_path) == [path]


@EACH_LAYOUT
def test_every_table_can_be_reported_before_anything_is_run(keys, subtests):
    for key, form in product(keys, ["paper", "smoke"]):
        with subtests.test(key=key, form=form):
            text = not_run(key, form).markdown
            runnable = table_cards.runnable_rows(table_cards.read_table(key))
            assert len(re.findall(r"(\||:) not run( \|)?\n", text)) >= len(runnable)
            assert "$" not in text


def test_a_mean_is_of_each_seeds_figures_and_lacks_where_a_part_does():
    both, half = (main_row(MADE["combined"]().markdown, row) for row in ("Both", "Half"))
    assert both[3].split(" / ")[1] == "5.600 ± 0.000"
    assert both[3].endswith("<small>[5.388, 5.883]</small>")
    # |5.2 - 6.0| and |6.0 - 5.2|, where the means of the parts are equal.
    assert both[4].split(" / ")[1] == "0.80 ± 0.00"
    assert half[3].split(" / ")[1].startswith("*5.500* (1 of 2 seeds)")
    assert half[5] == "1 of 2 seeds"


def test_the_best_mean_is_bold():
    single = main_row(MADE["combined"]().markdown, "Single")
    assert "**4.250**" in single[3]
    assert single[4].startswith("– / 0.50 / –"), "a gap has no best"
    assert "**" not in main_row(MADE["combined"]().markdown, "Both")[3]


def test_contradictory_figures_have_a_mark_and_the_arithmetic():
    text = MADE["combined"]().markdown
    assert main_row(text, "Old")[1:4] == ["9.00ᵃ", "2.00", "6.500ᵃ"]
    marked = [line for line in text.splitlines() if line.startswith("- ᵃ")]
    elsewhere = "9.50 in Made, Table 1, with which Avg. is (9.50 + 2.00) / 2 = 5.750"
    assert marked == [
        f"- ᵃ Old: the paper prints 9.00 for A EER here and {elsewhere}.",
        "- ᵃ Old: the paper prints 6.500 for Avg.; (9.00 + 2.00) / 2 = 5.500.",
        "- ᵃ Half: a summary of the paper has 1.60 for gap; 6.50 - 5.00 = 1.50.",
    ]


def test_figures_from_a_digest_are_marked_in_table_note_and_csv():
    text = MADE["combined"]().markdown
    assert main_row(text, "Half")[1].startswith("5.00ᵈ / 5.00 ± 0.00")
    assert "- ᵈ From a summary of the paper, not from the paper itself." in text
    assert "ᵈ" not in MADE["paper"]().markdown
    lines = csv.DictReader(io.StringIO(MADE["combined"]().csv))
    sources = {(line["row"], line["metric"]): line["paper_from"] for line in lines}
    assert sources["Half", "a.eer"] == "digest"
    assert sources["Old", "a.eer"] == "paper"
    assert sources["Old", "gap.eer"] == ""


def test_a_row_without_any_part_of_a_mean_is_not_run():
    lines = pd.DataFrame([tracked("Single", 1, around(c=1.0))])
    text = build_report(
        COMBINED, PAPER, {"Single": RUNS["Single"]}, as_runs(lines), (), "paper"
    ).markdown
    assert main_row(text, "Single")[3:] == ["4.250", "–", "not run"]


def test_a_matrix_is_a_table_for_each_system():
    text = made_matrix("smoke").markdown
    own, theirs = (text.partition(f"### SMOKE: {title}")[2] for title in ("Both · Ours", "Old"))
    assert own.startswith(": 1 of 1 seed\n")
    assert theirs.startswith(": published\n")
    (line,) = lines_of(own.partition("##")[0], "Pooled")
    assert line.split(" | ")[2] == "3.50 / 3.00 / -0.50 ¹ <small>[2.70, 3.40]</small>"
    assert lines_of(theirs.partition("##")[0], "Pooled") == ["| Pooled | – | – | 9.50ᵈ |"]
    headings = [line for line in text.splitlines() if line.startswith("#")]
    assert all("SMOKE" in heading for heading in headings)


def test_a_matrix_is_written_with_a_figure_of_its_own(tmp_path):
    write_report(made_matrix(), tmp_path)
    assert find_stale_files(made_matrix(), tmp_path) == []
