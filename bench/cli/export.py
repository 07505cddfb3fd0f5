"""`bench export`: a table's report with all that it was made from, to attach to a paper."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench._io import disk
from bench._io.printable import format_count, one_line
from bench.cli import checked_tables, completion, configuration, json_output, options
from bench.cli.report_building import build_table_reports
from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.reports.export.bundle import Export

_FOLDER = "exports"


@click.command()
@click.argument("table", shell_complete=completion.table_names)
@options.smoke
@click.option(
    "--output-dir",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help=f"The folder to write, a new one (default: {_FOLDER}/TABLE).",
)
@click.option(
    "--zip",
    "zip_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write a zip instead of a folder. The same store gives the same bytes.",
)
@json_output.json_flag
def export(
    table: str, smoke: bool, output_dir: Path | None, zip_file: Path | None, as_json: bool
) -> None:
    """Write all that a table's results rest on, as one folder or zip to attach to a paper.

    It holds the report (HTML, Markdown, LaTeX, CSV, JSON), BibTeX, the score file of every row and
    seed, resolved settings, the runs with commit and packages, results for Hugging Face, a README,
    CITATION.cff and checksums. The README says what is missing, and so does the command.
    """
    from bench.reports.export import bundle
    from bench.tracking import open_store

    if output_dir and zip_file:
        raise BenchError("option.conflict", "--output-dir and --zip exclude each other: give one")
    if checked_tables.is_checked_table(table):
        raise BenchError(
            "option.not-applicable",
            f"{table}: nothing is trained for it, so there are no runs to export: "
            f"`bench report {table}` writes all that there is",
        )
    form = options.choose_form(smoke)
    parent = (zip_file or output_dir or Path(_FOLDER, "TABLE")).parent
    config = configuration.to_write(parent)
    store = open_store.open_to_read(config)
    (made,) = build_table_reports([table], form, config, store, detail=False)
    if not made.says_something:
        raise BenchError(
            "report.empty",
            f"{made.table.key}: no row was run and no score file was evaluated, so there is "
            f"nothing to export: `bench run {table}` first",
        )
    target = zip_file or output_dir or Path(_FOLDER, made.stem)
    write = bundle.write_export_zip if zip_file else bundle.write_export_folder
    written = write(made, store, target)
    _print_export(written, target)
    if as_json:
        files = [file._asdict() for file in written.files]
        missing = [part._asdict() for part in written.missing]
        content = {"table": made.table.key, "form": form, "path": target}
        json_output.print_json("export", {**content, "files": files, "missing": missing})


def _print_export(written: Export, target: Path) -> None:
    size = disk.human_bytes(sum(file.bytes for file in written.files))
    click.echo(f"export: {target} ({format_count(len(written.files), 'file')}, {size})")
    for part in written.missing:
        row = f"row {part.row}, " if part.row else ""
        click.echo(one_line(f"not in it: {row}{part.what}: {part.reason}"))
