"""What cannot be right as printed is said, and nothing that rounding explains."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bench.cards import table_cards
from bench.reports.contradictions import find_contradictions
from bench.specs.table import Table


def table(paper, combine="mean", names=("a", "b", "c", "d"), title="T", **more):
    columns = [{"heading": n, "metric": f"{n}.eer"} for n in names]
    combination = {
        "heading": "Avg.",
        "metric": "average.eer",
        "combine": combine,
        "parts": [column["metric"] for column in columns],
    }
    row = {"cells": ["It"], "published_only": True, "paper": paper, **more}
    return Table.model_validate(
        {
            "key": f"made/{title}",
            "title": title,
            "text_columns": ["System"],
            "columns": [*columns, combination],
            "seeds": [1],
            "rows": {"It": row},
        }
    )


def figures(*parts, combined):
    by_metric = {f"{name}.eer": value for name, value in zip("abcd", parts, strict=False)}
    return by_metric | {"average.eer": combined}


RATES = st.integers(0, 10_000).map(lambda hundredths: hundredths / 100)


@given(st.lists(st.floats(0, 50), min_size=2, max_size=4))
def test_what_was_averaged_before_it_was_rounded_is_no_contradiction(values):
    printed = figures(*(round(v, 2) for v in values), combined=round(sum(values) / len(values), 2))
    assert find_contradictions(table(printed, names="abcd"[: len(values)])) == {}


@given(st.floats(0, 50), st.floats(0, 50))
def test_a_gap_that_was_taken_before_rounding_is_no_contradiction(one, other):
    printed = figures(round(one, 2), round(other, 2), combined=round(abs(one - other), 2))
    assert find_contradictions(table(printed, "difference", "ab")) == {}


@given(st.lists(RATES, min_size=4, max_size=4), st.sampled_from([-1, 1]))
def test_more_than_rounding_explains_is_said(values, sign):
    mean = sum(values) / 4
    assert find_contradictions(table(figures(*values, combined=mean + sign * 0.0099))) == {}
    found = find_contradictions(table(figures(*values, combined=mean + sign * 0.0101)))
    assert list(found) == [("It", 4)]


def test_a_half_that_was_rounded_either_way_is_none():
    for printed in (3.25, 3.26):
        assert find_contradictions(table(figures(0.31, 1.02, 3.56, 8.13, combined=printed))) == {}


def test_a_lacking_part_proves_nothing():
    assert find_contradictions(table({"a.eer": 1.0, "average.eer": 9.0})) == {}


def test_two_tables_may_round_differently_but_not_disagree():
    here = table({"a.eer": 1.0})
    there = table({"a.eer": 1.0}, title="U")
    assert find_contradictions(here, [there]) == {}
    coarse = there.columns[0].model_copy(update={"decimals": 1})
    near = table({"a.eer": 1.1}, title="U")
    near = near.model_copy(update={"columns": (coarse, *near.columns[1:])})
    assert find_contradictions(table({"a.eer": 1.05}), [near]) == {}
    (note,) = find_contradictions(table({"a.eer": 1.04}), [near]).values()
    assert note == "It: the paper prints 1.04 for a here and 1.1 in U."


def test_means_of_other_parts_are_other_figures():
    here = table({"average.eer": 3.0}, names="ab")
    assert find_contradictions(here, [table({"average.eer": 2.0}, names="cd", title="U")]) == {}


def test_a_digest_is_named():
    of_digest = table({"a.eer": 1.0, "b.eer": 3.0}, names="ab", digest={"average.eer": 4.0})
    (note,) = find_contradictions(of_digest).values()
    assert note == "It: a summary of the paper has 4.00 for Avg.; (1.00 + 3.00) / 2 = 2.00."


def test_breathnets_paper_has_the_known_ones_and_no_other():
    """Held against methods.md, section 2.8, where all rows were computed anew."""
    tables = [
        table_cards.read_table(key)
        for key in table_cards.table_keys()
        if key.startswith("breathnet/")
    ]
    found = {
        (one.key, row): note
        for one in tables
        for (row, _), note in find_contradictions(one, [t for t in tables if t is not one]).items()
    }
    says = {
        ("breathnet/table4", "XLSR-Mamba"): "(0.93 + 1.88) / 2 = 1.405",
        ("breathnet/table7", "no-film"): "(0.30 + 1.06 + 2.19 + 6.16) / 4 = 2.4275",
        ("breathnet/table8", "L1-128-256"): "(0.45 + 1.11 + 3.56 + 8.95) / 4 = 3.5175",
        ("breathnet/table10", "XLSR-Mamba"): "0.93 for Pooled here and 1.68 in BreathNet, Table 4",
    }
    assert found.keys() == says.keys()
    for place, text in says.items():
        assert text in found[place]
