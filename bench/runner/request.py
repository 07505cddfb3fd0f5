"""What `bench run` was asked for: which rows of which table, in which form, with how many seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.cards import table_cards
from bench.cards.table_cards import MARK
from bench.config import Config, Form
from bench.errors import BenchError
from bench.runner.precision import PrecisionChoice
from bench.runner.requirements import require_available
from bench.specs.run import Run
from bench.specs.table import Table


@dataclass(frozen=True)
class RunRequest:
    """What `bench run` was asked for."""

    table: Table
    rows: Sequence[str]
    """Of `table`, variants of its rows among them (`bench.cards.paper_cards.add_variant`)."""
    seeds: int | None
    form: Form
    overrides: Sequence[str] = ()
    seed: int | None = None
    """Run only this one of each row's seeds."""
    precision: PrecisionChoice | None = None
    """In which precision rows are computed; None: the one that their settings have."""

    def resolve_runs(self) -> dict[str, Run]:
        """Return the resolved run of each row."""
        return {row: self._resolve_row(row) for row in self.rows}

    def resolve_admitted(self, row: str) -> tuple[Run, ...]:
        """Return the run of a row in each precision in which it counts for this request."""
        chosen, choice = self._resolve_row(row), self.precision
        if choice is not None and choice.is_stated:
            return (chosen,)
        return (chosen, *(run for run in self._fold_row(row).admitted if run != chosen))

    def accepted_signatures(self, row: str) -> tuple[str, ...]:
        """Return the signatures of `resolve_admitted`."""
        return tuple(run.signature for run in self.resolve_admitted(row))

    def _resolve_row(self, row: str) -> Run:
        run = self._fold_row(row)
        return run if self.precision is None else self.precision.apply_to(run)

    def _fold_row(self, row: str) -> Run:
        return table_cards.resolve_row(self.table, row, self.form, self.overrides)

    def row_seeds(self, row: str) -> tuple[int, ...]:
        """Return the card's seeds, cut or continued upwards to as many as were asked for.

        A row without training has one, which its card says: seeds change nothing of it.
        """
        seeds = self.table.rows[row].seeds or self.table.seeds
        if self.seed is not None:
            return (self._check_seed(row, seeds, self.seed),)
        count = self.seeds or len(seeds)
        if count > 1 and not self._resolve_row(row).is_trained:
            return seeds[:1]
        return (*seeds, *range(seeds[-1] + 1, seeds[-1] + 1 + count))[:count]

    def _check_seed(self, row: str, seeds: Sequence[int], seed: int) -> int:
        """Return a seed of the row; BenchError where it has no such seed."""
        is_further = seed > seeds[-1] and self._resolve_row(row).is_trained
        if seed in seeds or is_further:
            return seed
        listed = ", ".join(map(str, seeds))
        raise BenchError(
            "option.invalid",
            f"--seed {seed}: {self.table.key} {row} has the seeds {listed}, and those that follow",
        )

    def row_index(self, row: str) -> int:
        """Return the row's index in the paper's table; a variant has the index of its row."""
        return [name for name in self.table.rows if MARK not in name].index(row.partition(MARK)[0])

    def count_jobs(self) -> int:
        """Return how many jobs the order holds."""
        return sum(len(self.row_seeds(row)) for row in self.rows)

    def require_available(self, config: Config) -> None:
        """Raise one error that holds everything this machine lacks for the order."""
        require_available(self.resolve_runs().values(), config)
