"""A metric is one file: added to the folder, it is everywhere that metrics are."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields

import pytest

import bench.metrics
from bench import versions
from bench.cards import card_files, column_checks, table_cards
from bench.evaluation import render, row_evaluation
from bench.evaluation import score_file as scores
from bench.evaluation.comparison import compare_score_files
from bench.evaluation.draws import draw_replicates
from bench.metrics import catalogue
from bench.metrics.measure import Metric
from bench.metrics.measured import MetricResult
from bench.metrics.registry import (
    describe_metrics,
    find_metric_file,
    forget_metrics,
    select_metrics,
)
from tests.errors import raises_code
from tests.evaluation.listed import frames, judge, listed, written
from tests.evaluation.score_columns import columns as rows

HALF_ERROR = '''
"""The mean of both error rates at a threshold of 0."""

from bench.metrics.dcf import Cost
from bench.metrics.measure import Decided, ScoreMetric
from bench.metrics.tally import sum_classes

RESULTS_VERSION = 3


def half_error(counts):
    accepted = counts.score > 0
    n_bonafide, n_spoof = sum_classes(counts)
    missed = counts.bonafide[~accepted].sum() / n_bonafide
    return Cost((missed + counts.spoof[accepted].sum() / n_spoof) / 2, 0.0)


METRICS = (
    ScoreMetric(
        name="half_error",
        label="HTER at 0",
        unit="rate",
        better="lower",
        definition="mean of FRR and FAR at a threshold of 0",
        source="a test",
        needs="scores",
        trials=("utterances", "frames"),
        broken_down=True,
        measure=Decided(half_error),
    ),
)
'''
RIGHT_SHARE = '''
"""The share of frames that are decided rightly."""

from bench.metrics.measure import DecisionMetric

RESULTS_VERSION = 1


def _right_share(of):
    return of.hits + of.rejections, of.hits + of.misses + of.false_alarms + of.rejections


METRICS = (
    DecisionMetric(
        name="right_share",
        label="right share",
        unit="rate",
        better="higher",
        definition="share of frames decided rightly",
        source="a test",
        needs="decisions",
        trials=("frames",),
        by_logit=False,
        positive="bonafide",
        ratio=_right_share,
    ),
)
'''
EXPERIMENTS = card_files.card_folder("experiments")


@pytest.fixture
def add(tmp_path, monkeypatch):
    """Return what adds a file of metrics to the folder."""
    folder = tmp_path / "metrics"
    folder.mkdir()
    monkeypatch.setattr(bench.metrics, "__path__", [*bench.metrics.__path__, str(folder)])

    def write(name: str, text: str) -> None:
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
        forget_metrics()

    yield write
    monkeypatch.undo()
    for path in folder.glob("*.py"):
        sys.modules.pop(f"bench.metrics.{path.stem}", None)
    forget_metrics()


@pytest.fixture(scope="module")
def mini(miniatures):
    return miniatures / "mini"


def test_a_metric_of_utterances_is_one_file(add, mini, tmp_path):
    before = set(describe_metrics())
    add("half_error", HALF_ERROR)
    assert set(describe_metrics()) == {*before, "half_error"}
    assert catalogue.find_metric("asvspoof2019la.half_error").label == "HTER at 0"
    assert catalogue.format_value("half_error", 0.125) == "12.50 %"
    assert versions.list_metric_versions(["inthewild.half_error"])["metric half_error"] == 3

    table = listed(mini, "asvspoof2019la")
    one = judge(mini, "asvspoof2019la", by=(("attack",),))
    verdict = one.evaluate_scores(one.read_scores(written(tmp_path, table, "a.txt")))
    whole = verdict.results["half_error"]
    accepted = table["score"] > 0
    assert whole.missed == (~accepted & table["bonafide"]).sum()
    assert whole.accepted == (accepted & ~table["bonafide"]).sum()
    assert whole.value == (whole.missed / whole.bonafide + whole.accepted / whole.spoof) / 2
    assert whole.low <= whole.value <= whole.high
    assert whole.low < whole.high
    (breakdown,) = verdict.breakdowns
    assert all("half_error" in line.results for line in breakdown.lines if line.results)
    assert "| HTER at 0 |" in render.render_report(verdict)
    assert render.report_as_dict(verdict)["results"]["half_error"]["value"] == 100 * whole.value

    found = compare_score_files(
        one, *(one.read_scores(tmp_path / name) for name in ("a.txt", "a.txt"))
    )
    assert "half_error" in {of.metric for of in found.compared}


def test_a_run_has_it_and_a_column_may(add, tmp_path):
    add("half_error", HALF_ERROR)
    path = tmp_path / "scores.parquet"
    scores.write_scores(path, rows(1, 0))
    drawn = draw_replicates(path, ["half_error", "A07.half_error", "half_error_bonafide_logit"])
    assert all(len(of.values) == 1000 and of.mistakes is not None for of in drawn.values())
    for trials in ("utterances", "frames"):
        assert "half_error" in column_checks.list_logged(trials)
    scores.write_scores(path, rows(8, 0))
    logged = row_evaluation.evaluate_file(path, replicates=9)
    coarser = column_checks.name_coarser(0.02)
    assert "half_error_160ms" in coarser
    assert set(logged) == {*column_checks.list_logged("frames"), *coarser}
    assert isinstance(logged["half_error_bonafide_logit"], MetricResult)
    for file, metric in (
        ("tca/table2", "asvspoof2019la.A19.eer"),
        ("tca/table1", "asvspoof2019la.eer"),
        ("sal/table4", "partialspoof.eer"),
    ):
        text = (EXPERIMENTS / f"{file}.toml").read_text(encoding="utf-8")
        assert f'"{metric}"' in text
        (tmp_path / "table.toml").write_text(
            text.replace(f'"{metric}"', f'"{metric.replace("eer", "half_error")}"')
        )
        card = table_cards.parse_table("test/table", tmp_path / "table.toml")
        (column,) = [of for of in card.columns if of.metric_name == "half_error"]
        assert (column.better_direction, column.unit) == ("lower", "%")


def test_a_metric_of_decisions_is_one_file(add, mini, tmp_path):
    add("half_error", HALF_ERROR)
    add("right_share", RIGHT_SHARE)
    one = judge(mini, "partialspoof")
    a, b = (one.read_scores(frames(mini, tmp_path, step, f"{step}.txt")) for step in (0.02, 0.04))
    verdict = one.evaluate_scores(a)
    share = verdict.results["right_share"]
    assert share.value == 1 - (share.missed + share.accepted) / (share.bonafide + share.spoof)
    assert share.low < share.value < share.high
    assert {"half_error", "half_error_160ms"} <= set(verdict.results)
    assert {"right_share", "half_error_40ms"} <= {
        of.metric for of in compare_score_files(one, a, b).compared
    }


def test_what_is_read_as_text_is_what_the_modules_declare():
    loaded = select_metrics(Metric)
    assert [*loaded] == [*describe_metrics()]
    for name, described in describe_metrics().items():
        for field in fields(Metric):
            assert getattr(loaded[name], field.name) == getattr(described, field.name)
        assert versions.read_version(f"metrics/{find_metric_file(name).stem}") >= versions.FIRST


@pytest.mark.parametrize(
    ("code", "old", "new", "says"),
    [
        ("metric.undeclared", '"HTER at 0"', '"HTER at 0".upper()', "line 19: label: should be"),
        (
            "metric.undeclared",
            '        label="HTER at 0",\n',
            "",
            "line 19: label: should be given",
        ),
        ("metric.undeclared", "ScoreMetric(\n", "None, (\n", "should be a metric, as ScoreMetric"),
        ("metric.undeclared", "METRICS = (\n", "METRICS = [\n", "METRICS: should be a tuple"),
        ("metric.declared-twice", '"half_error"', '"auc"', "auc: declared in "),
    ],
)
def test_a_faulty_declaration_is_named(add, code, old, new, says):
    assert old in HALF_ERROR
    text = HALF_ERROR.replace(old, new)
    if new.startswith("None"):
        text = HALF_ERROR[: HALF_ERROR.index("METRICS")] + "METRICS = (None,)\n"
    elif new.endswith("[\n"):
        text = f"{text.rstrip().removesuffix(')')}]\n"
    add("half_error", text)
    with raises_code(code) as error:
        describe_metrics()
    assert "half_error.py" in str(error.value)
    assert says in str(error.value)


def test_names_and_units_need_no_numpy():
    ask = "from bench.metrics import catalogue; assert catalogue.find_metric('eer')"
    code = f"{ask}; import sys; print('numpy' in sys.modules, end='')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False"
