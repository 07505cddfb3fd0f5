"""Torn and foreign files of a row's folder are set aside, and the row goes on or begins anew."""

from __future__ import annotations

import argparse
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch

from bench.training import checkpoints, damage, engine, file_names, keeping
from bench.training.row import DatasetCache
from tests.errors import raises_code
from tests.training.runs import Log, all_scores, run_to_end


def set_aside(run, config, place: Path) -> list[str]:
    said: list[str] = []
    damage.set_aside(run, 7, place, config, said.append)
    for name, loaded in DatasetCache(config).load_row(run).evaluate.items():
        (path,) = (place / "scores").glob(f"{name}-*.parquet")
        damage.set_scores_aside(path, run.evaluate[name], loaded.subset, said.append)
    return said


def resaved(path: Path, change) -> None:
    state = torch.load(path, weights_only=True)
    torch.save(change(state) or state, path)


def with_nan(state) -> None:
    next(iter(state["system"].values())).view(-1)[0] = float("nan")


def another_system(state) -> None:
    state["system"]["foreign.weight"] = torch.zeros(2)


DAMAGE = {
    "empty": lambda path: path.write_bytes(b""),
    "torn": lambda path: path.write_bytes(path.read_bytes()[:-200]),
    "page": lambda path: path.write_text("<html>"),
    "foreign": lambda path: torch.save({"args": argparse.Namespace(x=1)}, path),
    "keyless": lambda path: resaved(path, lambda state: {"system": {}, "step": 3}),
    "list": lambda path: torch.save([1, 2], path),
    "nan": lambda path: resaved(path, with_nan),
    "another system": lambda path: resaved(path, another_system),
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a finished training, and its scores; made by the first test that wants it."""
    return tmp_path_factory.mktemp("finished")


@pytest.fixture
def place(small, config, finished, tmp_path) -> Path:
    if not list(finished.iterdir()):
        run_to_end(small("S0"), config, finished)
    copy = tmp_path / "row"
    copy.mkdir()
    for path in finished.rglob("*"):
        target = copy / path.relative_to(finished)
        target.mkdir() if path.is_dir() else target.write_bytes(path.read_bytes())
    return copy


@pytest.mark.parametrize(
    ("name", "how"),
    [
        *((file_names.LAST_CHECKPOINT, how) for how in DAMAGE),
        (file_names.BEST_CHECKPOINT, "torn"),
    ],
)
def test_a_damaged_checkpoint_is_set_aside(small, config, place, name, how):
    path = place / name
    DAMAGE[how](path)
    damaged = path.read_bytes()
    aside, anew = [line for line in set_aside(small("S0"), config, place) if "scores" not in line]
    assert aside.startswith(str(path))
    assert aside.endswith(f"set aside as {name}.damaged")
    assert "weights_only" not in aside
    assert "remove" not in aside
    assert anew == f"{place}: the row begins anew"
    assert not path.exists()
    assert (place / f"{name}.damaged").read_bytes() == damaged
    assert set_aside(small("S0"), config, place) == []


def test_a_whole_folder_is_left_as_it_is(small, config, place):
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    assert set_aside(small("S0"), config, place) == []
    assert {path: path.read_bytes() for path in place.rglob("*") if path.is_file()} == before


def test_a_row_that_begins_anew_ends_as_it_would_have(small, config, place):
    run, log = small("S0"), Log()
    DAMAGE["torn"](place / file_names.BEST_CHECKPOINT)
    expected = torch.load(place / file_names.LAST_CHECKPOINT, weights_only=True)["system"]
    set_aside(run, config, place)
    trained = run_to_end(run, config, place, log)
    assert [epoch for epoch, _ in log.epochs] == [1, 2, 3]
    found = torch.load(place / file_names.LAST_CHECKPOINT, weights_only=True)["system"]
    assert all(torch.equal(found[name], of) for name, of in expected.items())
    assert trained.checkpoint.is_file()


@pytest.mark.parametrize("content", [b"", b'{"epochs": [1', b'{"epoch": 1}', b"\xff\xfe"])
def test_a_torn_selection_is_made_again(small, config, place, content):
    path = place / file_names.SELECTION
    before = path.read_bytes()
    path.write_bytes(content)
    (said,) = set_aside(small("S0"), config, place)
    assert said.endswith("set aside as selection.json.damaged")
    run_to_end(small("S0"), config, place, log := Log())
    assert path.read_bytes() == before
    assert len(log.epochs) == 3, "told again, not trained again"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"epoch": 2, "history": []}'])
def test_a_torn_progress_begins_the_row_anew(small, config, place, content):
    """Of a row that is finished, so without `last.pt`."""
    run = small("S0")
    keeping.release_state(place, run_to_end(run, config, place).progress)
    (place / file_names.PROGRESS).write_bytes(content)
    said = set_aside(run, config, place)
    if content != b"{}":
        assert said[0].endswith("set aside as progress.json.damaged")
        assert said[1].endswith("the row begins anew")
    assert keeping.read_resumable(run, place) is None


@pytest.mark.parametrize("name", [file_names.BEST_CHECKPOINT, file_names.SELECTION])
def test_what_a_finished_row_keeps_is_checked_without_its_last_state(small, config, place, name):
    run = small("S0")
    keeping.release_state(place, run_to_end(run, config, place).progress)
    DAMAGE["torn"](place / name)
    said = set_aside(run, config, place)
    assert said[0].endswith(f"set aside as {name}.damaged")
    assert said[1:] == (
        [f"{place}: the row begins anew"] if name == file_names.BEST_CHECKPOINT else []
    )
    run_to_end(run, config, place, log := Log())
    assert len(log.epochs) == 3


def fewer(path: Path) -> None:
    table = pq.read_table(path)
    pq.write_table(table.slice(0, table.num_rows - 1), path)


@pytest.mark.parametrize(
    "how", [DAMAGE["empty"], DAMAGE["torn"], fewer, lambda path: path.write_bytes(b"PAR1" * 9)]
)
def test_scores_that_are_not_whole_are_made_again(small, config, place, how):
    run = small("S0")
    expected = all_scores(run_to_end(run, config, place))
    path = sorted((place / "scores").glob("*.parquet"))[0]
    how(path)
    (said,) = set_aside(run, config, place)
    assert said.startswith(str(path))
    assert said.endswith(f"set aside as {path.name}.damaged")
    found = all_scores(run_to_end(run, config, place))
    assert {name: of.tolist() for name, of in found.items()} == {
        name: of.tolist() for name, of in expected.items()
    }


@pytest.mark.rows
def test_a_torn_mean_begins_anew(detection, config, tmp_path):
    run = detection("training.epochs=4", 'training.keep={kind="average-last", checkpoints=2}')
    with pytest.raises(KeyboardInterrupt):
        run_to_end(run, config, tmp_path, Log(stop_after=3))
    DAMAGE["torn"](tmp_path / "recent-1.pt")
    said: list[str] = []
    damage.set_aside(run, 7, tmp_path, config, said.append)
    assert said[0].endswith("set aside as recent-1.pt.damaged")
    assert said[1].endswith("the row begins anew")
    assert run_to_end(run, config, tmp_path).selection.label == "3-4"


def test_a_file_that_the_machine_does_not_give_is_not_set_aside(small, config, place, monkeypatch):
    def failing(*_, **__):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(torch, "load", failing)
    with pytest.raises(OSError, match="Input/output"):
        set_aside(small("S0"), config, place)
    assert (place / file_names.LAST_CHECKPOINT).is_file()


def test_is_whole(place):
    kept = place / file_names.BEST_CHECKPOINT
    assert damage.is_whole(kept)
    DAMAGE["torn"](kept)
    assert not damage.is_whole(kept)
    assert not damage.is_whole(place / "none.pt")


def test_no_system_keeps_a_nan_of_its_own(small, config):
    system = engine.build_system(small("S8"), 7, config).state_dict()
    assert not any(of.isnan().any() for of in system.values() if of.is_floating_point())


def test_a_checkpoint_without_a_key_is_named(tmp_path):
    checkpoints.save_checkpoint({"system": {}}, tmp_path / "last.pt")
    with raises_code("training.checkpoint-damaged") as error:
        checkpoints.load_checkpoint(tmp_path / "last.pt", ("system", "optimiser"))
    assert "last.pt" in str(error.value)
