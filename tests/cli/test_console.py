"""What a terminal would obey is printed as text."""

from __future__ import annotations

import json
import sys

import click
import pytest

from bench._io.printable import csv_cell, escape_invisible, one_line
from bench.cli import main
from bench.cli.console import visible_output
from bench.cli.display import Display
from bench.cli.json_output import json_text
from bench.issues import Issues
from tests.reports.hostile import NAMES

UNSEEN = [chr(n) for n in (*range(9), *range(11, 32), *range(127, 160), *range(0x202A, 0x202F))]
UNSEEN += [chr(n) for n in (*range(0x2066, 0x206A), 0x200B, 0xFEFF, 0xDCFF, 0xE0041)]


def test_a_character_that_nobody_sees_is_written_out(subtests):
    for character in UNSEEN:
        with subtests.test(character=character):
            shown = escape_invisible(f"a{character}b")
            assert shown.isprintable()
            assert json.loads(f'"{shown}"').encode("utf-16", "surrogatepass") == (
                f"a{character}b".encode("utf-16", "surrogatepass")
            )


def test_any_other_character_stays(subtests):
    for text in ["a\tb\n", "50 % ± 3 · λ – ᵉ", "音声", "e\u0301🎤", "a\u00a0b"]:
        with subtests.test(text=text):
            assert escape_invisible(text) == text


def test_all_that_is_echoed_is_visible(capsys, subtests):
    for name in NAMES:
        with subtests.test(name=name):
            with visible_output():
                click.echo(name)
                click.echo(name, err=True)
                click.echo(json_text({"name": name}))
            out, err = capsys.readouterr()
            for text in (out, err):
                assert not [c for c in text if not c.isprintable() and c not in "\n\t"]
            assert json.loads(out[out.rindex("{\n") :])["name"] == name


def test_errors_of_the_command_line_are_visible(capsys, monkeypatch, tmp_path):
    path = tmp_path / "a\x1b]0;t\x07.toml"
    path.write_text("x = ", encoding="utf-8")
    monkeypatch.setenv("BENCH_CONFIG", str(path))
    monkeypatch.setattr(sys, "argv", ["bench", "doctor"])
    with pytest.raises(SystemExit):
        main()
    said = "".join(capsys.readouterr())
    assert "a\\u001b]0;t\\u0007.toml" in said
    assert "\x1b" not in said


def test_a_bar_of_another_library_is_left_alone(capsys):
    with visible_output():
        sys.stderr.write("\r50 %\x1b[A")
    assert capsys.readouterr().err == "\r50 %\x1b[A"


def test_progress_shows_names_as_they_stand(capsys):
    with visible_output(), Display("[red]t", 1) as display:
        display.begin("[bold]a\x1b", 1)
        display.say("b\x1b[31m")
        display.end("[link=x]c\x1b", "finished", "d\x1b")
    said = capsys.readouterr().err
    assert "\x1b" not in said
    assert "b\\u001b[31m" in said
    assert "[red]t  [link=x]c\\u001b: finished" in said


def test_examples_of_findings_are_in_one_line():
    issues = Issues()
    issues.add("error", "a.b", "ids that the keys lack", 2, lambda: ["a\nb", "c\x1b"])
    (issue,) = issues
    assert str(issue) == "ids that the keys lack: a\\nb, c\\u001b"
    assert issue.examples == ("a\nb", "c\x1b"), "JSON has them as they are"
    assert one_line("a\tb") == "a\\tb"


def test_a_formula_gets_an_apostrophe(subtests):
    cases = ["=1", "+a", "-a", "@a", "\ta", "\ra", " =1", "-", "--1", "＝1"]
    for text in cases:
        with subtests.test(text=text):
            assert csv_cell(text) == f"'{text}"


def test_a_number_and_other_text_stay(subtests):
    for value in ["-1.5", "+2", "-1e-3", -1.5, None, "a=b", "1-2", "", True]:
        with subtests.test(value=value):
            assert csv_cell(value) is value
