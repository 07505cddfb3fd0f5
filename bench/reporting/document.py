"""The report of one table: laid out as in the paper, with what was run, what was not, and why the
figures may differ.

The text depends on the cards and the tracking store alone (it holds no date of its own), so that a
published report can be checked against them.
"""

# The stubs of pandas, matplotlib and seaborn leave many types open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any, Literal

import pandas as pd

from bench import cards
from bench.config import Form
from bench.reporting import beside, figures, tables
from bench.reporting.cells import Cell, Standing, cells, standing
from bench.reporting.contradictions import contradictions
from bench.reporting.grid import grid, smoke_word
from bench.specs.run import Run
from bench.specs.table import Column, Paper, Table

_READING = """\
Each cell holds the paper's figure, ours, and ours minus the paper's (rates in per cent). Ours is
the mean over seeds, ± its standard deviation where there are several; in brackets the 95 %
percentile bootstrap interval of a run, resampling utterances (bounds averaged over seeds). Inside:
the paper's figure lies in our 95 % interval, that of the mean over seeds (Student's t) where there
are several, else that of the one run. Bold: the best of ours among complete rows. Italic: not every
seed is there."""
_COMBINED = """ {names}: from each run's own figures, the interval from theirs, which are
taken to be independent (MOVER)."""


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
    cells: tuple[Cell, ...]
    columns: tuple[Column, ...]
    layout: Literal["rows", "matrix"]

    @property
    def texts(self) -> dict[str, str]:
        """Content of the text files by name."""
        return {f"{self.stem}.md": self.markdown, f"{self.stem}.csv": self.csv}


def report(
    table: Table,
    paper: Paper,
    runs: Mapping[str, Run],
    frame: pd.DataFrame,
    scored: pd.DataFrame,
    form: Form,
    others: Sequence[Table] = (),
) -> Report:
    """Return the report of `table`; `others` are the paper's other tables, whose figures may
    contradict this one's.

    `runs` holds the folded settings of every row that can be run, in `form`; `frame` is the
    tracking store's (`Store.frame`), as is `scored` (`Store.scored`): score files of other systems
    that were judged for this table. Runs of other settings, seeds or data are counted, not shown.
    """
    standings = {row: standing(table, row, run, frame, form) for row, run in runs.items()}
    found = cells(table, standings)
    contradictory = contradictions(table, others)
    smoke = smoke_word(form)
    stem = table.key.replace("/", "-") + (".smoke" if form == "smoke" else "")
    template = Template((cards.folder("templates") / "table.md").read_text(encoding="utf-8"))
    markdown = template.substitute(
        smoke=smoke,
        title=smoke + table.title,
        caption="\n\n".join(filter(None, [_warning(form), table.caption])),
        paper=_citation(paper),
        reading=_reading(table),
        table=tables.main(table, found, contradictory, form),
        footnotes=_footnotes(table, standings, contradictory, frame, form),
        scored=beside.scored(table, scored, form),
        figure=f"{stem}.png",
        runs=_runs(standings, form),
        data=_data(standings, form),
        zero_shot=beside.zero_shot(runs),
        missing=_missing(standings, form),
        differences=_differences(paper, form),
    )
    markdown = re.sub(r"\n{3,}", "\n\n", markdown)  # parts of the template may be empty
    records = _records(table, found, form)
    return Report(
        stem=stem,
        title=smoke + table.title,
        markdown=markdown,
        csv=_as_csv(records, form),
        records=records,
        cells=found,
        columns=table.columns,
        layout=table.layout,
    )


