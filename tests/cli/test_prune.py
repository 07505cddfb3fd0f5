"""`bench prune` on made work folders: what it lists, what it removes, and what it never touches."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result

from bench._io import file_locks
from bench.cli.prune import prune
from bench.config import Config
from bench.jobs import leases
from bench.runner import prunable
from bench.tracking.run_folders import FolderRun, runs_by_folder
from bench.training import checkpoints, file_names, keeping
from bench.training.keeping import Progress
from tests.jobs.holding import refuse_busy

KNOWN = "11111111"
"""The training signature of a row of a card."""
RUNS: dict[str, list[FolderRun]] = {}
PROGRESS = vars(Progress(epoch=1, step=3, best=0.1, best_epoch=1, history=[{"dev.eer": 0.1}]))


def training(work: Path, name: str, *, ended: bool = True, last: bool = True) -> Path:
    """Make a training's folder as `bench run` leaves it."""
    place = work / "runs" / name / "seed-7"
    (place / "scores").mkdir(parents=True)
    (place / "lock").touch()
    state = {"system": {"w": torch.zeros(10)}}
    checkpoints.save_checkpoint({**state, "epoch": 1}, place / file_names.BEST_CHECKPOINT)
    if last:
        whole = {**state, "optimiser": {}, "schedule": {}, "progress": PROGRESS}
        checkpoints.save_checkpoint(whole, place / file_names.LAST_CHECKPOINT)
    if ended:
        (place / file_names.SELECTION).write_text("{}")
        (place / "scores" / "a.parquet").write_bytes(b"scores")
    return place


def run(place: Path, work: Path, kind: str = "row", **more: bool) -> None:
    told = {"changed": False, "in_progress": False, **more}
    name = str(place.relative_to(work))
    RUNS[name] = [FolderRun(f"t: {kind}", kind, "FINISHED", **told)]


def age(place: Path, days: float) -> None:
    then = time.time() - days * prunable.DAY_S
    for path in [place, *place.rglob("*")]:
        os.utime(path, (then, then), follow_symlinks=False)


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    RUNS.clear()
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.setenv("BENCH_WORK", str(work))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(prunable, "runs_by_folder", lambda _: RUNS)
    monkeypatch.setattr(prunable, "_card_signatures", lambda _: {KNOWN})
    return work


def called(*arguments: str, answers: str | None = None) -> Result:
    return CliRunner().invoke(prune, arguments, input=answers, catch_exceptions=False)


def listed(*arguments: str) -> dict[str, list[str]]:
    content = json.loads(called("--json", "--dry-run", *arguments).stdout)
    found: dict[str, list[str]] = {}
    for item in content["items"]:
        found.setdefault(item["kind"], []).extend(item["files"])
    return found


def files(work: Path) -> set[str]:
    return {str(path.relative_to(work)) for path in work.rglob("*") if path.is_file()}


def test_the_last_state_of_a_row_goes_and_all_that_it_needs_stays(work: Path) -> None:
    place = training(work, f"{KNOWN}-a")
    run(place, work)
    assert listed() == {"last": [f"runs/{KNOWN}-a/seed-7/last.pt"]}
    done = called("--yes")
    assert done.exit_code == 0, done.output
    assert "removed: " in done.output
    below = {name.rpartition("/")[2] for name in files(work)}
    assert below == {"kept.pt", "selection.json", "a.parquet", "lock", "progress.json"}
    assert vars(keeping.read_progress(place / file_names.PROGRESS)) == PROGRESS
    assert listed() == {}


def test_a_last_state_that_cannot_be_read_stays_and_is_said(work: Path) -> None:
    place = training(work, f"{KNOWN}-a")
    (place / file_names.LAST_CHECKPOINT).write_bytes(b"torn")
    done = called("--yes")
    assert done.exit_code == 1
    assert "not a readable checkpoint" in done.stderr
    assert (place / file_names.LAST_CHECKPOINT).is_file()


@pytest.mark.parametrize(
    ("kind", "told"), [("orphaned", {}), ("changed", {"changed": True}), ("trials", {})]
)
def test_what_no_card_has_goes_only_where_it_is_named(work: Path, kind: str, told) -> None:
    place = training(work, "22222222-b")
    run(place, work, "trial" if kind == "trials" else "row", **told)
    (found,) = listed().items()
    assert found[0] == kind
    assert called("--yes").exit_code == 0
    assert (place / "kept.pt").is_file(), "--yes alone removes what nothing needs"
    assert called("--yes", "--kind", kind).exit_code == 0
    assert not list(place.glob("*.pt"))
    assert not (place / "scores").exists()
    assert (place / "lock").is_file()


def test_a_training_that_may_go_on_is_left_for_a_week(work: Path) -> None:
    place = training(work, f"{KNOWN}-a", ended=False)
    assert listed() == {}
    assert list(listed("--older-than", "0h")) == ["unfinished"]
    age(place, 8)
    assert list(listed()) == ["unfinished"]
    assert listed("--older-than", "30d") == {}
    called("--yes")
    assert (place / "last.pt").is_file()
    called("--yes", "--kind", "unfinished")
    assert not (place / "last.pt").exists()


