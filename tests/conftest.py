"""Fixtures of the whole suite."""

from __future__ import annotations

import base64
import lzma
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

# Nothing that a user has set for the suite reaches its tests.
_ALIEN = ("BENCH_", "MLFLOW_", "COLUMNS", "LINES")  # the last two: how wide this terminal is
for _name in [name for name in os.environ if name.startswith(_ALIEN)]:
    del os.environ[_name]

# One thread for each test process, and for those it starts: the models here are so small that
# waiting for a second thread takes longer than the work, ten times so on a busy machine.
os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")

import pytest
from hypothesis import settings
from matplotlib.figure import Figure

# A shell that runs this in the background has it ignore Ctrl-C, which some tests press.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says how busy the machine is.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")

ROOT = Path(__file__).parent.parent

_WHOLE_ROWS = ("cli", "conformance", "docs", "runner", "sweeps")
"""Folders of tests of whole rows, which look neither at pictures nor at the widths of intervals."""
_PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
"""A PNG of one pixel."""


def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of this run's temporary files that all workers share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name cases of bytes by their argument and number, never by what they hold.

    The workers of one run must name every test alike, and bytes made at import may differ from
    one to the next (gzip writes the time of day into its header).
    """
    return argname if isinstance(val, bytes) else None


@pytest.fixture(scope="session", autouse=True)
def own_configuration(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep any bench.toml, and any work folder, outside the tests' own folders from being read."""
    os.environ["BENCH_CONFIG_WITHIN"] = str(tmp_path_factory.getbasetemp())


@pytest.fixture(autouse=True)
def no_extensions() -> Iterator[None]:
    """Leave nothing of one test's extension to the next."""
    yield
    extensions = sys.modules.get("bench.extensions")
    if extensions is not None:
        extensions.activate_extensions(())


@pytest.fixture(scope="session", autouse=True)
def copied_stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Have new stores be copies of one: MLflow takes more than a second for each that it makes."""
    from bench._io import file_locks
    from bench.tracking import sqlite_store

    empty = shared_folder(tmp_path_factory) / "empty.db"
    write_empty = sqlite_store.write_empty

    def copy_empty(file: Path) -> None:
        with file_locks.hold_file(empty.with_suffix(".lock")):
            if not empty.exists():
                part = empty.with_suffix(".part")
                write_empty(part)
                part.rename(empty)
        shutil.copyfile(empty, file)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sqlite_store, "write_empty", copy_empty)
        yield


@pytest.fixture(scope="session", autouse=True)
def unsynced_stores() -> Iterator[None]:
    """Have SQLite not wait for the disk: no test looks at what a power cut leaves."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    def stop_waiting(connection: object, _: object) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.execute("PRAGMA synchronous=OFF")

    event.listen(Engine, "connect", stop_waiting)
    yield
    event.remove(Engine, "connect", stop_waiting)


@pytest.fixture(autouse=True)
def pictures(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw pictures as PNG alone, SVG and PDF empty, but in tests marked `every_kind`: the fonts of
    a PDF take longer than the training of a row does here.

    Tests of whole rows look at no picture and have one pixel instead, but those marked `drawn` or
    `slow`.
    """
    if request.node.get_closest_marker("every_kind"):
        return
    from bench.reports import plot_style

    render = plot_style.render_figure
    blank = request.path.parent.name in _WHOLE_ROWS and not any(
        map(request.node.get_closest_marker, ("drawn", "slow"))
    )

    def render_png(figure: Figure, kind: str) -> bytes:
        if kind != "png":
            return b""
        return _PIXEL if blank else render(figure, "png")

    monkeypatch.setattr(plot_style, "render_figure", render_png)


@pytest.fixture(autouse=True)
def few_replicates(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw 50 bootstrap replicates where whole rows are tested, but in tests marked `slow`: how
    many there are changes nothing that these tests look at, and 1000 are half of a row's time.
    """
    if request.path.parent.name not in _WHOLE_ROWS or request.node.get_closest_marker("slow"):
        return
    from bench.evaluation import draws, frame_errors, row_evaluation
    from bench.runner import figure_queue

    # A process beside this one would draw as many as ever.
    monkeypatch.setattr(figure_queue, "count_cores", lambda: 1)
    monkeypatch.setattr(row_evaluation, "_REPLICATES", 50)
    monkeypatch.setattr(draws, "REPLICATES", 50)
    monkeypatch.setattr(draws, "_WEIGHTS", {})  # those of other tests are more, or fewer
    monkeypatch.setattr(frame_errors, "REPLICATES", 50)


@pytest.fixture
def start_process() -> Iterator[Callable[..., subprocess.Popen]]:
    """Start processes, each in a session of its own; what is left of them ends with the test.

    A test that fails would else leave them to work beside the next ones, of which one would fail by
    the warning that a process still runs.
    """
    with ExitStack() as running:

        def start(arguments: Sequence[str], **given: Any) -> subprocess.Popen:
            process = subprocess.Popen(arguments, start_new_session=True, **given)
            running.enter_context(process)
            running.callback(_kill_session, process.pid)
            return process

        yield start


def _kill_session(leader: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of papers, real recordings and protocols that may lie beside the checkout."""
    place = ROOT.parent / "shared"
    if not place.is_dir():
        pytest.skip("the folder ../shared with papers, recordings and protocols is not here")
    return place


@pytest.fixture(scope="session")
def official(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Protocols, keys and scores as they were published (tests/official), unpacked once."""
    from bench._io import file_locks

    packed = Path(__file__).parent / "official"
    unpacked = shared_folder(tmp_path_factory) / "official"
    with file_locks.hold_file(unpacked.with_suffix(".lock")):
        if not unpacked.exists():
            for path in packed.rglob("*.xz"):
                file = unpacked / path.relative_to(packed).with_suffix("")
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(lzma.decompress(path.read_bytes()))
    return unpacked


@pytest.fixture(scope="session")
def miniatures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work folder whose `mini` holds very small miniature corpora, made once for all workers."""
    from bench._io import file_locks
    from bench.synthetic import Size, write_miniatures

    work = shared_folder(tmp_path_factory) / "miniatures"
    size = Size(12, 6, 6, 6, 4, 4, 2, 6, 6, 6, 6, 6, shortest_s=1.0, longest_s=2.0)
    with file_locks.hold_file(work.with_suffix(".lock")):
        if not work.exists():
            write_miniatures(work / "mini", size=size)
    return work
