"""What finished runs kept: energy by their GPUs' curves, and score files."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from bench.tracking.run_artifacts import energy_kwh, open_score_file


def store(points, uri="http://server"):
    """A store whose curves are lists of (second, watt)."""

    def history(run_id, name):
        return [SimpleNamespace(timestamp=1000 * at, value=value) for at, value in points[name]]

    return SimpleNamespace(uri=uri, client=SimpleNamespace(get_metric_history=history))


def test_energy_is_the_area_below_the_curves_of_all_gpus():
    hour = [(10 * n, 300.0) for n in range(361)]
    ramp = [(10 * n, n / 360 * 100) for n in range(361)]
    assert energy_kwh(store({"a": hour}), "r", ["a"]) == pytest.approx(0.3)
    assert energy_kwh(store({"a": hour, "b": ramp}), "r", ["a", "b"]) == pytest.approx(0.35)


def test_points_may_come_in_any_order_and_pauses_cost_nothing():
    with_pause = [(0, 360.0), (100, 360.0), (50_000, 360.0), (50_100, 360.0)]
    assert energy_kwh(store({"a": with_pause[::-1]}), "r", ["a"]) == pytest.approx(0.02)
    assert energy_kwh(store({"a": [(0, 100.0)]}), "r", ["a"]) == 0


def test_a_servers_file_is_fetched_and_removed(tmp_path):
    fetched: list[Path] = []

    def fetch(run_id, path, place):
        fetched.append(Path(place) / "x.parquet")
        fetched[-1].write_text(f"{run_id} {path}")
        return str(fetched[-1])

    listed = {"scores/a": ["scores/a/x.csv", "scores/a/x.parquet"], "scores/b": []}
    place = "mlflow-artifacts:/1/r1"
    client = SimpleNamespace(
        list_artifacts=lambda run, folder: [SimpleNamespace(path=of) for of in listed[folder]],
        download_artifacts=fetch,
    )
    server = SimpleNamespace(client=client, artifact_uri=lambda run: place)
    with open_score_file(server, "r1", "a") as path:
        assert path is not None
        assert path.read_text() == "r1 scores/a/x.parquet"
    assert not path.exists()
    with open_score_file(server, "r1", "b") as path:
        assert path is None
    own = tmp_path / "a b" / "scores" / "a" / "x.parquet"
    own.parent.mkdir(parents=True)
    own.touch()
    place = (tmp_path / "a b").as_uri()
    with open_score_file(server, "r1", "a") as path:
        assert path == own
    assert path.exists(), "a store of this machine keeps its own file"
    assert len(fetched) == 1
