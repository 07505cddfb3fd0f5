"""One table with a trained row, a row of its authors' weights and one of its authors' scores: the
report, its JSON form and the page of all results say of each what it rests on.
"""

from __future__ import annotations

import csv
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import tomlkit

from bench.cards import corpus_cards, table_cards
from bench.data.corpora import read_keys
from bench.reports import grid_page

pytestmark = pytest.mark.rows

KEY, EER = "mine/mixed", "asvspoof2019la.eer"
TABLE = """
title        = "Three kinds of rows"
text_columns = ["System"]
seeds        = [1]
columns      = [
    { heading = "EER", metric = "asvspoof2019la.eer" },
    { heading = "min t-DCF", metric = "asvspoof2019la.min_tdcf" },
]

[base.evaluate.asvspoof2019la]
corpus       = "asvspoof2019la"
split        = "eval"
resolution_s = "utterance"
clip_s       = 4.0375
fill         = "repeat"

[rows.trained]
from     = "aasist/asvspoof2019:AASIST"
cells    = ["Trained"]
system   = { filters = 24, first_channels = 8, channels = 8, graph_dim = 8, joint_dim = 8 }
training = { epochs = 1, batch_size = 8 }
train.clip_s = 2.0375
dev.clip_s   = 2.0375
paper."asvspoof2019la.eer" = 40.0

[rows.weights]
from  = "aasist/asvspoof2019:AASIST-L-released"
cells = ["Weights"]
paper."asvspoof2019la.eer" = 0.99

[rows.printed]
cells          = ["Printed"]
published_only = true
source         = "a talk"
paper."asvspoof2019la.eer" = 3.0
"""
PRINTED = {"trained": 40.0, "weights": 0.99, "Scores": 25.0, "printed": 3.0}
"""The published EER of each row, in per cent."""
EVIDENCE = {
    "trained": "measured here",
    "weights": "authors' weights, evaluated here",
    "Scores": "authors' scores, evaluated here",
    "printed": "published",
}


class Reported(NamedTuple):
    """What the commands wrote of the table."""

    markdown: str
    content: dict
    lines: list[dict[str, str]]
    """The table's lines in the page of all results, by the page's own column keys."""
    public: dict
    """What `bench run` printed of the score file."""


