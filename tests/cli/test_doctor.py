"""`bench doctor`: what is missing, what is broken, what a table needs; tried, not assumed."""

from __future__ import annotations

import json
import re
import shutil
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bench import __version__
from bench.cards import table_cards
from bench.cli import machine_checks
from bench.config import Config, locations
from bench.error_codes import read_error_codes
from bench.tracking.store import Store
from tests.errors import raises_code
from tests.services.older_stores import write_older_store
from tests.services.recorder import build_entry, figures


def found(done):
    findings = json.loads(done.stdout)["findings"]
    assert all((one["code"] is None) == (one["state"] == "ok") for one in findings)
    assert {one["code"] for one in findings} - {None} <= read_error_codes().keys()
    return {(one["area"], one["name"]): one for one in findings}


def test_a_machine_with_nothing_set_is_not_broken_and_equal_lines_are_one(bench):
    done = bench("doctor")
    assert done.returncode == 0, done.stdout
    lines = [
        line
        for line in done.stdout.splitlines()
        if "is not configured: add" in line and "corpus" in line
    ]
    assert len(lines) == 1
    assert "BENCH_CORPORA_KEY" in lines[0]
    for key in ("had", "partialspoof", "inthewild"):
        assert key in lines[0]
    for text in ("GB free", "is written and read", "a second process sees a lock"):
        assert text in done.stdout


@pytest.mark.rows
def test_what_is_set_and_not_there_is_broken(bench, environment):
    environment["BENCH_CORPORA_HAD"] = "/no/such/folder"
    done = bench("doctor", "--json")
    assert done.returncode == 1
    assert found(done)["corpora", "had"]["state"] == "broken"
    assert found(done)["corpora", "partialspoof"]["state"] == "missing"
    assert found(done)["configuration", "corpora.had"]["detail"] == "from BENCH_CORPORA_HAD"


@pytest.mark.rows
def test_what_a_table_needs_is_asked_of_it(bench):
    assert bench("doctor", "table4", "--smoke").returncode == 0
    done = bench("doctor", "table4", "--json")
    assert done.returncode == 1
    area = "needed by sal/table4"
    needed = [of for of in json.loads(done.stdout)["findings"] if of["area"] == area]
    assert {of["state"] for of in needed} == {"missing"}
    assert any("corpus partialspoof is not configured" in of["detail"] for of in needed)
    assert len({of["detail"] for of in needed}) == len(needed)
    misspelt = bench("doctor", "tabel4")
    assert misspelt.returncode == 2
    assert "did you mean 'table4'?" in misspelt.stderr


@pytest.mark.rows
def test_files_keys_and_weights_are_told(bench, environment, tmp_path):
    (tmp_path / "bench.toml").write_text("workers = 3\n")
    path = tmp_path / "w.pt"
    path.write_bytes(b"weights")
    environment["BENCH_WEIGHTS_MINE"] = str(path)
    done = found(bench("doctor", "--json"))
    assert done["configuration", "bench.toml"]["detail"] == "read"
    assert done["configuration", "work"]["detail"] == "from BENCH_WORK"
    text = "(sha256 9a129038d9a00aed: whether it is a published file is not known)"
    assert text in done["weights", "mine"]["detail"]
    environment["BENCH_WEIGHTS_WAVLM_LARGE"] = str(path)
    text = "(sha256 9a129038d9a00aed: not the published WavLM-Large.pt)"
    assert text in found(bench("doctor", "--json"))["weights", "wavlm_large"]["detail"]


@pytest.mark.parametrize(
    ("package", "said"),
    [
        ("torch", "install speech-deepfake-bench"),
        ("mlflow", "work/records: 0 evaluated score files"),
    ],
)
def test_a_slim_environment_is_told_what_to_install(bench, package, said, monkeypatch):
    monkeypatch.setattr("bench._io.packages.is_installed", lambda name: name != package)
    done = bench("doctor")
    assert done.returncode == 0, done.stderr
    assert said in done.stdout


def test_locks_that_a_second_process_does_not_see_are_told(tmp_path, monkeypatch):
    assert "a second process sees a lock" in machine_checks.locks_hold(tmp_path)

    @contextmanager
    def no_lock(path, *more):
        yield

    with monkeypatch.context() as patched:
        patched.setattr(machine_checks.file_locks, "hold_file", no_lock)
        with raises_code("machine.no-locks"):
            machine_checks.locks_hold(tmp_path)
        patched.setattr(sys, "executable", shutil.which("false"))
        with raises_code("machine.no-locks"):
            machine_checks.locks_hold(tmp_path)


def test_packages_other_than_the_lock_files_are_named(tmp_path):
    lock = tmp_path / "uv.lock"
    lock.write_text('[[package]]\nname = "click"\nversion = "0.0.1"\n')
    with raises_code("machine.other-versions") as error:
        machine_checks.beside_lock(lock)
    assert re.search(r"click .* \(locked: 0.0.1\)", str(error.value))
    lock.write_text('[[package]]\nname = "no-such-package"\nversion = "1"\n')
    assert "are those of uv.lock" in machine_checks.beside_lock(lock)
    assert "no lock file" in machine_checks.beside_lock(tmp_path / "none")


