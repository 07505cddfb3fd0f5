"""Every command that a page shows exists, with its options; every file of a page can be read."""

from __future__ import annotations

import ast
import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from bench.cli import bench as group

from .pages import ROOT, WRITTEN, read_blocks

_ENDS = ("|", ">", ">>", "&&", ";", "2>")


def find_commands(page: Path) -> Iterator[str]:
    """Yield every `bench ...` of a page, in blocks and in the text."""
    for block in read_blocks(page):
        if block.language in ("console", "sh", "text", ""):
            for line in block.text.replace("\\\n", " ").splitlines():
                words = line.removeprefix("$ ").removeprefix(".venv/bin/")
                if words.startswith("bench "):
                    yield words
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for code in re.findall(r"`(?:\.venv/bin/)?(bench [a-z][^`]*)`", text):
        yield " ".join(code.split())


def check_command(line: str) -> None:
    """Raise click's error where a command or an option does not exist or is an old name."""
    words = shlex.split(line, comments=True)[1:]
    ends = [words.index(word) for word in _ENDS if word in words]
    words = words[: min(ends)] if ends else words
    command: click.Command = group
    context = click.Context(group, info_name="bench")
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        name, *words = words
        member = command.get_command(context, name)
        assert member is not None, f"no such command: {name}"
        command, context = member, click.Context(member, parent=context, info_name=name)
    for word in (word.partition("=")[0] for word in words if word.startswith("--")):
        names = {
            option
            for parameter in command.get_params(context)
            if not getattr(parameter, "hidden", False)
            for option in (*parameter.opts, *parameter.secondary_opts)
        }
        assert word in names, f"{command.name} has no option {word}"
    command.make_parser(context).parse_args(words)


def test_every_command_of_a_page_exists(subtests: pytest.Subtests) -> None:
    for page in WRITTEN:
        with subtests.test(page=str(page.relative_to(ROOT))):
            wrong: list[str] = []
            for line in find_commands(page):
                try:
                    check_command(line)
                except (click.UsageError, AssertionError, ValueError) as error:
                    wrong.append(f"{line}: {error}")
            assert not wrong, "\n".join(wrong)


def test_a_wrong_option_is_seen() -> None:
    with pytest.raises(AssertionError, match="--nonsense"):
        check_command("bench score a.txt --nonsense")
    with pytest.raises(AssertionError, match="no such command"):
        check_command("bench data nonsense")


def test_every_block_can_be_read(subtests: pytest.Subtests) -> None:
    for page in WRITTEN:
        with subtests.test(page=str(page.relative_to(ROOT))):
            readers = {"toml": tomllib.loads, "python": ast.parse, "json": json.loads}
            for block in read_blocks(page):
                if block.language in readers:
                    readers[block.language](block.text)


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_links_to_files_lead_somewhere(page: str) -> None:
    """Those within the site are checked when it is built."""
    text = (ROOT / page).read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", text)
    lost = [of for of in targets if "://" not in of and not (ROOT / of).exists()]
    assert not lost