def write(made: Report, folder: Path) -> Path:
    """Write the Markdown, CSV and figure into `folder`; return the Markdown file's path."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in made.texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    draw = figures.heat if made.layout == "matrix" else figures.bars
    (folder / f"{made.stem}.png").write_bytes(draw(made.title, made.columns, made.cells))
    return folder / f"{made.stem}.md"


def stale(made: Report, folder: Path) -> list[Path]:
    """Return the files in `folder` that are missing or differ from the report.

    The figure is drawn from the same numbers and only has to be there: its bytes change with the
    version of the drawing library.
    """
    differ = [
        folder / name
        for name, text in made.texts.items()
        if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != text
    ]
    figure = folder / f"{made.stem}.png"
    return differ if figure.is_file() else [*differ, figure]


def _warning(form: Form) -> str:
    return (
        "**SMOKE: small models on miniature corpora, to see that everything works. "
        "None of these figures is a result.**"
        if form == "smoke"
        else ""
    )


def _reading(table: Table) -> str:
    names = ", ".join(column.heading for column in table.columns if column.combine != "none")
    return _READING + (_COMBINED.format(names=names) if names else "")


def _citation(paper: Paper) -> str:
    sources = ", ".join(filter(None, [paper.url, paper.code and f"code: {paper.code}"]))
    return f"{paper.authors}: *{paper.title}*. {paper.venue}. {sources}".strip()


def _footnotes(
    table: Table,
    standings: Mapping[str, Standing],
    contradictory: Mapping[tuple[str, int], str],
    frame: pd.DataFrame,
    form: Form,
) -> str:
    notes = [f"{tables.CONTRADICTORY} {note}" for note in contradictory.values()]
    if any(row.digest for row in table.rows.values()):
        notes.append(f"{tables.SECOND_HAND} From a digest of the paper, not from the paper itself.")
    notes += [
        f"{row}: {count} {'run' if count == 1 else 'runs'} {reason} "
        f"{'is' if count == 1 else 'are'} not shown."
        for row, stands in standings.items()
        for reason, count in stands.left_out.items()
    ]
    unknown = frame[(frame["form"] == form) & ~frame["row"].isin(list(standings))]
    notes += [
        f"{row}: {count} tracked, but the card has no such row to run."
        for row, count in unknown["row"].value_counts().sort_index().items()
    ]
    notes += [
        f"{name}: published figures from {row.source}."
        for name, row in table.rows.items()
        if row.source
    ]
    notes += table.notes
    return "\n".join(f"- {' '.join(note.split())}" for note in notes)


def _runs(standings: Mapping[str, Standing], form: Form) -> str:
    shown: list[list[str]] = []
    for row, stands in standings.items():
        runs: list[Any] = stands.runs.to_dict("records")
        shown += [
            [
                *(row, str(run["seed"]), f"`{run['signature']}`", run["commit"]),
                *(_time(run["begun"]), _time(run["ended"]), f"{run['hours']:.2f}"),
                *(run["device"], f"`{run['run_id'][:8]}`"),
            ]
            for run in runs
        ]
    if not shown:
        return "No run with the settings of this table is finished."
    headings = ("Row", "Seed", "Signature", "Commit", "Begun (UTC)", "Ended (UTC)", "Hours")
    return grid([*headings, "Device", "Run"], shown, form)


def _time(moment: pd.Timestamp) -> str:
    return moment.strftime("%Y-%m-%d %H:%M")


def _data(standings: Mapping[str, Standing], form: Form) -> str:
    """List the fingerprint of each split and the rows that saw it: one for all, if all is well."""
    seen: dict[tuple[str, str], list[str]] = {}
    for row, stands in standings.items():
        for text in stands.runs["fingerprints"].drop_duplicates():
            for name, digest in json.loads(text).items():
                seen.setdefault((name, digest), []).append(row)
    if not seen:
        return "No data was used."
    lines = [
        [name, f"`{digest}`", ", ".join(rows)] for (name, digest), rows in sorted(seen.items())
    ]
    names = [name for name, _ in seen]
    twice = sorted({name for name in names if names.count(name) > 1})
    said = [
        f"**Rows saw different data in {name}: their figures cannot be compared.**"
        for name in twice
    ]
    return "\n\n".join([grid(["Split", "Fingerprint", "Rows"], lines, form), *said])


def _missing(standings: Mapping[str, Standing], form: Form) -> str:
    lines = [
        [missing.row, str(missing.seed), missing.why]
        for stands in standings.values()
        for missing in stands.missing
    ]
    if not lines:
        return "Nothing: every row has a finished run with each of its seeds."
    return grid(["Row", "Seed", "Why"], lines, form)


def _differences(paper: Paper, form: Form) -> str:
    if not paper.differences:
        return "None is known."
    lines = [
        [d.item, d.paper, d.released, d.ours, f"`{d.setting}`" if d.setting else "", d.consequence]
        for d in paper.differences
    ]
    headings = ["Point", "Paper", "Released code", "This suite", "Setting of the released way"]
    return grid([*headings, "Consequence"], lines, form)


def _records(table: Table, found: tuple[Cell, ...], form: Form) -> tuple[dict[str, Any], ...]:
    return tuple(
        {
            "form": form,
            "row": cell.row,
            "group": table.rows[cell.row].group,
            "text": " ".join(table.rows[cell.row].cells),
            "metric": table.columns[cell.column].metric,
            "better": table.columns[cell.column].better,
            "paper": cell.paper,
            "paper_from": cell.paper_from,
            "ours": cell.ours and cell.ours.mean,
            "sd": cell.ours and cell.ours.sd,
            "low": cell.ours and cell.ours.low,
            "high": cell.ours and cell.ours.high,
            "difference": cell.difference,
            "inside": cell.ours and cell.ours.inside,
            "seeds_done": cell.seeds_done,
            "seeds_wanted": cell.seeds_wanted,
        }
        for cell in found
    )


def _as_csv(records: Sequence[Mapping[str, Any]], form: Form) -> str:
    """Return one line a record; figures with four decimals, empty where there is none."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(f"{name}_smoke" if form == "smoke" else name for name in records[0])
    for record in records:
        writer.writerow(
            f"{value:.4f}" if isinstance(value, float) else value for value in record.values()
        )
    return text.getvalue()
