"""`--costs spoof_prior=0.1,false_alarm=5`: priors and costs of one's own."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Literal

import click

from bench.errors import BenchError, near_name

_MODULES = {"ADcfCosts": "bench.metrics.sasv", "DcfCosts": "bench.metrics.dcf"}


class CostsParam(click.ParamType):
    """The command line's type of priors and costs; those that are not named keep their defaults."""

    name = "costs"

    def __init__(self, kind: Literal["ADcfCosts", "DcfCosts"]) -> None:
        self._kind = kind
        """The class of the costs, whose module imports NumPy."""

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,  # noqa: ARG002
        ctx: click.Context | None,  # noqa: ARG002
    ) -> Any:
        """Return the costs; BenchError for a name that is none and for what is no number."""
        if not isinstance(value, str):
            return value
        costs = getattr(import_module(_MODULES[self._kind]), self._kind)
        given: dict[str, float] = {}
        for part in value.split(","):
            name, _, number = (piece.strip() for piece in part.partition("="))
            if name not in costs._fields:
                raise BenchError(
                    "option.invalid",
                    f"--costs {part}: {name!r} is no cost{near_name(name, costs._fields)}: should "
                    f"be some of {', '.join(costs._fields)}",
                )
            try:
                given[name] = float(number)
            except ValueError:
                raise BenchError(
                    "option.invalid", f"--costs {part}: should be {name}=NUMBER"
                ) from None
        return costs(**given)
