"""Published figures that a verdict is set beside."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bench.cards import table_cards
from bench.evaluation.published import BEST, NEAREST, find_published, render_published
from bench.metrics.measured import MetricResult


def figures(**values: float) -> dict[str, MetricResult]:
    return {name: MetricResult(value, value, value) for name, value in values.items()}


def printed(corpus: str, tables: tuple[str, ...], kind: str = "eer") -> set[float]:
    """What tables that compare systems print of a corpus, in per cent."""
    metric = f"{corpus}.{kind}"
    rows = [row for table in tables for row in table_cards.read_table(table).rows.values()]
    return {row.published_figures[metric] for row in rows if metric in row.published_figures}


def test_the_best_and_the_nearest_are_shown_and_the_rest_counted():
    found = find_published("asvspoof2019la", "eval", figures(eer=0.0099, min_tdcf=0.03))
    assert found is not None
    assert (found.by, found.own_value) == ("eer", 0.0099)
    values = [round(100 * system.results["eer"], 6) for system in found.systems]
    assert len(values) == BEST + NEAREST
    assert values == sorted(values)
    everything = sorted(printed("asvspoof2019la", ("breathnet/table3", "tca/table1")))
    assert {*values} <= {*everything}
    assert values[:BEST][0] == everything[0]
    gap = max(abs(value - 0.99) for value in values[BEST:])
    others = [value for value in everything if value not in values]
    assert all(abs(value - 0.99) >= gap for value in others)
    assert found.more >= len(others)
    assert any("min_tdcf" in system.results for system in found.systems)


def test_figures_of_something_else_are_not_set_beside_each_other(subtests):
    cases = [
        # Published figures of PartialSpoof are of frames of 160 ms, those of ITW of utterances.
        ("partialspoof", "eval", figures(eer=0.1)),
        ("partialspoof", "eval", figures(eer=0.1, range_eer=0.1, eer_20ms=0.1)),
        ("inthewild", "eval", figures(eer=0.1, range_eer=0.1, eer_160ms=0.1)),
        ("asvspoof2019la", "dev", figures(eer=0.1)),
        ("mine", "eval", figures(eer=0.1)),
        ("asvspoof2019la", "eval", figures(auc=0.9)),
    ]
    for corpus, split, own in cases:
        with subtests.test(corpus=corpus, split=split, own=own):
            assert find_published(corpus, split, own) is None


def test_frames_are_held_against_figures_at_the_tables_resolution():
    own = figures(eer=0.2, f1=0.9, range_eer=0.2, eer_20ms=0.2, eer_160ms=0.05)
    found = find_published("partialspoof", "eval", own)
    assert found is not None
    assert found.own_value == 0.05
    values = {round(100 * system.results["eer"], 6) for system in found.systems}
    assert values <= printed("partialspoof", ("sal/table1",))
    # F1 is of the scores' own frames, 20 ms: not what the table prints.
    assert {name for system in found.systems for name in system.results} == {"eer"}
    lines = render_published(found, own)
    (this,) = (line for line in lines if "this file" in line)
    assert "5.00 %" in this


def test_one_system_in_two_tables_counts_once_and_digests_are_marked():
    found = find_published("asvspoof2021df", "eval", figures(eer=0.045))
    assert found is not None
    keys = [(system.name, system.results["eer"]) for system in found.systems]
    assert len(keys) == len({*keys})
    shown = "\n".join(render_published(found, figures(eer=0.045)))
    marked = [system for system in found.systems if system.second_hand]
    assert shown.count("second-hand") == len(marked)
    assert shown.index("Published on this split") < shown.index("this file")


@pytest.mark.rows
def test_figures_are_set_beside_published_ones_without_torch_and_mlflow():
    code = (
        "import sys; from bench.evaluation.published import find_published; "
        "from bench.metrics.measured import MetricResult; "
        "assert find_published('inthewild', 'eval', {'eer': MetricResult(0.1, 0.1, 0.1)}); "
        "assert not {'torch', 'mlflow'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
