"""The pages of what papers print: all of it, nothing of ours, and as they lie in the repository."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.cards import table_cards
from bench.cli.report import report
from bench.reports import paper_pages
from bench.reports.result_cells import count_decimals

REPOSITORY = Path(__file__).parents[2] / "reports" / "papers"


@pytest.fixture(scope="module")
def pages():
    return paper_pages.render_paper_pages()


def test_the_repository_holds_the_pages_of_its_cards(pages):
    """Where a change is meant: `bench report papers` writes them anew."""
    assert paper_pages.find_stale_paper_pages(REPOSITORY) == []
    assert {path.name for path in REPOSITORY.iterdir()} == {*pages}


def test_every_printed_result_stands_in_its_row(pages, subtests):
    for key in table_cards.table_keys():
        with subtests.test(key=key):
            table = table_cards.read_table(key)
            if not any(row.published_figures for row in table.rows.values()):
                assert f"{key.partition('/')[0]}.md" not in pages, "a table of no paper"
                continue
            text = pages[f"{key.partition('/')[0]}.md"].partition(f"\n## {table.title}\n")[2]
            text = text.partition("\n## ")[0]
            for name, row in table.rows.items():
                if table.layout == "matrix":
                    shown = text.partition(f"\n### {name} ")[2].partition("\n### ")[0]
                else:
                    (shown,) = re.findall(
                        rf"^\| (?:\[{re.escape(name)}\]|{re.escape(name)} ).*", text, re.M
                    )
                for column in table.columns:
                    if column.metric in row.published_figures:
                        value = f"{row.published_figures[column.metric]:.{count_decimals(column)}f}"
                        assert re.search(rf"\| {re.escape(value)}[ᵃᵈ]* \|", shown), (
                            name,
                            column.metric,
                        )
            assert "(paper) |" in text or ": paper\n" in text


def test_no_result_of_ours_and_no_picture_stands_there(pages):
    for text in pages.values():
        assert "![" not in text
        assert "not run" not in text
        assert "results, none of this suite." in " ".join(text.split())


def test_a_papers_contradictions_and_differences_are_there(pages):
    text = pages["breathnet.md"]
    assert len(re.findall(r"\dᵃ \|", text)) == len(re.findall(r"^- ᵃ .*\.$", text, re.M)) == 4
    assert "| no-film | w/o BreathFiLM | 0.30 | 1.06 | 2.19 | 6.16 | 3.43ᵃ |" in text
    assert "the paper prints 3.43 for Avg.; (0.30 + 1.06 + 2.19 + 6.16) / 4 = 2.4275." in text
    for key in ("sal", "tca", "breathnet", "mfpt"):
        for point in table_cards.read_paper(key).differences:
            name = re.escape(" ".join(point.item.split())).replace(r"\|", r"\\\|")
            assert re.search(rf"^\| {name} \| ", pages[f"{key}.md"].replace("\\", ""), re.M), name


@pytest.mark.rows
def test_the_verb_writes_and_checks_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    checked = CliRunner().invoke(report, ["papers", "--check"])
    assert checked.exit_code == 1
    assert "README.md (write it with `bench report papers`)" in checked.output
    done = CliRunner().invoke(report, ["papers"])
    assert done.output == "papers: reports/papers/README.md\n"
    assert CliRunner().invoke(report, ["papers", "--check"]).exit_code == 0
    (tmp_path / "reports/papers/gone.md").write_text("", encoding="utf-8")
    checked = CliRunner().invoke(report, ["papers", "--check"])
    assert (checked.exit_code, "gone.md" in checked.output) == (1, True)
    refused = CliRunner().invoke(report, ["papers", "--format", "html", "--smoke"])
    assert "leave --smoke, --format out" in str(refused.exception)
