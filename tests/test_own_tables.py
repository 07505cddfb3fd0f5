"""Tables, sweeps and references of a user's own, in the folders that `extend` names."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.cards import card_files, references, sweep_cards, table_cards
from bench.errors import BenchError
from bench.reports.bibliography import format_bibliography

from .docs.pages import HOW_TO, read_file

TABLE = f"""{read_file(HOW_TO / "table.md", "lab/experiments/mine/rounds.toml")}
[rows.theirs]
cells = ["theirs"]
published_only = true
cite = "ours2026"
source = "a talk"
paper."partialspoof.eer" = 3.0
"""
"""The documentation's, with a row of another system."""
SWEEP = """
title = "Ours"
from = "mine/rounds:one"
trials = 2
evaluate = "nothing"
sampler.kind = "random"
[space]
"optimiser.learning_rate" = { kind = "float", low = 1e-6, high = 1e-4, log = true }
"""
REFERENCE = """
[ours2026]
kind = "misc"
author = "Doe, Jane"
title = "Ours"
venue = "A talk"
year = 2026
"""


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An extension that holds a table, a sweep and a reference; `bench.toml` names it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bench.toml").write_text('extend = ["lab"]\n', encoding="utf-8")
    lab = tmp_path / "lab"
    for name, text in {
        "mine/rounds": TABLE,
        "sweeps/mine-rate": SWEEP,
        "references": REFERENCE,
    }.items():
        path = lab / f"experiments/{name}.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return lab


def test_an_own_table_is_one_among_the_others(lab):
    assert {"mine/rounds", "sal/table4"} < set(table_cards.table_keys())
    table = table_cards.read_table("mine")
    assert table_cards.runnable_rows(table) == ["one", "five"]
    run, parent = (
        table_cards.resolve_row(table, "one"),
        table_cards.resolve_row(table_cards.read_table("table4"), "S5"),
    )
    assert run.mix.kind == "csm"
    assert (run.system, run.optimiser) == (parent.system, parent.optimiser)
    paper = table_cards.read_paper("mine")
    assert (paper.title, paper.venue, paper.differences) == ("mine", "", ())
    assert table.rows["theirs"].cite == "ours2026"
    assert format_bibliography(table).startswith("@misc{ours2026,")
    assert set(references.all_references(card_files.card_folders("experiments"))) > {
        "ours2026",
        "bam",
    }


def test_an_own_sweep_starts_from_an_own_row(lab):
    assert {"mine-rate", "sal-lambda"} < set(sweep_cards.sweep_names())
    card = sweep_cards.read_sweep("sweep/mine-rate")
    assert sweep_cards.base_run(card).mix.kind == "csm"


def test_a_change_of_folders_is_seen_at_once(lab, monkeypatch):
    assert "mine/rounds" in table_cards.table_keys()
    monkeypatch.setenv("BENCH_EXTEND", str(lab.parent))
    with pytest.raises(
        BenchError, match=r"has none of the folders of an extension: datasets, experiments"
    ):
        table_cards.table_keys()
    (lab.parent / "experiments").mkdir()
    assert "mine/rounds" not in table_cards.table_keys()
    with pytest.raises(BenchError, match="'mine/rounds': there is no such table"):
        table_cards.read_table("mine/rounds")


def test_a_name_that_there_is_already_is_refused(lab):
    (lab / "experiments/sal").mkdir()
    for name in ("sal/table4", "sal/paper", "sweeps/sal-lambda"):
        (lab / f"experiments/{name}.toml").write_text(TABLE, encoding="utf-8")
    for read in (
        lambda: table_cards.read_table("table4"),
        lambda: table_cards.read_paper("sal"),
        lambda: sweep_cards.read_sweep("sal-lambda"),
    ):
        with pytest.raises(
            BenchError, match=r"lab/experiments/.*: there is experiments/.* already"
        ):
            read()
    assert table_cards.read_table("tca/table2").key == "tca/table2", "of another table all is well"


@pytest.mark.parametrize(
    ("without", "fault"),
    [
        (
            TABLE[TABLE.index("[base.evaluate") : TABLE.index("[smoke]")],
            "base.evaluate: is missing",
        ),
        ("resolution_s = 0.16\n", "base.evaluate.partialspoof.resolution_s: is missing"),
    ],
)
def test_what_an_own_table_lacks_is_said_of_its_own_card(lab, without, fault):
    path = lab / "experiments/mine/rounds.toml"
    path.write_text(TABLE.replace(without, ""), encoding="utf-8")
    with pytest.raises(BenchError) as raised:
        table_cards.read_table("mine/rounds")
    assert f"lab/experiments/mine/rounds.toml: {fault}" in str(raised.value)
    assert "sal/table4.toml" not in str(raised.value)


def test_a_folder_of_corpora_alone(lab):
    (lab.parent / "own").mkdir()
    (lab.parent / "own/mine.toml").write_text("", encoding="utf-8")
    for said in ('cards = "own"', 'cards = "own"\nextend = ["lab"]'):
        (lab.parent / "bench.toml").write_text(said, encoding="utf-8")
        assert "mine" in card_files.card_keys("datasets")
        assert ("mine/rounds" in table_cards.table_keys()) == ("lab" in said)
