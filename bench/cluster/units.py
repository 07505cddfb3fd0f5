"""Units of work: a row and a seed, or a few rows that share one training, as a plain command."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import NamedTuple

from bench.cards.table_cards import MARK
from bench.cluster.submission import AGAIN
from bench.runner.request import RunRequest
from bench.specs.precision import PrecisionName


class Unit(NamedTuple):
    """Rows with one training, and the seed: what one process runs, and can run again."""

    rows: tuple[str, ...]
    """One, or those that would wait for each other; variants with their mark."""
    seed: int
    precision: PrecisionName = "fp32"
    """In which it is computed, wherever it runs: machines may choose others by themselves."""

    @property
    def name(self) -> str:
        """As folders and variables have it.

        >>> Unit(("S5", "S6"), 666).name
        'S5,S6@666'
        """
        return f"{','.join(self.rows)}{MARK}{self.seed}"


class UnitCommand(NamedTuple):
    """The options that every unit of one request has."""

    table: str
    form: str
    overrides: tuple[str, ...] = ()
    variant: str | None = None
    again: bool = False

    def list_arguments(self, unit: Unit) -> list[str]:
        """Return the arguments of `bench` that run a unit.

        >>> UnitCommand("sal/table4", "smoke").list_arguments(Unit(("S5",), 666))[1:]
        ['sal/table4', '--rows', 'S5', '--seed', '666', '--precision', 'fp32', '--smoke']
        """
        rows = ",".join(row.partition(MARK)[0] for row in unit.rows)
        arguments = ["run", self.table, "--rows", rows, "--seed", str(unit.seed)]
        arguments += ["--precision", unit.precision]
        arguments += ["--smoke"] * (self.form == "smoke")
        for setting in self.overrides:
            arguments += ["--set", setting]
        if self.variant is not None:
            arguments += ["--variant", self.variant]
        return arguments + [AGAIN] * self.again

    def format_line(self, unit: Unit) -> str:
        """Return the command that runs a unit as a shell takes it."""
        return shlex.join(["bench", *self.list_arguments(unit)])


def group_units(order: RunRequest, jobs: Sequence[tuple[str, int]]) -> list[Unit]:
    """Return the units of rows and seeds, in their order.

    Rows that share a training are one unit: beside each other one would find the other busy.
    """
    runs = order.resolve_runs()
    groups: dict[tuple[str, int], list[str]] = {}
    for row, seed in jobs:
        groups.setdefault((runs[row].training_signature, seed), []).append(row)
    return [
        Unit(tuple(rows), seed, runs[rows[0]].training.precision)
        for (_, seed), rows in groups.items()
    ]
