"""`bench data mini`: which corpora, what is said of each, what is not replaced unasked."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import synthetic
from bench.cli.progress_bars import show_progress_each


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple]:
    """What `write` is asked for; nothing is written."""
    calls: list[tuple] = []

    def write(place, speech, seed, size, progress, only, cards, *, ready, replace):
        calls.append((place, seed, only and sorted(only), replace))
        for key in sorted(only or ["had"]):
            progress(key, 1, 2)
            ready(Path(place, key), "one with seed 0, not 1" if replace else "")
        return [Path(place, "had")]

    monkeypatch.setattr(synthetic, "write_miniatures", write)
    return calls


def test_a_table_names_the_corpora_that_it_needs(bench, asked):
    done = bench("data", "mini", "--table", "table4", "--output-dir", "made")
    assert done.returncode == 0, done.stderr
    assert asked[-1][2:] == (["llamapartialspoof", "partialspoof"], False)
    assert done.stdout.splitlines() == [
        f"written: {Path('made/llamapartialspoof')}",
        f"written: {Path('made/partialspoof')}",
    ]
    assert bench("data", "mini", "--table", "mfpt/lowresource", "--corpus", "HAD").returncode == 0
    assert asked[-1][2] == ["asvspoof2019la", "asvspoof2021df", "asvspoof5", "had"]
    assert bench("data", "mini").returncode == 0
    assert asked[-1][2] is None
    assert "did you mean 'table4'?" in bench("data", "mini", "--table", "tabel4").stderr


def test_what_is_replaced_is_named(bench, asked):
    done = bench(
        "data", "mini", "--corpus", "HAD", "--seed", "1", "--replace", "--output-dir", "made"
    )
    assert asked == [(Path("made"), 1, ["had"], True)]
    assert "written: made/had (in place of one with seed 0, not 1)" in done.stdout


def test_each_bar_has_a_name_and_a_count(monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with show_progress_each("clips") as told:
        told("partialspoof", 1, 216)
        told("had", 1, 30)
    shown = capsys.readouterr().err
    assert "partialspoof, 216 clips" in shown
    assert "had, 30 clips" in shown
