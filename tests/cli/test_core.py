"""`speech-deepfake-bench-core` alone: reading and judging work, and what needs more says so."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable

import click
import pytest

from bench._io import packages
from bench.cli import bench as group

Answers = Callable[..., list[tuple[int, str, str]]]


@pytest.fixture
def core(environment, tmp_path, root) -> Answers:
    """Run commands, one after the other, without the packages that the core has not."""

    def run(*commands: list[str]) -> list[tuple[int, str, str]]:
        done = subprocess.run(
            [sys.executable, str(root / "tests" / "core_only.py"), json.dumps(commands)],
            env={**environment, "PYTHONPATH": str(root)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return [(code, out, err) for code, out, err in json.loads(done.stdout)]

    return run


@pytest.mark.rows
def test_reading_judging_and_reports_of_scored_files_need_no_more(core, tmp_path, trials, keys):
    for name, step in (("mine.txt", 7), ("other.txt", 11)):
        lines = [
            f"{row.utterance} {(row.label == 'bonafide') * 3 + i * step % 10}\n"
            for i, row in enumerate(trials.itertuples())
        ]
        (tmp_path / name).write_text("".join(lines))
    commands = [
        ["list"],
        ["show", "table4", "--rows", "S0"],
        ["show", "sweep/sal-csm"],
        ["score", "mine.txt", *keys, "--track", "cross", "--name", "MyDet"],
        ["compare", "mine.txt", "other.txt", *keys],
        ["data", "show", "19LA"],
        ["data", "check", "had", "--smoke"],
        ["data", "overlap", "PS", "19LA"],
        ["doctor"],
        ["report", "cross"],
    ]
    answers = core(*commands)
    ended = zip(commands, answers, strict=True)
    failed = {" ".join(command): err for command, (code, _, err) in ended if code}
    assert not failed
    assert "not run" in answers[1][1]
    assert "tracked: cross/detection" in answers[3][1]
    assert "training needs torch, which the whole suite brings: " in answers[8][1]
    assert "1 evaluated score files" in answers[8][1]
    for report in ("cross-detection.md", "cross-detection.csv"):
        assert (tmp_path / "reports" / "published" / report).is_file()
    text = (tmp_path / "reports" / "published" / "cross-detection.md").read_text()
    assert "| MyDet | " in text


@pytest.mark.slow
def test_a_report_of_all_leaves_out_what_is_looked_up_in_the_network(core, tmp_path):
    ((code, out, err),) = core(["report", "all"])
    assert code == 0
    assert "left out: looking up breathnet/table1 needs torch, which the whole suite" in err
    assert "breathnet-table2" in out
    assert not [*(tmp_path / "reports").rglob("breathnet-table1*")]


NEED_MORE = {
    "run table4 --smoke": "torch",
    "sweep sal-csm --smoke": "torch",
    "explain gradcam --row S0 --smoke": "torch",
    "score --row S0 --corpus had --smoke": "torch",
    "score --model mine.py --corpus had --smoke": "torch",
    "detect a.wav --row S0 --smoke": "torch",
    "profile table4 --row S0 --smoke": "torch",
    "report breathnet/table1": "torch",
    "report sweep/sal-csm": "(psutil|sqlalchemy|mlflow)",
    "data mini": "pyworld",
    "ui": "(psutil|sqlalchemy|mlflow)",
    "sync": "(psutil|sqlalchemy|mlflow)",
}


@pytest.mark.rows
def test_what_needs_more_says_in_one_line_what_to_install(core):
    answers = core(*(command.split() for command in NEED_MORE))
    for (command, package), (code, out, err) in zip(NEED_MORE.items(), answers, strict=True):
        verbs = " ".join(command.split()[: 2 if command.startswith(packages.GROUPS) else 1])
        line = f"error: bench {verbs} needs {package}, which the whole suite brings: "
        assert (code, out) == (1, ""), command
        assert re.match(line, err), command
        assert err.endswith(f"install {packages.WHOLE}\n"), command
        assert err.count("\n") == 1, command


@pytest.mark.rows
def test_a_store_of_mlflows_is_not_taken_for_an_empty_one(core, environment):
    store = f"{environment['BENCH_WORK']}/mlflow.db"
    with open(store, "w"):
        pass
    shown, report, doctor, run = core(
        ["show", "table4", "--rows", "S0"], ["report", "table4"], ["doctor"], ["run", "table4"]
    )
    said = f"reading the tracking store {store} needs mlflow, which the whole suite brings"
    assert shown[0] == 0
    assert f"what was run is not known: {said}" in shown[2]
    assert (report[0], report[1]) == (1, "")
    assert report[2].startswith(f"error: {said}: ")
    assert said in doctor[1]
    assert run[2].startswith("error: bench run needs torch")


def test_verbs_that_have_verbs_are_named_with_them():
    groups = {name for name, of in group.commands.items() if isinstance(of, click.Group)}
    assert groups == {*packages.GROUPS}
