"""What reports keep in the work folder: made again where it is torn, not needed."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pytest

from bench.metrics import scores
from bench.reporting import kept
from tests.reporting.stored import columns


@pytest.fixture
def in_store(tmp_path, monkeypatch):
    """What the one run of a store has kept; how often its score file was read."""
    path = tmp_path / "scores.parquet"
    scores.write(path, columns(40, 8, 1.5, 1))
    read = []

    def score_file(*of):
        read.append(of)
        return nullcontext(path)

    monkeypatch.setattr(kept.kept, "score_file", score_file)
    return kept.KeptInStore(None, tmp_path / "work"), read


def asked(of):
    drawn = of.draws("r", "partialspoof", ["eer"])["eer"]
    places = of.placed("r", "partialspoof")
    return drawn.trials, drawn.values.tolist(), [np.asarray(part).tolist() for part in places]


def test_it_is_read_once(in_store, tmp_path):
    of, read = in_store
    first = asked(of)
    assert len(read) == 2
    assert asked(of) == first
    assert len(read) == 2
    assert len(list((tmp_path / "work" / "draws" / "r").iterdir())) == 2


def test_a_work_folder_that_cannot_be_written_is_done_without(in_store, tmp_path):
    of, _ = in_store
    first = asked(of)
    (tmp_path / "shut").write_text("a file stands where the folder should be")
    shut = kept.KeptInStore(None, tmp_path / "shut")
    assert asked(shut) == first


@pytest.mark.parametrize("left", [0, 1, 100, -1])
def test_what_is_torn_is_made_again(in_store, tmp_path, left):
    of, read = in_store
    first = asked(of)
    for path in (tmp_path / "work" / "draws" / "r").iterdir():
        path.write_bytes(path.read_bytes()[:left])
    assert asked(of) == first
    assert len(read) == 4
    assert asked(of) == first
    assert len(read) == 4
