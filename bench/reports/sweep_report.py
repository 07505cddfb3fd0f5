"""A sweep's report: the best trial, all of them, figures, and the row that the best would be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bench._io import atomic_files
from bench._io.markdown import (
    fill_template,
    format_code,
    format_fenced,
    format_heading,
    format_image,
    format_link,
    format_list,
    format_prose,
    join_texts,
)
from bench._io.printable import csv_text
from bench.cards import sweep_cards
from bench.metrics.catalogue import metric_decimals
from bench.reports import sweep_plots
from bench.reports.page_templates import fill_page_template
from bench.reports.plot_style import FILE_KINDS, render_files
from bench.reports.stale_files import find_changed_files
from bench.reports.sweep_best import (
    describe_best_trials,
    find_leaders,
    format_objective,
    format_objective_unit,
    format_trial_as_row,
    list_trial_numbers,
)
from bench.reports.sweep_plots import Draw
from bench.reports.sweep_published import (
    add_averages,
    describe_averages,
    list_published_lines,
    name_test_metric,
)
from bench.reports.table_model import format_report_table
from bench.smoke import smoke_prefix, smoke_warning
from bench.specs.sweep import Sweep
from bench.specs.training import KeepAverage
from bench.study_table import TRIAL_COLUMNS, Trial, list_trials

NOT_RUN = "Not run: no trial with the settings of this sweep's card has ended."


@dataclass(frozen=True)
class SweepReport:
    """A rendered report, its table and its figures."""

    stem: str
    """Name of its files without ending: `sweep-sal-lambda`, or `sweep-sal-lambda.smoke`."""
    markdown: str
    trials: pd.DataFrame
    figures: Mapping[str, Draw]
    """By name, each drawn when it is called."""

    @property
    def text_files(self) -> dict[str, str]:
        """Content of the text files by name."""
        files = {f"{self.stem}.md": self.markdown}
        if len(self.trials.columns):
            cells = self.trials.astype(object).where(self.trials.notna(), "").to_numpy().tolist()
            files[f"{self.stem}.csv"] = csv_text([self.trials.columns, *cells])
        return files

    @property
    def render_images(self) -> dict[str, bytes]:
        """Content of the figures' files by name."""
        return {
            f"{self.stem}.{name}.{kind}": content
            for name, draw in self.figures.items()
            for kind, content in render_files(draw()).items()
        }

    @property
    def image_names(self) -> list[str]:
        """Names of the figures' files."""
        return [f"{self.stem}.{name}.{kind}" for name in self.figures for kind in FILE_KINDS]


def describe_study(card: Sweep, trials: pd.DataFrame) -> str:
    """Return what stands over the study in the tracking store's pages, in Markdown."""
    lines = [
        fill_template("**{}**, from {}", smoke_prefix(card.form) + card.title, card.parent),
        "",
        _count_trials(card, trials),
        "" if trials.empty else describe_best_trials(card, trials),
    ]
    return "\n".join(lines)


def build_sweep_report(
    card: Sweep, trials: pd.DataFrame | None, importances: Mapping[str, float], others: int
) -> SweepReport:
    """Return the report of a sweep from its study's table (`bench.sweeps.trial_table`).

    The table is read from the tracking store; None where the card as it stands was not run.
    `others` is how many further studies there are of the same card on other data.
    """
    stem = f"sweep-{card.key}" + (".smoke" if card.form == "smoke" else "")
    trials = pd.DataFrame() if trials is None else add_averages(card, trials)
    drawn = {} if trials.empty else sweep_plots.plan_sweep_plots(card, trials, importances)
    markdown = fill_page_template(
        "sweep",
        title=format_heading(1, smoke_prefix(card.form) + card.title),
        caption="\n\n".join(filter(None, [smoke_warning(card.form), format_prose(card.caption)])),
        setup=_describe_setup(card),
        best=_best_part(card, trials),
        published=_describe_published(card, trials),
        trials=_list_all_trials(card, trials),
        figures=_link_figures(stem, drawn),
        importances=_list_importances(importances, card),
        notes=format_list(map(format_prose, [*card.notes, *_note_others(others)])) or "None.",
    )
    return SweepReport(stem, markdown, trials, drawn)


