"""Localization metrics of released scripts, written anew from their description.

PartialSpoof's range EER (Zhang et al., Interspeech 2023) and SAL's EER and F1 of frames.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from bench.metrics.timeline import LabelledStretches, ScoredFrames

FRAMES_PER_UTTERANCE = 21
"""Of 160 ms, as PartialSpoof's evaluation set has on average."""


class OfficialTables(NamedTuple):
    """What PartialSpoof's script reads: a table of frames, and segments of each utterance."""

    frames: pd.DataFrame
    spoof: dict[str, list[tuple[int, int]]]
    lengths: dict[str, int]


def make_tables(scored: ScoredFrames, truth: LabelledStretches) -> OfficialTables:
    """Return the same set as the script has it; times are whole samples."""
    names = [f"u{code:06d}" for code in scored.utterance.tolist()]
    frames = pd.DataFrame({"utterance": names, "score": scored.score, "start": scored.start})
    frames["end"] = scored.end
    spoof: dict[str, list[tuple[int, int]]] = {name: [] for name in names}
    lengths: dict[str, int] = {}
    for code, start, end, is_spoof in zip(
        *map(np.ndarray.tolist, (truth.utterance, truth.start, truth.end, truth.is_spoof)),
        strict=True,
    ):
        name = f"u{code:06d}"
        lengths[name] = max(end, lengths.get(name, 0))
        if is_spoof:
            spoof[name].append((start, end))
    return OfficialTables(frames, spoof, lengths)


def official_rates(tables: OfficialTables, threshold: float) -> tuple[float, float]:
    """Return the shares of bona fide time flagged and of spoof time missed, as the script does.

    Of each utterance the frames are selected from the table of all.
    """
    flagged = missed = spoof_time = time = 0
    for name, length in tables.lengths.items():
        of_name = tables.frames[tables.frames["utterance"] == name]
        decided = segment_runs(of_name, threshold, length)
        spoof = tables.spoof[name]
        hit = sum(
            max(0, min(end, last) - max(start, first))
            for start, end in spoof
            for first, last in decided
        )
        labelled = sum(end - start for start, end in spoof)
        flagged += sum(end - start for start, end in decided) - hit
        missed += labelled - hit
        spoof_time += labelled
        time += length
    return flagged / (time - spoof_time), missed / spoof_time


def segment_runs(frames: pd.DataFrame, threshold: float, length: int) -> list[tuple[int, int]]:
    """Return the runs of frames decided spoof as segments."""
    is_spoof = np.concatenate([[False], frames["score"].to_numpy() <= threshold, [False]])
    edges = np.flatnonzero(is_spoof[1:] != is_spoof[:-1])
    starts, ends = frames["start"].to_numpy(), frames["end"].to_numpy()
    return [
        (int(starts[a]), min(int(ends[b - 1]), length))
        for a, b in zip(edges[::2], edges[1::2], strict=True)
    ]


def official_range_eer(tables: OfficialTables) -> float:
    """Return the range EER by bisection over percentiles, until the rates differ by 1e-5."""
    low, high = 0.0, 100.0
    closest, found = float("inf"), float("nan")
    for _ in range(40):
        threshold = float(np.percentile(tables.frames["score"], (low + high) / 2))
        flagged, missed = official_rates(tables, threshold)
        if abs(flagged - missed) < closest:
            closest, found = abs(flagged - missed), (flagged + missed) / 2
        if closest <= 1e-5:
            break
        low, high = ((low + high) / 2, high) if flagged < missed else (low, (low + high) / 2)
    return found


def pool_in_loop(score: NDArray[np.float64], is_spoof: NDArray[np.bool_]) -> list[torch.Tensor]:
    """Return scores and labels pooled as SAL's metrics do: utterance by utterance, then joined."""
    kept: list[list[torch.Tensor]] = [[], []]
    ends = [*range(0, len(score), FRAMES_PER_UTTERANCE), len(score)]
    for begin, end in pairwise(ends):
        kept[0].append(torch.as_tensor(score[begin:end]))
        kept[1].append(torch.as_tensor(~is_spoof[begin:end]).long())
    return [torch.cat(parts) for parts in kept]


def sal_eer(score: NDArray[np.float64], is_spoof: NDArray[np.bool_]) -> float:
    """Return the EER of SAL's script: sorted downwards, sums of both classes."""
    scores, bonafide = pool_in_loop(score, is_spoof)
    bonafide = bonafide[scores.argsort(descending=True)]
    accepted = (1 - bonafide).cumsum(0) / (1 - bonafide).sum()
    missed = 1 - bonafide.cumsum(0) / bonafide.sum()
    return float(accepted[(accepted - missed).abs().argmin()])


def sal_f1(score: NDArray[np.float64], is_spoof: NDArray[np.bool_]) -> float:
    """Return the F1 of bona fide frames of SAL's script."""
    scores, bonafide = pool_in_loop(score, is_spoof)
    decided = scores > 0
    hits = float((decided & (bonafide == 1)).sum())
    return 2 * hits / float(decided.sum() + bonafide.sum())
