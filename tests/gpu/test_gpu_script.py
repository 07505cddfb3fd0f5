"""The GPU script: what it imports, what it says is missing, and parts that fail."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from bench._io import packages
from tests.gpu import catalogue, needs, parts, table
from tests.gpu.parts import MACHINE, Part, Row, run_parts
from tests.gpu.scene import TRIAL, Scene

HERE = "tests.gpu.test_gpu_script"
NOT_AT_HAND = {
    *packages.OF_WHOLE,
    *("click", "markdown_it", "requests", "soundfile", "tomlkit"),
} - {*needs.EVERYWHERE}
HIDE = """
import json, os, sys

class Without:
    def __init__(self, finder):
        self.finder = finder

    def __getattr__(self, name):
        return getattr(self.finder, name)

    def find_spec(self, name, *given):
        return None if name.partition(".")[0] in BLOCKED else self.finder.find_spec(name, *given)

BLOCKED = json.loads(os.environ["BLOCKED"])
sys.meta_path[:] = map(Without, sys.meta_path)
"""
"""Hides packages from an interpreter that reads this as its sitecustomize."""
IMPORT_ALONE = """
import importlib, json, sys
import torch

def touch(*_):
    raise AssertionError("the GPU was touched")

torch._C._cuda_getDeviceCount = torch._C._cuda_init = touch
for name in json.loads(sys.argv[1]):
    importlib.import_module(name)
"""


def run_python(
    root: Path, *arguments: str, without: Iterable[str] = (), place: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run Python `without` packages; `place` is a folder for what hides them, and $OUT."""
    paths, variables = [str(root)], dict[str, str]()
    if place is not None:
        (place / "sitecustomize.py").write_text(HIDE, encoding="utf-8")
        paths.append(str(place))
        variables = {"OUT": str(place), "BLOCKED": json.dumps([*without])}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=root,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), **variables},
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
def test_imports_need_neither_what_the_machine_lacks_nor_the_gpu(root, tmp_path):
    """The process that the parts are forked from must not have asked CUDA for anything."""
    assert {"mlflow", "optuna", "s3prl", "soundfile", "pyworld"} <= NOT_AT_HAND
    modules = json.dumps(parts.list_imports(catalogue.PARTS))
    done = run_python(root, "-c", IMPORT_ALONE, modules, without=NOT_AT_HAND, place=tmp_path)
    assert done.returncode == 0, done.stderr


def test_wheels_bring_all_that_their_packages_require():
    wheels = {wheel for several in needs.WHEELS.values() for wheel in several}
    for wheel in wheels:
        lines = map(Requirement, importlib.metadata.requires(wheel) or ())
        asked = {"python_version": "3.12", "extra": ""}
        required = {
            each.name for each in lines if each.marker is None or each.marker.evaluate(asked)
        }
        assert required <= wheels | {"numpy"}, wheel
    brought = {*importlib.metadata.packages_distributions()} & {*needs.WHEELS}
    assert brought == {*needs.WHEELS}


def test_commands_name_the_versions_of_the_lock_file():
    fetch = needs.describe_commands("3.12").splitlines()[1]
    assert "--python-version 3.12 " in fetch
    packages_ = tomllib.loads(needs.LOCK.read_text(encoding="utf-8"))["package"]
    locked = {package["name"]: package["version"] for package in packages_}
    named = dict(re.findall(r"([\w-]+)==(\S+)", fetch))
    assert named.items() <= locked.items()
    assert named.keys() == {wheel for several in needs.WHEELS.values() for wheel in several}


def test_what_is_missing_is_said_with_what_brings_it(monkeypatch):
    assert needs.find_missing(["json", "not_there_at_all"]) == ["not_there_at_all"]
    text = needs.explain_missing("loader", ["soundfile", "transformers"])
    assert text.startswith("loader: soundfile and transformers cannot be imported")
    assert "install transformers" in text
    assert "`python3 -m tests.gpu --wheels`" in text


def test_without_pydantic_nothing_starts(root, tmp_path):
    done = run_python(root, "-m", "tests.gpu", "--test", without=["pydantic"], place=tmp_path)
    assert done.returncode == 2
    assert "pydantic cannot be imported" in done.stderr
    assert "pip download" in done.stderr


# --- parts that fail ------------------------------------------------------------------------------


def give_row(scene: Scene) -> Iterator[Row]:
    yield Row("good", "one", {"clips/s": 1.0})


def fail_late(scene: Scene) -> Iterator[Row]:
    yield Row("late", "one", {"clips/s": 2.0})
    raise ValueError("it broke\nand more")


def hang_with_child(scene: Scene) -> Iterator[Row]:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    (scene.folder / "child").write_text(str(child.pid))
    yield Row("hangs", "one", {"clips/s": 3.0})
    time.sleep(600)


def kill_itself(scene: Scene) -> Iterator[Row]:
    yield Row("killed", "one", {"clips/s": 4.0})
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture
def scene(tmp_path: Path, monkeypatch) -> Scene:
    monkeypatch.setattr(parts, "list_imports", lambda _: [HERE])
    return Scene(tmp_path, "cpu", TRIAL, is_trial=True)


def run_all(scene: Scene, *chosen: Part, limit_s: float = 300.0) -> list[Row]:
    return [*run_parts(chosen, scene, scene.folder / "log.txt", limit_s)]


