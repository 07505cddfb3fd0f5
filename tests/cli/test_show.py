"""`bench show`: a line a row by the name that --rows takes; the rest when it is asked for."""

from __future__ import annotations

import json

import pytest

from bench import config
from bench.cards import card_files, table_cards


@pytest.mark.parametrize("table", ["table4", "breathnet/table8", "cross", "breathnet/table12"])
def test_a_table_is_a_line_a_row_with_the_key_that_rows_wants(bench, table, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    done = bench("show", table)
    assert done.returncode == 0, done.stderr
    card = table_cards.read_table(table)
    shown = [line for line in done.stdout.splitlines() if "not run" in line]
    assert [line.split()[0] for line in shown] == table_cards.runnable_rows(card)
    assert len(done.stdout.splitlines()) <= len(card.rows) + 10
    assert table_cards.select_rows(card, shown[-1].split()[0])


@pytest.mark.rows
@pytest.mark.parametrize("table", ["table4", "breathnet/table8", "cross", "breathnet/table10"])
@pytest.mark.parametrize("columns", [80, 120])
def test_lines_fit_a_terminal_and_no_word_is_broken(bench, table, columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", "1000")
    words = {*bench("show", table).stdout.split()}
    monkeypatch.setenv("COLUMNS", str(columns))
    done = bench("show", table)
    assert max(map(len, done.stdout.splitlines())) <= columns
    assert {word for word in done.stdout.split() if set(word) != {"-"}} <= words


def test_a_command_reads_the_configuration_of_cards_once_and_the_next_one_anew(
    bench, environment, tmp_path, monkeypatch
):
    loaded = []
    load = config.read_config
    monkeypatch.setattr(card_files.config, "read_config", lambda: loaded.append(1) or load())
    assert bench("list").returncode == 0
    assert len(loaded) == 1
    environment["BENCH_EXTEND"] = str(tmp_path / "nowhere")
    assert "there is no such folder" in bench("list").stderr


def test_list_fits_as_well(bench, monkeypatch):
    monkeypatch.setenv("COLUMNS", "1000")
    words = bench("list").stdout.split()
    monkeypatch.setenv("COLUMNS", "80")
    done = bench("list")
    assert done.stdout.split() == words
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "\n  breathnet-duration  " in done.stdout


def test_the_rest_is_shown_when_asked_for(bench):
    short = bench("show", "table4", "--rows", "S5").stdout
    assert "training.epochs = 50" not in short
    assert "missing here: corpus partialspoof" in short
    settings = bench("show", "table4", "--rows", "S5", "--settings").stdout
    assert "training.epochs = 50" in settings
    assert "missing: corpus partialspoof is not configured: add" in settings
    diff = bench("show", "table4", "--rows", "S5", "--changed-settings").stdout
    assert "differs from S3: system.auxiliary.kind = position" in diff
    assert "training.epochs" not in diff
    points = bench("show", "table4", "--rows", "S5", "--paper-differences").stdout
    assert "Paper, released code, this suite" in points
    assert "released:" not in settings + diff


def test_a_key_that_no_cell_has_is_named_with_the_settings(bench):
    done = bench("show", "breathnet/table12", "--rows", "S2", "--changed-settings")
    assert "\nS2: (2)\n" in done.stdout


@pytest.mark.parametrize("verb", ["show", "run"])
def test_a_reversed_range_names_the_right_order(bench, verb):
    done = bench(verb, "table4", "--rows", "S3-S1")
    assert done.returncode == 2
    assert "'S3-S1': S3 comes after S1 in the table; should be S1-S3" in done.stderr


@pytest.mark.rows
def test_runs_with_other_settings_are_counted_and_shown_with_all(bench, tiny, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    order = ["run", "table4", "--smoke", "--rows", "S0", *tiny, "--set", "training.epochs=1"]
    done = bench(*order)
    assert done.returncode == 0, done.stderr
    assert "finished  PS EER" in done.stderr
    assert "(paper 5.70)" in done.stderr
    assert "training.epochs=1" in done.stdout
    assert done.stdout.splitlines()[-1] == "next: bench show sal/table4 --other-settings --smoke"
    *_, command = done.stdout.splitlines()
    shown = bench(*command.removeprefix("next: bench ").split())
    (line,) = [line for line in shown.stdout.splitlines() if "training.epochs=1" in line]
    assert line.split()[0] == "S0"
    counted = bench("show", "table4", "--smoke").stdout
    assert "not shown: 1 with changed settings (bench show sal/table4 --other-settings)" in counted
    record = json.loads(bench("show", "table4", "--smoke", "--other-settings", "--json").stdout)
    (other,) = record["other_runs"]
    assert "training.epochs=1" in other["set"]
    assert {of["metric"]: of["unit"] for of in other["results"]}["partialspoof.eer"] == "%"
    again = bench(*order)
    assert "already finished  PS EER" in again.stderr
    assert "nothing to do" in again.stdout
