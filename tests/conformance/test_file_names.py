"""What the suite writes is called as Windows takes it, whatever the system that it runs on."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from pathlib import Path, PurePosixPath
from types import SimpleNamespace

import pytest
from pydantic import ValidationError

from bench._io import atomic_files
from bench.cards import sweep_cards, table_cards
from bench.reports import stored_results
from bench.specs.run import EarlierTraining, Run
from bench.training import row as rows

DEVICES = {"con", "prn", "aux", "nul", "conin$", "conout$"}
DEVICES |= {f"{name}{digit}" for name in ("com", "lpt") for digit in "123456789¹²³"}


def faults(path):
    """Return the parts of a path that Windows would not take, or would take for something else."""
    return [
        part
        for part in PurePosixPath(path).parts
        if re.search(r'[<>:"\\|?*\x00-\x1f]|[. ]$', part)
        or part.partition(".")[0].rstrip(" ").lower() in DEVICES
    ]


def test_faults_are_seen(subtests):
    for path in ["a:b.txt", "x/nul.txt", "Com1", "a./b", "b ", "a\\b", "a?"]:
        with subtests.test(path=path):
            assert faults(path)
            assert faults(atomic_files.portable_name(path)) == []


def test_names_that_are_right_stay(subtests):
    cases = ["", ".", "sal-table4.smoke", "console", "aux-asvspoof", "λ"]
    for name in cases:
        with subtests.test(name=name):
            assert atomic_files.portable_name(name) == name.strip(".")
            assert faults(name.strip(".")) == []


def test_every_file_of_the_repository_can_be_checked_out(root):
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(listed, cwd=root, capture_output=True, check=False)
    if done.returncode:
        pytest.skip("this is no checkout of git")
    paths = sorted({*done.stdout.decode("utf-8").rstrip("\0").split("\0")})
    assert "pyproject.toml" in paths
    assert [path for path in paths if faults(path)] == []
    together = Counter(path.casefold() for path in paths)
    assert [path for path, count in together.items() if count > 1] == []


def files_of(run):
    """Yield the files of a run in the work folder, as far as their names come from cards."""
    of = {"fingerprint": "0" * 64, "content_digests": dict, "training_digests": dict}
    split = SimpleNamespace(**of)
    data = SimpleNamespace(train=split, dev=split, stage=None, **of)
    if isinstance(run.start, EarlierTraining):
        data.stage = SimpleNamespace(train=split, dev=split)
    place = rows.training_path(Path("work"), run, data, 666, 1)
    for name, held_out in run.evaluate.items():
        yield rows.score_path(place, name, held_out, split).as_posix()


@pytest.mark.rows
def test_files_of_every_row_of_every_card_can_be_written():
    paths = {f"sweep-{key}.smoke.journal" for key in sweep_cards.sweep_names()}
    for key in table_cards.table_keys():
        table = table_cards.read_table(key)
        paths |= {f"artifacts/{key}", f"{key.replace('/', '-')}.smoke.md"}
        for evaluation, drawn in stored_results.list_drawn_metrics(table).items():
            paths |= {f"draws/{evaluation}.{name}.npz" for name in drawn}
        for row in table_cards.runnable_rows(table):
            for form in ("paper", "smoke"):
                paths |= {*files_of(table_cards.resolve_row(table, row, form))}
    assert len(paths) > 200
    assert [path for path in sorted(paths) if faults(path)] == []
    assert len({path.casefold() for path in paths}) == len(paths)


@pytest.mark.slow
def test_files_of_miniature_corpora_can_be_written(miniatures):
    place = miniatures / "mini"
    paths = [path.relative_to(place).as_posix() for path in place.rglob("*")]
    assert len(paths) > 100
    assert [path for path in paths if faults(path)] == []


def test_an_evaluation_is_called_as_a_file_can_be(subtests):
    for name in ["a/b", "a:b", "a.b", "con", "NUL", ""]:
        with subtests.test(name=name):
            run = table_cards.resolve_row(
                table_cards.read_table("sal/table4"), "S0", "smoke"
            ).model_dump()
            (held_out,) = [run["evaluate"][key] for key in [*run["evaluate"]][:1]]
            with pytest.raises(ValidationError, match="files and results are called by this name"):
                Run.model_validate(run | {"evaluate": {name: held_out}})
