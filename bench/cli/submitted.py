"""`--on slurm` of verbs that are one job: the same command line, run as a job."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from typing import Any

import click

from bench._io.printable import format_count
from bench.cli import configuration, json_output
from bench.cli.cluster_options import SLURM_OPTION, Engine, EngineParam
from bench.cluster import slurm_commands, submit, submit_command
from bench.cluster.submission import Submission, SubmittedUnit
from bench.cluster.submit import RunRequested
from bench.config import Config
from bench.config.slurm_settings import SlurmSettings, apply_options
from bench.errors import BenchError

_ON = click.option(
    "--on",
    type=EngineParam(),
    metavar="slurm",
    help="Submit this very command as a job of Slurm; the settings are those of [slurm] in "
    "bench.toml.",
)
_VALUED = ("--on", "--slurm")
"""Options, each with a value, that only the submitting command has."""


def slurm_job(verb: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--on slurm` and `--slurm` to a verb, which is then submitted instead of run."""

    @functools.wraps(verb)
    def run_or_submit(*args: Any, on: Engine | None, slurm: tuple[str, ...], **given: Any) -> None:
        if on is None:
            if slurm:
                raise BenchError("option.conflict", "--slurm: is given with --on slurm alone")
            verb(*args, **given)
            return
        if on.name != "slurm" or on.count is not None:
            raise BenchError("option.invalid", "--on: should be slurm: this command is one job")
        submit_line(drop_submitting(sys.argv[1:]), slurm)

    return _ON(SLURM_OPTION(run_or_submit))


def drop_submitting(arguments: Sequence[str]) -> list[str]:
    """Return a command line without the options that submit it.

    >>> drop_submitting(["report", "table4", "--on", "slurm", "--slurm=time=60", "--smoke"])
    ['report', 'table4', '--smoke']
    """
    remaining: list[str] = []
    is_value = False
    for word in arguments:
        if is_value:
            is_value = False
        elif word in _VALUED:
            is_value = True
        elif not word.startswith(tuple(f"{name}=" for name in _VALUED)):
            remaining.append(word)
    return remaining


def submit_line(
    arguments: Sequence[str], given: Sequence[str], count: int = 1, *, only_print: bool = False
) -> None:
    """Submit a command line, `count` times beside each other, and print its jobs."""
    if not only_print:
        slurm_commands.require_slurm()
    here = configuration.load_configuration()
    settings = apply_options(here.slurm, given)
    units = submit_command.build_units(arguments, count)
    asked = submit_command.describe_request(arguments)
    submit_units(asked, units, settings, here, only_print=only_print)


def submit_units(
    asked: RunRequested,
    units: Sequence[SubmittedUnit],
    settings: SlurmSettings,
    config: Config,
    *,
    only_print: bool,
) -> None:
    """Submit units and print the numbers of their jobs, or only print the scripts."""
    max_array = slurm_commands.read_max_array() if not only_print else len(units)
    prepared = submit.prepare_submission(asked, units, settings, config, max_array)
    if only_print:
        click.echo(prepared.format_scripts())
        return
    _print_sent(prepared.send_jobs())


def _print_sent(sent: Submission) -> None:
    arrays = ", ".join(array.job for array in sent.arrays)
    checks = ", ".join(dict.fromkeys(array.preflight for array in sent.arrays))
    click.echo(
        f"submitted {format_count(len(sent.units), 'job')} as {arrays}, after the check "
        f"{checks}; {sent.closing} gathers the results"
    )
    click.echo(f"logs: {sent.folder / 'logs'}")
    record = {
        "submission": sent.name,
        "folder": sent.folder,
        "jobs": [array.job for array in sent.arrays],
        "units": [unit.name for unit in sent.units],
    }
    json_output.print_json("submission", record)