def test_nothing_of_a_training_in_progress_is_touched(work: Path) -> None:
    (work / "mini" / "had").mkdir(parents=True)
    (work / "mini" / "had" / "a.wav").write_bytes(b"audio")
    place = training(work, f"{KNOWN}-a")
    assert set(listed()) == {"last", "mini"}
    run(place, work, in_progress=True)
    assert listed() == {}
    RUNS.clear()
    (found,) = prunable.find_prunable(Config(work=work), ["last"]).items
    with leases.hold_lease(place / leases.NAME, refuse_busy):
        assert listed() == {}
        assert "in progress" in called("--dry-run").stderr
        assert prunable.remove_item(found) == "is in use"
    assert (place / "last.pt").is_file()


def test_no_link_is_followed_and_nothing_outside_is_touched(work: Path, tmp_path: Path) -> None:
    outside = training(tmp_path / "outside", "22222222-b")
    (work / "runs").mkdir()
    (work / "runs" / "33333333-c").symlink_to(outside.parent)
    (work / "mini").symlink_to(tmp_path / "outside")
    (work / "breath").mkdir()
    (work / "breath" / "linked").symlink_to(tmp_path / "outside")
    inside = training(work, "44444444-d")
    (inside / "recent-1.pt").symlink_to(outside / "kept.pt")
    (inside / "scores" / "all").symlink_to(outside)
    before = files(tmp_path / "outside")
    assert set(listed()) == {"orphaned"}
    called("--yes", *(part for kind in prunable.KINDS for part in ("--kind", kind)))
    assert files(tmp_path / "outside") == before
    assert not (inside / "kept.pt").exists()


def test_files_that_are_damaged_or_half_written_go(work: Path) -> None:
    place = training(work, f"{KNOWN}-a", last=False)
    (place / "last.pt.damaged").write_bytes(b"torn")
    part = work / "runs" / ".kept.pt.0123abcd.part"
    part.write_bytes(b"half")
    age(work / "runs", 1)
    assert len(listed()["leftovers"]) == 2
    assert called("--yes").exit_code == 0
    assert not part.exists()
    assert not (place / "last.pt.damaged").exists()


@pytest.mark.parametrize("name", ["mini", "breath", "draws", "foreign"])
def test_what_can_be_made_again_goes_only_where_it_is_named(work: Path, name: str) -> None:
    (work / name / "of").mkdir(parents=True)
    (work / name / "of" / "a").write_bytes(b"content")
    kind = "breaths" if name == "breath" else name
    assert listed() == {kind: [f"{name}/of"]}
    called("--yes")
    assert (work / name / "of").is_dir()
    called("--yes", "--kind", kind)
    assert not (work / name / "of").exists()


def test_scores_of_a_model_that_a_process_writes_are_left(work: Path) -> None:
    folder = work / "foreign" / "1234abcd-load"
    lock = folder / "scores" / "inthewild-eval.lock"
    lock.parent.mkdir(parents=True)
    lock.with_suffix(".jsonl").write_text("[]\n")
    assert listed() == {"foreign": ["foreign/1234abcd-load"]}
    with file_locks.hold_file(lock):
        done = called("--yes", "--kind", "foreign")
        assert done.exit_code == 1
        assert f"{folder}: left: is in use" in done.stderr
    assert lock.with_suffix(".jsonl").is_file()
    assert called("--yes", "--kind", "foreign").exit_code == 0
    assert not folder.exists()


def test_each_kind_is_asked_about(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    training(work, f"{KNOWN}-a")
    (work / "draws" / "of").mkdir(parents=True)
    monkeypatch.setattr(import_module("bench.cli.prune"), "_is_at_terminal", lambda: True)
    done = called(answers="n\ny\n")
    assert done.exit_code == 0, done.output
    assert "remove last (" in done.output
    assert "remove draws (" in done.output
    assert list(work.rglob("last.pt"))
    assert not (work / "draws" / "of").exists()


def test_without_a_terminal_it_lists_and_ends_with_1(work: Path) -> None:
    training(work, f"{KNOWN}-a")
    done = called()
    assert done.exit_code == 1
    assert "last: " in done.output
    assert "add --yes" in done.stderr
    assert list(work.rglob("last.pt"))
    assert called("--dry-run").exit_code == 0


def test_an_empty_or_missing_work_folder(work: Path) -> None:
    assert "nothing can be removed" in called("--yes").output
    work.rmdir()
    assert called().exit_code == 0


@pytest.mark.parametrize("given", ["30", "d", "-1d", "1y"])
def test_an_age_that_is_none(work: Path, given: str) -> None:
    done = called("--older-than", given)
    assert done.exit_code == 2
    assert "30d" in done.stderr


def test_where_a_store_or_a_card_cannot_be_read_nothing_that_depends_on_it_is_listed(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training(work, "22222222-b")
    for name, found in (("runs_by_folder", None), ("_card_signatures", None)):
        with monkeypatch.context() as patch:
            patch.setattr(prunable, name, lambda _, found=found: found)
            assert set(listed()) == {"last"}
    assert set(listed()) == {"orphaned"}


@pytest.mark.rows
def test_every_row_of_a_card_is_known() -> None:
    found: Callable[[list[str]], set[str] | None] = prunable._card_signatures
    notes: list[str] = []
    known = found(notes)
    assert not notes
    assert known is not None
    assert len(known) > 100


def test_no_store_has_no_runs_and_is_not_made(tmp_path: Path) -> None:
    assert runs_by_folder(Config(work=tmp_path)) == {}
    assert not list(tmp_path.iterdir())
