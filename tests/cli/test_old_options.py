"""Option names of the last release: they work, one line says the new name, no help shows them."""

from __future__ import annotations

import click
import pytest

from bench import cli
from bench.cli.old_options import RENAMED, replace_old_options


def find_command(path: str) -> click.Command:
    """Return the command of a path such as `data mini`."""
    command: click.Command = cli.bench
    for word in path.split():
        assert isinstance(command, click.Group)
        command = command.commands[word]
    return command


@pytest.mark.parametrize("path", RENAMED)
def test_each_old_name_gives_way_to_an_option_that_is_there(path, capsys):
    command = find_command(path)
    names = {name for of in command.params for name in of.opts}
    with click.Context(command) as context:
        text = command.get_help(context)
    for old, new in RENAMED[path].items():
        assert new in names
        assert old not in names
        assert f"{new} " in f"{text} " or new in text.split()
        for arguments, replaced in (([old, "x"], [new, "x"]), ([f"{old}=x"], [f"{new}=x"])):
            assert replace_old_options([*path.split(), *arguments]) == [*path.split(), *replaced]
            (line,) = capsys.readouterr().err.splitlines()
            assert line.startswith("warning: ")
            assert f" {new};" in line


def test_other_arguments_stay_as_they_are(capsys):
    for arguments in (
        [],
        ["--help"],
        ["run", "table4", "--seeds", "3"],
        ["score", "--", "--negate"],
        ["data", "list", "--folder"],
    ):
        assert replace_old_options(arguments) == arguments
    assert capsys.readouterr().err == ""


def test_an_old_option_works_and_is_reported_once(bench):
    done = bench("data", "mini", "--only", "HADD")
    assert done.stderr.splitlines()[0] == (
        "warning: --only is now --corpus; the next release will not know --only"
    )
    assert "did you mean" in done.stderr
