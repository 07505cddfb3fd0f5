"""What the faults are tried on: worlds, and what an undisturbed one holds when all is done."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from tests.faults import kills
from tests.faults.world import (
    WEIGHTS,
    Arguments,
    Remains,
    World,
    collect_remains,
    list_differences,
    write_weights,
)

RUN = ("run", "faults/table", "--smoke", "--rows", "one")
RUN_BOTH = ("run", "faults/table", "--smoke")
RUN_LONG = (*RUN, "--set", "training.epochs=12")
RUN_WEIGHTED = ("run", "faults/weighted", "--smoke", "--rows", "one")
REPORT = ("report", "faults/table", "--smoke", "--output-dir", "reports", "--format", "md,html,csv")
SWEEP = ("sweep", "faults", "--smoke")
SYNC = ("sync", "--from-other-stores")
NOWHERE = "http://127.0.0.1:9"
"""A tracking server that does not answer."""
_SIZE = (12, 6, 6, 6, 4, 4, 2, 6, 6, 6, 6, 6)


class Work(NamedTuple):
    """Commands, and others that go before them while the tracking server is away."""

    commands: tuple[Arguments, ...]
    away: tuple[Arguments, ...] = ()


RUN_AND_REPORT = Work((RUN, REPORT))
RUN_TABLE = Work((RUN_BOTH, REPORT))
SEND = Work((SYNC, REPORT), away=(RUN,))
SEARCH = Work((SWEEP,))
LONG = Work((RUN_LONG,))
WEIGHTED = Work((RUN_WEIGHTED,))


@dataclass
class Lab:
    """Worlds in a folder of their own."""

    folder: Path
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _expected: dict[Work, Remains] = field(default_factory=dict[Work, Remains])

    def __post_init__(self) -> None:
        from bench.synthetic import Size, write_miniatures

        self.folder.mkdir(parents=True, exist_ok=True)
        size = Size(*_SIZE, shortest_s=1.0, longest_s=2.0)
        write_miniatures(self.folder / "miniatures" / "mini", size=size, only=["partialspoof"])
        write_weights(self.folder / "miniatures" / WEIGHTS, seed=0)

    def make_world(self, work: Work | None = None, folder: Path | None = None) -> World:
        """Return a new world, in `folder` or one of the lab's, where `work` can begin."""
        path = (folder or self.folder) / f"world-{next(self._numbers)}"
        world = World.make(path, self.folder / "miniatures")
        if work is not None and work.away:
            replace(world, environment={"BENCH_TRACKING": NOWHERE}).finish(*work.away)
        return world

    def expect(self, work: Work) -> Remains:
        """Return what a world holds after work that nothing disturbs."""
        if work not in self._expected:
            world = self.make_world(work)
            world.finish(*work.commands)
            self._expected[work] = collect_remains(world)
        return self._expected[work]

    def finish(self, world: World, work: Work, failed_runs: int = 0) -> None:
        """Do the work, in a world where faults were; AssertionError unless it holds the same.

        `failed_runs` are those that other data made: they may stay, with their settings.
        """
        world.finish(*work.commands)
        remains = collect_remains(world)
        if failed_runs:
            remains = remains.without_failed(failed_runs)
        if differences := list_differences(self.expect(work), remains):
            raise AssertionError("\n".join(differences))

    def record_calls(self, work: Work) -> dict[str, list[float]]:
        """Return how long each call of each phase takes, where nothing disturbs the work."""
        world, file = self.make_world(work), self.folder / "calls.jsonl"
        file.unlink(missing_ok=True)
        for arguments in work.commands:
            command = world.run(*arguments, before=lambda: kills.record_calls(file))
            if command.code:
                raise AssertionError(command.said)
        return kills.read_calls(file)

    def kill(self, work: Work, moment: kills.Moment) -> None:
        """Kill the work at a moment, do it again, and require that nothing was lost."""
        world = self.make_world(work)
        for arguments in work.commands:
            world.run(*arguments, before=lambda: kills.kill_at(moment))
        self.finish(world, work)
