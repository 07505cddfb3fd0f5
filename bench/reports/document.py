"""The report of one table: results laid out as in the paper, and what there is to know of them.

It says what was run, what was not, and why results may differ. The text depends on the cards and
the tracking store alone (it holds no date of its own), so that a published report can be checked
against them.
"""

# The stubs of pandas, matplotlib and seaborn leave many types open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from matplotlib.figure import Figure

from bench._io import atomic_files
from bench._io.json_objects import json_text
from bench._io.markdown import format_heading, format_image, format_prose
from bench.config import Form
from bench.reports import (
    code_versions,
    external_systems,
    paper_differences,
    plots,
    position_section,
    published_systems,
    reading_notes,
    render_html,
    reproduction,
    result_details,
    significance,
    terminal_table,
)
from bench.reports.best_row_plots import collect_best_row_plots
from bench.reports.bibliography import format_bibliography
from bench.reports.cell_records import build_cell_records, format_records_csv
from bench.reports.citation import format_citation
from bench.reports.contradictions import find_contradictions
from bench.reports.kept_reports import find_report_files, name_report
from bench.reports.main_table import render_main_table
from bench.reports.page_templates import fill_page_template
from bench.reports.plot_style import FILE_KINDS, render_files
from bench.reports.render_latex import render_latex
from bench.reports.result_cells import ResultCells, build_cells, has_paper
from bench.reports.row_records import build_row_records
from bench.reports.row_runs import RowRuns, RunsByRow, select_row_runs
from bench.reports.row_tests import compare_all_rows
from bench.reports.scored_rows import add_scored_rows, build_scored_cells
from bench.reports.stale_files import find_changed_files
from bench.reports.stored_results import StoredResults
from bench.reports.variant_rows import add_variant_rows
from bench.smoke import smoke_prefix, smoke_warning
from bench.specs.run import Run
from bench.specs.table import Paper, Table
from bench.tracking.scored_record import ScoredRecord
from bench.tracking.stored_runs import StoredRun

ExtraFormat = Literal["html", "latex"]
"""What is written on request, beside Markdown, CSV, JSON and the figure."""
_CAPTIONS = {True: "The paper's results beside ours", False: "Our results"}
_ENDINGS: Mapping[ExtraFormat, str] = {"html": ".html", "latex": ".tex"}


@dataclass(frozen=True)
class Report:
    """A rendered report and what its figure is drawn from."""

    stem: str
    """Name of its files without ending: `sal-table4`, or `sal-table4.smoke`."""
    title: str
    markdown: str
    csv: str
    records: tuple[dict[str, Any], ...]
    """One a cell, for machines: figures in per cent, None where there is none."""
    rows: tuple[dict[str, Any], ...]
    """One a row, for machines."""
    runs: Mapping[str, Run]
    """The settings of every row that the suite can run."""
    table: Table
    form: Form
    cells: ResultCells
    contradictory: Mapping[tuple[str, int], str]
    """A note for each figure of the paper that its own arithmetic contradicts."""
    paper: Paper
    pictures: Mapping[str, bytes]
    """PNGs that runs keep and the Markdown names, by name."""
    scored: bool = False
    """Whether score files were judged for the table."""
    standings: RunsByRow = field(default_factory=dict[str, RowRuns])
    """The runs of each row."""

    def on_terminal(self, width: int) -> str:
        """Return the table as lines of text; see `bench.reports.terminal_table`."""
        lines = terminal_table.build_terminal_rows(self.table, self.cells, self.standings)
        return terminal_table.format_terminal_table(self.table, lines, self.form, width)

    @property
    def says_something(self) -> bool:
        """Whether a row of the table was run, or a score file judged for it."""
        return self.scored or self.has_figure

    @property
    def has_figure(self) -> bool:
        """Whether anything was run that can be drawn beside the paper."""
        return any(cell.ours for cell in self.cells)

    @property
    def text_files(self) -> dict[str, str]:
        """Content of the text files by name; the last is the paper's own, whichever table it is."""
        as_json = json_text({"kind": "report", **build_report_object(self.form, [self])})
        files = {f"{self.stem}.md": self.markdown, f"{self.stem}.csv": self.csv}
        files[f"{self.stem}.json"] = f"{as_json}\n"
        if not self.paper.differences:
            return files
        name = paper_differences.name_differences_page(self.paper)
        return files | {name: paper_differences.render_differences_page(self.paper)}

    def render_extra(self, kind: ExtraFormat, figure: bytes = b"") -> str:
        """Return the report in another form.

        `figure` is the PNG in a page; where it is empty, the page has no picture.
        """
        if kind == "latex":
            return render_latex(self.table, self.cells, self.contradictory, self.form)
        pictures = self.pictures if figure else dict.fromkeys(self.pictures, b"")
        return render_html.render_html_page(
            self.title, self.markdown, {f"{self.stem}.png": figure, **pictures}
        )

    def find_files(self, folder: Path) -> list[Path]:
        """Return the files of this report in `folder`, in any form and of any run."""
        return find_report_files(self.stem, folder)

    def list_kept_names(self) -> list[str]:
        """Return the names of all files of the report that are always written."""
        drawn = [f"{self.stem}.{kind}" for kind in FILE_KINDS] if self.has_figure else []
        return [*self.text_files, *drawn, *self.pictures]

    def render_extra_files(self, kind: ExtraFormat, figure: bytes = b"") -> dict[str, str]:
        """Return the files of another form by name: with LaTeX comes what the table cites."""
        files = {f"{self.stem}{_ENDINGS[kind]}": self.render_extra(kind, figure)}
        cited = format_bibliography(self.table) if kind == "latex" else ""
        return files | ({f"{self.stem}.bib": cited} if cited else {})

    def draw_figure(self) -> Figure:
        """Return the paper's results beside ours, drawn; of a matrix as heat maps."""
        draw = plots.draw_matrices if self.table.layout == "matrix" else plots.draw_points
        return draw(self.title, self.table, self.cells)


