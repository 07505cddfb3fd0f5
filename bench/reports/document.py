"""The report of one table: results laid out as in the paper, and what there is to know of them.

It says what was run, what was not, and why results may differ. The text depends on the cards and
the tracking store alone (it holds no date of its own), so that a published report can be checked
against them.
"""

# The stubs of pandas, matplotlib and seaborn leave many types open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false

from __future__ import annotations

import glob
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Any, Literal

import pandas as pd
from matplotlib.figure import Figure

from bench._io import atomic_files
from bench._io.markdown import heading, image, prose
from bench.cards import card_files
from bench.config import Form
from bench.reports import (
    behind,
    beside,
    claims,
    differences,
    notes,
    older,
    places,
    plots,
    published,
    render_html,
    repeat,
    terminal,
)
from bench.reports.bibliography import bibliography
from bench.reports.cells import Cell, cells, has_paper
from bench.reports.citation import citation
from bench.reports.compared import compared
from bench.reports.contradictions import contradictions
from bench.reports.kept import Kept
from bench.reports.main_table import render_main_table
from bench.reports.pictures import pictures
from bench.reports.records import as_csv
from bench.reports.records import records as as_records
from bench.reports.render_latex import render_latex
from bench.reports.scored_rows import scored_cells, with_scored
from bench.reports.stale_files import find_changed_files
from bench.reports.standings import Standing, standing
from bench.reports.style import FILE_KINDS, render_files
from bench.reports.variants import with_variants
from bench.smoke import smoke_prefix, smoke_warning
from bench.specs.run import Run
from bench.specs.table import Paper, Table

Extra = Literal["html", "latex"]
"""What is written on request, beside Markdown, CSV and the figure."""
_CAPTIONS = {True: "The paper's results beside ours", False: "Our results"}
_ENDINGS: Mapping[Extra, str] = {"html": ".html", "latex": ".tex"}


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
    table: Table
    form: Form
    cells: tuple[Cell, ...]
    contradictory: Mapping[tuple[str, int], str]
    """A note for each figure of the paper that its own arithmetic contradicts."""
    paper: Paper
    pictures: Mapping[str, bytes]
    """PNGs that runs keep and the Markdown names, by name."""
    scored: bool = False
    """Whether score files were judged for the table."""
    standings: Mapping[str, Standing] = field(default_factory=dict[str, Standing])
    """The runs of each row."""

    def on_terminal(self, width: int) -> str:
        """Return the table as lines of text; see `bench.reports.terminal`."""
        lines = terminal.lines(self.table, self.cells, self.standings)
        return terminal.text(self.table, lines, self.form, width)

    @property
    def says_something(self) -> bool:
        """Whether a row of the table was run, or a score file judged for it."""
        return self.scored or self.has_figure

    @property
    def has_figure(self) -> bool:
        """Whether anything was run that can be drawn beside the paper."""
        return any(cell.ours for cell in self.cells)

    @property
    def texts(self) -> dict[str, str]:
        """Content of the text files by name; the last is the paper's own, whichever table it is."""
        files = {f"{self.stem}.md": self.markdown, f"{self.stem}.csv": self.csv}
        if not self.paper.differences:
            return files
        return files | {differences.page_name(self.paper): differences.page(self.paper)}

    def extra(self, kind: Extra, figure: bytes = b"") -> str:
        """Return the report in another form.

        `figure` is the PNG in a page; where it is empty, the page has no picture.
        """
        if kind == "latex":
            return render_latex(self.table, self.cells, self.contradictory, self.form)
        pictures = self.pictures if figure else dict.fromkeys(self.pictures, b"")
        return render_html.page(self.title, self.markdown, {f"{self.stem}.png": figure, **pictures})

    def files(self, folder: Path) -> list[Path]:
        """Return the files of this report in `folder`, in any form and of any run."""
        other = f"{self.stem}.smoke."
        paths = folder.glob(f"{glob.escape(self.stem)}.*") if folder.is_dir() else ()
        return [path for path in paths if not path.name.startswith(other)]

    def extras(self, kind: Extra, figure: bytes = b"") -> dict[str, str]:
        """Return the files of another form by name: with LaTeX comes what the table cites."""
        files = {f"{self.stem}{_ENDINGS[kind]}": self.extra(kind, figure)}
        cited = bibliography(self.table) if kind == "latex" else ""
        return files | ({f"{self.stem}.bib": cited} if cited else {})

    def figure(self) -> Figure:
        """Return the paper's results beside ours, drawn; of a matrix as heat maps."""
        draw = plots.draw_matrices if self.table.layout == "matrix" else plots.draw_points
        return draw(self.title, self.table, self.cells)


