"""Which figures a run logs of an evaluation, and what the breakdown's heat map holds."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest

from bench.data.subset import Subset
from bench.evaluation import score_file
from bench.metrics.breakdown import POOLED
from bench.reports import evaluation_plots
from bench.specs.run import HeldOutData


def made(place: Path, by: list[str]):
    """Score two attacks over two codecs: A08 over alaw cannot be told from bona fide."""
    rows = [("bonafide", "", codec, 1.0 + i) for codec in ("alaw", "none") for i in range(4)]
    rows += [("spoof", "A07", codec, -1.0 - i) for codec in ("alaw", "none") for i in range(4)]
    rows += [("spoof", "A08", "alaw", 1.0 + i) for i in range(4)]
    label, attack, codec, score = map(list, zip(*rows, strict=True))
    n = len(rows)
    names = [f"u{i:02}" for i in range(n)]
    table = pd.DataFrame(
        {
            "utterance": names,
            "path": names,
            "label": label,
            "speaker": "",
            "attack": attack,
            "codec": codec,
            "duration_s": 1.0,
        }
    )
    columns = {
        "utterance": names,
        "speaker": [""] * n,
        "attack": attack,
        "start_s": np.zeros(n),
        "end_s": np.ones(n),
        "label": label,
        "score": score,
    }
    path = place / "asvspoof2021la-eval.parquet"
    score_file.write_scores(path, columns)
    data = HeldOutData(corpus="asvspoof2021la", split="eval", resolution_s="utterance", by=by)
    return path, data, Subset("asvspoof2021la", "eval", place, table, None)


@pytest.mark.parametrize(
    ("by", "named"),
    [
        ([], ["by-attack"]),
        (["codec", "attack"], ["by-attack", "by-codec"]),
        (["codec", "attack,codec"], ["by-attack-codec"]),
    ],
)
def test_a_detectors_figures(tmp_path, by, named):
    paths = evaluation_plots.plot_evaluation(*made(tmp_path, by), "S0, seed 1 (x/y)")
    wanted = sorted(["det", "scores", *named])
    assert sorted(path.name for path in paths) == [
        f"{name}.{kind}" for name in wanted for kind in ("pdf", "png", "svg")
    ]
    assert all(path.is_file() for path in paths)


def test_cells_are_eers_of_the_attack_over_the_codec(tmp_path):
    seen = []
    draw = evaluation_plots.plots.draw_heat_map
    watched = lambda *given: seen.append(given) or draw(*given)  # noqa: E731
    with patch.object(evaluation_plots.plots, "draw_heat_map", watched):
        evaluation_plots.plot_evaluation(*made(tmp_path, ["attack,codec"]), "S0, seed 1 (x/y)")
    table, title = seen[0]
    assert title == "S0, seed 1 (x/y) on 21LA eval: EER by attack and codec"
    assert table.loc["A07"].tolist() == [0, 0, 0]
    # The margin over codecs has all bona fide trials, the cell those of the codec alone.
    assert table.loc["A08", "alaw"] == table.loc["A08", POOLED] == 0.5
    assert np.isnan(table.loc["A08", "none"])
    assert (table.index.name, table.columns.name) == ("attack", "codec")
