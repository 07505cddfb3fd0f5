"""Evaluated score files kept in the work folder, where MLflow is not installed.

A record is a folder `records/<id>` of the work folder: `record.json` says what was judged and how
it came out, `files` holds what is kept with it. Reports read records as they read an MLflow store.
Where MLflow is installed they are sent to the store, each once, and are then gone from here.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from pydantic import TypeAdapter

from bench._io import atomic_files
from bench._io.digests import short_digest
from bench.config import Config, Form
from bench.errors import BenchError
from bench.specs.table import Table
from bench.tracking.client import now_ms
from bench.tracking.run_record import ScoredFile
from bench.tracking.scored_record import ScoredRecord, record_of_file
from bench.tracking.stored_runs import StoredRun

_RECORD, _FILES = "record.json", "files"
_ENTRY: TypeAdapter[ScoredFile] = TypeAdapter(ScoredFile)


@dataclass(frozen=True)
class StoredRecord:
    """An evaluated score file as it is kept."""

    path: Path
    """Its folder."""
    entry: ScoredFile
    judged_ms: int
    """When it was last evaluated: milliseconds since 1970, UTC."""

    @property
    def run_id(self) -> str:
        """What it is known by in a report, as an MLflow run by its id."""
        return self.path.name

    @property
    def files(self) -> dict[str, list[Path]]:
        """What is kept with it, by the folder that it is in."""
        files_by_folder: dict[str, list[Path]] = {}
        for path in sorted((self.path / _FILES).rglob("*")):
            if path.is_file():
                below = path.parent.relative_to(self.path / _FILES).as_posix()
                files_by_folder.setdefault("" if below == "." else below, []).append(path)
        return files_by_folder


class FileStore:
    """The records of a work folder, with what `bench score` and reports use of a tracking store."""

    def __init__(self, config: Config) -> None:
        self._folder = records_folder(config)
        self.uri = str(self._folder)
        """Where they are, as it may be shown."""

    @property
    def client(self) -> _Files:
        """What lists a record's files, as MLflow's client does a run's."""
        return _Files(self._folder)

    def artifact_uri(self, run_id: str) -> str:
        """Return where a record keeps its files."""
        return (self._folder / run_id / _FILES).as_uri()

    def stored_runs(self, table_key: str, form: Form) -> list[StoredRun]:  # noqa: ARG002 (as a store's)
        """Return the runs of a table's own rows: there are none without MLflow."""
        return []

    def scored_records(self, table_key: str, form: Form) -> list[ScoredRecord]:
        """Return what `bench.tracking.store.Store.scored_records` does."""
        return [
            record_of_file(record.entry, record.run_id, record.judged_ms)
            for record in read_records(self._folder)
            if (record.entry.table, record.entry.form) == (table_key, form)
        ]

    def present_table(self, table: Table) -> None:
        """There are no pages to show a table in without MLflow."""

    def keep_scored_file(self, entry: ScoredFile, artifacts: Mapping[str, Sequence[Path]]) -> str:
        """Keep an evaluated score file and return the record's id.

        `artifacts` are files by the folder of the record that they are copied to. The same file
        with the same settings is kept once, with the time of its last evaluation.
        """
        folder = self._folder / short_digest(entry.identity)
        content = {"judged_ms": now_ms(), "entry": _ENTRY.dump_python(entry, mode="python")}
        text = json.dumps(content, indent=2)
        if not (folder / _RECORD).is_file():
            with atomic_files.scratch_folder(folder) as aside:
                for below, paths in artifacts.items():
                    (aside / _FILES / below).mkdir(parents=True, exist_ok=True)
                    for path in paths:
                        shutil.copyfile(path, aside / _FILES / below / path.name)
                (aside / _RECORD).write_text(text, encoding="utf-8")
                os.replace(aside, folder)
        atomic_files.write_text(folder / _RECORD, text)
        return folder.name


def records_folder(config: Config) -> Path:
    """Return where a work folder's records are."""
    return (config.work / "records").absolute()


def read_records(folder: Path) -> list[StoredRecord]:
    """Return the records in a folder, in the order of evaluation; BenchError names what is none."""
    records = [_read_record(path.parent) for path in sorted(folder.glob(f"*/{_RECORD}"))]
    return sorted(records, key=lambda record: (record.judged_ms, record.run_id))


def record_names(folder: Path) -> list[str]:
    """Return how the records in a folder are called where they wait to be sent."""
    return [_record_name(record) for record in read_records(folder)]


def send_records(folder: Path, keep: Callable[[StoredRecord], object]) -> Iterator[str]:
    """Have every record in a folder kept elsewhere, and remove it here; yield each one's name.

    One that is interrupted is sent again: what is kept already is kept once.
    """
    for record in read_records(folder):
        keep(record)
        (record.path / _RECORD).unlink()  # first: half a folder is no record any more
        shutil.rmtree(record.path, ignore_errors=True)
        yield _record_name(record)


def _read_record(folder: Path) -> StoredRecord:
    try:
        content = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
        entry = _ENTRY.validate_python(content["entry"])
        return StoredRecord(folder, entry, int(content["judged_ms"]))
    except (ValueError, KeyError, TypeError) as error:
        why = str(error).partition("\n")[0]
        raise BenchError(
            "tracking.bad-record",
            f"{folder / _RECORD}: is no record of an evaluated score file ({why}): move the folder "
            "away, and evaluate the file again",
        ) from error


def _record_name(record: StoredRecord) -> str:
    return f"{record.entry.table}: {record.entry.system}, {record.entry.split}"


class _Files:
    """The files of records, by the names of MLflow's client."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def list_artifacts(self, run_id: str, path: str = "") -> list[Any]:
        """Return the files of a record below `path`, each with its `path`."""
        folder = self._folder / run_id / _FILES
        return [
            SimpleNamespace(path=file.relative_to(folder).as_posix(), is_dir=False)
            for file in sorted((folder / path).rglob("*"))
            if file.is_file()
        ]
