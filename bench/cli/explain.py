"""`bench explain`: figures that explain how a trained row decides, or compare systems."""

from __future__ import annotations

from typing import Literal

import click

from bench.cards import table_cards
from bench.cli import explain_output, json_output
from bench.cli.explain_positions import positions
from bench.cli.explain_systems import curves, ranks
from bench.cli.figure_request import (
    FigureRequest,
    against_option,
    against_seed_option,
    figure_options,
    join_row_names,
)
from bench.errors import BenchError


@click.group()
def explain() -> None:
    """Draw figures that explain how trained rows decide or compare systems (PNG, SVG and PDF)."""


for _command in (positions, ranks, curves):
    explain.add_command(_command)


@explain.command()
@click.option(
    "--utterance",
    help="Id of an utterance of one of the row's evaluations. Default: one bona fide utterance and "
    "one of each attack, each the one with the median score.",
)
@figure_options("tca/table2", "TCA")
def tca(request: FigureRequest, utterance: str | None) -> None:
    """Draw the temporal class activation over the waveform, coloured by class (TCA's Figure 2)."""
    from bench.analysis import activation as launched
    from bench.plot_data import ActivationPanel
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
        ActivationPanel(
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
    help="Id of an utterance of one of the row's evaluations. Default for sal/table4: the one of "
    "the paper's Figure 1, CON_E_0000096; if the corpus does not have it, the first by name that "
    "begins bona fide and ends spoofed.",
)
@against_option
@against_seed_option
@click.option("--layer", metavar="NAME", help="Module of the system to explain, e.g. context.")
@click.option(
    "--target",
    type=click.Choice(["probability", "logit"]),
    default="probability",
    show_default=True,
    help="What Grad-CAM explains: the probability or the logit of the spoof class, summed over the "
    "frames. SAL's released script uses the logits.",
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
    """Draw by Grad-CAM which 20 ms of an utterance point to spoof (SAL's Figure 1).

    The figure also shows the prediction curve and the true and predicted spoofed spans, for one
    row, or for two rows one above the other.
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
    name = f"gradcam-{join_row_names(rows[::-1])}-{wanted}"
    request.write_figure(name, plots.draw_gradcam(wave, checkpoints, title), rows[-1])


@explain.command()
@click.option(
    "--evaluation",
    "evaluations",
    multiple=True,
    help="Evaluation to draw; may be repeated (default: every evaluation of the row).",
)
@click.option(
    "--max-points",
    "most",
    default="21LA=40000,21DF=40000",
    show_default=True,
    metavar="SET=N,...",
    help="Largest number of utterances (or frames) drawn of a set; a set without a number is drawn "
    "in full. A number alone applies to every set. The default is the paper's.",
)
@click.option("--layer", metavar="NAME", help="Module of the system whose input is drawn.")
@figure_options("breathnet/table7", "Default")
def features(
    request: FigureRequest, evaluations: tuple[str, ...], most: str, layer: str | None
) -> None:
    """Draw the hidden features of each evaluation by t-SNE (BreathNet's Figure 6).

    A point is an utterance, or a frame where the row scores frames.
    """
    from bench.analysis.hidden_features import embed_features, extract_features, parse_limits
    from bench.plot_data import EmbeddedFeatures
    from bench.reports import plots
    from bench.reports.evaluation_names import name_evaluations

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
