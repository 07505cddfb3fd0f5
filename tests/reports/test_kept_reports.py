"""A report that is not made again is the one that would be made: whatever it depends on is seen."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from matplotlib.figure import Figure

from bench import extensions, provenance
from bench.cards import card_files
from bench.cli.report import report
from bench.config import Config
from bench.reports import kept_reports
from bench.reports.document import Report
from bench.reports.kept_reports import WAITING, ReportPlace
from bench.tracking import file_store, mlflow_store, unit_outboxes
from bench.tracking.store import Store
from tests.reports.made import MADE
from tests.tracking.conftest import entry  # noqa: F401
from tests.tracking.outbox import run_row

pytestmark = pytest.mark.rows


@pytest.fixture
def place(monkeypatch, entry, tmp_path) -> ReportPlace:  # noqa: F811
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    config = Config(work=tmp_path / "work")
    run_row(Store(config), entry, tmp_path / "a")
    return ReportPlace("sal/table4", "paper", tmp_path / "reports", ("80",), config)


def one_file(work: Path) -> Path:
    """A file that the store keeps with a run of the table."""
    return next(path for path in work.rglob("folder/a") if path.is_file())


def test_it_is_the_same_where_nothing_changed(place):
    inputs = place.digest_inputs()
    assert inputs
    assert inputs == place.digest_inputs()


@pytest.fixture
def other_code(monkeypatch, tmp_path):
    """A package of code and cards that a test may change."""
    package, cards = tmp_path / "package", tmp_path / "cards"
    for folder in (package, cards):
        folder.mkdir()
    (package / "main_table.py").write_text("a = 1")
    (cards / "table4.toml").write_text("a = 1")
    monkeypatch.setattr(kept_reports, "_PACKAGE", package)
    monkeypatch.setattr(card_files, "card_folders", lambda name: [cards])
    monkeypatch.setattr(card_files, "card_folder", lambda name: cards)
    return package, cards


CHANGES = {
    "a run's tag": lambda place, code: edit(
        place, "update tags set value = 'x' where key = 'commit'"
    ),
    "a result": lambda place, code: edit(
        place, "update latest_metrics set value = 1 where key = 'partialspoof.eer'"
    ),
    "a point of a curve": lambda place, code: edit(
        place, "update metrics set value = 1 where key = 'train.loss'"
    ),
    "a deleted run": lambda place, code: edit(place, "update runs set lifecycle_stage = 'deleted'"),
    "a score file": lambda place, code: one_file(place.config.work).write_text("b"),
    "a score file of the same size and time": lambda place, code: replaced(
        one_file(place.config.work)
    ),
    "a removed score file": lambda place, code: one_file(place.config.work).unlink(),
    "one more file of a run": lambda place, code: (
        one_file(place.config.work).with_name("b").write_text("b")
    ),
    "a card": lambda place, code: (code[1] / "table4.toml").write_text("a = 2"),
    "one more card": lambda place, code: (code[1] / "table5.toml").write_text("a = 1"),
    "code": lambda place, code: (code[0] / "main_table.py").write_text("a = 2"),
}


def edit(place: ReportPlace, statement: str) -> None:
    with closing(sqlite3.connect(place.config.work / "mlflow.db")) as database, database:
        assert database.execute(statement).rowcount


def replaced(path: Path) -> None:
    """Put another file of the same size and time in the place of one."""
    state, other = path.stat(), path.with_name("other")
    other.write_text("b")
    os.utime(other, ns=(state.st_atime_ns, state.st_mtime_ns))
    other.replace(path)


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_it_depends_on_is_seen(place, other_code, change):
    before = place.digest_inputs()
    CHANGES[change](place, other_code)
    assert place.digest_inputs() not in ("", before)


def test_packages_settings_and_extensions_are_seen(place, other_code, monkeypatch, tmp_path):
    before = place.digest_inputs()
    other = replace(place, config=replace(place.config, device="cuda"))
    assert other.digest_inputs() != before
    with monkeypatch.context() as patched:
        patched.setattr(provenance, "package_versions", lambda: {"pandas": "0"})
        assert place.digest_inputs() != before
    folder = tmp_path / "lab"
    (folder / "metrics").mkdir(parents=True)
    monkeypatch.setattr(extensions, "installed_folders", lambda: [folder])
    assert place.digest_inputs() == before
    (folder / "metrics" / "mine.py").write_text("a = 1")
    assert place.digest_inputs() != before


def test_a_store_that_is_not_a_file_here_is_not_digested(place, subtests):
    server = replace(place, config=replace(place.config, tracking="http://127.0.0.1:9"))
    assert server.digest_inputs() == ""
    work = place.config.work
    waiting = [
        mlflow_store.outbox_file(place.config),
        unit_outboxes.host_outbox(place.config).parents[2],
        file_store.records_folder(place.config),
    ]
    assert [path.relative_to(work.absolute()).as_posix() for path in waiting] == [*WAITING]
    for path in waiting:
        with subtests.test(path=path.name):
            path.mkdir()
            assert place.digest_inputs() == ""
            path.rmdir()
    (work / "mlflow.db").write_bytes(b"no database")
    assert place.digest_inputs() == ""


@pytest.fixture
def ask(monkeypatch, tmp_path):
    """Ask for the report of a table; return its exit code, its words, and whether it was made."""
    made = []

    def build(*_, **__):
        made.append(None)
        return [replace(MADE["paper"](), stem="sal-table4")]

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCH_WORK", str(tmp_path / "work"))
    Store(Config(work=tmp_path / "work"))
    monkeypatch.setattr(sys.modules["bench.cli.report"], "build_table_reports", build)
    monkeypatch.setattr(Report, "draw_figure", lambda _: Figure())

    def run(*options: str) -> tuple[int, str, bool]:
        made.clear()
        done = CliRunner().invoke(report, ["table4", *options], catch_exceptions=False)
        return done.exit_code, done.output, bool(made)

    return run


def test_an_unchanged_report_is_said_and_not_made_again(ask):
    code, said, made = ask()
    assert (code, made) == (0, True)
    assert ask() == (0, said, False)
    code, said, made = ask("--check")
    assert (code, made) == (0, False)
    assert said.startswith("up to date")
    assert ask("--detail")[2]
    assert ask("--format", "html")[2]
    assert ask()[2], "a page was added"


def test_a_report_of_another_machine_is_checked_once(ask):
    ask()
    (note,) = Path("work", "digests").glob("report-*.json")
    note.unlink()
    assert ask("--check")[2]
    assert not ask("--check")[2]
    assert ask()[2]
    assert not ask()[2]


LATER = (pytest.param(ending, marks=pytest.mark.slow) for ending in ("csv", "json", "svg", "pdf"))


@pytest.mark.parametrize("ending", ["md", "png", *LATER])
def test_a_file_of_a_report_that_was_changed_or_deleted_is_written_again(ask, ending):
    ask()
    path = Path("reports", "published", f"sal-table4.{ending}")
    content = path.read_bytes()
    path.write_bytes(content + b" ")
    assert ask("--check")[0] == (ending in ("md", "csv", "json"))
    assert ask()[2]
    assert path.read_bytes() != content + b" "
    path.unlink()
    assert ask("--check")[0] == 1
    assert ask()[2]
    assert path.is_file()


def test_a_check_does_not_vouch_for_a_figure(ask):
    ask()
    figure = Path("reports", "published", "sal-table4.png")
    figure.write_bytes(b"by hand")
    assert ask("--check")[0] == 0
    assert ask()[2]
    assert figure.read_bytes() != b"by hand"


def test_a_damaged_note_is_no_note(ask):
    ask()
    (note,) = Path("work", "digests").glob("report-*.json")
    for text in ("", "{}", "[]", '{"inputs": 1}'):
        note.write_text(text)
        assert ask()[2]


@pytest.mark.slow
def test_an_unchanged_report_imports_little(place, tmp_path):
    (tmp_path / "bench.toml").write_text(f"work = '{place.config.work}'\n")
    code = """
import sys
from bench.cli import main
sys.argv[1:] = ["report", "table4", "--output-dir", "out", *sys.argv[1:]]
try:
    main()
finally:
    print(sorted({"mlflow", "sqlalchemy", "torch", "pandas", "matplotlib"} & {*sys.modules}))
"""
    told = [
        subprocess.run(
            [sys.executable, "-c", code, *options], cwd=tmp_path, capture_output=True, text=True
        )
        for options in ([], [], ["--check"], ["--check"])
    ]
    assert [done.returncode for done in told] == [0, 0, 0, 0], told[0].stderr
    (first, second, third, fourth) = (done.stdout.splitlines() for done in told)
    assert second[:-1] == first[:-1]
    assert fourth[:-1] == third[:-1]
    assert second[-1] == fourth[-1] == "[]"
    assert "matplotlib" in first[-1]
