"""`bench status`: how rows stand, by code, weights and data."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from click.testing import CliRunner

from bench import __version__, versions
from bench._io.digests import short_digest
from bench.cards import table_cards
from bench.cli import bench
from bench.config import Config
from bench.errors import BenchError
from bench.metrics.measured import MetricResult
from bench.runner import current_inputs, row_status
from bench.runner.current_inputs import RunInputs
from bench.tracking import sqlite_runs
from bench.tracking.run_record import RunRecord
from bench.tracking.store import Store

SEED = 666
FIGURES = {"partialspoof.eer": MetricResult(0.03, 0.02, 0.04)}


@pytest.fixture(autouse=True)
def here(config: Config, monkeypatch):
    monkeypatch.setenv("BENCH_WORK", str(config.work))
    monkeypatch.chdir(config.work)


def finish(store: Store, entry: RunRecord, **changes):
    with store.begin_run(replace(entry, **changes)) as tracked:
        tracked.finish_run(FIGURES)


@pytest.fixture
def now(entry: RunRecord, monkeypatch):
    """Have this machine hold what `entry` is made from, or something else."""

    def hold(fingerprints=entry.fingerprints, made_from=entry.made_from):
        there = RunInputs(dict(fingerprints), dict(made_from))
        monkeypatch.setattr(current_inputs.InputReader, "read_run", lambda self, run: there)

    hold()
    return hold


def states(config: Config):
    found = row_status.table_status("sal/table4", "paper", config)
    return {(of.row, of.seed): of for of in found}


def test_each_state_of_a_row_is_said(
    store: Store, config: Config, entry: RunRecord, now, monkeypatch
):
    finish(store, entry)
    with pytest.raises(RuntimeError), store.begin_run(replace(entry, row="S6", run=run("S6"))):
        raise RuntimeError("CUDA out of memory")
    with store.begin_run(replace(entry, row="S7", run=run("S7"))) as tracked:
        found = states(config)
        tracked.finish_run(FIGURES)
    expected = {"S5": "current", "S6": "failed", "S7": "running", "S0": "not run"}
    assert {row: found[row, SEED].state for row in expected} == expected
    assert found["S5", SEED].package
    assert found["S5", SEED].weights == {"xlsr2_300m": "01234567"}


def run(row):
    return table_cards.resolve_row(table_cards.read_table("table4"), row)


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
    store: Store, config: Config, entry: RunRecord, now, changes, state, changed
):
    finish(store, entry)
    now(**changes)
    found = states(config)["S5", SEED]
    assert (found.state, ", ".join(found.changed)) == (state, changed)


@pytest.mark.parametrize("said", [True, False])
def test_older_code_is_said_also_of_runs_that_do_not_say_theirs(
    store: Store, config: Config, entry: RunRecord, now, monkeypatch, said
):
    finish(store, entry)
    if not said:
        (kept,) = store.search_runs(entry.table, {})
        for tag in ("versions", "metrics", "package"):
            store.client.delete_tag(kept.info.run_id, tag)
        with store.begin_run(replace(entry, row="S6", run=run("S6"))) as other:
            other.finish_run(FIGURES)
    # What is computed by is not in the settings of this made run: its parameters say it.
    declared = versions.read_version
    changed = {"specs/systems/sal": 2, "metrics/det": 3}
    monkeypatch.setattr(versions, "read_version", lambda of: changed.get(of) or declared(of))
    found = states(config)["S5", SEED]
    assert found.state == "older code"
    # Versions that were raised after the first release: a run without versions is of that.
    raised = "augmentation rawboost (version 1 -> 3)", "metric intervals (version 1 -> 2)"
    rawboost, intervals = ((), ()) if said else [(one,) for one in raised]
    assert found.changed == (
        "system sal (version 1 -> 2)",
        *rawboost,
        "metric eer (version 1 -> 3)",
        *intervals,
    )


def test_the_lines_and_the_command_are_printed(store: Store, config: Config, entry: RunRecord, now):
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
    assert (found["kind"], found["version"]) == ("status", 2)
    (row,) = [of for of in found["rows"] if of["row"] == "S5"]
    assert row["table"] == "sal/table4"
    assert row["state"] == "other weights"
    assert row["versions"]["system sal"] == 1


@pytest.mark.rows
def test_without_a_table_rows_of_one_code_weights_data_and_state_are_a_line(
    store: Store, entry: RunRecord, now
):
    empty = CliRunner().invoke(bench, ["status", "--smoke"], catch_exceptions=False)
    assert empty.output == "no row of any table was run: `bench run table4 --smoke` runs one\n"
    finish(store, entry)
    finish(store, entry, row="S6", run=run("S6"))
    finish(store, entry, row="S7", run=run("S7"), commit="beefbee")
    finish(store, entry, row="S8", run=run("S8"), fingerprints={"partialspoof/train": "f"})
    other = table_cards.resolve_row(table_cards.read_table("table1"), "SAL-XLSR")
    finish(store, entry, table="sal/table1", row="SAL-XLSR", run=other, made_from={})
    printed = CliRunner().invoke(bench, ["status"], catch_exceptions=False).output.splitlines()
    groups = [re.split("  +", line) for line in printed if line.startswith("sal/")]
    data, package = short_digest(entry.fingerprints), __version__
    by, weights = f"{package} 18096a9", "xlsr2_300m 01234567"
    older_data = short_digest({"partialspoof/train": "f"})
    others = "Multi-reso,CFPRF,BAM-XLSR,BAM-WavLM"
    assert groups[:7] == [
        [*("sal/table1", "not run", "-", "-", "-", "7"), f"{others},SAL-WavLM"],
        ["sal/table1", "current", by, "-", data, "1", "SAL-XLSR"],
        ["sal/table4", "not run", "-", "-", "-", "5", "S0,S1,S2,S3,S4"],
        ["sal/table4", "current", by, weights, data, "2", "S5,S6"],
        ["sal/table4", "current", f"{package} beefbee", weights, data, "1", "S7"],
        ["sal/table4", "other data", by, weights, older_data, "1", "S8"],
        ["sal/table4 S8: changed since: partialspoof/train"],
    ]
    assert printed[-1] == "next: bench run sal/table4 --rows S8"
    now(made_from={"weights xlsr2_300m": "f"})
    printed = CliRunner().invoke(bench, ["status"], catch_exceptions=False).output
    assert "other weights" in printed
    assert printed.endswith("next: bench run sal/table4 --rows S5,S6,S7,S8\n")


def test_the_store_and_each_split_are_read_once_for_all_tables(
    store: Store, config: Config, entry: RunRecord, monkeypatch
):
    finish(store, entry)
    other = table_cards.resolve_row(table_cards.read_table("table1"), "SAL-XLSR")
    finish(store, entry, table="sal/table1", row="SAL-XLSR", run=other)
    read, searched = [], []

    def load(*split):
        read.append((split[0], split[1], split[-1]))
        raise BenchError("corpus.broken", "is not here")

    whole = sqlite_runs.read_runs

    def runs(*asked):
        searched.append(asked)
        return whole(*asked)

    monkeypatch.setattr(current_inputs.corpora, "read_corpus_split", load)
    monkeypatch.setattr(sqlite_runs, "read_runs", runs)
    assert {of.table for of in row_status.all_statuses("paper", config)} == {
        "sal/table4",
        "sal/table1",
    }
    assert len(searched) == 1
    assert len(read) == len({*read}) >= 3


def test_runs_of_other_settings_come_last(store: Store, config: Config, entry: RunRecord, now):
    changed = entry.run.model_copy(
        update={"training": entry.run.training.model_copy(update={"epochs": 3})}
    )
    finish(store, entry, run=changed, overrides=("training.epochs=3",))
    *_, last = row_status.table_status("sal/table4", "paper", config)
    assert (last.row, last.state, last.signature) == ("S5", "other settings", changed.signature)
