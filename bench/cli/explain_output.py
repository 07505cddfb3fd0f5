"""What `bench explain` says beside its pictures: tables of text, and the same for scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from bench.cli import json_output, options

if TYPE_CHECKING:  # these import torch, which takes seconds: else only when called
    from bench.analysis.activation import UtteranceActivation
    from bench.analysis.hidden_features import HiddenFeatures
    from bench.analysis.position_errors import PositionResults
    from bench.reports.ranking import Ranking
    from bench.reports.setting_curves import SettingCurve


def say_decided(activations: Sequence[UtteranceActivation]) -> None:
    """Say what was decided of each utterance: logits, and shares of frames by strongest class."""
    classes = activations[0].classes
    header = ["utterance", "label", "decided", *(f"logit {name}" for name in classes)]
    header += [f"frames {name}" for name in classes]
    lines = [
        [one.utterance, one.label, one.decision]
        + [f"{value:.3f}" for value in one.logits]
        + [f"{share:.0%}" for share in one.class_shares().values()]
        for one in activations
    ]
    options.print_table(header, lines)
    utterances = [
        {
            "utterance": one.utterance,
            "label": one.label,
            "decided": one.decision,
            "logits": dict(zip(classes, one.logits, strict=True)),
            "frames_percent": {name: 100 * share for name, share in one.class_shares().items()},
        }
        for one in activations
    ]
    json_output.add_content({"utterances": utterances})


def say_positions(
    errors: PositionResults, paper: Mapping[str, float], source: str, smoke: str
) -> None:
    """Print how often each position occurs, and the errors of each system there.

    `paper` holds the shares that the paper prints in `source`, in per cent.
    """
    from bench.metrics.positions import POSITIONS

    lines = [
        (position, f"{share:.2%}", *(f"{system.error[i]:.2%}" for system in errors.systems))
        for i, (position, share) in enumerate(zip(POSITIONS, errors.shares, strict=True))
    ]
    header = ("position", "share", *(f"{system.system}: wrong" for system in errors.systems))
    options.print_table(header, lines)
    for position, printed in paper.items():
        ours = 100 * errors.shares[POSITIONS.index(position)]
        click.echo(f"{smoke}{position}: paper {printed:g} % ({source}), ours {ours:.1f} %")
    positions = [
        {
            "position": position,
            "unit": "%",
            "share": 100 * errors.shares[i],
            "paper": paper.get(position),
            "errors": [
                {
                    "system": system.system,
                    "value": 100 * system.error[i],
                    "low": 100 * system.low[i],
                    "high": 100 * system.high[i],
                }
                for system in errors.systems
            ],
        }
        for i, position in enumerate(POSITIONS)
    ]
    json_output.add_content({"positions": positions})


def say_ranks(ranking: Ranking) -> None:
    """Say what other readings of a published result change, and what was not run."""
    for text in ranking.changes:
        click.echo(text)
    for what in ranking.lacking:
        click.echo(f"not run, or not with every seed: {what}")
    panels = [{"panel": name, "ranks": dict(ranks)} for name, ranks in ranking.panels.items()]
    json_output.add_content(
        {
            "dimensions": ranking.dimensions,
            "panels": panels,
            "changes": [*ranking.changes],
            "not_run": [*ranking.lacking],
        }
    )


def add_features(evaluation: str, sample: HiddenFeatures) -> None:
    """Give scripts how many of an evaluation's items are drawn, and at the input of which layer."""
    drawn = {"evaluation": evaluation, "drawn": len(sample.features), "total": sample.n_available}
    json_output.add_content({"evaluations": [{**drawn, "layer": sample.layer}]})


def add_curve(sweep: str, parent: str, run: str, curve: SettingCurve) -> None:
    """Give scripts the points of a sweep's panel; EERs are in per cent."""
    table, _, row = parent.partition(":")
    points = [
        {"setting": point["value"], "evaluation": point["evaluation"], "eer_percent": point["eer"]}
        for point in curve.points.to_dict("records")
    ]
    of_sweep = {"sweep": sweep, "table": table, "row": row, "run": run}
    json_output.add_content({"sweeps": [{**of_sweep, "points": points}]})
