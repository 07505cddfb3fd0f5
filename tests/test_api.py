"""The public interface: what it is, that it is documented, and that it does what the verbs do."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import bench
from bench.config import Config
from tests.errors import raises_code
from tests.evaluation.listed import listed, written


def test_every_public_name_is_there_and_says_what_it_does():
    for name in bench.__all__:
        value = getattr(bench, name)
        assert name in ("__version__", "metrics") or inspect.getdoc(value), name
    for name in bench.metrics.__all__:
        assert inspect.getdoc(getattr(bench.metrics, name)), name
    with pytest.raises(AttributeError, match="no attribute 'evalute'"):
        bench.evalute  # noqa: B018


def test_importing_bench_imports_nothing_else():
    code = "import sys, bench; print(sorted(n for n in sys.modules if n in ('numpy', 'pydantic')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_corpus_and_a_table_are_read(miniatures):
    config = Config(work=miniatures)
    subset = bench.read_corpus("19LA", "eval", smoke=True, config=config)
    assert len(subset.table) > 0
    assert bench.read_corpus("19LA", smoke=True, config=config).split == "eval"
    assert bench.read_table("table4").key == "sal/table4"
    with raises_code("corpus.unknown"):
        bench.read_corpus("20LA", config=config)


def test_two_score_files_are_compared(miniatures, tmp_path):
    keys = miniatures / "mini" / "asvspoof2019la"
    table = listed(keys.parent, "asvspoof2019la")
    one = written(tmp_path, table, "one.txt")
    other = written(tmp_path, table.assign(score=table["score"] ** 3), "other.txt")
    comparison = bench.compare(one, other, "19LA", keys, replicates=9)
    rates = [bench.evaluate(path, "19LA", keys, replicates=0) for path in (one, other)]
    (pooled,) = [each for each in comparison.compared if each.metric == "eer"]
    expected = rates[0].results["eer"].value - rates[1].results["eer"].value
    assert pooled.a - pooled.b == pytest.approx(expected)


def test_a_model_that_is_not_trained_is_an_error(tmp_path):
    config = Config(work=tmp_path, device="cpu")
    with raises_code("row.not-trained"):
        bench.load_model("table4", "S0", smoke=True, config=config)
    with raises_code("table.row-unknown"):
        bench.load_model("table4", "S0,S1", smoke=True, config=config)
