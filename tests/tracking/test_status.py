"""`bench status`: how rows stand, by code, weights and data."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from bench import cards, versions
from bench.cli import bench
from bench.launchers import present
from bench.launchers.present import Present
from bench.launchers.status import runs_of, standings
from bench.metrics.scores import Figure

SEED = 666
FIGURES = {"partialspoof.eer": Figure(0.03, 0.02, 0.04)}


@pytest.fixture(autouse=True)
def here(config, monkeypatch):
    monkeypatch.setenv("BENCH_WORK", str(config.work))
    monkeypatch.chdir(config.work)


def finish(store, entry, **changes):
    with store.begin(replace(entry, **changes)) as tracked:
        tracked.finish(FIGURES)


@pytest.fixture
def now(entry, monkeypatch):
    """Have this machine hold what `entry` is made from, or something else."""

    def hold(fingerprints=entry.fingerprints, made_from=entry.made_from):
        there = Present(dict(fingerprints), dict(made_from))
        monkeypatch.setattr(present.Machine, "of_run", lambda self, run: there)

    hold()
    return hold


def states(config, look=True):
    table = cards.table("table4")
    found = standings(table, "paper", config, runs_of(table.key, "paper", config), look=look)
    return {(of.row, of.seed): of for of in found}


def test_each_state_of_a_row_is_said(store, config, entry, now, monkeypatch):
    finish(store, entry)
    with pytest.raises(RuntimeError), store.begin(replace(entry, row="S6", run=run("S6"))):
        raise RuntimeError("CUDA out of memory")
    with store.begin(replace(entry, row="S7", run=run("S7"))) as tracked:
        found = states(config)
        tracked.finish(FIGURES)
    expected = {"S5": "current", "S6": "failed", "S7": "running", "S0": "not run"}
    assert {row: found[row, SEED].state for row in expected} == expected
    assert found["S5", SEED].package
    assert found["S5", SEED].weights == {"xlsr2_300m": "01234567"}


def run(row):
    return cards.resolve(cards.table("table4"), row)


@pytest.mark.parametrize(
    ("changes", "state", "changed"),
    [
        ({"made_from": {"weights xlsr2_300m": "f"}}, "other weights", "weights xlsr2_300m"),
        ({"fingerprints": {"partialspoof/train": "f"}}, "other data", "partialspoof/train"),
        ({"fingerprints": {"another/train": "f"}}, "current", ""),
        ({"made_from": {}}, "current", ""),
    ],
)
def test_weights_and_data_are_those_of_this_machine(
    store, config, entry, now, changes, state, changed
):
    finish(store, entry)
    now(**changes)
    found = states(config)["S5", SEED]
    assert (found.state, ", ".join(found.changed)) == (state, changed)
    assert states(config, look=False)["S5", SEED].state == "current"


@pytest.mark.parametrize("said", [True, False])
def test_older_code_is_said_also_of_runs_that_do_not_say_theirs(
    store, config, entry, now, monkeypatch, said
):
    finish(store, entry)
    if not said:
        (kept,) = store.search(entry.table, {})
        for tag in ("versions", "metrics", "package"):
            store.client.delete_tag(kept.info.run_id, tag)
        with store.begin(replace(entry, row="S6", run=run("S6"))) as other:
            other.finish(FIGURES)
    # What is computed by is not in the settings of this made run: its parameters say it.
    declared = versions.declared
    changed = {"systems/sal": 2, "metrics/det": 3}
    monkeypatch.setattr(versions, "declared", lambda of: changed.get(of) or declared(of))
    found = states(config)["S5", SEED]
    assert found.state == "older code"
    assert found.changed == ("system sal (version 1 -> 2)", "metric eer (version 1 -> 3)")


def test_the_lines_and_the_command_are_printed(store, config, entry, now):
    finish(store, entry)
    now(made_from={"weights xlsr2_300m": "f"})
    printed = CliRunner().invoke(bench, ["status", "table4"], catch_exceptions=False).output
    (line,) = [line for line in printed.splitlines() if line.startswith("S5 ")]
    for part in ("666", "other weights", "18096a9", "xlsr2_300m 01234567"):
        assert part in line
    assert "S5, seed 666: changed since: weights xlsr2_300m" in printed
    assert "next: bench run sal/table4 --rows S5\n" in printed
    whole = CliRunner().invoke(bench, ["status", "table4", "--json"], catch_exceptions=False)
    found = json.loads(whole.output)
    assert (found["kind"], found["version"]) == ("status", 1)
    (row,) = [of for of in found["rows"] if of["row"] == "S5"]
    assert row["table"] == "sal/table4"
    assert row["state"] == "other weights"
    assert row["versions"]["system sal"] == 1


def test_without_a_table_each_that_has_runs_is_a_line(store, entry):
    empty = CliRunner().invoke(bench, ["status", "--smoke"], catch_exceptions=False)
    assert "no row of any table was run: `bench run table4 --smoke` runs one" in empty.output
    finish(store, entry)
    printed = CliRunner().invoke(bench, ["status"], catch_exceptions=False).output
    (line,) = [line for line in printed.splitlines() if line.startswith("sal/table4")]
    assert "1 current" in line
    assert "tca" not in printed


def test_runs_of_other_settings_come_last(store, config, entry, now):
    changed = entry.run.model_copy(
        update={"training": entry.run.training.model_copy(update={"epochs": 3})}
    )
    finish(store, entry, run=changed, overrides=("training.epochs=3",))
    table = cards.table("table4")
    *_, last = standings(table, "paper", config, runs_of(table.key, "paper", config))
    assert (last.row, last.state, last.signature) == ("S5", "other settings", changed.signature)
