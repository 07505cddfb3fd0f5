"""The report of one table: laid out as in the paper, with what was run, what was not, and why the
figures may differ.

The text depends on the cards and the tracking store alone (it holds no date of its own), so that a
published report can be checked against them.
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

from bench._io import atomic_files
from bench._io.markdown import heading, image, prose
from bench.cards import card_files
from bench.config import Form
from bench.reports import (
    behind,
    beside,
    claims,
    differences,
    figures,
    html,
    notes,
    older,
    places,
    published,
    repeat,
    tables,
    terminal,
)
from bench.reports.bibliography import bibliography
from bench.reports.cells import Cell, cells, has_paper
from bench.reports.citation import citation
from bench.reports.compared import compared
from bench.reports.contradictions import contradictions
from bench.reports.grid import smoke_word
from bench.reports.kept import Kept
from bench.reports.latex import latex
from bench.reports.pictures import pictures
from bench.reports.records import as_csv
from bench.reports.records import records as as_records
from bench.reports.scored_rows import scored_cells, with_scored
from bench.reports.standings import Standing, standing
from bench.reports.style import FILE_KINDS, Kind, every_kind
from bench.reports.variants import with_variants
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
        own = {f"{self.stem}.md": self.markdown, f"{self.stem}.csv": self.csv}
        if not self.paper.differences:
            return own
        return own | {differences.page_name(self.paper): differences.page(self.paper)}

    def extra(self, kind: Extra, figure: bytes = b"") -> str:
        """Return the report in another form; `figure` is the PNG that comes into a page, and no
        figure does where it is empty.
        """
        if kind == "latex":
            return latex(self.table, self.cells, self.contradictory, self.form)
        pictures = self.pictures if figure else dict.fromkeys(self.pictures, b"")
        return html.page(self.title, self.markdown, {f"{self.stem}.png": figure, **pictures})

    def files(self, folder: Path) -> list[Path]:
        """Return what is in `folder` of this report, in any form and of any run."""
        other = f"{self.stem}.smoke."
        found = folder.glob(f"{glob.escape(self.stem)}.*") if folder.is_dir() else ()
        return [path for path in found if not path.name.startswith(other)]

    def extras(self, kind: Extra, figure: bytes = b"") -> dict[str, str]:
        """Return the files of another form by name: with LaTeX comes what the table cites."""
        found = {f"{self.stem}{_ENDINGS[kind]}": self.extra(kind, figure)}
        cited = bibliography(self.table) if kind == "latex" else ""
        return found | ({f"{self.stem}.bib": cited} if cited else {})

    def figure(self, kind: Kind = "png") -> bytes:
        """Return the paper's results beside ours, drawn; of a matrix as heat maps."""
        draw = figures.heat if self.table.layout == "matrix" else figures.points
        return draw(self.title, self.table, self.cells, kind)


