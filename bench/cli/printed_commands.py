"""`bench run --print-commands`: the units that are left, as commands for any scheduler."""

from __future__ import annotations

from functools import partial

import click

from bench.cli import json_output
from bench.cluster.units import UnitCommand, group_units
from bench.config import Config
from bench.runner.request import RunRequest
from bench.runner.unfinished_jobs import list_unfinished
from bench.tracking.store import Store


def print_commands(order: RunRequest, command: UnitCommand, config: Config) -> None:
    """Print the command of each unit that is not finished."""
    store = Store(config, partial(click.echo, err=True))
    units = group_units(order, list_unfinished(order, config, store, command.again))
    lines = [command.format_line(unit) for unit in units]
    json_output.print_json("commands", {"table": command.table, "commands": lines})
    for line in lines:
        click.echo(line)