def build_report_object(form: Form, reports: Sequence[Report]) -> dict[str, Any]:
    """Return the rows and cells of reports, as `bench report --json` prints them."""
    return {
        "form": form,
        "rows": [row for made in reports for row in made.rows],
        "records": [record for made in reports for record in made.records],
    }


def build_report(
    table: Table,
    paper: Paper,
    runs: Mapping[str, Run],
    stored: Sequence[StoredRun],
    scored: Sequence[ScoredRecord],
    form: Form,
    others: Sequence[Table] = (),
    artifacts: StoredResults | None = None,
    detail: bool = False,
) -> Report:
    """Return the report of `table`.

    `others` are the paper's other tables, whose results may contradict this one's. `runs` holds the
    folded settings of every row that can be run, in `form`; `stored` is the tracking store's
    (`Store.stored_runs`), as is `scored` (`Store.scored_records`): score files of other systems
    that were evaluated for this table. Runs of other settings or data are counted, not shown.
    `artifacts` reads what runs keep for comparisons of rows; without it none is made. With
    `detail`, a cell of the table has three lines, else one.
    """
    table, runs = add_variant_rows(table, runs, stored, form)
    standings = {
        row: select_row_runs(table, row, run.signatures, stored, form) for row, run in runs.items()
    }
    with_systems, systems = add_scored_rows(table, scored)
    results = (*build_cells(table, standings), *build_scored_cells(with_systems, systems))
    contradictory = find_contradictions(table, others)
    every = {**standings, **systems}
    comparisons = compare_all_rows(with_systems, results, every, artifacts)
    smoke = smoke_prefix(form)
    stem = name_report(table.key, form)
    shown = collect_best_row_plots(with_systems, results, every, runs, artifacts, stem, form)
    markdown = fill_page_template(
        "table",
        smoke=smoke,
        title=format_heading(1, smoke + table.title),
        caption="\n\n".join(filter(None, [smoke_warning(form), format_prose(table.caption)])),
        paper=format_citation(paper),
        verdict=reading_notes.summarize_verdict(table, results, standings, form),
        table=render_main_table(with_systems, results, contradictory, comparisons, form, detail),
        footnotes=reading_notes.list_footnotes(table, standings, contradictory, stored, form),
        reading=reading_notes.describe_reading(with_systems, results, every, comparisons, detail),
        scored=external_systems.list_scored_files(scored, form),
        published=published_systems.list_published_systems(table, form),
        figure=format_image(_CAPTIONS[has_paper(results)], f"{stem}.png")
        if any(cell.ours for cell in results)
        else "",
        pictures=shown.markdown,
        compared=code_versions.add_version_warning(
            significance.describe_significance(with_systems, results, comparisons, form),
            {row: stands.older for row, stands in standings.items()},
        ),
        places=position_section.describe_position_errors(table, runs, standings, artifacts, form),
        behind=result_details.describe_errors_and_runs(with_systems, results, standings, form),
        differences=paper_differences.describe_differences(paper, runs, form, table),
        repeat=reproduction.summarize_reproduction(table, standings, form, artifacts),
        runs=reproduction.list_counted_runs(standings, form),
        data=reproduction.list_fingerprints(standings, form),
        zero_shot=external_systems.describe_zero_shot(runs),
        missing=reproduction.list_missing_seeds(standings, form),
    )
    records = build_cell_records(with_systems, results, form)
    return Report(
        stem=stem,
        title=smoke + table.title,
        markdown=markdown,
        csv=format_records_csv(records),
        records=records,
        rows=build_row_records(with_systems, runs, results),
        runs=runs,
        table=with_systems,
        form=form,
        cells=results,
        contradictory=contradictory,
        paper=paper,
        pictures=shown.files,
        scored=bool(systems),
        standings=every,
    )


def write_report(made: Report, folder: Path, extras: Sequence[ExtraFormat] = ()) -> Path:
    """Write the report into `folder`; return the Markdown file's path.

    Written are Markdown, CSV and JSON, the figure as PNG, SVG and PDF where anything was run, and
    the `extras`: all of them, or none where there is no space.
    """
    atomic_files.write_all(folder, render_report_files(made, extras))
    return folder / f"{made.stem}.md"


def render_report_files(made: Report, extras: Sequence[ExtraFormat]) -> dict[str, str | bytes]:
    """Return the content of every file of the report, by name."""
    drawn = render_files(made.draw_figure()) if made.has_figure else {}
    files: dict[str, str | bytes] = {**made.pictures, **made.text_files}
    files |= {f"{made.stem}.{kind}": content for kind, content in drawn.items()}
    for kind in extras:
        files |= made.render_extra_files(kind, drawn.get("png", b""))
    return files


def find_stale_files(made: Report, folder: Path, extras: Sequence[ExtraFormat] = ()) -> list[Path]:
    """Return the files in `folder` that are missing or differ from the report.

    Compared are Markdown, CSV, JSON, the `extras`, and other forms that are there already. Figures
    only have to be there: they are drawn from the same numbers, and their bytes change with the
    drawing library.
    """
    names = [f"{made.stem}.{kind}" for kind in FILE_KINDS] if made.has_figure else []
    drawn = [folder / name for name in (*names, *made.pictures)]
    expected = dict(made.text_files)
    for kind, ending in _ENDINGS.items():
        if kind in extras or (folder / f"{made.stem}{ending}").is_file():
            expected |= made.render_extra_files(kind)
    changed = find_changed_files(expected, folder)
    return [*changed, *(path for path in drawn if not path.is_file())]
