"""Made tables, a paper and tracked runs that show every case a report must tell apart.

`python -m tests.reports.made` writes the golden files anew.
"""

from __future__ import annotations

import json
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd

from bench.evaluation.draws import MetricDraws
from bench.reports.document import build_report
from bench.specs.table import Paper, Table
from tests.reports.judged_files import scored, scored_line
from tests.tracked_frames import as_files, as_runs

GOLDEN = Path(__file__).parent.parent / "golden/reporting"

PAPER = Paper.model_validate(
    {
        "key": "made",
        "title": "A Made Paper",
        "authors": "A. One, B. Two",
        "venue": "Nowhere 2026",
        "url": "https://example.org/paper",
        "differences": [
            {
                "item": "cut | splice",
                "paper": "one",
                "released": "two",
                "ours": "one",
                "applies": {"mix.partner": "other"},
                "setting": {"mix": {"partner": "self"}},
                "others": ({"mix": {"rounds": 3}}, {"mix": {"kind": "none"}}),
                "effect": "small",
                "consequence": "none",
            },
            {
                "item": "loss",
                "paper": "sum",
                "released": "mean",
                "ours": "sum",
                "effect": "large",
            },
            {
                "item": "norm",
                "paper": "batch",
                "released": "layer",
                "ours": "batch",
                "applies": {"frontend.norm": "batch"},
                "setting": {"frontend": {"norm": "layer"}},
                "effect": "none",
            },
        ],
    }
)

BOTH = {"a.eer": 5.0, "b.f1": 90.0}

TABLE = Table.model_validate(
    {
        "key": "made/table1",
        "title": "Made, Table 1",
        "caption": "Trained on A, evaluated on A and B.",
        "text_columns": ["System", "Configuration"],
        "columns": [
            {"group": "A", "heading": "EER", "metric": "a.eer"},
            {"group": "B", "heading": "F1", "metric": "b.f1"},
        ],
        "seeds": [7, 3],
        "notes": ["The caption says less than\nthe text."],
        "rows": {
            "Old": {
                "cells": ["Old", "theirs"],
                "group": "Published",
                "published_only": True,
                "source": "[12]",
                "paper": {"a.eer": 9.5},
            },
            "Both": {"cells": ["Both", "two seeds"], "group": "Ours", "paper": BOTH},
            "Half": {"cells": ["Half", "one of two"], "group": "Ours", "paper": BOTH},
            "Single": {
                "from": "Both",
                "cells": ["Single", "own seeds"],
                "group": "Ours",
                "seeds": [1],
                "paper": {"a.eer": 4.0},
            },
            "Never": {"cells": ["Never", "not begun"], "group": "Ours", "paper": BOTH},
        },
    }
)

COMBINED = Table.model_validate(
    {
        "key": "made/table2",
        "title": "Made, Table 2",
        "text_columns": ["System"],
        "columns": [
            {"group": "A", "heading": "EER", "metric": "a.eer"},
            {"group": "B", "heading": "EER", "metric": "b.eer"},
            {
                "heading": "Avg.",
                "metric": "average.eer",
                "combine": "mean",
                "parts": ["a.eer", "b.eer"],
                "decimals": 3,
            },
            {
                "heading": "gap",
                "metric": "gap.eer",
                "combine": "difference",
                "parts": ["a.eer", "b.eer"],
            },
        ],
        "seeds": [7, 3],
        "rows": {
            # Not the 9.50 of Table 1, and (9.00 + 2.00) / 2 is not 6.500.
            "Old": {
                "cells": ["Old"],
                "published_only": True,
                "paper": {"a.eer": 9.0, "b.eer": 2.0, "average.eer": 6.5},
            },
            # As far from 5.000 as rounding parts and mean may lead.
            "Both": {
                "cells": ["Both"],
                "paper": {"a.eer": 5.0, "b.eer": 5.0, "average.eer": 5.0055, "gap.eer": 0.01},
            },
            "Half": {"cells": ["Half"], "digest": {"a.eer": 5.0, "b.eer": 6.5, "gap.eer": 1.6}},
            "Single": {"cells": ["Single"], "seeds": [1], "paper": {"average.eer": 4.25}},
        },
    }
)

