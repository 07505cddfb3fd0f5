"""Whether a table's report is still the one that was written, found out without making it again.

A report depends on cards, code, packages and the tracking store with the files of the table's runs,
and on nothing else: kept draws follow from the score files of the runs. A digest of all of these is
kept with the digests of the files that were written: where both are as they were, the report is
what it would be. A store on a server is not digested: its reports are made each time.
"""

from __future__ import annotations

import glob
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from bench import extensions, provenance
from bench._io import atomic_files, packages
from bench._io.digests import file_digest
from bench.cards import card_files
from bench.config import Config, Form
from bench.jobs import submissions
from bench.tracking import address, sqlite_runs

_PACKAGE = Path(__file__).parents[1]
_CARDS = ("datasets", "experiments", "weights")
_DRAWN_BY = ("matplotlib", "seaborn")
WAITING = ("outbox.db", "outboxes", "records")
"""In the work folder: what a report reads as well where the store has not got it yet."""


@dataclass(frozen=True)
class KeptReport:
    """What is kept of a report that was written or checked."""

    inputs: str
    """The digest of all that it was made from."""
    files: dict[str, str]
    """Digests of its files by name, of all formats that were there."""
    on_terminal: str
    is_written: bool
    """False where its files were compared alone: figures are not compared by their bytes."""


@dataclass(frozen=True)
class ReportPlace:
    """A report that is asked for, and where it is written."""

    table: str
    form: Form
    folder: Path
    asked: Sequence[str]
    """What else its files and its text on the terminal depend on: formats, details, width."""
    config: Config

    @property
    def page(self) -> Path:
        """Its Markdown file."""
        return self.folder / f"{name_report(self.table, self.form)}.md"

    @property
    def _note(self) -> Path:
        asked = [self.table, self.form, str(self.folder.absolute()), *self.asked]
        name = hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:16]
        return self.config.work / "digests" / f"report-{name}.json"

    def digest_inputs(self) -> str:
        """Return a digest of all that the report is made from; "" where that is not known."""
        try:
            files = _list_store_files(self.config, self.table)
            if files is None:
                return ""
            database, artifacts = files
            lines = [str(self.config), *_package_lines(), *_content_lines(_list_sources())]
            lines += [*_content_lines(database), *_state_lines(artifacts)]
        except OSError:  # a file went while it was looked at
            return ""
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def read_unchanged(self, inputs: str, *, check: bool) -> KeptReport | None:
        """Return what is kept of the report where it is made from `inputs` and its files are whole.

        `check`: also where its files were only compared.
        """
        try:
            noted = KeptReport(**json.loads(self._note.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        is_known = bool(inputs) and noted.inputs == inputs and (check or noted.is_written)
        return noted if is_known and self._digest_files(noted.files) == noted.files else None

    def keep(
        self, inputs: str, names: Iterable[str], on_terminal: str, *, is_written: bool
    ) -> None:
        """Keep that the report was made from `inputs`, with its files `names` as they are now."""
        if inputs:
            noted = KeptReport(inputs, self._digest_files(names), on_terminal, is_written)
            with suppress(OSError):  # the next report is made again
                atomic_files.write_text(self._note, json.dumps(asdict(noted)))

    def _digest_files(self, names: Iterable[str]) -> dict[str, str]:
        """Return digests of the report's files: `names`, and any other format that is there."""
        there = find_report_files(self.page.stem, self.folder)
        paths = {*there, *(self.folder / name for name in names)}
        return {path.name: file_digest(path) for path in sorted(paths) if path.is_file()}


def name_report(table: str, form: Form) -> str:
    """Return the name of a table's report, without ending: `sal-table4`, or `sal-table4.smoke`."""
    return table.replace("/", "-") + (".smoke" if form == "smoke" else "")


def find_report_files(stem: str, folder: Path) -> list[Path]:
    """Return the files of a report in `folder`, in any form and of any run."""
    other = f"{stem}.smoke."
    paths = folder.glob(f"{glob.escape(stem)}.*") if folder.is_dir() else ()
    return [path for path in paths if not path.name.startswith(other)]


def _list_sources() -> list[Path]:
    """Return every file of code, of templates and of cards, those of extensions among them."""
    here = card_files.load_extensions()
    roots = [_PACKAGE, card_files.card_folder("templates")]
    roots += [folder for name in _CARDS for folder in card_files.card_folders(name)]
    roots += [
        folder / part for folder in card_files.extension_folders(here) for part in extensions.CODE
    ]
    paths = {path for root in roots for path in _walk_files(root)}
    return sorted(path for path in paths if path.suffix != ".pyc")


def _list_store_files(config: Config, table: str) -> tuple[list[Path], list[Path]] | None:
    """Return the files of a local store's database, and those that the table's runs keep.

    None where the store, or what its runs keep, is not on this machine or cannot be told, and where
    records wait to be sent to it.
    """
    to = address.configured_address(config)
    waiting = any((config.work / name).exists() for name in WAITING)
    if to.file is None or waiting or submissions.current_unit() is not None:
        return None
    if to.is_new:
        return [], []
    uris = sqlite_runs.list_artifact_uris(to.file, table)
    folders = [None] if uris is None else [address.local_folder(uri) for uri in uris]
    here = [folder for folder in folders if folder is not None]
    if len(here) < len(folders):
        return None
    beside = (to.file.with_name(f"{to.file.name}-{end}") for end in ("wal", "journal"))
    database = [to.file, *(path for path in beside if path.is_file())]
    return database, sorted(path for folder in here for path in _walk_files(folder))


def _walk_files(root: Path) -> Iterator[Path]:
    """Yield the files below a folder, none where it is not there."""
    for folder, _, names in os.walk(root):
        yield from (Path(folder, name) for name in names)


def _package_lines() -> Iterator[str]:
    """Yield the versions of all packages that a report is made with."""
    yield from (f"{name} {version}" for name, version in provenance.package_versions().items())
    yield from (f"{name} {packages.installed_version(name)}" for name in _DRAWN_BY)


def _content_lines(paths: Iterable[Path]) -> Iterator[str]:
    yield from (f"{path} {file_digest(path)}" for path in paths)


def _state_lines(paths: Iterable[Path]) -> Iterator[str]:
    """Yield the state of each file: what runs keep is large, and is only ever replaced."""
    for path in paths:
        state = path.stat()
        times = f"{state.st_mtime_ns} {state.st_ctime_ns}"
        yield f"{path} {state.st_ino} {state.st_size} {times}"
