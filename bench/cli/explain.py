"""`bench explain`: pictures of why a trained row decides as it does, and of how systems compare."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import click

from bench.cards import sweep_cards, table_cards
from bench.cli import completion, explain_output, json_output
from bench.cli.figure_request import (
    FORM,
    NONE,
    TRACK,
    FigureRequest,
    figure_options,
    with_figure_request,
)
from bench.errors import BenchError
from bench.smoke import smoke_prefix

if TYPE_CHECKING:  # these import torch and Matplotlib, which takes seconds: else only when called
    from bench.analysis.position_errors import PositionResults
    from bench.analysis.trained_rows import LoadedRow

_FIGURE_4 = ("breathnet-lambda", "breathnet-alpha", "breathnet-beta")
_BASELINE = (
    f"A second row of the table to compare with; `{NONE}` for none. Default for sal/table4: S3, as "
    "the paper does not name its baseline, and S3 is S7 without SAL's two techniques."
)

_against_option = click.option(
    "--against", metavar="ROW", help=_BASELINE, shell_complete=completion.row_name
)
_against_seed_option = click.option(
    "--against-seed", type=int, help="Seed of that row's run (default: its first)."
)


@click.group()
def explain() -> None:
    """Draw why trained rows decide as they do, and how systems compare; PNG, SVG and PDF."""


@explain.command()
@click.option(
    "--utterance",
    help="Utterance id, from one of the row's evaluations. Default: a panel of utterances, one "
    "bona fide and one of each attack, each with the median score.",
)
@figure_options("tca/table2", "TCA")
def tca(request: FigureRequest, utterance: str | None) -> None:
    """Draw the temporal class activation over the waveform, coloured by class (TCA's Figure 2)."""
    from bench.analysis import activation as launched
    from bench.plot_data import ClassActivation
    from bench.reports import plots

    card = table_cards.read_table(request.table)
    for name in table_cards.select_rows(card, request.row):
        run = table_cards.resolve_row(card, name, request.form, request.overrides)
        launched.require_tca(card.key, name, run.system.kind)
    (row,) = request.find_rows()
    wanted = (
        [utterance]
        if utterance
        else launched.median_utterances(row.score_file(next(iter(row.run.evaluate))))
    )
    activations = launched.temporal_activations(row, wanted, request.here)
    rule = "" if utterance else ": of bona fide and of each attack that of the median score"
    title = (
        f"{row.smoke_prefix}Temporal class activation, {activations[0].where}{rule}; "
        f"{row.name} of {row.table}"
    )
    panels = [
        ClassActivation(
            f"{one.label}: {one.utterance}, decided {one.decision}", one.wave, one.activation
        )
        for one in activations
    ]
    stem = f"tca-{row.row}-{row.seed}-{utterance or 'panel'}"
    classes = activations[0].classes
    request.write_figure(stem, plots.draw_activations(panels, classes, title), row)
    explain_output.say_decided(activations)


@explain.command()
@click.option(
    "--utterance",
    help="Utterance id, from one of the row's evaluations. Default for sal/table4: that of the "
    "paper's Figure 1, CON_E_0000096; if the corpus does not contain it, the first by name that "
    "begins bona fide and ends spoof.",
)
@_against_option
@_against_seed_option
@click.option("--layer", metavar="NAME", help="A module of the system, e.g. context.")
@click.option(
    "--target",
    type=click.Choice(["probability", "logit"]),
    default="probability",
    show_default=True,
    help="What is explained: the spoof class's probability or logit, summed over the frames; SAL's "
    "released script takes the logits.",
)
@figure_options("sal/table4", "S7")
def gradcam(
    request: FigureRequest,
    utterance: str | None,
    against: str | None,
    against_seed: int | None,
    layer: str | None,
    target: Literal["probability", "logit"],
) -> None:
    """Draw which 20 ms of an utterance speak for spoof, by Grad-CAM, with the prediction curve,
    true and predicted spans, of one row or of two, one above the other (SAL's Figure 1).
    """
    from bench.analysis import gradcam as launched
    from bench.analysis.trained_rows import choose_utterance
    from bench.reports import plots

    illustration = request.find_illustration("gradcam")
    if utterance is None and not (illustration and illustration.utterance):
        raise BenchError(
            "option.missing",
            f"--utterance: is missing; {request.table} has no utterance of the paper's",
        )
    # As in the paper the one that it is set against is the upper one.
    rows = request.find_pair("gradcam", against, against_seed)[::-1]
    if utterance is None:
        assert illustration is not None
        utterance, why = choose_utterance(rows[0], illustration.utterance)
        click.echo(f"{utterance}: {why}")
    wanted = utterance
    explanations = [
        launched.explain_utterance(row, wanted, target, layer, request.here) for row in rows
    ]
    layers = [one.layer for one in explanations]
    json_output.add_content({"utterance": wanted, "target": target, "layers": layers})
    spoof = "probabilities" if target == "probability" else "logits"
    title = (
        f"{rows[0].smoke_prefix}Grad-CAM of {wanted} ({explanations[0].where}): "
        f"{' above '.join(row.name for row in rows)}, of {rows[0].table}; "
        f"target: sum of spoof {spoof}"
    )
    wave, checkpoints = explanations[0].wave, [one.checkpoint for one in explanations]
    name = f"gradcam-{_join_names(rows[::-1])}-{wanted}"
    request.write_figure(name, plots.draw_gradcam(wave, checkpoints, title), rows[-1])


class _PositionPlot(NamedTuple):
    """What `positions` shows, and of what."""

    found: PositionResults
    of: str
    name: str
    paper: dict[str, float]
    """Shares that the paper prints, in per cent."""
    row: LoadedRow | None = None


@explain.command()
@_against_option
@_against_seed_option
@click.option("--evaluation", help="Evaluation of the row (default: its first).")
@click.option(
    "--labels-only",
    "labels",
    is_flag=True,
    help="Only the shares, from the corpus's labels; needs no trained row.",
)
@click.option(
    "--scores",
    type=click.Path(path_type=Path),
    multiple=True,
    help="A file of frame scores instead of the rows; give two to compare them.",
)
@figure_options("sal/table4", "S7")
def positions(
    request: FigureRequest,
    against: str | None,
    against_seed: int | None,
    evaluation: str | None,
    labels: bool,
    scores: tuple[Path, ...],
) -> None:
    """Draw the shares of positions in segments, and the errors of one system or two at each
    (SAL's Figure 3).
    """
    from bench.reports import plots

    if scores:
        shown = _compare_files(scores)
    elif labels:
        shown = _count_labels(request, evaluation)
    else:
        shown = _compare_rows(request, against, against_seed, evaluation)
    errors, paper = shown.found, shown.paper
    smoke = smoke_prefix(request.form)
    title = f"{smoke}Positions in the segment: {shown.of}"
    request.write_figure(
        shown.name,
        plots.draw_positions(errors.shares, errors.systems, title, paper),
        shown.row,
    )
    illustration = request.find_illustration("positions")
    explain_output.say_positions(errors, paper, illustration.source if illustration else "", smoke)


def _compare_files(scores: Sequence[Path]) -> _PositionPlot:
    from bench.analysis.position_errors import errors_by_position

    if len(scores) > 2 or len({path.stem for path in scores}) < len(scores):
        raise BenchError(
            "option.invalid", "--scores: should be one file, or two with different names"
        )
    paths = {path.stem: path for path in scores}
    name = "positions-" + "-against-".join(paths)
    return _PositionPlot(errors_by_position(paths), f"errors of {' and '.join(paths)}", name, {})


def _count_labels(request: FigureRequest, evaluation: str | None) -> _PositionPlot:
    from bench.analysis.position_errors import position_shares

    card = table_cards.read_table(request.table)
    (row,) = table_cards.select_rows(card, request.row)
    run = table_cards.resolve_row(card, row, request.form, request.overrides)
    chosen = request.choose_evaluation(run, evaluation)
    subject = f"share of frames, {request.describe_frames(run, chosen)}"
    errors = position_shares(run.evaluate[chosen], request.form, request.here)
    return _PositionPlot(
        errors, subject, f"positions-labels-{chosen}", _find_printed_shares(request, chosen)
    )


def _compare_rows(
    request: FigureRequest, against: str | None, seed: int | None, evaluation: str | None
) -> _PositionPlot:
    from bench.analysis.position_errors import errors_by_position

    rows = request.find_pair("positions", against, seed)
    run = rows[0].run
    chosen = request.choose_evaluation(run, evaluation)
    names = " and ".join(row.name for row in rows[::-1])
    subject = f"errors of {names} of {rows[0].table}, {request.describe_frames(run, chosen)}"
    errors = errors_by_position({row.name: row.score_file(chosen) for row in rows[::-1]})
    name = f"positions-{_join_names(rows)}-{chosen}"
    return _PositionPlot(errors, subject, name, _find_printed_shares(request, chosen), rows[0])


def _find_printed_shares(request: FigureRequest, evaluation: str) -> dict[str, float]:
    illustration = request.find_illustration("positions")
    return illustration.paper if illustration and illustration.evaluation == evaluation else {}


@explain.command()
@click.option(
    "--evaluation",
    "evaluations",
    multiple=True,
    help="Evaluation to draw; may be repeated (default: all).",
)
@click.option(
    "--max-points",
    "most",
    default="21LA=40000,21DF=40000",
    show_default=True,
    metavar="SET=N,...",
    help="Largest number of utterances (or frames) drawn from a set; without a number all are "
    "drawn. The default is the paper's. A number alone applies to every set.",
)
@click.option("--layer", metavar="NAME", help="The module whose input is drawn.")
@figure_options("breathnet/table7", "Default")
def features(
    request: FigureRequest, evaluations: tuple[str, ...], most: str, layer: str | None
) -> None:
    """Draw the hidden features of each evaluation's utterances (or frames) by t-SNE
    (BreathNet's Figure 6).
    """
    from bench.analysis.hidden_features import embed_features, extract_features, parse_limits
    from bench.plot_data import EmbeddedFeatures
    from bench.reports import plots
    from bench.reports.evaluations import name_evaluations

    (row,) = request.find_rows()
    names = name_evaluations(row.run)
    limit = parse_limits(most, names)
    panels: list[EmbeddedFeatures] = []
    layers: dict[str, None] = {}
    for name in evaluations or row.data.evaluate:
        chosen = request.choose_evaluation(row.run, name)
        sample = extract_features(row, chosen, limit[chosen], layer, request.here)
        layers[sample.layer] = None
        explain_output.add_features(chosen, sample)
        shown = f"{len(sample.features):,}"
        shown += f" of {sample.n_available:,}" if len(sample.features) < sample.n_available else ""
        places = embed_features(sample.features, row.seed)
        panels.append(EmbeddedFeatures(f"{names[chosen]} ({shown})", places, sample.is_spoof))
    title = (
        f"{row.smoke_prefix}Hidden features of {row.name} of {row.table}, t-SNE of the input of "
        f"{', '.join(layers)}"
    )
    name = f"features-{row.row}-{row.seed}"
    request.write_figure(name, plots.draw_features(panels, title), row)


@explain.command()
@click.option(
    "--other-table",
    "more",
    multiple=True,
    default=["breathnet/table5"],
    show_default=True,
    shell_complete=completion.table_names,
    help="Another table whose columns are ranked as well.",
)
@click.option(
    "--other-rows",
    "against",
    default="OCKD,LSR-LSA,XLSR-Mamba,Nes2Net-X",
    show_default=True,
    help="Rows that it is ranked with.",
)
@click.option(
    "--other-result",
    "readings",
    multiple=True,
    default=["XLSR-Mamba=breathnet/table10"],
    show_default=True,
    metavar="ROW=TABLE",
    help="A row for which another table prints another result: one more panel shows that one.",
)
@figure_options("breathnet/table4", "BreathNet", subject="table")
def ranks(
    request: FigureRequest, more: tuple[str, ...], against: str, readings: tuple[str, ...]
) -> None:
    """Draw the ranks of systems on several tables as a radar, by published results and by ours
    (BreathNet's Figure 3).
    """
    from bench.reports import plots
    from bench.reports.ranking import rank_systems
    from bench.tracking.store import Store

    tables = [table_cards.read_table(name) for name in (request.table, *more)]
    systems = [*(name.strip() for name in against.split(",")), request.row]
    other = [_parse_other_result(text) for text in readings]
    frame = Store(request.here).table_frame
    ranks_found = rank_systems(tables, systems, request.row, frame, request.form, other)
    smoke = smoke_prefix(request.form)
    title = (
        f"{smoke}Ranks of {len(systems)} systems in {', '.join(table.key for table in tables)}: "
        f"{len(systems)} is best, 1 worst"
    )
    request.write_figure(
        f"ranks-{request.row}",
        plots.draw_ranks(ranks_found.dimensions, ranks_found.panels, title),
        None,
    )
    explain_output.say_ranks(ranks_found)


def _parse_other_result(text: str) -> tuple[str, str]:
    row, equals, table = text.partition("=")
    if not equals:
        raise BenchError(
            "option.invalid", f"--other-result {text!r}: should be ROW=TABLE, e.g. S7=sal/table1"
        )
    return row.strip(), table.strip()


@explain.command()
@click.argument("sweeps", nargs=-1, shell_complete=completion.sweep_names)
@with_figure_request([*FORM, TRACK])
def curves(request: FigureRequest, sweeps: tuple[str, ...]) -> None:
    """Draw the EER of each test set over the values of a setting, from SWEEPS of one dimension that
    score them, with what the paper's text prints: BreathNet's Figure 4, or with breathnet-noise
    breathnet-delta its Figure 5.
    """
    from bench.reports import plots
    from bench.reports.setting_curves import SettingCurve, read_sweep_curve
    from bench.tracking import studies
    from bench.tracking.store import Store

    chosen = sweeps or _FIGURE_4
    store, panels, runs = Store(request.here), list[SettingCurve](), list[str]()
    for name in chosen:
        card = sweep_cards.read_sweep(name, request.form)
        studies_in_store = studies.read_studies(
            store, card.key, card.form, sweep_cards.study_signature(card)
        )
        if not studies_in_store:
            smoke = " --smoke" if request.form == "smoke" else ""
            raise BenchError(
                "sweep.not-run",
                f"sweep {card.key} is not run: `bench sweep {card.key}{smoke}` runs it",
            )
        panels.append(
            read_sweep_curve(card, studies_in_store[0].trials, sweep_cards.base_run(card))
        )
        runs.append(studies_in_store[0].run_id)
        explain_output.add_curve(card.key, card.parent, runs[-1], panels[-1])
    smoke = smoke_prefix(request.form)
    title = f"{smoke}EER over settings of {card.parent}: sweeps {', '.join(chosen)}"
    name = f"curves-{'-'.join(chosen)}"
    request.write_figure(name, plots.draw_curves(panels, title), runs[0])


def _join_names(rows: Sequence[LoadedRow]) -> str:
    return "-against-".join(f"{row.row}-{row.seed}" for row in rows)
