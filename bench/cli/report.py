"""`bench report` writes tables from the tracking store alone."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench._io import atomic_files
from bench.cards import checked_cards, table_cards
from bench.cards.sweep_cards import PREFIX
from bench.cli import checked_tables, completion, configuration, json_output, options
from bench.cli.sweep import report_sweep
from bench.cli.text_width import terminal_width
from bench.config import Config, Form
from bench.errors import BenchError, near_name

if TYPE_CHECKING:
    from bench.reports import ExtraFormat, Report, RunArtifacts
    from bench.tracking.file_store import FileStore
    from bench.tracking.store import Store

ALL = "all"
PAPERS = "papers"
_FORMATS = ("md", "csv", "html", "latex")
_MARKDOWN_AND_CSV = "md,csv"
_ENDINGS = {"html": {".html"}, "latex": {".tex", ".bib"}}
"""What `--format` writes on request, by the ending of its files."""


@click.command()
@click.argument("table", shell_complete=completion.table_or_sweep_names)
@options.smoke
@click.option(
    "--format",
    "formats",
    default=_MARKDOWN_AND_CSV,
    show_default=True,
    metavar="F,G",
    help="Also html (one file for a browser) and latex (the table with booktabs); Markdown and CSV "
    "are always written.",
)
@click.option(
    "--detail", is_flag=True, help="Three lines in each cell of a table: paper, ours, difference."
)
@click.option("--check", is_flag=True, help="Write nothing; fail if the report is out of date.")
@click.option(
    "--output-dir",
    "folder",
    type=click.Path(path_type=Path),
    help="Output folder (default: reports/published; for `papers`: reports/papers).",
)
@json_output.json_flag
@click.pass_context
def report(
    context: click.Context,
    table: str,
    smoke: bool,
    formats: str,
    detail: bool,
    check: bool,
    folder: Path | None,
    as_json: bool,
) -> None:
    """Write a table's report: the paper's results, ours, the difference, which rows differ, what
    was run and what not. For a sweep (`sweep/NAME`): its best trial, all trials and plots. For
    `all`: every table of which a row was run or a score file evaluated, and an overview. For
    `papers`: what each paper prints, and where paper, released code and this suite differ."""
    form = options.choose_form(smoke)
    if table == PAPERS:
        changed = formats != _MARKDOWN_AND_CSV
        refused = {"--smoke": smoke, "--format": changed, "--detail": detail}
        _report_papers(
            context, options.name_given_options({**refused, "--json": as_json}), check, folder
        )
        return
    output_dir = folder or Path("reports", "smoke" if smoke else "published")
    if table.startswith(PREFIX):
        report_sweep(context, table, form, check, output_dir, as_json)
        return
    if checked_tables.is_checked_table(table):
        refused = options.name_given_options({"--smoke": smoke})
        if as_json and not check:
            checked_tables.print_checked_table(table, refused=refused)
        else:
            old = checked_tables.report_checked_table(
                table, output_dir, check=check, refused=refused
            )
            _print_stale(
                context, check, old, table, output_dir, *_list_options(False, False, folder)
            )
        return
    from bench import reports as reporting
    from bench.reports import overview

    extras = _parse_formats(formats)
    here = configuration.to_write(output_dir)
    reports = _build_reports(
        table_cards.table_keys() if table == ALL else [table], form, detail, here
    )
    if as_json and not check:
        records = [record for made in reports for record in made.records]
        json_output.print_json("report", {"form": form, "records": records})
        return
    untrained = checked_tables.list_available_tables() if table == ALL and form == "paper" else []
    looked_up = [checked_cards.read_checked_table(key) for key in untrained]
    page = overview.render_overview(reports, form, looked_up) if table == ALL else None
    left = [] if page is None else overview.find_left_over_files(reports, output_dir)
    # Published reports hold only what was run; a smoke report says what was not.
    asked_for = table != ALL and (folder is not None or form == "smoke")
    shown = [made for made in reports if made.says_something or asked_for]
    if not shown and page is None:
        raise BenchError("report.empty", _describe_empty(reports[0].table.key, output_dir))
    stale = [
        path
        for key in untrained
        for path in checked_tables.report_checked_table(key, output_dir, check=check)
    ]
    if check:
        stale += [
            path for made in shown for path in reporting.find_stale_files(made, output_dir, extras)
        ]
        stale += left if page is None else [*left, *overview.find_stale_overview(page, output_dir)]
        _print_stale(
            context, check, stale, table, output_dir, *_list_options(smoke, detail, folder)
        )
        return
    for made in shown:
        click.echo(f"report: {reporting.write_report(made, output_dir, extras)}")
        if table != ALL:
            click.echo(f"\n{made.on_terminal(terminal_width())}")
    for path in left:
        path.unlink()
        click.echo(f"removed: {path} (nothing of its table was run)")
    if page is not None:
        output_dir.mkdir(parents=True, exist_ok=True)
        atomic_files.write_text(output_dir / overview.NAME, page)
        click.echo(f"overview: {output_dir / overview.NAME}")


def _report_papers(context: click.Context, refused: str, check: bool, folder: Path | None) -> None:
    """Write the pages of what papers print, or `check` them; `refused` names options that mean
    nothing for them.
    """
    from bench.reports import papers

    if refused:
        raise BenchError(
            "option.not-applicable",
            f"{PAPERS}: pages of what papers print, in Markdown: leave {refused} out",
        )
    output_dir = folder or Path("reports", PAPERS)
    if check:
        _print_stale(
            context,
            check,
            papers.find_stale_paper_pages(output_dir),
            PAPERS,
            output_dir,
            *_list_options(False, False, folder),
        )
    else:
        click.echo(f"papers: {papers.write_paper_pages(output_dir)}")


def _list_options(smoke: bool, detail: bool, folder: Path | None) -> list[str]:
    """Return the options with which a report is written as it was checked."""
    where = [] if folder is None else ["--output-dir", str(folder)]
    return [*(["--smoke"] if smoke else []), *(["--detail"] if detail else []), *where]


def _describe_empty(key: str, output_dir: Path) -> str:
    return (
        f"{key}: no row was run and no score file was evaluated, so nothing is written to "
        f"{output_dir}: `bench run {key}` first, or give --output-dir for the paper's results alone"
    )


def _print_stale(
    context: click.Context,
    check: bool,
    stale: Sequence[Path],
    table: str,
    output_dir: Path,
    *options_given: str,
) -> None:
    """Say what `--check` found and which command writes it, and exit with 1 where that is anything;
    `options_given` are those that the report was asked for with."""
    endings = {path.suffix for path in stale}
    formats = [name for name, ending in _ENDINGS.items() if endings & ending]
    wanted = ["--format", ",".join(formats)] if formats else []
    command = shlex.join(["bench", "report", table, *options_given, *wanted])
    json_output.print_json("report check", {"stale": [*stale], "command": command})
    for path in stale:
        click.echo(f"stale: {path} (write it with `{command}`)", err=True)
    if stale:
        context.exit(1)
    if check:
        click.echo(f"up to date: {output_dir}")


def _parse_formats(formats: str) -> list[ExtraFormat]:
    asked = [part.strip() for part in formats.split(",")]
    for name in asked:
        if name not in _FORMATS:
            raise BenchError(
                "option.invalid", f"--format {name!r}: no such format{near_name(name, _FORMATS)}"
            )
    extras: tuple[ExtraFormat, ...] = ("html", "latex")
    return [name for name in extras if name in asked]


def _build_reports(tables: Sequence[str], form: Form, detail: bool, here: Config) -> list[Report]:
    from bench.reports import RunArtifacts
    from bench.tracking import open_store

    store = open_store.open_to_read(here)
    artifacts = RunArtifacts(store, here.work)
    return [_build_report(table, form, store, artifacts, detail) for table in tables]


def _build_report(
    table: str, form: Form, store: Store | FileStore, artifacts: RunArtifacts, detail: bool
) -> Report:
    from bench import reports as reporting

    card = table_cards.read_table(table)
    paper = table_cards.read_paper(card.key.partition("/")[0])
    runs = {
        row: table_cards.resolve_row(card, row, form) for row in table_cards.runnable_rows(card)
    }
    frame, scored = store.table_frame(card.key, form), store.scored_frame(card.key, form)
    keys = [key for key in table_cards.table_keys() if key.startswith(f"{paper.key}/")]
    others = [table_cards.read_table(key) for key in keys if key != card.key]
    return reporting.build_report(card, paper, runs, frame, scored, form, others, artifacts, detail)
