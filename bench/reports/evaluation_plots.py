"""The figures that every run logs of each of its evaluations, from the score file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bench.cards import corpus_cards
from bench.data.subset import Subset
from bench.evaluation import score_file
from bench.evaluation.score_frames import ScoreFrames, order_frames
from bench.metrics.breakdown import BreakdownCell, split_breakdown
from bench.metrics.det import eer_by_class
from bench.metrics.f1 import ARGMAX, decide_bonafide
from bench.metrics.tally import Bools, Floats
from bench.plot_data import FrameDecisions
from bench.reports import plots
from bench.reports.plot_style import write_figure
from bench.specs.run import HeldOutData
from bench.units import SAMPLE_RATE_HZ

_Rates = list[tuple[BreakdownCell, float | None]]
"""The EER of each cell of a breakdown; None where it is not defined."""
_EACH = 3
"""Utterances shown of the best, of those in the middle and of the worst."""


def plot_evaluation(path: Path, data: HeldOutData, subset: Subset, who: str) -> list[Path]:
    """Draw the plots of the score file at `path` into a folder beside it; return their paths.

    They are PNG, SVG and PDF: always a DET curve and a histogram; for frames, strips of the best,
    the median and the worst utterances; for utterances, EERs by the fields of `data.by`, as a heat
    map for two fields and bars for one; by attack where no field is asked for. `who` is whose
    scores they are.
    """
    folder = path.with_suffix(".figures")
    table = score_file.read_scores(path)
    score, is_spoof = score_file.pool_rows(table)
    bonafide, spoof = score[~is_spoof], score[is_spoof]
    title = f"{who} on {corpus_cards.read_corpus_card(subset.corpus).short} {subset.split}"
    unit = (
        "utterances" if data.resolution_s is None else f"frames of {1000 * data.resolution_s:g} ms"
    )
    threshold = eer_by_class(bonafide, spoof).threshold
    paths = write_figure(folder, "det", plots.draw_det(bonafide, spoof, f"{title}, {unit}:"))
    histogram = plots.draw_histogram(bonafide, spoof, threshold, f"{title}: scores of {unit}")
    paths += write_figure(folder, "scores", histogram)
    if data.resolution_s is None:
        return paths + _plot_breakdowns(score, is_spoof, data, subset, title, folder)
    groups = ranked_strips(order_frames(table, path))
    return paths + write_figure(folder, "strips", plots.draw_strips(groups, f"{title}: {unit}"))


def ranked_strips(scored: ScoreFrames) -> dict[str, list[FrameDecisions]]:
    """Return the best, the median and the worst utterances, at most three each and none twice.

    They are ranked by the share of frames that are decided wrongly, among utterances with both
    classes where there are any: to leave a bona fide utterance alone is no success of localization.
    Of equal ones the longer come first.
    """
    names, points = scored
    begins = np.flatnonzero(np.diff(points.utterance, prepend=-1))
    ends = np.append(begins[1:], len(points.utterance))
    lengths = ends - begins
    decided = ~decide_bonafide(points.score, ARGMAX.threshold)
    wrong = np.add.reduceat((decided != points.is_spoof).astype(int), begins) / lengths
    spoofed = np.add.reduceat(points.is_spoof.astype(int), begins)
    both = np.flatnonzero((spoofed > 0) & (spoofed < lengths))
    candidates = both if len(both) else np.arange(len(begins))
    order = candidates[np.lexsort((-lengths[candidates], wrong[candidates]))].tolist()
    n = min(_EACH, -(-len(order) // 3))
    best, rest = order[:n], order[n:]
    worst, rest = rest[max(0, len(rest) - n) :], rest[: max(0, len(rest) - n)]
    middle = max(0, (len(rest) - n) // 2)

    def make_strip(i: int) -> FrameDecisions:
        frames = slice(begins[i], ends[i])
        edges_s = np.arange(int(lengths[i]) + 1) * points.frame / SAMPLE_RATE_HZ
        name = names[points.utterance[begins[i]]]
        return FrameDecisions(name, edges_s, points.is_spoof[frames], decided[frames])

    groups = {"best": best, "median": rest[middle : middle + n], "worst": worst}
    return {name: [make_strip(i) for i in chosen] for name, chosen in groups.items() if chosen}


def _plot_breakdowns(
    score: Floats, is_spoof: Bools, data: HeldOutData, subset: Subset, title: str, folder: Path
) -> list[Path]:
    """Draw a heat map for each two fields of `data.by`; else bars for each one, or by attack."""
    asked = [fields.split(",") for fields in data.by]
    roles = corpus_cards.read_corpus_card(data.corpus).roles
    alone = [["attack"]] if "attack" in roles and "attack" in subset.table else []
    pairs = [by for by in asked if len(by) == 2]
    paths: list[Path] = []
    for by in pairs or [by for by in asked if len(by) == 1] or alone:
        fields = {name: subset.table[name].to_numpy() for name in by}
        cells = split_breakdown(is_spoof, fields, roles, by)
        rates = [(cell, _cell_eer(score, cell)) for cell in cells]
        paths += write_figure(folder, f"by-{'-'.join(by)}", _draw_cells(rates, by, title))
    return paths


def _draw_cells(rates: _Rates, by: Sequence[str], title: str) -> Figure:
    caption = f"{title}: EER by {' and '.join(by)}"
    if len(by) == 2:
        return plots.draw_heat_map(_cells_table(rates, by), caption)
    by_level = {cell.levels[by[0]]: rate for cell, rate in rates if rate is not None}
    counts = {cell.levels[by[0]]: len(cell.spoof) for cell, _ in rates}
    return plots.draw_level_bars(by_level, counts, caption)


def _cell_eer(score: Floats, cell: BreakdownCell) -> float | None:
    return eer_by_class(score[cell.bonafide], score[cell.spoof]).eer if cell.defined else None


def _cells_table(rates: _Rates, by: Sequence[str]) -> pd.DataFrame:
    down, across = (list(dict.fromkeys(cell.levels[field] for cell, _ in rates)) for field in by)
    rows, columns = pd.Index(down, name=by[0]), pd.Index(across, name=by[1])
    table = pd.DataFrame(np.nan, index=rows, columns=columns)
    for cell, rate in rates:
        if rate is not None:
            table.loc[cell.levels[by[0]], cell.levels[by[1]]] = rate
    return table
