"""The table as a terminal shows it: the report's cells, one line a row, no word broken."""

from __future__ import annotations

import re

from bench.reports import terminal_table
from bench.reports.result_cells import build_cells
from bench.reports.row_runs import select_row_runs
from bench.reports.text_columns import TextColumn, lay_out_columns
from tests.tracked_frames import as_runs

from .made import MATRIX, RUNS, TABLE, frame, tracked


def lines(table, runs=frame):
    found = runs() if callable(runs) else runs
    rows = [row for row in table.rows if not table.rows[row].published_only]
    stands = {
        row: select_row_runs(table, row, RUNS[row].signatures, as_runs(found), "paper")
        for row in rows
    }
    return terminal_table.build_terminal_rows(table, build_cells(table, stands), stands)


def test_each_row_has_its_key_the_papers_result_ours_and_its_state():
    text = terminal_table.format_terminal_table(TABLE, lines(TABLE), "paper", 200)
    assert "paper / ours [95 % interval], in %" in text
    shown = {line.split()[0]: re.split(r" {2,}", line) for line in text.splitlines()[1:]}
    assert shown["row"] == ["row", "Configuration", "A EER", "B F1", "state"]
    assert shown["Both"] == [
        *("Both", "two seeds"),
        *("5.00 / 5.00 ± 0.20 [4.80, 5.30]", "90.00 / 91.50 ± 0.50 [90.50, 92.50]"),
        "finished, 3 seeds",
    ]
    assert shown["Half"][-1] == "1 of 2 seeds; seed 7: failed"
    assert shown["Single"][-1] == "finished, seed 1"
    assert shown["Old"] == ["Old", "theirs", "9.50", "–", "published"]
    assert shown["Never"][-1] == "not run"


def test_at_every_width_lines_fit_and_no_word_is_broken(subtests):
    for width in [30, 40, 60, 80, 120]:
        for number, table in enumerate([TABLE, MATRIX]):
            with subtests.test(width=width, number=number):
                narrow = terminal_table.format_terminal_table(table, lines(table), "paper", width)
                wide = terminal_table.format_terminal_table(table, lines(table), "paper", 500)
                assert {*re.findall(r"\w+", narrow)} <= {*re.findall(r"\w+", wide)}
                numbers = {
                    *re.findall(
                        r"\d+\.\d+",
                        terminal_table.format_terminal_table(table, lines(table), "paper", 60),
                    )
                }
                assert numbers <= {*re.findall(r"\d+\.\d+", narrow)}
                if width >= 60:
                    assert max(map(len, narrow.splitlines())) <= width


def test_every_part_of_a_smoke_table_is_marked():
    text = terminal_table.format_terminal_table(TABLE, lines(TABLE), "smoke", 40)
    heads = [part.splitlines()[0] for part in text.partition("\n")[2].split("\n\n")]
    assert len(heads) > 1
    assert all(head.startswith("SMOKE") for head in heads)


def test_a_matrix_has_a_line_a_group_for_each_row_that_is_run_here():
    text = terminal_table.format_terminal_table(MATRIX, lines(MATRIX), "paper", 80)
    assert re.search(r"^A07 +0.50 / –", text, re.MULTILINE)
    assert re.search(r"^Old +Old|^Old +published", text, re.MULTILINE)


def test_the_results_of_a_row_stand_beside_the_papers_on_one_line():
    both = next(line for line in lines(TABLE) if line.key == "Both")
    assert terminal_table.format_row_results(TABLE, both.cells) == (
        "A EER 5.00 % (paper 5.00)  B F1 91.50 % (90.00)"
    )
    never = next(line for line in lines(TABLE) if line.key == "Never")
    assert terminal_table.format_row_results(TABLE, never.cells) == ""


def test_of_many_columns_the_first_are_named_and_the_others_counted():
    runs = frame().iloc[:0]
    values = {column.metric: (1.0, 0.5, 1.5) for column in MATRIX.columns}
    runs = type(runs)([tracked("Both", 7, values)])
    both = next(line for line in lines(MATRIX, runs) if line.key == "Both")
    assert (
        terminal_table.format_row_results(MATRIX, both.cells)
        == "Pooled Pooled 1.00 % (paper 2.50)  and 4 more"
    )


def test_runs_that_are_left_out_are_counted():
    stands = select_row_runs(TABLE, "Both", RUNS["Both"].signatures, as_runs(frame()), "paper")
    assert terminal_table.describe_left_out_runs([stands]) == "2 with changed settings"


def test_a_column_of_text_is_wrapped_at_words_only():
    text = TextColumn("what", ("a transition-of-classes here",), wraps=True)
    shown = lay_out_columns([TextColumn("row", ("a",)), text], [TextColumn("n", ("1.00",))], [], 30)
    assert shown == [
        "row  what",
        "---  -------------------------",
        "a    a transition-of-classes",
        "     here",
        "",
        "row  n",
        "---  ----",
        "a    1.00",
    ]


def test_a_column_is_not_wrapped_unless_it_may_be():
    shown = lay_out_columns([TextColumn("row", ("two words",))], [], [], 5)
    assert shown == ["row", "---------", "two words"]


def test_columns_that_go_on_below_take_as_many_as_fit_beside_the_first():
    numbers = [TextColumn(f"n{number}", ("1.00",)) for number in range(5)]
    assert lay_out_columns([TextColumn("row", ("a",))], numbers, [], 15) == [
        *("row  n0    n1", "---  ----  ----", "a    1.00  1.00", ""),
        *("row  n2    n3", "---  ----  ----", "a    1.00  1.00", ""),
        *("row  n4", "---  ----", "a    1.00"),
    ]