def require_gone(pid: int) -> None:
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return
        if state == "Z":
            return
        time.sleep(0.1)
    raise AssertionError(f"process {pid} is still there")


@pytest.mark.slow
def test_a_part_that_fails_keeps_its_rows_and_the_others(scene):
    rows = run_all(
        scene,
        Part("late", f"{HERE}:fail_late", 60),
        Part("hangs", f"{HERE}:hang_with_child", 15),
        Part("killed", f"{HERE}:kill_itself", 60),
        Part("lacks", f"{HERE}:give_row", 60, ("not_there_at_all",)),
        Part("good", f"{HERE}:give_row", 60),
    )
    assert [(row.part, row.figures.get("clips/s"), row.is_fault) for row in rows] == [
        *(("late", 2.0, False), ("late", None, True)),
        *(("hangs", 3.0, False), ("hangs", None, True)),
        *(("killed", 4.0, False), ("killed", None, True)),
        *(("lacks", None, True), ("good", 1.0, False)),
    ]
    notes = {row.part: row.note for row in rows if row.is_fault}
    assert notes["late"] == "ValueError: it broke"
    assert re.fullmatch(r"stopped after 1[5-9] s|stopped after [2-9]\d s", notes["hangs"])
    assert notes["killed"] == "its process ended with exit code -9"
    assert "not_there_at_all cannot be imported" in notes["lacks"]
    require_gone(int((scene.folder / "child").read_text()))
    assert "and more" in (scene.folder / "log.txt").read_text()


@pytest.mark.slow
def test_after_a_needed_part_or_all_time_nothing_is_measured(scene):
    needed = Part("late", f"{HERE}:fail_late", 60, is_needed=True)
    good = Part("good", f"{HERE}:give_row", 60)
    assert [row.part for row in run_all(scene, needed, good)] == ["late", "late"]
    (row,) = run_all(scene, good, limit_s=parts.FEWEST_S - 1)
    assert row.is_fault
    assert row.note == "left out: the 4 s of all parts were used up"


def test_a_variant_that_fails_is_a_row():
    row = parts.try_variant("part", "variant", lambda: 1 / 0)  # type: ignore[arg-type, return-value]
    assert (row.part, row.variant, row.is_fault) == ("part", "variant", True)
    assert row.note == "ZeroDivisionError: division by zero"


# --- table ----------------------------------------------------------------------------------------


def test_table_and_json_hold_every_row():
    rows = [
        Row(MACHINE, "NVIDIA X, torch 2", {}),
        Row("S7", "fp32", {"step (ms)": 327.7, "clips/s": 97.6, "operations": 1463.0}, "a | b"),
        Row("S7", "tf32", {}, "OutOfMemoryError: all is used", is_fault=True),
        Row("short row", "both", {"difference": 0.5}, "BEYOND", is_fault=True),
    ]
    content = table.collect_content(rows, "abc", 12.3, is_trial=False)
    text = table.describe_run(content, rows)
    lines = text.splitlines()
    assert lines[0] == f"NVIDIA X, torch 2; commit abc, {content['date']}, 12 s."
    assert "| S7 | fp32 | 328 | 97.6 |  |  |  | operations 1,463; a \\| b |" in lines
    assert "| S7 | tf32 |  |  |  |  |  | not measured: OutOfMemoryError: all is used |" in lines
    assert "| short row | both |  |  |  |  |  | difference 0.5; BEYOND |" in lines
    assert "tiny size" not in text
    assert [Row(**row) for row in json.loads(table.format_json(content))["rows"]] == rows
    assert "tiny size" in table.describe_run({**content, "is_trial": True}, rows)


def test_parts_are_chosen_with_what_they_need():
    assert [part.name for part in catalogue.choose_parts("", False)] == [
        part.name for part in catalogue.PARTS
    ]
    chosen = catalogue.choose_parts("loader", True)
    assert [part.name for part in chosen] == [MACHINE, "made weights", "made corpora", "loader"]
    budgets = {part.name: part.budget_s for part in catalogue.PARTS}
    assert len(budgets) == len(catalogue.PARTS)
    assert max(budgets.values()) <= 120


# --- all of it ------------------------------------------------------------------------------------


@pytest.mark.slow
def test_every_part_is_tried_on_the_cpu(root, tmp_path):
    hidden = NOT_AT_HAND - {*needs.WHEELS}
    done = run_python(root, "-m", "tests.gpu", "--test", without=hidden, place=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    content = json.loads((tmp_path / "gpu.json").read_text(encoding="utf-8"))
    rows = [Row(**row) for row in content["rows"]]
    assert content["is_trial"]
    assert "torch" in content["machine"]
    assert not any(row.is_fault for row in rows)
    steps = [row for row in rows if "step (ms)" in row.figures]
    assert len(steps) == 5 + 6 + 2 + 2 + 2 + 2 + 1
    assert all(value > 0 for row in steps for value in row.figures.values())
    (same,) = (row for row in rows if row.variant == "the same weights on both")
    assert same.figures == {"largest difference of a score, in standard deviations": 0.0}
    for row in rows:
        if row.variant.startswith("trained on each"):
            assert row.figures["EER on the CPU (%)"] == row.figures["EER on the device (%)"] > 0
    assert (tmp_path / "gpu.md").read_text(encoding="utf-8").count("\n| ") == len(rows) + 1
    assert (tmp_path / "trace.json.gz").is_file()
