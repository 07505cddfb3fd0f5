"""Writes an export: the report, score files, settings, environment and checksums of a table.

The files depend on the tracking store, the cards and this version of the suite alone: the same
store gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from bench._io import atomic_files
from bench._io.json_objects import to_plain
from bench.errors import BenchError
from bench.reports.document import Report, render_report_files
from bench.reports.export import citations, eval_results, run_list, score_files
from bench.reports.export.parts import REPORT, RUNS, SETTINGS, MissingPart, name_row_folders
from bench.reports.export.readme import render_readme
from bench.tracking.run_artifacts import OpenStore

SUMS = "SHA256SUMS"
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every file in a zip: the earliest that the format knows."""
_MODE = 0o644


class ExportedFile(NamedTuple):
    """A file of an export."""

    path: str
    """Below the export's folder, with slashes."""
    bytes: int
    sha256: str


class Export(NamedTuple):
    """What an export holds, and what it should hold and does not."""

    files: tuple[ExportedFile, ...]
    missing: tuple[MissingPart, ...]


def write_export_folder(made: Report, store: OpenStore, target: Path) -> Export:
    """Write the export as the folder `target`; BenchError if there is anything already."""
    if target.is_dir() and not any(target.iterdir()):
        target.rmdir()
    _require_new(target)
    with atomic_files.scratch_folder(target) as aside:
        export = _fill_folder(made, store, aside)
        os.replace(aside, target)
    return export


def write_export_zip(made: Report, store: OpenStore, target: Path) -> Export:
    """Write the export as the zip `target`, in a folder; BenchError if there is a file already."""
    _require_new(target)
    with atomic_files.scratch_folder(target) as aside:
        export = _fill_folder(made, store, aside)
        with atomic_files.open_whole(target) as file, zipfile.ZipFile(file, "w") as archive:
            for name in (*(each.path for each in export.files), SUMS):
                _add_to_zip(archive, aside / name, f"{made.stem}/{name}")
    return export


def _require_new(target: Path) -> None:
    if os.path.lexists(target):
        raise BenchError(
            "report.export-exists",
            f"{target}: is there already: remove it, or name another place "
            "(--output-dir DIR or --zip FILE)",
        )


def _add_to_zip(archive: zipfile.ZipFile, path: Path, name: str) -> None:
    """Add a file as it is: unpacked bytes do not depend on a library that compresses."""
    info = zipfile.ZipInfo(name, _EPOCH)
    info.create_system = 3  # Unix, on every system
    info.external_attr = _MODE << 16
    info.file_size = path.stat().st_size
    with path.open("rb") as source, archive.open(info, "w") as entry:
        shutil.copyfileobj(source, entry)


def _fill_folder(made: Report, store: OpenStore, folder: Path) -> Export:
    """Write all files into an empty folder; return what they are and what is missing."""
    row_folders = name_row_folders(made.table.rows)
    texts, missing = _render_texts(made, row_folders)
    missing += score_files.list_missing_rows(made)
    missing += score_files.copy_score_files(made, store, folder, row_folders)
    texts["README.md"] = render_readme(made, missing)
    for name, content in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    files = _describe_files(folder)
    sums = "".join(f"{file.sha256}  {file.path}\n" for file in files)
    (folder / SUMS).write_bytes(sums.encode("utf-8"))
    return Export(files, tuple(missing))


def _describe_files(folder: Path) -> tuple[ExportedFile, ...]:
    paths = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    return tuple(
        ExportedFile(name, path.stat().st_size, _digest_file(path))
        for name, path in sorted(paths.items())
        if path.is_file()
    )


def _digest_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _render_texts(
    made: Report, row_folders: Mapping[str, str]
) -> tuple[dict[str, str | bytes], list[MissingPart]]:
    """Return every file but the score files and the README, and what cannot be written."""
    runs = run_list.list_runs(made)
    report, missing = _render_report(made)
    files: dict[str, str | bytes] = {f"{REPORT}/{name}": text for name, text in report.items()}
    for row, run in made.runs.items():
        content = {
            "table": made.table.key,
            "row": row,
            "form": made.form,
            "seeds": made.standings[row].seeds,
            "signature": run.signature,
            "settings": run.model_dump(mode="json"),
        }
        files[f"{SETTINGS}/{row_folders[row]}.json"] = _format_json(content)
    files |= eval_results.list_eval_results(made, made.runs, row_folders)
    files |= run_list.list_environment_files(runs)
    files[RUNS] = _format_json({"table": made.table.key, "form": made.form, "runs": runs})
    commits = [*dict.fromkeys(run["commit"] for run in runs if "commit" in run)]
    works = citations.list_cited_works(made.table, made.paper, made.runs)
    files["CITATION.cff"] = citations.render_citation_file(works, commits)
    missing += run_list.list_missing_locks(runs)
    if made.form == "smoke":
        missing.append(MissingPart("eval_results", "", "a smoke run is never a result"))
    return files, missing


def _render_report(made: Report) -> tuple[dict[str, str | bytes], list[MissingPart]]:
    """Return the report in all forms; pdfLaTeX cannot set every letter, and then it is left out."""
    try:
        files = render_report_files(made, ["html", "latex"])
        files[f"{made.stem}.bib"] = citations.render_bibtex(made.table, made.paper, made.runs)
    except BenchError as error:
        if error.code != "report.latex-character":
            raise
        return render_report_files(made, ["html"]), [MissingPart("LaTeX table", "", str(error))]
    return files, []


def _format_json(content: Mapping[str, Any]) -> str:
    return json.dumps(to_plain(content), indent=2) + "\n"
