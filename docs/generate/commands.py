"""The page of the command line, from click."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from itertools import starmap

import click

from bench._io.markdown import format_prose
from bench.cli import bench

_HEAD = """# Command line

This page is made from the program. `bench COMMAND --help` prints the same.

Every command but `bench ui` takes `--json` and then prints one object ([JSON](../json.md)).
`table4` is short for `sal/table4`, and `cross` for `cross/detection`. Other tables are named in
full: `tca/table1`.
"""


def walk_commands(
    command: click.Command = bench, names: tuple[str, ...] = ("bench",)
) -> Iterator[tuple[str, click.Command]]:
    """Yield every command with its whole name, groups before their members."""
    if names != ("bench",):
        yield " ".join(names), command
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            member = command.get_command(click.Context(command), name)
            assert member is not None
            yield from walk_commands(member, (*names, name))


def make_pages() -> dict[str, str]:
    """Return the page, one section a command."""
    return {"commands.md": "\n".join([_HEAD, *starmap(_describe_command, walk_commands())])}


def _describe_command(name: str, command: click.Command) -> str:
    context = click.Context(command, info_name=name)
    usage = " ".join(command.collect_usage_pieces(context))
    lines = [f"## {name}", "", f"```text\n{name} {usage}\n```", "", _read_help(command), ""]
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None and "--help" not in record[0]:
            lines += [f"`{record[0]}`", f": {format_prose(record[1]) or 'See above.'}", ""]
    return "\n".join(lines)


def _read_help(command: click.Command) -> str:
    text = inspect.cleandoc(command.help or "").replace("\b\n", "")
    return "\n\n".join(format_prose(" ".join(part.split())) for part in text.split("\n\n"))
