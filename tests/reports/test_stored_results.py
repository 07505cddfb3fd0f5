"""What reports keep in the work folder is drawn again where it is not whole."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from bench._io import atomic_files
from bench.evaluation.draws import MetricDraws
from bench.reports import stored_results

ARRAY = b"\x93NUMPY\x01\x00v\x00" + (
    b"{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }".ljust(117) + b"\n" + bytes(8)
)
DAMAGE = {
    "empty": lambda path: path.write_bytes(b""),
    "torn": lambda path: path.write_bytes(path.read_bytes()[:-40]),
    "page": lambda path: path.write_text("<html>"),
    "array": lambda path: path.write_bytes(ARRAY),
    "another": lambda path: np.savez(path, x=1),
    "changed": lambda path: path.write_bytes(path.read_bytes().replace(b"\x3f", b"\x40")),
}


@pytest.fixture
def reports(tmp_path, monkeypatch):
    """A store of one run, and how often its score file was read."""
    read: list[str] = []

    @contextmanager
    def score_file(store, run_id, evaluation):
        read.append(evaluation)
        yield tmp_path / "scores.parquet"

    def draws(path, figures):
        return {name: MetricDraws("trials", np.linspace(0, 1, 9)) for name in figures}

    monkeypatch.setattr(stored_results.run_artifacts, "open_score_file", score_file)
    monkeypatch.setattr(stored_results, "draw_replicates", draws)
    return stored_results.StoredResults(None, tmp_path), read


@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_file_is_drawn_again(how, reports, tmp_path: Path):
    store, read = reports
    first = store.read_draws("run", "ps", ["eer"])
    assert (
        store.read_draws("run", "ps", ["eer"])["eer"].values.tolist()
        == first["eer"].values.tolist()
    )
    assert len(read) == 1
    (path,) = tmp_path.rglob("*.npz")
    DAMAGE[how](path)
    for _ in range(2):
        again = store.read_draws("run", "ps", ["eer"])
        assert again["eer"].values.tolist() == first["eer"].values.tolist()
    assert len(read) == 2


def test_where_nothing_can_be_written_a_report_is_made_all_the_same(reports, monkeypatch, tmp_path):
    @contextmanager
    def whole(path):
        raise OSError(30, "Read-only file system", str(path))
        yield

    monkeypatch.setattr(atomic_files, "open_whole", whole)
    store, _ = reports
    assert store.read_draws("run", "ps", ["eer", "f1"]).keys() == {"eer", "f1"}
    assert not list(tmp_path.rglob("*.npz"))
