"""Frames and labels that Hypothesis draws."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from bench.metrics.timeline import frames_on_grid, make_stretches


@st.composite
def gridded(draw):
    """(samples in a frame, {code: (labels of samples, scores of frames)}); a "sample" here is
    5 ms, so that the plain loops are short: times are multiplied by 80."""
    own = draw(st.sampled_from([2, 4, 8]))
    found = {}
    for code in sorted(draw(st.sets(st.integers(0, 9), min_size=1, max_size=3))):
        stretches = draw(
            st.lists(st.tuples(st.booleans(), st.integers(1, 20)), min_size=1, max_size=4)
        )
        spoof = [is_spoof for is_spoof, n in stretches for _ in range(n)]
        n = max(1, -(-len(spoof) // own) + draw(st.integers(-2, 2)))
        found[code] = spoof, draw(st.lists(st.integers(-3, 3), min_size=n, max_size=n))
    return own, found


def on_arrays(own, found):
    counts = [len(found[code][1]) if code in found else 0 for code in range(max(found) + 1)]
    scored = frames_on_grid(counts, own * 80, [s for _, scores in found.values() for s in scores])
    rows = [
        (code, 80 * i, 80 * (i + 1), is_spoof)
        for code, (spoof, _) in found.items()
        for i, is_spoof in enumerate(spoof)
    ]
    return scored, make_stretches(*map(np.array, zip(*rows, strict=True)))
