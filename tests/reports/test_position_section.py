"""Rows against each other inside of segments and at boundaries."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bench.evaluation.frame_errors import PositionErrorRates
from bench.reports.position_section import describe_position_errors
from bench.reports.row_runs import select_row_runs
from bench.specs.table import Table
from tests.tracked_frames import as_runs

from .made import settings, tracked

CARD = Table.model_validate(
    {
        "key": "made/places",
        "title": "Made",
        "text_columns": ["System"],
        "columns": [{"heading": "EER", "metric": "a.eer"}],
        "seeds": [1],
        "rows": {"A": {"cells": ["A"]}, "B": {"cells": ["B"], "from": "A"}},
    }
)
NAMES = ("bonafide-middle", "spoof-middle", "spoof 640 ms and above")


class Kept:
    """Error rates of 1,000 frames of each group, drawn around `errors` by run."""

    def __init__(self, errors, trials="t", names=()):
        self.errors, self.trials, self.names = errors, trials, dict(names)

    def read_position_rates(self, run_id, evaluation):
        errors = self.errors.get(run_id[0])
        if errors is None or evaluation != "a":
            return None
        rates = np.array(errors) / 1000
        noise = 0.002 * np.random.default_rng(ord(run_id[0])).normal(size=(1000, 3))
        full = np.full(3, 1000.0)
        trials = self.trials if isinstance(self.trials, str) else self.trials[run_id[0]]
        return PositionErrorRates(
            self.names.get(run_id[0], NAMES),
            trials,
            full,
            rates * full,
            rates * full,
            rates - 0.004,
            rates + 0.004,
            rates + noise,
        )


def made(errors, rows=("A", "B"), **more):
    runs = {row: settings(place) for place, row in enumerate(CARD.rows)}
    lines = [
        tracked(row, 1, {"a.eer": (5.0, 4.9, 5.1)}, run_id=row.ljust(32, "0"))
        | {"signature": runs[row].signature}
        for row in rows
    ]
    frame = pd.DataFrame(lines)
    stands = {
        row: select_row_runs(CARD, row, run.signatures, as_runs(frame), "paper")
        for row, run in runs.items()
    }
    return describe_position_errors(CARD, runs, stands, Kept(errors, **more), "paper")


def lines_of(text, first):
    return [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in text.splitlines()
        if line.startswith(f"| {first} |")
    ]


def test_a_row_is_set_against_its_parent_by_position_and_distance():
    text = made({"A": [100, 200, 50], "B": [100, 150, 40]})
    assert lines_of(text, "A") == [
        ["A", "bonafide", "10.00 <small>[9.60, 10.40]</small>"],
        ["A", "spoof", "20.00 <small>[19.60, 20.40]</small>"],
        ["A", "bonafide", ""],
        ["A", "spoof", "5.00 <small>[4.60, 5.40]</small>"],
    ]
    bonafide, spoof, _, far = lines_of(text, "B - A")
    assert bonafide[2].startswith("+0.00 [")
    assert spoof[2].startswith("**fewer** -5.00 [")
    assert far[2].startswith("**fewer** -1.00 [")
    assert "| Row | Class | middle |" in text, "places without a frame have no column"
    assert "| Row | Class | 640 ms and above |" in text


def test_more_errors_are_called_so_and_few_are_not_judged():
    spoof = lines_of(made({"A": [2, 200, 50], "B": [4, 250, 50]}), "B - A")
    assert spoof[1][2].startswith("**more** +5.00 [")
    assert spoof[0][2].endswith("too few errors")


def test_only_rows_that_keep_scores_of_the_same_trials_are_compared():
    text = made({"A": [100, 200, 50], "B": [100, 150, 40]}, trials={"A": "t", "B": "u"})
    assert lines_of(text, "B - A") == []
    assert len(lines_of(text, "B")) == 4
    assert made({}) == ""
    assert lines_of(made({"A": [100, 200, 50]}), "B") == []


def test_rows_of_several_resolutions_are_compared_where_both_have_frames():
    """Distances of frames of 160 ms are all above those of some frames of 20 ms."""
    names = {"A": ("bonafide-middle", "spoof 20 to 40 ms", "spoof 640 ms and above")}
    text = made({"A": [100, 200, 50], "B": [100, 150, 40]}, names=names)
    assert "| Row | Class | 20 to 40 ms | 640 ms and above |" in text, "the nearest comes first"
    bonafide, spoof, _, far = lines_of(text, "B - A")
    assert bonafide[2].startswith("+0.00 [")
    assert spoof[2:] == [""]
    assert far[2] == ""
    assert far[3].startswith("**fewer** -1.00 [")