def report(
    table: Table,
    paper: Paper,
    runs: Mapping[str, Run],
    frame: pd.DataFrame,
    scored: pd.DataFrame,
    form: Form,
    others: Sequence[Table] = (),
    artifacts: Kept | None = None,
    detail: bool = False,
) -> Report:
    """Return the report of `table`.

    `others` are the paper's other tables, whose results may contradict this one's. `runs` holds the
    folded settings of every row that can be run, in `form`; `frame` is the tracking store's
    (`Store.frame`), as is `scored` (`Store.scored`): score files of other systems that were
    evaluated for this table. Runs of other settings or data are counted, not shown. `artifacts`
    reads what runs keep for comparisons of rows; without it none is made. With `detail`, a cell of
    the table has three lines, else one.
    """
    table, runs = with_variants(table, runs, frame, form)
    standings = {row: standing(table, row, run, frame, form) for row, run in runs.items()}
    with_systems, systems = with_scored(table, scored)
    results = (*cells(table, standings), *scored_cells(with_systems, systems))
    contradictory = contradictions(table, others)
    every = {**standings, **systems}
    comparisons = compared(with_systems, results, every, artifacts)
    smoke = smoke_prefix(form)
    stem = table.key.replace("/", "-") + (".smoke" if form == "smoke" else "")
    template = Template((card_files.folder("templates") / "table.md").read_text(encoding="utf-8"))
    shown = pictures(with_systems, results, every, runs, artifacts, stem, form)
    markdown = template.substitute(
        smoke=smoke,
        title=heading(1, smoke + table.title),
        caption="\n\n".join(filter(None, [smoke_warning(form), prose(table.caption)])),
        paper=citation(paper),
        verdict=notes.verdict(table, results, standings, form),
        table=render_main_table(with_systems, results, contradictory, comparisons, form, detail),
        footnotes=notes.footnotes(table, standings, contradictory, frame, form),
        reading=notes.reading(with_systems, results, every, comparisons, detail),
        scored=beside.scored(scored, form),
        published=published.section(table, form),
        figure=image(_CAPTIONS[has_paper(results)], f"{stem}.png")
        if any(cell.ours for cell in results)
        else "",
        pictures=shown.markdown,
        compared=older.warned(
            claims.section(with_systems, results, comparisons, form),
            {row: stands.older for row, stands in standings.items()},
        ),
        places=places.section(table, runs, standings, artifacts, form),
        behind=behind.section(with_systems, results, standings, form),
        differences=differences.section(paper, runs, form, table),
        repeat=repeat.summary(table, standings, form, artifacts),
        runs=repeat.runs(standings, form),
        data=repeat.data(standings, form),
        zero_shot=beside.zero_shot(runs),
        missing=repeat.missing(standings, form),
    )
    markdown = re.sub(r"\n{3,}", "\n\n", markdown)  # parts of the template may be empty
    records = as_records(with_systems, results, form)
    return Report(
        stem=stem,
        title=smoke + table.title,
        markdown=markdown,
        csv=as_csv(records),
        records=records,
        table=with_systems,
        form=form,
        cells=results,
        contradictory=contradictory,
        paper=paper,
        pictures=shown.files,
        scored=bool(systems),
        standings=every,
    )


def write(made: Report, folder: Path, extras: Sequence[Extra] = ()) -> Path:
    """Write the report into `folder`; return the Markdown file's path.

    Written are Markdown and CSV, the figure as PNG, SVG and PDF where anything was run, and the
    `extras`: all of them, or none where there is no space.
    """
    drawn = render_files(made.figure()) if made.has_figure else {}
    files: dict[str, str | bytes] = {**made.pictures, **made.texts}
    files |= {f"{made.stem}.{kind}": content for kind, content in drawn.items()}
    for kind in extras:
        files |= made.extras(kind, drawn.get("png", b""))
    atomic_files.write_all(folder, files)
    return folder / f"{made.stem}.md"


def stale(made: Report, folder: Path, extras: Sequence[Extra] = ()) -> list[Path]:
    """Return the files in `folder` that are missing or differ from the report.

    Compared are Markdown, CSV, the `extras`, and other forms that are there already. Figures only
    have to be there: they are drawn from the same numbers, and their bytes change with the drawing
    library.
    """
    names = [f"{made.stem}.{kind}" for kind in FILE_KINDS] if made.has_figure else []
    drawn = [folder / name for name in (*names, *made.pictures)]
    expected = dict(made.texts)
    for kind, ending in _ENDINGS.items():
        if kind in extras or (folder / f"{made.stem}{ending}").is_file():
            expected |= made.extras(kind)
    changed = find_changed_files(expected, folder)
    return [*changed, *(path for path in drawn if not path.is_file())]
