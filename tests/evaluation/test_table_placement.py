"""Which results of a judged file may stand in a table, and which are refused there."""

from __future__ import annotations

from bench.evaluation.table_placement import TablePlacement
from bench.metrics.measured import MetricResult
from tests.errors import raises_code

ONE, OTHER = MetricResult(0.1, 0.09, 0.11), MetricResult(0.2, 0.19, 0.21)
WHOLE = {"eer": ONE, "auc": ONE}
FRAMES = {
    "eer": ONE,
    "eer_20ms": ONE,
    "eer_160ms": OTHER,
    "range_eer": ONE,
    "utterance_eer": OTHER,
    "f1": ONE,
}
OF_WHOLE, OF_FRAMES, UNTABLED = (
    TablePlacement(table, "ps", resolution_s)
    for table, resolution_s in (("t/one", None), ("t/two", 0.16), ("scored/ps", None))
)


def test_results_stand_under_the_tables_names_at_its_resolution(subtests):
    cases = [
        (OF_WHOLE, WHOLE, {"eer": ONE, "auc": ONE}),
        (OF_WHOLE, FRAMES, {"eer": OTHER}),
        (
            OF_FRAMES,
            FRAMES,
            {**FRAMES, "eer": OTHER, "f1": None},
        ),
        (UNTABLED, FRAMES, FRAMES),
        (OF_FRAMES, {}, {}),
    ]
    for place, results, expected in cases:
        with subtests.test(place=place, results=results):
            wanted = {f"ps.{name}": of for name, of in expected.items() if of is not None}
            assert place.select_tracked(results) == wanted


def test_results_of_another_thing_are_refused(subtests):
    cases = [
        (OF_WHOLE, {"auc": ONE}),
        (
            OF_WHOLE,
            {name: of for name, of in FRAMES.items() if name != "utterance_eer"},
        ),
        (OF_FRAMES, WHOLE),
        (
            OF_FRAMES,
            {name: of for name, of in FRAMES.items() if name != "eer_160ms"},
        ),
    ]
    for place, results in cases:
        with subtests.test(place=place, results=results), raises_code("scores.other-units"):
            place.select_tracked(results)