class GridLines(HTMLParser):
    """The lines of the page of all results."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.keys: list[str] = []
        self.lines: list[list[str]] = []
        self._inside = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag == "th":
            self.keys.append(dict(attrs)["data-key"])
        elif tag == "tr" and self.keys:
            self.lines.append([])
        elif tag == "td":
            self.lines[-1].append("")
        self._inside = tag == "td" or (self._inside and tag == "a")

    def handle_endtag(self, tag):
        self._inside = self._inside and tag == "a"

    def handle_data(self, data):
        if self._inside:
            self.lines[-1][-1] += data

    @property
    def named_lines(self) -> list[dict[str, str]]:
        return [dict(zip(self.keys, line, strict=True)) for line in self.lines]


def write_score_file(path: Path, root: Path) -> None:
    """Write a score with noise for every trial of the miniature."""
    subset = read_keys(corpus_cards.read_corpus_card("19LA"), "eval", root)
    table = subset.table
    spoof = (table["label"] == "spoof").to_numpy()
    score = np.random.default_rng(0).normal(size=len(table)) - spoof
    path.parent.mkdir(parents=True)
    lines = zip(table["utterance"], score.tolist(), strict=True)
    path.write_text("".join(f"{name} {value!r}\n" for name, value in lines))


@pytest.fixture
def reported(
    bench, environment, miniatures: Path, official: Path, tmp_path: Path, monkeypatch
) -> Reported:
    """The table, run by the commands that a person types, on a miniature that stands for 19LA."""
    root = miniatures / "mini/asvspoof2019la"
    environment["BENCH_CORPORA_ASVSPOOF2019LA"] = str(root)
    environment["BENCH_WEIGHTS_AASIST_L"] = str(official / "asvspoof2019_la/weights/AASIST-L.pth")
    public = {
        "title": "Made",
        "corpus": "asvspoof2019la",
        "split": "eval",
        "files": {
            "made": {
                "system": "Scores",
                "by": "authors",
                "page": "https://example.org/made",
                "file": "made.txt",
                "url": "https://example.org/made.txt",
                "licence": "MIT",
                "printed": {"eer": 25.0},
                "printed_in": "its README",
                "tables": [KEY],
            }
        },
    }
    for name, text in {
        "bench.toml": 'extend = ["lab"]\n',
        f"lab/experiments/{KEY}.toml": TABLE,
        "lab/experiments/public/made.toml": tomlkit.dumps(public),
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    write_score_file(tmp_path / "work/public/made/made.txt", root)

    def print_of(*words: str) -> str:
        done = bench(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    print_of("run", KEY)
    (judged,) = json.loads(print_of("run", "public/made", "--json"))["files"]
    # `all` of one table: the others take ten seconds to find that nothing of them was run.
    monkeypatch.setattr(table_cards, "table_keys", lambda: (KEY,))
    print_of("report", "all", "--format", "html")
    content = json.loads(print_of("report", KEY, "--json"))
    folder = tmp_path / "reports/published"
    grid = GridLines((folder / grid_page.NAME).read_text(encoding="utf-8"))
    return Reported((folder / "mine-mixed.md").read_text(), content, grid.named_lines, judged)


def test_each_row_says_what_it_rests_on_everywhere(reported: Reported, tmp_path: Path) -> None:
    assert {row["row"]: row["evidence"] for row in reported.content["rows"]} == EVIDENCE
    cells = {
        record["row"]: record for record in reported.content["records"] if record["metric"] == EER
    }
    lines = {line["row"]: line for line in reported.lines if line["metric"] == "eer"}
    assert {row: line["evidence"] for row, line in lines.items()} == EVIDENCE
    assert {row: record["paper"] for row, record in cells.items()} == PRINTED
    public = reported.public["results"]["eer"]
    for row in ("trained", "weights", "Scores"):
        cell, line = cells[row], lines[row]
        value, low, high, difference = (
            cell[name] for name in ("value", "low", "high", "difference")
        )
        assert low <= value <= high
        assert difference == pytest.approx(value - PRINTED[row])
        assert line["result"] == f"{value:.2f} [{low:.2f}, {high:.2f}]"
        assert (line["paper"], line["difference"]) == (f"{PRINTED[row]:.2f}", f"{difference:+.2f}")
        figures = f"{PRINTED[row]:.2f} / {value:.2f} / {difference:+.2f}"
        (text,) = [
            each.replace("**", "").replace("ᵗ", "")
            for each in reported.markdown.splitlines()
            if each.startswith(f"| {row} | ") and " / " in each
        ]
        assert figures in text
        assert f"[{low:.2f}, {high:.2f}]" in text
    assert cells["Scores"]["value"] == pytest.approx(public["value"])
    assert (cells["printed"]["value"], lines["printed"]["result"]) == (None, "")
    assert cells["Scores"]["scored"]
    assert not cells["weights"]["scored"]
    with next(tmp_path.rglob("mine-mixed.csv")).open(encoding="utf-8") as file:
        by_row = {line["row"]: line for line in csv.DictReader(file) if line["metric"] == EER}
    assert by_row.keys() == EVIDENCE.keys()
    lines = reported.markdown.splitlines()
    assert any(line.startswith("| weights | Weights (authors' weights, evalu") for line in lines)
    group = "| **Authors' scores, evaluated here** |"
    (start,) = [number for number, line in enumerate(lines) if line.startswith(group)]
    assert lines[start + 1].startswith("| Scores | Scores |")
    assert "- printed: published results from a talk." in lines
    assert "2 of 2 rows are complete" in reported.markdown
    assert "[public/made, made](https://example.org/made)" in reported.markdown
