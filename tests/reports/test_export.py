"""The parts of an export: BibTeX, CITATION.cff, results for Hugging Face, what is missing."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

import pandas as pd
import pytest
import yaml
from markdown_it import MarkdownIt

from bench.cards import table_cards
from bench.reports.document import build_report
from bench.reports.export import citations, eval_results, run_list
from bench.reports.export.parts import MissingPart, name_row_folders
from bench.reports.export.readme import render_readme
from tests.reports.judged_files import judged
from tests.tracked_frames import as_files, as_runs

from .hostile import NAMES, Alive, hostile_report
from .made import PAPER, RUNS, TABLE, frame, made, settings

VIEWER = MarkdownIt("gfm-like", {"html": True, "linkify": False})
"""A reader of Markdown that obeys HTML."""


def cited(key):
    table = table_cards.read_table(key)
    return table, table_cards.read_paper_of(table), table_cards.resolve_rows(table)


@pytest.mark.parametrize("key", ["sal/table4", "aasist/asvspoof2019", "cross/detection"])
def test_bibtex_has_the_paper_the_corpora_and_the_cited_systems_once(key):
    table, paper, runs = cited(key)
    text = citations.render_bibtex(table, paper, runs)
    keys = re.findall(r"^@\w+\{([^,]+),$", text, re.MULTILINE)
    corpora = {f"corpus:{data.corpus}" for run in runs.values() for data in run.data.values()}
    systems = {row.cite for row in table.rows.values()} - {""}
    own = {f"paper:{paper.key}"} if paper.venue else set()
    assert len(keys) == len({*keys})
    assert {*keys} == corpora | systems | own
    assert text.isascii()
    assert text.count("{") == text.count("}")


def test_a_corpus_is_cited_by_its_authors_title_and_year():
    text = citations.render_bibtex(*cited("sal/table4"))
    entry = text[text.index("@misc{corpus:partialspoof,") :].partition("\n}")[0]
    assert "author = {L. Zhang and X. Wang and E. Cooper and N. Evans and J. Yamagishi}" in entry
    assert "title = {{The PartialSpoof Database and Countermeasures" in entry
    assert "year = {2023}" in entry
    assert "url = {https://zenodo.org/records/5766198}" in entry


def test_the_citation_file_is_yaml_with_what_the_format_requires():
    works = citations.list_cited_works(*cited("sal/table4"))
    content = yaml.safe_load(citations.render_citation_file(works, ["18096a9"]))
    assert {"cff-version", "message", "title", "authors"} <= content.keys()
    assert content["cff-version"] == "1.2.0"
    assert content["commit"] == "18096a9"
    assert content["references"][0]["authors"] == [
        {"name": name} for name in ("Yuchen Mao", "Wen Huang", "Yanmin Qian")
    ]
    assert all({"type", "title", "authors"} <= work.keys() for work in content["references"])
    two = citations.render_citation_file(works, ["18096a9", "80d8f57"])
    assert "commit" not in yaml.safe_load(two), "it would be a guess"


def evaluated_on(corpus, split="eval", resolution_s=None):
    """A report whose column `a.eer` is of this split, with a scored system that lacks trials."""
    runs = {row: settings(place) for place, row in enumerate(RUNS)}
    for run in runs.values():
        run.evaluate["a"] = SimpleNamespace(corpus=corpus, split=split, resolution_s=resolution_s)
    scored = pd.DataFrame([judged("Theirs", 2), judged("Part", 4, missing=12)])
    return build_report(TABLE, PAPER, runs, as_runs(frame()), as_files(scored), "paper")


def results_of(report):
    folders = name_row_folders(report.table.rows)
    files = eval_results.list_eval_results(report, report.runs, folders)
    return {path.split("/")[1]: text for path, text in files.items()}, files


def test_hugging_face_reads_the_results_of_a_benchmark():
    hub = pytest.importorskip("huggingface_hub")
    texts, files = results_of(evaluated_on("asvspoof2019la"))
    assert "eval_results/Both/.eval_results/speech-deepfake-bench.yaml" in files
    assert {*texts} == {"Both", "Half", "Single", "Theirs", "Part"}, "rows with results"
    (entry,) = hub.parse_eval_result_entries(yaml.safe_load(texts["Both"]))
    assert entry.dataset_id == "SpeechAntiSpoofingBenchmarks/ASVspoof2019_LA"
    assert entry.task_id == "antispoofing_eval"
    assert entry.value == pytest.approx(5.0)
    assert entry.date == "2026-01-13"
    assert "95 % interval [4.80, 5.30], 3 of 3 seeds, measured here" in entry.notes
    assert "# no benchmark of the Hub: b.f1 91.50 %" in texts["Both"]
    (theirs,) = hub.parse_eval_result_entries(yaml.safe_load(texts["Theirs"]))
    assert "score file, evaluated here" in theirs.notes
    assert yaml.safe_load(texts["Part"]) == [], "trials are missing"
    assert "12 trials missing" in texts["Part"]


@pytest.mark.parametrize(
    "what",
    [
        pytest.param({"corpus": "asvspoof2021la"}, id="other trials"),
        pytest.param({"corpus": "asvspoof2019la", "split": "dev"}, id="another split"),
        pytest.param({"corpus": "partialspoof", "resolution_s": 0.16}, id="frames"),
    ],
)
def test_a_result_of_other_trials_is_a_comment(what):
    texts, _ = results_of(evaluated_on(**what))
    assert yaml.safe_load(texts["Both"]) == []
    assert "# no benchmark of the Hub: a.eer 5.00 %" in texts["Both"]


def test_a_smoke_result_is_no_result():
    report = made("smoke")
    folders = name_row_folders(report.table.rows)
    assert eval_results.list_eval_results(report, report.runs, folders) == {}


def test_the_runs_say_what_the_store_says():
    runs = run_list.list_runs(made())
    both = [run for run in runs if run["row"] == "Both"]
    assert [run["seed"] for run in both] == [7, 3, 9]
    assert both[0]["fingerprints"] == {"a/train": "0a", "a/eval": "0b"}
    assert both[0]["commit"] == "18096a9"
    theirs = [run for run in runs if run["row"] == "Theirs"]
    assert theirs == [
        {"row": "Theirs", "evaluation": "a", "run_id": f"{2:032x}", "trials_missing": 0}
    ]
    assert json.loads(json.dumps(runs)) == runs


def test_packages_are_files_that_pip_reads_and_lost_locks_are_named(monkeypatch):
    monkeypatch.setattr("bench.provenance.lock_digest", lambda: "none")
    common = {"lock": "0123456789abcdef", "commit": "18096a9"}
    runs = [
        {"row": "S1", "seed": 1, "environment": "python 3.11.7, torch 2.11.0+cu128", **common},
        {"row": "S2", "seed": 1, "environment": "python 3.11.7, torch 2.11.0+cu128", **common},
        {"row": "S3", "seed": 2, "environment": "numpy 2.0.0, a\nb 1", **common},
        {"row": "S4", "seed": 2, "environment": "", **common},
    ]
    files = run_list.list_environment_files(runs)
    assert [*files] == ["environment/requirements-1.txt", "environment/requirements-2.txt"]
    first, second = files.values()
    assert first == '# "S1 seed 1", "S2 seed 1"\n# python 3.11.7\ntorch==2.11.0+cu128\n'
    assert second.splitlines()[1:] == ["numpy==2.0.0", "# a\\nb 1"]
    assert run_list.list_missing_locks(runs) == [
        MissingPart("uv.lock 0123456789abcdef", "", "it is that of commit 18096a9"),
        MissingPart("list of packages", "S4", "the run did not record its packages"),
    ]


@pytest.mark.rows
def test_hostile_names_stay_text(subtests):
    for name in NAMES:
        with subtests.test(name=name):
            report = hostile_report(name)
            folders = name_row_folders(report.table.rows)
            assert all(re.fullmatch(r"[\w+=-][\w.+=-]*", folder) for folder in folders.values())
            readme = render_readme(report, [MissingPart(name, name, name)])
            shown = re.sub("</?hr>", "", VIEWER.render(readme))
            assert Alive(shown).faults == []
            works = citations.list_cited_works(report.table, report.paper, {})
            assert yaml.safe_load(citations.render_citation_file(works, [name]))["references"]
            texts, _ = results_of(report)
            assert texts
            assert all(isinstance(yaml.safe_load(text), list) for text in texts.values())