def report(
    table: Table,
    paper: Paper,
    runs: Mapping[str, Run],
    frame: pd.DataFrame,
    scored: pd.DataFrame,
    form: Form,
    others: Sequence[Table] = (),
    kept: Kept | None = None,
    detail: bool = False,
) -> Report:
    """Return the report of `table`; `others` are the paper's other tables, whose figures may
    contradict this one's.

    `runs` holds the folded settings of every row that can be run, in `form`; `frame` is the
    tracking store's (`Store.frame`), as is `scored` (`Store.scored`): score files of other systems
    that were judged for this table. Runs of other settings or data are counted, not shown. `kept`
    is where runs keep what comparisons of rows need; without it none is made.
    With `detail`, a cell of the table has three lines, else one.
    """
    table, runs = with_variants(table, runs, frame, form)
    standings = {row: standing(table, row, run, frame, form) for row, run in runs.items()}
    with_systems, systems = with_scored(table, scored)
    found = (*cells(table, standings), *scored_cells(with_systems, systems))
    contradictory = contradictions(table, others)
    every = {**standings, **systems}
    comparisons = compared(with_systems, found, every, kept)
    smoke = smoke_word(form)
    stem = table.key.replace("/", "-") + (".smoke" if form == "smoke" else "")
    template = Template((card_files.folder("templates") / "table.md").read_text(encoding="utf-8"))
    shown = pictures(with_systems, found, every, runs, kept, stem, form)
    markdown = template.substitute(
        smoke=smoke,
        title=heading(1, smoke + table.title),
        caption="\n\n".join(filter(None, [warning(form), prose(table.caption)])),
        paper=citation(paper),
        verdict=notes.verdict(table, found, standings, form),
        table=tables.main(with_systems, found, contradictory, comparisons, form, detail),
        footnotes=notes.footnotes(table, standings, contradictory, frame, form),
        reading=notes.reading(with_systems, found, every, comparisons, detail),
        scored=beside.scored(scored, form),
        published=published.section(table, form),
        figure=image(_CAPTIONS[has_paper(found)], f"{stem}.png")
        if any(cell.ours for cell in found)
        else "",
        pictures=shown.markdown,
        compared=older.warned(
            claims.section(with_systems, found, comparisons, form),
            {row: stands.older for row, stands in standings.items()},
        ),
        places=places.section(table, runs, standings, kept, form),
        behind=behind.section(with_systems, found, standings, form),
        differences=differences.section(paper, runs, form, table),
        repeat=repeat.summary(table, standings, form, kept),
        runs=repeat.runs(standings, form),
        data=repeat.data(standings, form),
        zero_shot=beside.zero_shot(runs),
        missing=repeat.missing(standings, form),
    )
    markdown = re.sub(r"\n{3,}", "\n\n", markdown)  # parts of the template may be empty
    records = as_records(with_systems, found, form)
    return Report(
        stem=stem,
        title=smoke + table.title,
        markdown=markdown,
        csv=as_csv(records),
        records=records,
        table=with_systems,
        form=form,
        cells=found,
        contradictory=contradictory,
        paper=paper,
        pictures=shown.files,
        scored=bool(systems),
        standings=every,
    )


def write(made: Report, folder: Path, extras: Sequence[Extra] = ()) -> Path:
    """Write the Markdown and CSV into `folder`, the figure as PNG, SVG and PDF where anything was
    run, and the `extras`; return the Markdown file's path. All of them, or none where there is no
    space.
    """
    drawn = every_kind(made.figure) if made.has_figure else {}
    files: dict[str, str | bytes] = {**made.pictures, **made.texts}
    files |= {f"{made.stem}.{kind}": content for kind, content in drawn.items()}
    for kind in extras:
        files |= made.extras(kind, drawn.get("png", b""))
    atomic_files.write_all(folder, files)
    return folder / f"{made.stem}.md"


def stale(made: Report, folder: Path, extras: Sequence[Extra] = ()) -> list[Path]:
    """Return the files in `folder` that are missing or differ from the report: Markdown, CSV, the
    `extras`, and those written earlier that are there.

    Figures are drawn from the same numbers and only have to be there: their bytes change with the
    version of the drawing library.
    """
    own = [f"{made.stem}.{kind}" for kind in FILE_KINDS] if made.has_figure else []
    drawn = [folder / name for name in (*own, *made.pictures)]
    expected = dict(made.texts)
    for kind, ending in _ENDINGS.items():
        if kind in extras or (folder / f"{made.stem}{ending}").is_file():
            expected |= made.extras(kind)
    differ = [folder / name for name, text in expected.items() if _text(folder / name) != text]
    return [*differ, *(path for path in drawn if not path.is_file())]


def _text(path: Path) -> str | None:
    if not path.is_file():
        return None
    text = path.read_text(encoding="utf-8", errors="replace")  # what differs is stale
    return html.without_images(text) if path.suffix == ".html" else text


def warning(form: Form) -> str:
    """Return what a smoke report says first."""
    return (
        "**SMOKE: small models on miniature corpora, to see that everything works. "
        "None of these numbers is a result.**"
        if form == "smoke"
        else ""
    )
