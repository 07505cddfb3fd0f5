"""Tables 1 and 2 of BreathNet: looked up in the network and in the protocols."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.analysis import checked_tables
from bench.cards import checked_cards
from bench.cli import bench
from bench.config import Config
from bench.errors import BenchError
from bench.reports import checked_report as reports
from bench.specs.checked import CountedSet, CountTable, ShapeTable
from tests.errors import raises_code

TABLES = ["breathnet/table1", "breathnet/table2"]


@pytest.fixture(scope="module")
def shapes() -> ShapeTable:
    card = checked_cards.read_checked_table("breathnet/table1")
    assert isinstance(card, ShapeTable)
    return card


@pytest.fixture(scope="module")
def counts() -> CountTable:
    card = checked_cards.read_checked_table("breathnet/table2")
    assert isinstance(card, CountTable)
    return card


@pytest.fixture(scope="module")
def printed(shared) -> str:
    return (shared / "papers" / "breathnet.txt").read_text(encoding="utf-8")


def test_the_tables_are_found():
    assert checked_cards.checked_table_keys() == TABLES


def test_the_card_of_table_1_is_what_the_paper_prints(shapes, printed):
    body = printed.split("TABLE I\n", 1)[1].split("\n\n", 2)[1].splitlines()[1:]
    stages: list[tuple[str, list[str], str]] = []
    for line in body:
        name, module, shape = line.split("\t")
        if name:
            stages.append((name, [], shape))
        stages[-1][1].extend([] if module == "–" else [module])
    assert [stage.name for stage in shapes.stages] == [name for name, _, _ in stages]
    for stage, (_, modules, shape) in zip(shapes.stages, stages, strict=True):
        assert " \\times ".join(map(str, stage.paper)) == shape.strip("$")
        assert " ".join(module.name for module in stage.modules) == " ".join(modules)


def test_the_card_of_table_2_is_what_the_paper_prints(counts, printed):
    body = printed.split("TABLE II\n", 1)[1].split("\n\n", 2)[1].splitlines()[1:]
    assert [[one.name, *one.printed_counts] for one in counts.sets] == [
        line.split("\t") for line in body
    ]


@pytest.mark.rows
def test_the_networks_shapes_are_those_of_table_1():
    found = checked_tables.look_up_table("breathnet/table1", Config())
    assert {line.state for line in found.lines} == {"equal"}
    assert found.summary == "Of 5 lines: 5 equal."
    by_name = {line.name: line for line in found.lines}
    assert "BiLSTM2 N × 32 × 512, Mean Pool N × 512" in by_name["Classification"].source
    assert "AdaptiveMaxPool2d N × 1 × 70 × 32" in by_name["Freq. Feature"].source


@pytest.mark.rows
def test_a_shape_that_the_network_does_not_have_is_not_equal(shapes, monkeypatch):
    wrong = shapes.stages[1].model_copy(update={"paper": ("N", 31, 1024)})
    card = shapes.model_copy(update={"stages": (shapes.stages[0], wrong)})
    monkeypatch.setattr(checked_tables, "read_checked_table", lambda _: card)
    found = checked_tables.look_up_table("breathnet/table1", Config())
    assert [line.state for line in found.lines] == ["equal", "not equal"]
    assert (
        "| N × 31 × 1024 | N × 32 × 1024 | not equal |"
        in reports.render_checked_files(found)["breathnet-table1.md"]
    )


@pytest.mark.rows
def test_another_row_has_its_own_shapes(shapes):
    """Clips of 2 s have 99 states: (32,000 - 400) / 320 is 98.75, and one more than its whole."""
    other = shapes.model_copy(update={"row": "breathnet/table9:2s"})
    known = checked_tables.part_shapes(other)
    assert known["input"] == (3, 32_000)
    assert known["frontend"] == (3, 99, 1024)
    assert known["frequency"] == (3, 32, 1024)


@pytest.mark.rows
def test_a_part_that_the_network_lacks_is_named(shapes, monkeypatch):
    wrong = shapes.stages[1].model_copy(update={"of": "frequencies"})
    monkeypatch.setattr(
        checked_tables,
        "read_checked_table",
        lambda _: shapes.model_copy(update={"stages": (wrong,)}),
    )
    with raises_code("analysis.no-such-part") as raised:
        checked_tables.look_up_table("breathnet/table1", Config())
    assert "did you mean 'frequency'" in str(raised.value)


def test_counts_are_the_cards_where_no_corpus_is_at_hand():
    found = checked_tables.look_up_table("breathnet/table2", Config())
    assert {line.state for line in found.lines} == {"equal by the card"}
    text = reports.render_checked_files(found)["breathnet-table2.md"]
    assert "the corpus is not on this machine" in text
    assert "| 16,3560 | 163,560 |" in text


def test_counts_are_the_protocols_where_they_are_there(official):
    config = Config(corpora={"asvspoof2019la": official / "asvspoof2019_la"})
    found = checked_tables.look_up_table("breathnet/table2", config)
    states = [line.state for line in found.lines]
    assert states == ["equal"] * 2 + ["equal by the card"] * 6
    assert found.lines[0].source == "protocol of asvspoof2019la train"


def test_a_protocol_with_other_counts_is_not_equal(official, tmp_path):
    for path in (official / "asvspoof2019_la/protocols").glob("*.txt"):
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        lines = lines[: -1 if ".train." in path.name else 100]
        (tmp_path / path.name).write_text("".join(lines), encoding="utf-8")
    config = Config(corpora={"asvspoof2019la": tmp_path})
    lines = checked_tables.look_up_table("breathnet/table2", config).lines
    (line,) = [line for line in lines if line.name == "Train (2019 LA)"]
    assert line.state == "not equal"
    assert line.ours == ("2,580", "22,799", "25,379")


def test_faults_of_a_card_are_named():
    with pytest.raises(ValueError, match="should be digits and commas"):
        CountedSet(name="x", corpus="c", split="s", bonafide="2.5", spoof="1", total="1")


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.slow
def test_the_commands_take_them(table: str, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = CliRunner().invoke(bench, ["run", table])
    assert run.exit_code == 0, run.output
    assert re.search(r"Of \d lines: \d equal", run.output)
    written = CliRunner().invoke(bench, ["report", table, "--output-dir", "made"])
    assert written.exit_code == 0, written.output
    stem = table.replace("/", "-")
    assert sorted(path.name for path in Path("made").iterdir()) == [f"{stem}.csv", f"{stem}.md"]
    again = ["report", table, "--output-dir", "made", "--check"]
    assert CliRunner().invoke(bench, again).exit_code == 0
    Path("made", f"{stem}.md").unlink()
    assert CliRunner().invoke(bench, again).exit_code == 1
    refused = CliRunner().invoke(bench, ["run", table, "--smoke", "--seeds", "2"])
    assert isinstance(refused.exception, BenchError)
    assert "leave --seeds, --smoke out" in str(refused.exception)


@pytest.mark.rows
def test_they_are_listed():
    listed = CliRunner().invoke(bench, ["list"])
    assert "breathnet/table1" in listed.output
