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
    print_commands: bool = False
    worker: bool = False

    @property
    def is_local(self) -> bool:
        """Whether processes of this machine run the rows."""
        return self.on is not None and self.on.name == "local"

    def drop_devices(self, config: Config) -> Config:
        """Return the configuration by which this machine is judged: without GPUs if none is used.

        The login node of a cluster has none.
        """
        return replace(config, device="auto", devices=1) if self.print_commands else config

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

_ON = click.option(
    "--on",
    type=EngineParam(),
    metavar="local[=N]|slurm",
    help="Where the rows run. local=N: N processes of this machine, which share out its GPUs "
    "(default: one process for each GPU, or for every four cores). slurm: jobs of Slurm; the "
    "command ends when they are submitted.",
)

_OPTIONS = (
    _ON,
    click.option(
        "--print-commands",
        is_flag=True,
        help="Run nothing. Print one command for each row and seed that is not finished, for "
        "any other scheduler.",
    ),
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
