"""A few numbers that stand for an array: none that is told apart by much less than it differs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

Output = dict[str, list[float]]
"""What a part gave, by what it was given."""
RELATIVE, ABSOLUTE = 1e-4, 1e-6


def summary(array: object) -> list[float]:
    """Return the size of an array, its mean and mean square, and its means with two fixed waves;
    what is no number counts as -1.
    """
    if isinstance(array, torch.Tensor):
        array = array.detach().numpy()
    values = np.nan_to_num(np.asarray(array, dtype=np.float64).ravel(), nan=-1.0)
    if not len(values):
        return [0.0]
    place = np.arange(len(values))
    waves = [np.sin(0.7 * place + 0.3), np.cos(1.9 * place)]
    means = [values.mean(), np.square(values).mean(), *((values * wave).mean() for wave in waves)]
    return [float(len(values)), *(round(float(mean), 9) for mean in means)]


def differs(found: Sequence[float], kept: Sequence[float]) -> bool:
    """Return whether two summaries differ by more than rounding does from machine to machine; what
    sums to little is held against what it was summed from.
    """
    if len(found) != len(kept):
        return True
    scale = np.sqrt(abs(kept[2])) if len(kept) == 5 else max(map(abs, kept))
    return not np.allclose(found, kept, rtol=RELATIVE, atol=ABSOLUTE + RELATIVE * scale)
