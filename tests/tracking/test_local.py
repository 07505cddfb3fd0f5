"""A local store is made whole or not at all, and read where it cannot be written."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace

import pytest

from bench._io import file_locks
from bench.config import Config
from bench.metrics.measured import MetricResult
from bench.tracking import mlflow_store, sqlite_store
from bench.tracking.run_record import RunRecord
from bench.tracking.store import Store
from tests.errors import raises_code
from tests.tracked_frames import table_frame

FIGURES = {"partialspoof.eer": MetricResult(0.0361, 0.0350, 0.0372)}


def half_made(path, statements):
    """Leave a database as a process does that is killed after some of MLflow's statements."""
    with closing(sqlite3.connect(path)) as database, database:
        for statement in statements:
            database.execute(statement)


EXPERIMENTS = "create table experiments (experiment_id integer, name text, artifact_location text)"
RUNS = "create table runs (run_uuid text)"
METRICS = "create table metrics (key text, step integer)"
VERSION = "create table alembic_version (version_num text)"
HALF_MADE = {
    "nothing": [],
    "the version": [VERSION],
    "one table": [EXPERIMENTS],
    "some tables": [EXPERIMENTS, RUNS, METRICS, VERSION],
    "a version": [
        EXPERIMENTS,
        RUNS,
        VERSION,
        "insert into alembic_version values ('451aebb31d03')",
    ],
}


@pytest.mark.parametrize("name", ["mlflow.db", "outbox.db"])
@pytest.mark.parametrize("left", HALF_MADE)
def test_a_half_made_store_is_made_anew(tmp_path, left, name):
    file = tmp_path / name
    half_made(file, HALF_MADE[left])
    (tmp_path / f"{name}-wal").touch()
    sqlite_store.make_store(file)
    with closing(sqlite3.connect(file)) as database:
        assert database.execute("select experiment_id from experiments").fetchall() == [(0,)]
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_the_half_made_store_of_a_real_kill_is_made_anew(shared, tmp_path, monkeypatch):
    """../shared/cases/store"""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    case = shared / "cases" / "store" / "half-made-mlflow.db"
    if not case.is_file():
        pytest.skip("the case half-made-mlflow.db is not in ../shared")
    shutil.copyfile(case, tmp_path / "mlflow.db")
    assert table_frame(Store(Config(work=tmp_path)), "sal/table4", "paper").empty


def test_a_store_that_holds_anything_is_left_as_it_is(
    config: Config, store: Store, entry: RunRecord
):
    with store.begin_run(entry) as tracked:
        tracked.finish_run(FIGURES)
    file = config.work / "mlflow.db"
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("delete from experiments where experiment_id = 0")  # `mlflow gc` does
    before = file.read_bytes()
    sqlite_store.make_store(file)
    assert file.read_bytes() == before


@pytest.mark.parametrize("name", ["tracks.db", "mlflow.db"])
def test_another_programs_database_is_no_half_made_store(tmp_path, name):
    half_made(tmp_path / name, ["create table songs (title text)"])
    before = (tmp_path / name).read_bytes()
    with raises_code("tracking.not-a-store"):
        Store(Config(work=tmp_path, tracking=f"sqlite:///{tmp_path / name}"))
    assert (tmp_path / name).read_bytes() == before


def test_a_kill_while_the_store_is_made_leaves_none(tmp_path, monkeypatch):
    class Killed(BaseException):
        pass

    def killed(*given):
        raise Killed

    for name in ("write_empty", "atomic_files.write_bytes"):
        with monkeypatch.context() as at:
            at.setattr(f"bench.tracking.sqlite_store.{name}", killed)
            with pytest.raises(Killed):
                sqlite_store.make_store(tmp_path / "mlflow.db")
        assert not (tmp_path / "mlflow.db").exists()
    sqlite_store.make_store(tmp_path / "mlflow.db")


MAKER = """
import sys
from pathlib import Path
from bench.config import Config
from bench.tracking.store import Store
print("ready", flush=True)
table_frame(Store(Config(work=Path(sys.argv[1]))), "sal/table4", "paper")
"""


