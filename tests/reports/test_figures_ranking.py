"""BreathNet's Figure 3 from its cards: the paper's ranks, and ours where every table was run."""

from __future__ import annotations

import pandas as pd

from bench.cards import table_cards
from bench.reports.ranking import rank_systems
from tests.tracked_frames import as_runs

from ..errors import raises_code

SYSTEMS = ["OCKD", "LSR-LSA", "XLSR-Mamba", "Nes2Net-X", "BreathNet"]
TABLES = [table_cards.read_table("breathnet/table4"), table_cards.read_table("breathnet/table5")]


def stored(**figures):
    """Return the runs of each table: one with these figures, by table."""

    def read_runs(table, form):
        own = figures.get(table.partition("/")[2], {})
        run = table_cards.resolve_row(table_cards.read_table(table), "BreathNet", form)
        now = pd.Timestamp("2026-01-01", tz="UTC")
        known = {
            "run_id": "r", "row": "BreathNet", "seed": 1234, "signature": run.signature,
            "data": "d", "contents": "", "form": form, "status": "FINISHED",
            "begun": now, "ended": now,
        }  # fmt: skip
        bounds = {
            f"{name}{side}": value for name, value in own.items() for side in (".low", ".high")
        }
        return as_runs(pd.DataFrame([{**known, "hours": 1.0, **own, **bounds}] if own else []))

    return read_runs


def test_the_papers_ranks_are_those_of_its_tables():
    found = rank_systems(TABLES, SYSTEMS, "BreathNet", stored(), "paper")
    assert found.dimensions == ("21LA", "21DF", "ITW", "Average")
    assert list(found.panels) == ["the paper's results"]
    # Worked out from Tables IV and V by hand.
    assert found.panels["the paper's results"] == {
        "OCKD": [5, 2, 1, 1],
        "LSR+LSA": [3, 1, 3, 3],
        "XLSR-Mamba": [2, 3, 2, 2],
        "Nes2Net-X": [1, 5, 4, 4],
        "BreathNet": [4, 4, 5, 5],
    }
    assert found.lacking == (
        "breathnet/table4, asvspoof2021la.eer",
        "breathnet/table4, asvspoof2021df.eer",
        "breathnet/table5, inthewild.eer",
    )


def test_the_other_reading_of_a_system_is_a_panel_and_says_what_it_changes():
    """XLSR-Mamba has 1.68 on 21LA in Table IV and 0.93 in Table X."""
    both = [("XLSR-Mamba", "breathnet/table10")]
    found = rank_systems(TABLES, SYSTEMS, "BreathNet", stored(), "paper", both)
    other = "XLSR-Mamba: 0.93 instead of 1.68 on 21LA (BreathNet, Table 10)"
    assert list(found.panels) == ["the paper's results", other]
    # Worked out by hand: 0.90, 0.93, 1.15, 1.19, 1.88 on 21LA; the averages of all three columns
    # are OCKD 3.62, LSR+LSA 3.18, XLSR-Mamba 3.17 (3.42 before), Nes2Net-X 2.96, BreathNet 2.57.
    assert found.panels[other] == {
        "OCKD": [5, 2, 1, 1],
        "LSR+LSA": [2, 1, 3, 2],
        "XLSR-Mamba": [4, 3, 2, 3],
        "Nes2Net-X": [1, 5, 4, 4],
        "BreathNet": [3, 4, 5, 5],
    }
    (change,) = found.changes
    assert change == (
        "XLSR-Mamba: 0.93 instead of 1.68 on 21LA (BreathNet, Table 10): 21LA: LSR+LSA 3 to 2, "
        "XLSR-Mamba 2 to 4, BreathNet 4 to 3; Average: LSR+LSA 3 to 2, XLSR-Mamba 2 to 3"
    )
    without = [name for name in SYSTEMS if name != "XLSR-Mamba"]
    assert rank_systems(TABLES, without, "BreathNet", stored(), "paper", both).changes == ()
    none = [("OCKD", "breathnet/table10")]
    with raises_code("report.result-missing") as caught:
        rank_systems(TABLES, SYSTEMS, "BreathNet", stored(), "paper", none)
    assert "table10" in str(caught.value)


def test_ours_are_ranked_only_where_all_tables_were_run():
    four = {"asvspoof2021la.eer": 0.5, "asvspoof2021df.eer": 9.0}
    half = rank_systems(TABLES, SYSTEMS, "BreathNet", stored(table4=four), "paper")
    assert half.lacking == ("breathnet/table5, inthewild.eer",)
    assert len(half.panels) == 1
    both = stored(table4=four, table5={"inthewild.eer": 6.0})
    whole = rank_systems(TABLES, SYSTEMS, "BreathNet", both, "paper")
    assert whole.lacking == ()
    ours = whole.panels["BreathNet: our results"]
    assert ours["BreathNet (ours)"] == [5, 1, 3, 1]
    assert ours["OCKD"] == [4, 3, 1, 2]


def test_what_cannot_be_ranked_is_an_error():
    with raises_code("report.unknown-row") as caught:
        rank_systems(TABLES, ["OCKDD", "BreathNet"], "BreathNet", stored(), "paper")
    assert "did you mean 'OCKD'" in str(caught.value)
    with raises_code("report.result-missing") as caught:
        rank_systems(TABLES, ["SLIM", "BreathNet"], "BreathNet", stored(), "paper")
    assert "SLIM" in str(caught.value)
    assert "asvspoof2021la.eer" in str(caught.value)
    with raises_code("report.row-published-only"):
        rank_systems(TABLES, SYSTEMS, "OCKD", stored(), "paper")
    with raises_code("report.unlike-columns"):
        rank_systems([table_cards.read_table("table4")], ["S0"], "S0", stored(), "paper")