def test_a_work_folder_that_is_not_there_yet_is_tried_above_it(tmp_path):
    work = tmp_path / "a" / "work"
    assert f"free for {work}" in machine_checks.free_disk(work)
    assert machine_checks.check_writing(work) == f"{tmp_path} is written and read"
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def recorded(environment, monkeypatch):
    """Return a function that records a finished smoke run of a row, as some version did."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    store = Store(Config(work=Path(environment["BENCH_WORK"])))

    def record(row: str, package: str, tags=None, seed: int = 666, **changes) -> None:
        entry = replace(build_entry(row, seed), **changes)
        with store.begin_run(entry) as tracked:
            tracked.finish_run(figures(row, seed))
        (run,) = store.search_runs(entry.table, entry.identity)
        old = {
            name: json.dumps(json.loads(run.data.tags[name]) | more)
            for name, more in (tags or {}).items()
        }
        for name, text in {"package": package, **old}.items():
            store.client.set_tag(run.info.run_id, name, text)

    return record


@pytest.mark.rows
def test_what_made_the_runs_of_the_store_is_compared_with_what_is_here(bench, recorded):
    area = "versions of runs"
    assert "no finished run" in found(bench("doctor", "--json"))[area, "suite"]["detail"]
    recorded("S0", __version__)
    recorded("S1", "0.0.1", {"versions": {"system sal": 0}})
    recorded("S5", "0.0.1", {"versions": {"system sal": 0}})
    recorded("S7", "99.0", {"metrics": {"metric eer": 0}})
    table, change = table_cards.read_table("sal/table4"), ["training.epochs=3"]
    other = {row: table_cards.resolve_row(table, row, "smoke", change) for row in ("S2", "S3")}
    recorded("S2", "0.0.1", run=other["S2"])
    recorded("S3", "0.0.1", run=other["S3"], overrides=change)
    done = bench("doctor", "--json")
    assert done.returncode == 0
    lines = [one for one in json.loads(done.stdout)["findings"] if one["area"] == area]
    suite, *older = lines
    assert "5 finished runs, made by" in suite["detail"]
    assert f"0.0.1 (older), {__version__}, 99.0 (newer)" in suite["detail"]
    assert {(one["state"], one["code"]) for one in older} == {("older", "run.older-code")}
    again = "`bench run sal/table4 --rows {} --smoke`".format
    assert sorted(one["detail"] for one in older) == [
        f"S1, S5 by 0.0.1: system sal (version 0 -> 1): {again('S1,S5')} trains them again",
        f"S2 by 0.0.1: other settings: {again('S2')} trains them again",
        f"S7 by 99.0: metric eer (version 0 -> 1): {again('S7')} computes their results again",
    ]
    recorded("S2", __version__)
    assert "other settings" not in bench("doctor").stdout, "the row was run anew"


@pytest.mark.rows
def test_a_store_of_an_older_mlflow_is_named_with_its_remedy(bench, environment):
    file = Path(environment["BENCH_WORK"]) / "mlflow.db"
    write_older_store(f"sqlite:///{file}", 25)
    before = file.read_bytes()
    done = bench("doctor", "--json")
    assert done.returncode == 1
    fault = found(done)["tracking store", "mlflow"]
    assert (fault["state"], fault["code"]) == ("broken", "tracking.schema-older")
    assert "mlflow db upgrade" in fault["detail"]
    assert file.read_bytes() == before


def test_each_file_of_the_configuration_is_said_in_its_order(
    bench, environment, tmp_path, monkeypatch
):
    """The project's goes before the user's, and that before the machine's in /etc."""
    machine, user = tmp_path / "etc" / "bench.toml", tmp_path / "home"
    for file in (machine, user / "speech-deepfake-bench" / "bench.toml", tmp_path / "bench.toml"):
        file.parent.mkdir(parents=True, exist_ok=True)
    machine.write_text("workers = 1\ndeterministic = true\ndevices = 1\n")
    (user / "speech-deepfake-bench" / "bench.toml").write_text("workers = 2\ndevices = 1\n")
    (tmp_path / "bench.toml").write_text("workers = 3\n")
    assert str(locations.machine_file({})) == "/etc/speech-deepfake-bench/bench.toml"
    monkeypatch.setattr(locations, "machine_file", lambda environment: machine)
    environment["XDG_CONFIG_HOME"] = str(user)
    del environment["BENCH_WORKERS"]
    findings = json.loads(bench("doctor", "--json").stdout)["findings"]
    own = str(user / "speech-deepfake-bench" / "bench.toml")
    said = {one["name"]: one["detail"] for one in findings if one["area"] == "configuration"}
    files = [name for name, detail in said.items() if detail == "read"]
    assert files == ["bench.toml", own, str(machine)]
    assert said["workers"] == "from bench.toml"
    assert said["devices"] == f"from {own}"
    assert said["deterministic"] == f"from {machine}"
