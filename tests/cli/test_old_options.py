"""Option names of the last release: they work, one line says the new name, no help shows them."""

from __future__ import annotations

import click

from bench import cli
from bench.cli.old_options import RENAMED, replace_old_options


def find_command(path: str) -> click.Command:
    """Return the command of a path such as `data mini`."""
    command: click.Command = cli.bench
    for word in path.split():
        assert isinstance(command, click.Group)
        command = command.commands[word]
    return command


def test_each_old_name_gives_way_to_an_option_that_is_there(capsys, subtests):
    for path in RENAMED:
        with subtests.test(path=path):
            command = find_command(path)
            names = {name for of in command.params for name in of.opts}
            with click.Context(command) as context:
                text = command.get_help(context)
            for old, new in RENAMED[path].items():
                assert new in names
                assert old not in names
                assert f"{new} " in f"{text} " or new in text.split()
                for arguments, replaced in (([old, "x"], [new, "x"]), ([f"{old}=x"], [f"{new}=x"])):
                    assert replace_old_options([*path.split(), *arguments]) == [
                        *path.split(),
                        *replaced,
                    ]
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


def list_commands(group: click.Group, path: str = "") -> dict[str, click.Command]:
    """Return every command that is no group, by its path."""
    commands: dict[str, click.Command] = {}
    for name, command in group.commands.items():
        where = f"{path} {name}".strip()
        if isinstance(command, click.Group):
            commands |= list_commands(command, where)
        else:
            commands[where] = command
    return commands


def test_an_option_takes_one_kind_of_value_in_all_commands():
    """But `--track` of `score` may name a table, `--row-seed` of `compare` may be `all`, and
    `--threshold` of `detect` may be that of a corpus (`eer@19LA`).
    """
    kinds: dict[str, set[str]] = {}
    for command in list_commands(cli.bench).values():
        for option in command.params:
            if isinstance(option, click.Option):
                kind = "flag" if option.is_flag else type(option.type).__name__
                kinds.setdefault(option.opts[0], set()).add(kind)
                assert option.help or option.hidden, f"{command.name} {option.opts[0]}: no help"
    several = {name for name, all_kinds in kinds.items() if len(all_kinds) > 1}
    assert several == {"--track", "--row-seed", "--threshold"}
