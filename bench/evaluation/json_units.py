"""Results as the JSON of `bench score` and `bench compare` has them.

Rates are in per cent, with their unit beside them, as in reports.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.metrics.catalogue import is_rate, printed_unit

_SCALED = (
    *("value", "low", "high", "utterance_low", "utterance_high", "a", "b", "difference"),
    *("official", "lowest", "highest"),
)
"""What is in the unit of a result; counts and p-values are not."""


def in_unit(name: str, value: float) -> float:
    """Return a value of the result `name` as it is printed: a rate in per cent."""
    return 100 * value if is_rate(name) else value


def printed_result(name: str, value: float) -> dict[str, Any]:
    """Return a value of the result `name` as it is printed, and its unit."""
    return {"value": in_unit(name, value), "unit": printed_unit(name)}


def as_printed(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of the result `name`, rates in per cent, and their `unit`."""
    scaled = {
        key: in_unit(name, value) if key in _SCALED and isinstance(value, float) else value
        for key, value in values.items()
    }
    return {**scaled, "unit": printed_unit(name)}
