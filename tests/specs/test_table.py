"""Tables say which of their columns, matrices and published figures make no sense."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from bench.specs.faults import explain_faults
from bench.specs.table import Table

A, B = ({"heading": name, "metric": f"{name}.eer"} for name in "ab")
AVERAGE = {
    "heading": "Avg.",
    "metric": "average.eer",
    "combine": "mean",
    "parts": ["a.eer", "b.eer"],
}


def table(*columns, layout="rows", **row):
    return {
        "key": "made/table",
        "title": "Made",
        "text_columns": ["System"],
        "columns": list(columns),
        "layout": layout,
        "seeds": [1],
        "rows": {"R": {"cells": ["It"], **row}},
    }


def faults(content):
    with pytest.raises(ValidationError) as raised:
        Table.model_validate(content)
    return explain_faults(raised.value, "card", Table)


def test_what_makes_sense_is_read():
    card = Table.model_validate(
        table(A, B, AVERAGE, paper={"a.eer": 1.0}, digest={"average.eer": 2.0})
    )
    assert card.columns[2].parts == ("a.eer", "b.eer")
    assert card.rows["R"].published_figures == {"a.eer": 1.0, "average.eer": 2.0}


def test_a_column_combines_figures_of_one_kind_and_several_evaluations(subtests):
    cases = [
        ({"parts": ["a.eer"]}, "= ('a.eer',): should be two or more metrics"),
        ({"combine": "difference", "parts": ["a.eer", "b.eer", "c.eer"]}, "should be two metrics"),
        ({"combine": "none"}, "should be left out where `combine` is 'none'"),
        ({"parts": ["a.eer", "b.f1"]}, "should each be an 'eer', as `metric`"),
        ({"parts": ["a.eer", "a.A07.eer"]}, "should each be of another evaluation"),
    ]
    for changes, says in cases:
        with subtests.test(changes=changes):
            (line,) = faults(table(A, B, AVERAGE | changes))
            assert line.startswith("card: columns.2.parts = (")
            assert says in line


def test_parts_are_columns_themselves():
    (line,) = faults(table(A, AVERAGE))
    assert line == "card: columns = 'b.eer': should be a column; did you mean 'a.eer'?"


def test_a_metric_has_one_column():
    (line,) = faults(table(A, A))
    assert line == "card: columns = 'a.eer': should be the metric of one column"


def test_a_figure_has_one_source():
    (line,) = faults(table(A, paper={"a.eer": 1.0}, digest={"a.eer": 2.0}))
    assert line == "card: rows.R.digest.a.eer = 2.0: should be left out, as `paper` has it"


def test_a_matrix_has_one_kind_of_figure_and_a_place_for_each():
    assert faults(table(A, B | {"heading": "a"}, layout="matrix")) == [
        "card: columns: each should have a place of its own in the matrix"
    ]
    f1 = {"heading": "F1", "metric": "b.f1"}
    assert faults(table(A, f1, layout="matrix")) == [
        "card: columns: a matrix should hold one metric"
    ]


def test_direction_and_unit_are_the_catalogues():
    f1 = {"heading": "F1", "metric": "a.f1"}
    cost = {"heading": "minDCF", "metric": "a.min_dcf"}
    bits = {"heading": "CLLR", "metric": "a.cllr"}
    gap = {"combine": "difference", "heading": "Gap", "metric": "gap.eer"}
    gap["parts"] = AVERAGE["parts"]
    card = Table.model_validate(table(A, B, f1, cost, bits, gap))
    assert [column.better_direction for column in card.columns] == [
        "lower", "lower", "higher", "lower", "lower", None,
    ]  # fmt: skip
    assert [column.unit for column in card.columns] == ["%", "%", "%", "cost", "bits", "%"]


def test_a_figure_that_is_none_is_named():
    assert faults(table(A | {"metric": "a.err"})) == [
        "card: columns.0.metric = 'a.err': there is no metric 'err'; did you mean 'error'?"
    ]


@pytest.mark.parametrize("way", ["higher", "lower"])
def test_no_column_says_what_is_better(way):
    (line,) = faults(table(A | {"better": way}))
    assert line.startswith(
        f"card: columns.0.better = {way!r}: should be left out: bench.metrics.catalogue"
    )
