"""Settings that come in pairs, a least and a largest value."""

from __future__ import annotations

from bench.specs.base import Spec


def check_ranges(spec: Spec, *names: str) -> None:
    """Raise ValueError for the first of `names` whose least value is above its largest."""
    for name in names:
        low, high = getattr(spec, f"min_{name}"), getattr(spec, f"max_{name}")
        if low > high:
            raise ValueError(f"min_{name} = {low}: should be at most max_{name} = {high}")