MATRIX = Table.model_validate(
    {
        "key": "made/table3",
        "title": "Made, Table 3",
        "text_columns": ["System"],
        "columns": [
            {"group": group, "heading": heading, "metric": metric}
            for group, heading, metric in (
                ("A07", "C1", "a.A07.C1.eer"),
                ("A07", "C2", "a.A07.C2.eer"),
                ("Pooled", "C1", "a.C1.eer"),
                ("Pooled", "C2", "a.C2.eer"),
                ("Pooled", "Pooled", "a.eer"),
            )
        ],
        "layout": "matrix",
        "seeds": [7],
        "rows": {
            "Both": {
                "cells": ["Both"],
                "group": "Ours",
                "paper": {"a.A07.C1.eer": 0.5, "a.C1.eer": 1.5, "a.C2.eer": 3.5, "a.eer": 2.5},
            },
            "Old": {"cells": ["Old"], "published_only": True, "digest": {"a.eer": 9.5}},
        },
    }
)


def settings(place):
    """As much of a row's settings as a report reads."""
    return SimpleNamespace(
        form="paper",
        signature=f"{place:08x}",
        signatures=(f"{place:08x}", f"{place:06x}bf"),
        is_trained=True,
        earlier=None,
        frontend=SimpleNamespace(kind="wav2vec2", weights="xlsr2_300m" if place == 0 else "other"),
        **dict.fromkeys(("train", "dev"), SimpleNamespace(corpus="partialspoof")),
        evaluate={
            "a": SimpleNamespace(corpus="partialspoof", resolution_s=0.16),
            "b": SimpleNamespace(corpus="llamapartialspoof", resolution_s=0.16),
        },
        flat_settings=lambda: {
            "system.kind": "made",
            **({"mix.partner": "other"} if place < 2 else {}),
        },
    )


RUNS = {row: settings(place) for place, row in enumerate(("Both", "Half", "Single", "Never"))}


def tracked(row, seed, values=None, **changes):
    """One line of the tracking store's frame; `values` are (figure, low, high) by metric, or a
    number beside these.
    """
    place = len(row) + seed
    line = {
        "run_id": f"{seed:02}{row}{len(changes)}".encode().hex().ljust(32, "0"),
        "row": row,
        "seed": seed,
        "signature": RUNS[row].signature if row in RUNS else "ffffffff",
        "data": "d0",
        "contents": "",
        "form": "paper",
        "status": "FINISHED" if values else "FAILED",
        "failure": "" if values else "RuntimeError: CUDA out of memory",
        "begun": pd.Timestamp(f"2026-01-{place:02} 08:00", tz="UTC"),
        "ended": pd.Timestamp(f"2026-01-{place:02} 12:30", tz="UTC"),
        "hours": 4.5,
        "commit": "18096a9",
        "lock": "0123456789abcdef",
        "device": "NVIDIA H200",
        "power": "system/gpu_0_power_usage_watts" if row == "Both" else "",
        "fingerprints": json.dumps({"a/train": "0a", "a/eval": "0b"}),
    }
    for name, value in (values or {}).items():
        bounds = ("", ".low", ".high") if isinstance(value, tuple) else ("",)
        line |= {f"{name}{end}": of for end, of in zip(bounds, np.ravel(value), strict=True)}
    return line | changes


def finished(eer, f1):
    return {
        "a.eer": (eer, eer - 0.2, eer + 0.3),
        "a.eer.utterance_low": eer - 0.1,
        "a.eer.utterance_high": eer + 0.1,
        "a.eer.missed": 10 * eer,
        "a.eer.accepted": 20 * eer,
        "a.eer.bonafide": 1000,
        "a.eer.spoof": 2000,
        "a.f1_spoof": (f1 - 5, f1 - 6, f1 - 4),
        "b.f1": (f1, f1 - 1, f1 + 1),
    }


TRAINED = {
    "kept_epoch": "12",
    "kept_dev": json.dumps({"dev.eer": 0.0123}),
    "why_ended": "no better dev.eer for 10 epochs",
    "epochs": "22",
    "threads": "2",
    "determinism": "torch.use_deterministic_algorithms(False)",
    "breaths": json.dumps({"a/train": {"bonafide": 0.021, "spoof": 0.003, "utterances": 0.4}}),
    "plan.a": "speaker+attack",
    "plan.b": "utterance",
}
"""What a run says of its training and of its intervals; older runs say none of it."""


