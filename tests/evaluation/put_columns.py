"""Score files of sixty utterances, written column by column as a test asks for."""

from __future__ import annotations

import numpy as np
import pytest

from bench.errors import BenchError
from tests.evaluation.listed import read

IDS = [f"u{i:03d}" for i in range(60)]
IS_BONAFIDE = np.arange(60) % 3 == 0
NOISE = np.random.default_rng(7).normal(size=60)
SCORES = np.round(NOISE + 2.0 * IS_BONAFIDE, 4)
PROBABILITIES = np.round(1 / (1 + np.exp(-SCORES)), 6)
DECIDED = PROBABILITIES > 0.6
CONFIDENCES = np.where(DECIDED, PROBABILITIES, 1 - PROBABILITIES / 2)


def words(flags):
    return ["bonafide" if flag else "spoof" for flag in flags]


def put(tmp_path, form, header="", name="s.txt", **columns):
    """Write a line an id: `form` with its fields from `columns`."""
    held = {"u": IDS, "s": SCORES, "k": words(IS_BONAFIDE), "b": IS_BONAFIDE.astype(int), **columns}
    rows = [dict(zip(held, row, strict=True)) for row in zip(*held.values(), strict=True)]
    path = tmp_path / name
    path.write_text(f"{header}\n" * bool(header) + "".join(f"{form.format(**r)}\n" for r in rows))
    return path


def refused(path, **asked):
    with pytest.raises(BenchError) as caught:
        read(path, **asked)
    return str(caught.value)
