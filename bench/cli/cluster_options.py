"""Options that say where a command runs: here, in several processes, or as jobs of Slurm."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple

import click

from bench.cli import options
from bench.config import Config
from bench.errors import BenchError, near_name

ENGINES = ("local", "slurm")


class Engine(NamedTuple):
    """Where the work is done."""

    name: str
    """`local` or `slurm`."""
    count: int | None
    """How many processes or jobs at a time; None where it is left to the suite."""


class EngineParam(click.ParamType):
    """The command line's type of `local`, `local=4`, `slurm`."""

    name = "engine"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Engine:
        """Return the engine, or refuse what is none."""
        if isinstance(value, Engine):
            return value
        name, equals, text = str(value).partition("=")
        if name not in ENGINES:
            self.fail(f"{value!r}: should be local or slurm{near_name(name, ENGINES)}", param, ctx)
        if equals and not (text.isdecimal() and int(text)):
            self.fail(f"{value!r}: should be {name}=N, with N from 1", param, ctx)
        return Engine(name, int(text) if equals else None)


@dataclass(frozen=True)
class ClusterOptions:
    """What `bench run` was asked for beside the rows."""

    on: Engine | None = None
    slurm: tuple[str, ...] = ()
    script: bool = False
    print_commands: bool = False
    status: bool = False
    follow: bool = False
    cancel: bool = False
    yes: bool = False
    retry_failed: bool = False
    worker: bool = False

    @property
    def is_local(self) -> bool:
        """Whether processes of this machine run the rows."""
        return self.on is not None and self.on.name == "local"

    @property
    def is_slurm(self) -> bool:
        """Whether jobs of Slurm run the rows."""
        return self.on is not None and self.on.name == "slurm"

    @property
    def is_brief(self) -> bool:
        """Whether nothing is trained by this command itself."""
        return self.is_slurm or self.print_commands or self.status or self.cancel

    def check(self) -> None:
        """Raise BenchError for options that need another one."""
        needs = {
            "--script": (self.script, self.is_slurm, "--on slurm"),
            "--slurm": (self.slurm, self.is_slurm, "--on slurm"),
            "--retry-failed": (self.retry_failed, self.is_slurm, "--on slurm"),
            "--follow": (self.follow, self.status, "--status"),
            "--yes": (self.yes, self.cancel, "--cancel"),
        }
        for name, (given, there, needed) in needs.items():
            if given and not there:
                raise BenchError("option.conflict", f"{name}: is given with {needed} alone")
        if self.is_slurm and self.on is not None and self.on.count is not None:
            raise BenchError(
                "option.conflict",
                "--on slurm=N: is for sweeps; how many rows run at a time is --slurm parallel=N",
            )
        actions = {
            "--on": self.on is not None,
            "--print-commands": self.print_commands,
            "--status": self.status,
            "--cancel": self.cancel,
        }
        given_actions = [name for name, given in actions.items() if given]
        if len(given_actions) > 1:
            raise BenchError(
                "option.conflict", f"{' and '.join(given_actions)}: give one of them alone"
            )

    def drop_devices(self, config: Config) -> Config:
        """Return the configuration by which this machine is judged: without GPUs if none is used.

        The login node of a cluster has none.
        """
        is_elsewhere = self.print_commands or self.is_slurm
        return replace(config, device="auto", devices=1, nodes=1) if is_elsewhere else config

    def name_given(self) -> str:
        """Return the names of the options that were given, with commas between."""
        given = {f"--{field.name.replace('_', '-')}": getattr(self, field.name) for field in _SHOWN}
        return options.name_given_options(given)

    def require_none(self, table: str) -> None:
        """Raise BenchError if one was given for a table that is not trained."""
        if refused := self.name_given():
            raise BenchError(
                "option.not-applicable", f"{table}: is not trained: leave {refused} out"
            )


_SHOWN = [field for field in fields(ClusterOptions) if field.name != "worker"]

ON_OPTION = click.option(
    "--on",
    type=EngineParam(),
    metavar="local[=N]|slurm",
    help="Where the work is done. local=N: N processes of this machine, which share out its GPUs "
    "(default: one process for each GPU, or for every four cores). slurm: jobs of Slurm, of a "
    "sweep slurm=N; the command ends when they are submitted.",
)

SLURM_OPTION = click.option(
    "--slurm",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change a setting of [slurm] in bench.toml, e.g. time=2-00:00:00, gpus=1, "
    "partition=gpu, lines=--qos=long.",
)

_OPTIONS = (
    ON_OPTION,
    SLURM_OPTION,
    click.option(
        "--script",
        is_flag=True,
        help="With --on slurm: print the scripts for sbatch, and submit nothing.",
    ),
    click.option(
        "--retry-failed",
        is_flag=True,
        help="With --on slurm: also submit rows that failed in an earlier submission.",
    ),
    click.option(
        "--print-commands",
        is_flag=True,
        help="Run nothing. Print one command for each row and seed that is not finished, for "
        "any other scheduler.",
    ),
    click.option(
        "--status",
        is_flag=True,
        help="Show how each row and seed stands: queued, running (node, epoch, time left), "
        "requeued, finished, failed or lost, with the last line of its log.",
    ),
    click.option(
        "--follow",
        is_flag=True,
        help="With --status: show it again until no job is left; exit with 1 if one failed. "
        "Ctrl-C stops no job.",
    ),
    click.option("--cancel", is_flag=True, help="Cancel the jobs of these rows, after a question."),
    click.option("--yes", is_flag=True, help="With --cancel: do not ask."),
    click.option("--worker", is_flag=True, hidden=True),
)


def cluster_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; the command gets them as one `ClusterOptions`, its parameter `cluster`."""
    names = {field.name for field in fields(ClusterOptions)}

    @functools.wraps(command)
    def call_with_options(*args: Any, **given: Any) -> None:
        ours = {name: value for name, value in given.items() if name in names}
        others = {name: value for name, value in given.items() if name not in names}
        command(*args, cluster=ClusterOptions(**ours), **others)

    wrapped: Callable[..., Any] = call_with_options
    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped
