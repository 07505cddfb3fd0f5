"""What a paper's text says of a setting that a sweep varies, beside the sweep's results."""

# The stubs of pandas leave many types open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from bench._io.markdown import fill_template, format_code, join_texts
from bench.cards import sweep_cards
from bench.metrics.catalogue import metric_decimals
from bench.reports.evaluation_names import name_evaluations
from bench.reports.sweep_best import format_trial_settings
from bench.specs.sweep import PublishedPoint, Sweep
from bench.study_table import list_trials

AVERAGE = "Avg."


class PublishedLine(NamedTuple):
    """One line of the paper, and ours; all as it is printed, "–" where there is nothing."""

    test: str
    """`19LA`, or `Avg.`."""
    value: str
    """Of the setting, in the paper."""
    paper: str
    ours: str
    """At that value."""
    ours_best: str
    """Our values of the least figure, and the figure."""
    agrees: str
    """Whether the paper's best value is among our best ones; "" where the paper names none."""


def add_averages(card: Sweep, trials: pd.DataFrame) -> pd.DataFrame:
    """Return the study's table with a column for each mean that the row's table has.

    A mean is over test sets, and empty where a trial lacks one of them. Text stays text.
    """
    extended = trials
    for metric, parts in sweep_cards.mean_metrics(card).items():
        if metric not in trials and set(parts) <= set(trials.columns):
            each = trials[list(parts)].apply(pd.to_numeric, errors="coerce")
            mean = each.mean(axis=1, skipna=False)
            extended = extended.assign(**{metric: mean.astype(object).where(mean.notna(), "")})
    return extended


def name_test_metric(card: Sweep, metric: str) -> str:
    """Return what a metric of test sets is called: `19LA EER`, `Avg. EER`.

    It has its own name where it is neither an evaluation's EER nor a mean.
    """
    names = name_evaluations(sweep_cards.base_run(card))
    evaluation, _, kind = metric.rpartition(".")
    test = AVERAGE if metric in sweep_cards.mean_metrics(card) else names.get(evaluation, "")
    return f"{test} EER (%)" if test and kind == "eer" else format_code(metric)


def list_published_lines(card: Sweep, trials: pd.DataFrame) -> list[PublishedLine]:
    """Return a line for each thing that the paper says of the swept setting, with ours.

    `trials` has the means over test sets as well (`add_averages`).
    """
    published = sweep_cards.published_points(card)
    if not published:
        return []
    (dimension,) = card.space
    finished = [trial for trial in list_trials(trials) if trial["state"] == "finished"]
    lines: list[PublishedLine] = []
    for line in published:
        values = {
            float(trial[dimension]): float(trial[line.metric])
            for trial in finished
            if str(trial.get(line.metric, "")) not in ("", "nan")
        }
        lines.append(_compare_line(card, line, values))
    return lines


def describe_averages(card: Sweep, trials: pd.DataFrame) -> list[str]:
    """Return a sentence for each mean over test sets: at which values it is least.

    The paper chooses by it; a sweep never does.
    """
    sentences: list[str] = []
    for metric, parts in sweep_cards.mean_metrics(card).items():
        over = [
            trial for trial in list_trials(trials) if str(trial.get(metric, "")) not in ("", "nan")
        ]
        if not over:
            continue
        figures = [f"{float(trial[metric]):.{metric_decimals(metric)}f}" for trial in over]
        least = min(figures, key=float)
        best = [trial for trial, figure in zip(over, figures, strict=True) if figure == least]
        names = name_evaluations(sweep_cards.base_run(card))
        of_what = ", ".join(names.get(part.rpartition(".")[0], part) for part in parts)
        sentences.append(
            fill_template(
                "The paper chooses by the average over {}, which is lowest ({}) at {}. These are "
                "test sets, so no sweep chooses by them.",
                of_what,
                least,
                join_texts("; ", (format_trial_settings(card, trial) for trial in best)),
            )
        )
    return sentences


def _compare_line(card: Sweep, line: PublishedPoint, values: dict[float, float]) -> PublishedLine:
    decimals = metric_decimals(line.metric)
    least = min(values.values(), default=float("nan"))
    at = [
        value for value, eer in values.items() if f"{eer:.{decimals}f}" == f"{least:.{decimals}f}"
    ]
    name = name_test_metric(card, line.metric)
    test = name.removesuffix(" EER (%)") if name.endswith(" EER (%)") else name
    figure = "best" if line.figure is None else f"{line.figure:.{decimals}f}"
    best = ", best" if line.best and line.figure is not None else ""
    same = values.get(line.value) if line.value is not None else None
    agrees = ""
    if line.best and line.value is not None and values:
        agrees = "yes" if line.value in at else "no"
        if line.value not in values:
            agrees = "not tried"
        elif agrees == "yes" and len(at) > 1:
            agrees = f"yes, with {len(at) - 1} more"
    return PublishedLine(
        test,
        "several" if line.value is None else f"{line.value:g}",
        f"{figure}{best}",
        "–" if same is None else f"{same:.{decimals}f}",
        f"{least:.{decimals}f} at {', '.join(f'{value:g}' for value in sorted(at))}" if at else "–",
        agrees,
    )