@pytest.mark.slow
def test_a_store_survives_kills_at_any_moment_of_its_making(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    moments = random.Random(0)
    for _ in range(8):
        shutil.rmtree(tmp_path / "work", ignore_errors=True)
        command = [sys.executable, "-c", MAKER, str(tmp_path / "work")]
        for _ in range(2):
            maker = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            maker.stdout.readline()
            time.sleep(moments.uniform(0.5, 6.0))
            os.kill(maker.pid, moments.choice([signal.SIGKILL, signal.SIGINT]))
            maker.communicate()
    for _ in range(2):  # of the last, and of one that is whole
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


@pytest.fixture
def read_only(config: Config, store: Store, entry: RunRecord, monkeypatch, tmp_path, request):
    """The configuration of a work folder with a finished run that nobody here may write."""
    (tmp_path / "a.txt").write_text("a")
    with store.begin_run(entry) as tracked:
        tracked.add_artifact(tmp_path / "a.txt", "folder")
        tracked.finish_run(FIGURES)
    shutil.copy(config.work / "mlflow.db", config.work / "outbox.db")
    request.getfixturevalue(request.param)(config.work, monkeypatch)
    return config


@pytest.fixture
def no_lock_file():
    """The lock's file cannot be opened, as in a read-only file system: root may open any other."""

    def shut(work, monkeypatch):
        for name in ("mlflow.db", "outbox.db"):
            (work / f"{name}.lock").unlink(missing_ok=True)
            (work / f"{name}.lock").mkdir()

    return shut


@pytest.fixture
def no_locks():
    """The file system knows no locks."""

    def shut(work, monkeypatch):
        def lock_descriptor(handle, **how):
            raise OSError(37, "No locks available")

        monkeypatch.setattr(file_locks, "lock_descriptor", lock_descriptor)

    return shut


@pytest.fixture
def no_permission():
    """The system says that the database may not be written."""

    def shut(work, monkeypatch):
        real = os.access

        def access(path, how):
            return real(path, how) and not (how == os.W_OK and str(path).endswith(".db"))

        monkeypatch.setattr(sqlite_store.os, "access", access)

    return shut


def state(work):
    return {
        path.relative_to(work): (path.stat().st_mtime_ns, path.stat().st_size)
        for path in work.rglob("*")
        if path.suffix != ".lock"
    }


@pytest.mark.parametrize("read_only", ["no_lock_file", "no_locks", "no_permission"], indirect=True)
def test_a_store_that_cannot_be_written_is_read(read_only, entry: RunRecord, tmp_path):
    before = state(read_only.work)
    store = Store(read_only)
    assert table_frame(store, "sal/table4", "paper")["status"].tolist() == ["FINISHED"]
    assert store.find_finished(entry)
    (run,) = store.search_runs("sal/table4", entry.identity)
    (found,) = store.client.list_artifacts(run.info.run_id, "folder")
    assert found.path == "folder/a.txt"
    assert store.waiting_names() == ["sal/table4: S5 · seed 666"]
    writers = {
        "begin": lambda: store.begin_run(replace(entry, seed=7)),
        "sweep": store.fail_dead_runs,
        "shared": lambda: store.ensure_run("a", "b", {"kind": "c"}, {}),
        "send": store.send_waiting,
        "add": store.require_writable,
    }
    for write in writers.values():
        with raises_code("tracking.not-writable") as raised:
            write()
        assert str(read_only.work) in str(raised.value).replace("%20", " ")
        assert "BENCH_WORK" in str(raised.value)
    assert state(read_only.work) == before


def test_a_copy_is_gone_with_its_reader(config: Config, monkeypatch, tmp_path):
    monkeypatch.setattr(sqlite_store, "write_refusal", lambda *given: "no permission")
    own = mlflow_store.open_configured(config)
    copy = own.client.tracking_uri.partition("///")[2].partition("mlflow.db")[0]
    assert os.path.isdir(copy)
    del own
    assert not os.path.exists(copy)


def test_a_store_that_cannot_be_read_is_named(config: Config, monkeypatch):
    file = config.work / "mlflow.db"
    file.unlink()
    file.mkdir()
    with raises_code("tracking.cannot-open") as raised:
        Store(config)
    assert "mlflow.db" in str(raised.value)
    monkeypatch.setattr(sqlite_store, "write_refusal", lambda *given: "no permission")
    with raises_code("tracking.not-readable") as raised:
        Store(config)
    assert "mlflow.db" in str(raised.value)


READER = """
import sys
from pathlib import Path
from bench.config import Config
from bench.errors import BenchError
from bench.tracking.store import Store
work = Path(sys.argv[1])
try:
    (work / "written").touch()
except OSError as error:
    print(error.strerror)
store = Store(Config(work=work))
print(table_frame(store, "sal/table4", "paper")["status"].tolist())
try:
    store.require_writable()
except BenchError as error:
    print(error)
"""


@pytest.mark.slow
def test_a_read_only_file_system_is_read(config: Config, store: Store, entry: RunRecord):
    with store.begin_run(entry) as tracked:
        tracked.finish_run(FIGURES)
    mount = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0"'
    alone = ["unshare", "-m", "sh", "-c"]
    if not shutil.which("unshare") or subprocess.run([*alone, mount, str(config.work)]).returncode:
        pytest.skip("nothing may be mounted here")
    command = [*alone, f'{mount} && exec "$@"', str(config.work)]
    command += [sys.executable, "-c", READER, str(config.work)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    refused, read, said = done.stdout.splitlines()
    assert refused == "Read-only file system"
    assert read == "['FINISHED']"
    assert "cannot be written" in said
    assert "Read-only file system" in said
