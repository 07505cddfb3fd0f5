"""`bench report`: writes reports from the tracking store alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench._io import atomic_files
from bench.cards import checked_cards, table_cards
from bench.cards.sweep_cards import PREFIX
from bench.cli import checked_tables, completion, configuration, json_output, options
from bench.cli.report_building import build_table_reports
from bench.cli.report_request import MARKDOWN_AND_CSV, ReportRequest, print_stale
from bench.cli.submitted import slurm_job
from bench.cli.sweep import report_sweep
from bench.cli.text_width import terminal_width
from bench.config import Config
from bench.errors import BenchError, near_name
from bench.reports.kept_reports import ReportPlace

if TYPE_CHECKING:
    from bench.reports.document import ExtraFormat

ALL = "all"
PAPERS = "papers"
_FORMATS = ("md", "csv", "html", "latex")


@click.command()
@click.argument("table", shell_complete=completion.table_or_sweep_names)
@options.smoke
@click.option(
    "--format",
    "formats",
    default=MARKDOWN_AND_CSV,
    show_default=True,
    metavar="F,G",
    help="More formats: html (one file for a browser; of `all` also a grid of all results), latex "
    "(the table with booktabs). Markdown, CSV and JSON are always written.",
)
@click.option(
    "--detail",
    is_flag=True,
    help="Print three lines in each cell: the paper's result, ours, the difference.",
)
@click.option(
    "--check", is_flag=True, help="Write nothing; exit with 1 if a report is out of date."
)
@click.option(
    "--output-dir",
    type=click.Path(path_type=Path),
    help="Output folder (default: reports/published; for `papers`: reports/papers).",
)
@json_output.json_flag
@slurm_job
def report(
    table: str,
    smoke: bool,
    formats: str,
    detail: bool,
    check: bool,
    output_dir: Path | None,
    as_json: bool,
) -> None:
    """Write the report of a table: the paper's results, ours, and the differences.

    The report also says which rows differ significantly, what was run and what was not. TABLE may
    also be `sweep/NAME` (best trial, all trials, plots), `all` (an overview and every table of
    which a row was run or a score file evaluated) or `papers` (what each paper prints, and where
    paper, released code and this suite differ).
    """
    form = options.choose_form(smoke)
    request = ReportRequest(table, form, formats, detail, check, output_dir, as_json)
    if table == PAPERS:
        _report_papers(request)
    elif table.startswith(PREFIX):
        report_sweep(request)
    elif checked_tables.is_checked_table(table):
        _report_checked_table(request)
    else:
        _report_tables(request)


def _report_papers(request: ReportRequest) -> None:
    """Write the pages of what papers print, or check them."""
    from bench.reports import paper_pages

    given = {
        "--smoke": request.form == "smoke",
        "--format": request.formats != MARKDOWN_AND_CSV,
        "--detail": request.detail,
        "--json": request.as_json,
    }
    if refused := options.name_given_options(given):
        raise BenchError(
            "option.not-applicable",
            f"{PAPERS}: pages of what papers print, in Markdown: leave {refused} out",
        )
    output_dir = request.output_dir or Path("reports", PAPERS)
    if request.check:
        print_stale(request, paper_pages.find_stale_paper_pages(output_dir), output_dir)
    else:
        click.echo(f"papers: {paper_pages.write_paper_pages(output_dir)}")


def _report_checked_table(request: ReportRequest) -> None:
    """Write the report of a table that nothing is trained for, print it as JSON, or check it."""
    refused = options.name_given_options({"--smoke": request.form == "smoke"})
    if request.as_json and not request.check:
        checked_tables.print_checked_table(request.table, refused=refused)
        return
    stale = checked_tables.report_checked_table(
        request.table, request.folder, check=request.check, refused=refused
    )
    if request.check:
        print_stale(request, stale, request.folder)


def _report_tables(request: ReportRequest) -> None:
    """Write the reports of one table or of all, print their records as JSON, or check them."""
    extras = _parse_formats(request.formats)
    output_dir, form = request.folder, request.form
    config = configuration.to_write(output_dir)
    configuration.announce_waiting(config)
    is_all = request.table == ALL
    wanted = (
        None
        if is_all or (request.as_json and not request.check)
        else _locate_report(request, config)
    )
    # Before it is made: what changes meanwhile makes it anew.
    inputs = wanted.digest_inputs() if wanted else ""
    if wanted and _say_unchanged(request, wanted, inputs):
        return
    from bench.reports import document, grid_page, overview, stale_files
    from bench.tracking import open_store

    keys = table_cards.table_keys() if is_all else [request.table]
    store = open_store.open_to_read(config)
    reports = build_table_reports(keys, form, config, store, detail=request.detail)
    if request.as_json and not request.check:
        json_output.print_json("report", document.build_report_object(form, reports))
        return
    untrained = checked_tables.list_available_tables() if is_all and form == "paper" else []
    looked_up = [checked_cards.read_checked_table(key) for key in untrained]
    pages: dict[str, str] = {}
    if is_all:
        pages[overview.NAME] = overview.render_overview(reports, form, looked_up)
    if is_all and ("html" in extras or (output_dir / grid_page.NAME).is_file()):
        pages[grid_page.NAME] = grid_page.render_grid_page(reports, form)
    left = overview.find_left_over_files(reports, output_dir) if is_all else []
    # Published reports hold only what was run; a smoke report says what was not.
    is_named = not is_all and (request.output_dir is not None or form == "smoke")
    shown = [made for made in reports if made.says_something or is_named]
    if not shown and not is_all:
        raise BenchError("report.empty", _describe_empty(reports[0].table.key, output_dir))
    stale = [
        path
        for key in untrained
        for path in checked_tables.report_checked_table(key, output_dir, check=request.check)
    ]
    if request.check:
        for made in shown:
            stale += document.find_stale_files(made, output_dir, extras)
        stale += [*left, *stale_files.find_changed_files(pages, output_dir)]
        print_stale(request, stale, output_dir)
    for made in shown:
        if not request.check:
            click.echo(f"report: {document.write_report(made, output_dir, extras)}")
        if wanted:
            text, names = made.on_terminal(terminal_width()), made.list_kept_names()
            wanted.keep(inputs, names, text, is_written=not request.check)
            if not request.check:
                click.echo(f"\n{text}")
    if request.check:
        return
    for path in left:
        path.unlink()
        click.echo(f"removed: {path} (nothing of its table was run)")
    if pages:
        atomic_files.write_all(output_dir, pages)
    for name in pages:
        click.echo(f"overview: {output_dir / name}")


def _locate_report(request: ReportRequest, config: Config) -> ReportPlace:
    """Return the report of one table that is asked for, and where it is written."""
    asked = (*sorted(_parse_formats(request.formats)), str(request.detail), str(terminal_width()))
    key = table_cards.table_key(request.table)
    return ReportPlace(key, request.form, request.folder, asked, config)


def _say_unchanged(request: ReportRequest, wanted: ReportPlace, inputs: str) -> bool:
    """Print what the report says where nothing has changed since; return whether that is so."""
    unchanged = wanted.read_unchanged(inputs, check=request.check)
    if unchanged is None:
        return False
    if request.check:
        print_stale(request, [], request.folder)
    else:
        click.echo(f"report: {wanted.page}")
        click.echo(f"\n{unchanged.on_terminal}")
    return True


def _describe_empty(key: str, output_dir: Path) -> str:
    return (
        f"{key}: no row was run and no score file was evaluated, so nothing is written to "
        f"{output_dir}: `bench run {key}` first, or give --output-dir for the paper's results alone"
    )


def _parse_formats(formats: str) -> list[ExtraFormat]:
    asked = [part.strip() for part in formats.split(",")]
    for name in asked:
        if name not in _FORMATS:
            raise BenchError(
                "option.invalid", f"--format {name!r}: no such format{near_name(name, _FORMATS)}"
            )
    extras: tuple[ExtraFormat, ...] = ("html", "latex")
    return [name for name in extras if name in asked]