def write_sweep_report(made: SweepReport, folder: Path) -> Path:
    """Write the Markdown, CSV and figures into `folder`; return the Markdown file's path."""
    atomic_files.write_all(folder, {**made.text_files, **made.render_images})
    return folder / f"{made.stem}.md"


def find_stale_sweep_files(made: SweepReport, folder: Path) -> list[Path]:
    """Return the files in `folder` that are missing or differ.

    Figures only have to be there, as their bytes change with the version of the drawing library.
    """
    changed = find_changed_files(made.text_files, folder)
    return changed + [folder / name for name in made.image_names if not (folder / name).is_file()]


_CAPTIONS = {
    "history": "The objective of each trial in order, and the lowest so far",
    "importances": "How important each dimension is",
    "slice": "The objective over each dimension",
    "contour": "The objective over two dimensions",
}


def _link_figures(stem: str, drawn: Mapping[str, Draw]) -> str:
    shown = [
        f"{format_image(_CAPTIONS[name], f'{stem}.{name}.png')}\n\n{_link_files(stem, name)}"
        for name in drawn
    ]
    return "\n\n".join(shown) or "There is nothing to draw: no trial is finished."


def _link_files(stem: str, name: str) -> str:
    """Return links to a figure as it is drawn for editing and for LaTeX."""
    return join_texts(
        ", ",
        (format_link(f"as {kind.upper()}", f"{stem}.{name}.{kind}") for kind in FILE_KINDS[1:]),
    )


def _describe_setup(card: Sweep) -> str:
    objective = f"{card.objective}{format_objective_unit(card)}, lower is better"
    rows = [
        ["starts from", format_code(card.parent)],
        ["objective", f"{objective}; from {_describe_kept(card)}"],
        ["sampler", _format_settings(card.sampler.model_dump())],
        ["pruner", _format_settings(card.pruner.model_dump())],
        ["epochs", "the row's" if card.epochs is None else f"up to {card.epochs}"],
        ["seeds of each trial", ", ".join(map(str, sweep_cards.trial_seeds(card)))],
        ["test sets", _TESTED[card.evaluate]],
    ]
    for name, space in card.space.items():
        between = " · " if space.kind == "categories" else " to "
        text = between.join(map(sweep_cards.value_text, space.edge_values()))
        step = getattr(space, "step", None)
        extra = [", log scale"] * getattr(space, "log", False) + [f", by {step}"] * bool(step)
        rows.append([format_code(name), f"{text}{''.join(extra)}"])
    return format_report_table(["Setting", "Value"], rows, card.form)


def _describe_kept(card: Sweep) -> str:
    """Return of which weights the objective is: of those that are kept and evaluated."""
    training = sweep_cards.base_run(card).training
    if isinstance(training.keep, KeepAverage):
        count, last = training.keep.checkpoints, training.keep.kind == "average-last"
        which = (
            f"last {count} epochs" if last else f"{count} epochs with the lowest {training.select}"
        )
        return f"the mean of the weights of the {which}, which are kept"
    return f"the epoch with the lowest {training.select}, whose weights are kept"


_TESTED = {
    "nothing": "no trial is scored on a test set",
    "as-row": (
        "every finished trial is also scored on the row's test sets; they did not choose the "
        "best trial"
    ),
}


def _format_settings(content: Mapping[str, Any]) -> str:
    more = [f"{key} {value}" for key, value in content.items() if key != "kind"]
    return ", ".join([str(content["kind"]), *more])


def _count_trials(card: Sweep, trials: pd.DataFrame) -> str:
    if trials.empty:
        return NOT_RUN
    counts = trials["state"].value_counts()
    parts = [f"{counts[state]} {state}" for state in _STATES if state in counts]
    n = len(trials)
    wanted = f" The card asks for {card.trial_count}." if n != card.trial_count else ""
    return f"{n} {'trial' if n == 1 else 'trials'}: {', '.join(parts)}.{wanted}"


_STATES = ("finished", "pruned", "failed", "running")


