"""Every `--json` prints one object of the documented form, errors included."""

from __future__ import annotations

import json

import click
import pytest

from bench.cli import bench as group
from bench.cli import json_output


def verbs(command: click.Command, name: str) -> list[tuple[str, click.Command]]:
    """Every command that does something, by the words that call it."""
    if isinstance(command, click.Group):
        return [
            found for key, sub in command.commands.items() for found in verbs(sub, f"{name} {key}")
        ]
    return [(name.strip(), command)]


def test_every_verb_has_json(subtests):
    for name, verb in verbs(group, ""):
        with subtests.test(name=name):
            serves = name == "ui"  # it serves pages until it is stopped
            assert any("--json" in parameter.opts for parameter in verb.params) or serves


def test_a_mistake_is_json_too(bench, subtests):
    cases = [
        ("show", "sal/table44"),
        ("report", "nothing"),
        ("run", "table4", "--rows", "S99", "--smoke"),
        ("list", "--no-such-option"),
        ("sweep", "nothing"),
        ("data", "show", "nothing"),
    ]
    for arguments in cases:
        with subtests.test(arguments=arguments):
            done = bench(*arguments, "--json")
            found = json.loads(done.stdout)
            assert found["kind"] == "error"
            assert found["error"]["exit_code"] == done.returncode == 2
            assert found["error"]["message"].split("\n")[0] in done.stderr
            assert bench(*arguments).stdout == "", (
                "without --json nothing stands on standard output"
            )


def test_standard_output_holds_the_object_alone_and_the_exit_code_stays(capsys):
    @click.command()
    @json_output.json_option("made")
    @click.pass_context
    def verb(context):
        click.echo("said meanwhile")
        json_output.add_content({"runs": [1]})
        json_output.add_content({"runs": [2], "form": "smoke"})
        context.exit(1)

    assert verb.main(["--json"], standalone_mode=False) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out)["runs"] == [1, 2]
    assert printed.err == "said meanwhile\n"
    assert verb.main([], standalone_mode=False) == 1
    assert capsys.readouterr().out == "said meanwhile\n"


@pytest.mark.rows
def test_every_record_says_table_metric_and_unit(bench):
    found = json.loads(bench("report", "sal/table4", "--smoke", "--json").stdout)
    assert found["kind"] == "report"
    for record in found["records"]:
        assert record["table"] == "sal/table4"
        assert record["unit"] in ("%", "bits", "cost")
        assert record["metric"].startswith(f"{record['evaluation']}.") or not record["evaluation"]
    shown = json.loads(bench("show", "sal/table4", "--smoke", "--json").stdout)
    assert shown["rows"][0]["results"][0].keys() == found["records"][0].keys()


def test_what_would_be_run_and_what_was_sent_are_json(bench):
    plan = json.loads(
        bench("run", "table4", "--smoke", "--dry-run", "--rows", "S0", "--json").stdout
    )
    assert (plan["kind"], plan["rows"][0]["row"]) == ("dry run", "S0")
    sent = json.loads(bench("sync", "--json").stdout)
    assert (sent["kind"], sent["runs"]) == ("sync", [])
