"""Which results of a judged file may stand in a table, and which are refused there."""

from __future__ import annotations

import pytest

from bench.errors import BenchError
from bench.evaluation.standing import Standing
from bench.metrics.scores import Figure

ONE, OTHER = Figure(0.1, 0.09, 0.11), Figure(0.2, 0.19, 0.21)
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
    Standing(table, "ps", resolution_s)
    for table, resolution_s in (("t/one", None), ("t/two", 0.16), ("scored/ps", None))
)


@pytest.mark.parametrize(
    ("place", "results", "expected"),
    [
        (OF_WHOLE, WHOLE, {"eer": ONE, "auc": ONE}),
        (OF_WHOLE, FRAMES, {"eer": OTHER}),
        (
            OF_FRAMES,
            FRAMES,
            {**FRAMES, "eer": OTHER, "f1": None},
        ),
        (UNTABLED, FRAMES, FRAMES),
        (OF_FRAMES, {}, {}),
    ],
)
def test_results_stand_under_the_tables_names_at_its_resolution(place, results, expected):
    wanted = {f"ps.{name}": of for name, of in expected.items() if of is not None}
    assert place.tracked(results) == wanted


@pytest.mark.parametrize(
    ("place", "results", "message"),
    [
        (OF_WHOLE, {"auc": ONE}, "t/one evaluates whole utterances: these scores have no EER"),
        (
            OF_WHOLE,
            {name: of for name, of in FRAMES.items() if name != "utterance_eer"},
            "t/one evaluates whole utterances: these scores have no EER",
        ),
        (OF_FRAMES, WHOLE, "t/two evaluates frames of 160 ms, and these are scores of whole utter"),
        (
            OF_FRAMES,
            {name: of for name, of in FRAMES.items() if name != "eer_160ms"},
            "t/two evaluates frames of 160 ms, which cannot be made of these frames",
        ),
    ],
)
def test_results_of_another_thing_are_refused(place, results, message):
    with pytest.raises(BenchError, match=message):
        place.tracked(results)