def frame(form="paper"):
    lines = [
        tracked("Both", 7, finished(5.2, 91.0), **TRAINED),
        tracked("Both", 3, finished(4.8, 92.0), **TRAINED),
        tracked("Both", 9, finished(5.0, 91.5), **TRAINED),
        tracked("Both", 3, finished(0.1, 99.9), signature="abcdef01"),
        tracked("Both", 7, finished(0.1, 99.9), signature="abcdef01"),
        tracked("Half", 3, finished(1.0, 99.0)),
        tracked("Half", 7),
        tracked("Single", 1, finished(4.1, 95.0), commit="18096a9, 80d8f57"),
        tracked(
            "Single",
            1,
            finished(0.1, 99.9),
            data="d1",
            ended=pd.Timestamp("2026-01-01", tz="UTC"),
        ),
        tracked("Gone", 1, finished(0.1, 99.9)),
    ]
    texts = dict.fromkeys(TRAINED, "")
    return pd.DataFrame([{**texts, **line, "form": form} for line in lines])


def around(**figures):
    """Values by metric, each with an interval from 0.3 below to 0.4 above; `_` is a dot."""
    return {
        f"{name.replace('_', '.')}.eer": (value, value - 0.3, value + 0.4)
        for name, value in figures.items()
    }


def combined_frame():
    """Seeds that disagree, one that lacks a part, and one alone."""
    return pd.DataFrame(
        [
            tracked("Both", 7, around(a=5.2, b=6.0)),
            tracked("Both", 3, around(a=6.0, b=5.2)),
            tracked("Half", 3, around(a=5.0, b=6.0)),
            tracked("Half", 7, around(a=5.0)),
            tracked("Single", 1, around(a=4.0, b=4.5)),
        ]
    )


def matrix_frame():
    values = around(a_A07_C1=0.75, a_A07_C2=1.0, a_C1=1.5, a_C2=3.0, a=2.25)
    return pd.DataFrame([tracked("Both", 7, values)])


class Kept:
    """Replicates around the figures of `frame()`; those that are listed are not kept."""

    def __init__(self, lines, absent=(), trials="t"):
        self.lines, self.absent, self.trials = lines, absent, trials

    def read_draws(self, run_id, evaluation, figures):
        if (run_id, evaluation) in self.absent:
            return None
        known = self.lines[self.lines["run_id"] == run_id].to_dict("records")
        (run,) = known or [{**of, "row": "scored", "seed": 0} for of in scored_line(run_id)]
        return {name: self._draws(run, f"{evaluation}.{name}") for name in figures}

    def _draws(self, run, metric):
        value, low, high = (run.get(f"{metric}{end}", 0.0) for end in ("", ".low", ".high"))
        rng = np.random.default_rng([*run["row"].encode(), run["seed"]])
        return MetricDraws(
            self.trials, (value + (high - low) / 4 * rng.standard_normal(1000)) / 100
        )

    def read_position_rates(self, run_id, evaluation):
        return None

    def read_energy_kwh(self, run_id, curves):
        assert [*curves] == ["system/gpu_0_power_usage_watts"]
        return 1.25

    def read_pictures(self, run_id, evaluation):
        return {f"{name}.png": f"{run_id} {name}".encode() for name in ("det", "scores")}


@cache
def made(form="paper", kept=Kept):
    lines = frame(form)
    return build_report(
        TABLE, PAPER, RUNS, as_runs(lines), as_files(scored()), form, artifacts=kept(lines)
    )


@cache
def made_combined():
    runs = {row: RUNS[row] for row in ("Both", "Half", "Single")}
    lines = combined_frame()
    return build_report(COMBINED, PAPER, runs, as_runs(lines), (), "paper", [TABLE], Kept(lines))


@cache
def made_matrix(form="paper"):
    lines = matrix_frame().assign(form=form)
    return build_report(MATRIX, PAPER, {"Both": RUNS["Both"]}, as_runs(lines), (), form)


MADE = {
    "paper": made,
    "smoke": partial(made, "smoke"),
    "combined": made_combined,
    "matrix": made_matrix,
}


def texts(made_report):
    """The content of all its files by name; a page is without its figure."""
    more = {"html": made_report.render_extra("html"), "tex": made_report.render_extra("latex")}
    stem = made_report.stem
    return made_report.text_files | {f"{stem}.{end}": text for end, text in more.items()}


if __name__ == "__main__":
    for one in MADE.values():
        for name, text in texts(one()).items():
            (GOLDEN / name).write_text(text, encoding="utf-8")
