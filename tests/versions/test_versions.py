"""A part's results version is raised when its results change, and only then are these others."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
import torch

from bench import versions
from bench.cards import table_cards
from bench.metrics.registry import describe_metrics
from tests.errors import raises_code
from tests.versions import golden
from tests.versions.parts import all_parts
from tests.versions.summary import summary

PARTS = all_parts()
KINDS = sorted({part.split()[0] for part in PARTS})


@pytest.fixture(autouse=True)
def unlike_any_other_process():
    """No output may hang on what ran before it in its process: that is another with each worker."""
    random.seed()
    np.random.seed()  # noqa: NPY002 - libraries draw from it
    torch.seed()


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.rows
@pytest.mark.parametrize("kind", KINDS)
def test_results_are_those_of_the_declared_version(kind, subtests):
    for part in (part for part in PARTS if part.startswith(kind)):
        with subtests.test(part=part):
            wrong = golden.problem(part, PARTS[part]())
            assert not wrong, wrong


@pytest.mark.rows
def test_every_part_of_every_run_and_every_metric_has_a_version_and_an_output():
    found = set(versions.list_metric_versions(describe_metrics()))
    for key in table_cards.table_keys():
        table = table_cards.read_table(key)
        for form in ("paper", "smoke"):
            for row in table_cards.runnable_rows(table):
                found |= versions.list_run_versions(
                    table_cards.resolve_row(table, row, form)
                ).keys()
    assert found <= PARTS.keys()
    assert {versions.read_version(versions.find_part_module(part)) for part in PARTS} >= {
        versions.FIRST
    }


def test_no_golden_output_is_of_a_part_that_is_gone():
    assert {path.name for path in golden.FOLDER.iterdir()} == {
        golden.place(part).name for part in PARTS
    }


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """A golden output of its own, of the version that the module declares."""
    monkeypatch.setattr(golden, "FOLDER", tmp_path)
    assert "no golden output" in golden.problem("metric auc", {"value": [0.5]})
    assert golden.write("metric auc", {"value": [0.5]}).startswith("written")
    assert golden.problem("metric auc", {"value": [0.50001]}) == ""
    return golden.place("metric auc")


def test_other_results_want_a_raised_version_and_are_not_written_without(kept):
    wrong = golden.problem("metric auc", {"value": [0.501]})
    assert "raise RESULTS_VERSION in bench/metrics/auc.py" in wrong
    assert "Changes results" in wrong
    before = kept.read_text()
    assert golden.write("metric auc", {"value": [0.501]}).startswith("not written")
    assert kept.read_text() == before


def test_a_raised_version_wants_a_golden_output_of_its_own(kept, monkeypatch):
    monkeypatch.setattr(versions, "read_version", lambda module: 2)
    assert "is of version 1" in golden.problem("metric auc", {"value": [0.5]})
    assert golden.write("metric auc", {"value": [0.501]}).startswith("written")
    assert json.loads(kept.read_text())["version"] == 2
    assert golden.problem("metric auc", {"value": [0.501]}) == ""


def test_a_part_that_is_gone_is_not_outdated():
    now = versions.read_version("specs/systems/sal")
    before = {"system sal": now - 1, "system gone": 1, "thing gone": 1, "training": 0}
    assert versions.find_outdated(before).keys() == {"system sal", "training"}
    assert versions.find_outdated(before)["system sal"] == (now - 1, now)


def test_a_module_without_a_version_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(versions, "_ROOT", tmp_path)
    for text in ("", "RESULTS_VERSION = 0\n", "RESULTS_VERSION = '1'\n"):
        path = tmp_path / f"of{len(text)}.py"
        path.write_text(text)
        with raises_code("metric.results-version"):
            versions.read_version(path.stem)


def test_a_summary_sees_order_sign_and_size():
    one = summary([1.0, 2.0, 3.0])
    for other in ([3.0, 2.0, 1.0], [1.0, 2.0, -3.0], [1.0, 2.0], [1.0, 2.0, 3.001]):
        assert golden.differs(summary(other), one)
    assert not golden.differs(summary([1.0, 2.0, 3.0 + 1e-6]), one)