def _best_part(card: Sweep, trials: pd.DataFrame) -> str:
    best = [] if trials.empty else find_leaders(card, trials)
    if not best:
        return _count_trials(card, trials) + ("" if trials.empty else "\n\nNo trial is finished.")
    table, _ = sweep_cards.start_row(card)
    one = len(best) == 1
    which = "As a row" if one else "Each of them as a row (none is shown to be better than another)"
    return "\n\n".join(
        [
            _count_trials(card, trials),
            fill_template("**{}**", describe_best_trials(card, trials)),
            (
                "The dev result of the best trial is optimistically biased, because it was "
                "chosen among many; results on a test set are not."
            ),
            fill_template(
                "{}, for {} ({}):",
                which,
                format_code(f"experiments/{table.key}.toml"),
                _name_signatures(card, best),
            ),
            format_fenced(
                "toml", "\n\n".join(format_trial_as_row(card, line) for line in best[:_MOST])
            ),
            *([f"And {len(best) - _MOST} more."] if len(best) > _MOST else []),
        ]
    )


_MOST = 4
"""Of trials that tie, so many are given as rows."""


def _name_signatures(card: Sweep, best: Sequence[Trial]) -> str:
    column = "signature" if card.evaluate == "as-row" else "training_signature"
    named = join_texts(", ", (format_code(line[column]) for line in best[:_MOST]))
    word = column.replace("_", " ") + ("s" if len(best) > 1 else "")
    so = "" if column == "signature" else ", so its training is reused"
    return fill_template("{} {}{}", word, named, so)


def _describe_published(card: Sweep, trials: pd.DataFrame) -> str:
    lines, averages = list_published_lines(card, trials), describe_averages(card, trials)
    if not lines:
        return "\n\n".join(["The paper has no results of this sweep.", *averages])
    (dimension,) = card.space
    headings = ["Test set", format_code(dimension), *_COMPARED]
    table = format_report_table(headings, [list(line) for line in lines], card.form)
    compared = [line.agrees.startswith("yes") for line in lines if line.agrees]
    heads = (
        f"Of {len(compared)} values that the paper calls best, {sum(compared)} "
        f"{'is' if sum(compared) == 1 else 'are'} best, or equal to the best, in ours."
    )
    summary = [] if trials.empty or not compared else [heads]
    return "\n\n".join([*summary, table, *averages, _ONE_TRAINING])


_COMPARED = ("Paper: EER (%)", "Ours", "Ours, lowest", "Agrees?")
_ONE_TRAINING = (
    "The paper's results are those that its text prints, and at the row's own value those of its "
    "table. "
)


def _list_all_trials(card: Sweep, trials: pd.DataFrame) -> str:
    if trials.empty:
        return NOT_RUN
    columns = [*TRIAL_COLUMNS, *card.space]
    tests = [name for name in trials.columns if name not in columns]
    headings = ["Trial", "State", *map(format_code, card.space)]
    headings += [f"{card.objective}{format_objective_unit(card)}", "Epochs", "Hours"]
    headings += [*(name_test_metric(card, name) for name in tests), "Signature", "Why"]
    top = list_trial_numbers(find_leaders(card, trials))
    rows: list[list[str]] = []
    for line in list_trials(trials):
        number = str(line["trial"])
        objective = format_objective(card, line["objective"])
        if int(number) in top:
            objective = fill_template("**{}**" if len(top) == 1 else "{} (tied)", objective)
        rows.append(
            [
                *(number, str(line["state"]), *(str(line[name]) for name in card.space)),
                *(objective, str(line["epochs"]), f"{float(line['hours']):.2f}"),
                *(_format_test(name, line[name]) for name in tests),
                *(format_code(line["signature"]), str(line["reason"])),
            ]
        )
    return format_report_table(headings, rows, card.form)


def _format_test(name: str, value: Any) -> str:
    return "–" if pd.isna(value) or value == "" else f"{float(value):.{metric_decimals(name)}f}"


def _list_importances(importances: Mapping[str, float], card: Sweep) -> str:
    if not importances:
        alone = len(card.space) == 1
        return "There is one dimension." if alone else "Too few trials are finished to tell."
    rows = [
        [format_code(name), f"{importances[name]:.2f}"]
        for name in sorted(importances, key=lambda name: -importances[name])
    ]
    headings = ["Dimension", "Share of variance (functional ANOVA)"]
    return format_report_table(headings, rows, card.form)


def _note_others(others: int) -> list[str]:
    if not others:
        return []
    which = "study of this card" if others == 1 else "studies of this card"
    return [f"Not shown: {others} earlier {which} on other data."]
