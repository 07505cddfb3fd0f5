"""What `bench explain` says beside its pictures: tables of text, and the same for scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from bench.cli import json_output, options

if TYPE_CHECKING:  # these import torch, which takes seconds: else only when called
    from bench.analysis.activation import Explained
    from bench.analysis.hidden_features import Hidden
    from bench.analysis.position_errors import ByPosition
    from bench.reports.figures import Curve
    from bench.reports.ranking import Ranking


def say_decided(found: Sequence[Explained]) -> None:
    """Say what was decided of each utterance: logits, and shares of frames by strongest class."""
    classes = found[0].classes
    header = ["utterance", "label", "decided", *(f"logit {name}" for name in classes)]
    header += [f"frames {name}" for name in classes]
    lines = [
        [of.utterance, of.label, of.decided]
        + [f"{value:.3f}" for value in of.logits]
        + [f"{share:.0%}" for share in of.shares().values()]
        for of in found
    ]
    options.print_table(header, lines)
    utterances = [
        {
            "utterance": of.utterance,
            "label": of.label,
            "decided": of.decided,
            "logits": dict(zip(classes, of.logits, strict=True)),
            "frames_percent": {name: 100 * share for name, share in of.shares().items()},
        }
        for of in found
    ]
    json_output.add({"utterances": utterances})


def say_positions(found: ByPosition, paper: Mapping[str, float], source: str, smoke: str) -> None:
    """Say the share of each position, and the errors of each system there; `paper` are shares that
    the paper prints in `source`, in per cent.
    """
    from bench.metrics.positions import POSITIONS

    lines = [
        (place, f"{share:.2%}", *(f"{system.error[i]:.2%}" for system in found.systems))
        for i, (place, share) in enumerate(zip(POSITIONS, found.shares, strict=True))
    ]
    header = ("position", "share", *(f"{system.system}: wrong" for system in found.systems))
    options.print_table(header, lines)
    for place, printed in paper.items():
        ours = 100 * found.shares[POSITIONS.index(place)]
        click.echo(f"{smoke}{place}: paper {printed:g} % ({source}), ours {ours:.1f} %")
    positions = [
        {
            "position": place,
            "unit": "%",
            "share": 100 * found.shares[i],
            "paper": paper.get(place),
            "errors": [
                {
                    "system": of.system,
                    "value": 100 * of.error[i],
                    "low": 100 * of.low[i],
                    "high": 100 * of.high[i],
                }
                for of in found.systems
            ],
        }
        for i, place in enumerate(POSITIONS)
    ]
    json_output.add({"positions": positions})


def say_ranks(found: Ranking) -> None:
    """Say what other readings of a published result change, and what was not run."""
    for text in found.changes:
        click.echo(text)
    for what in found.lacking:
        click.echo(f"not run, or not with every seed: {what}")
    panels = [
        {"panel": panel, "ranks": dict(ranks.items())} for panel, ranks in found.panels.items()
    ]
    json_output.add(
        {
            "dimensions": found.dimensions,
            "panels": panels,
            "changes": [*found.changes],
            "not_run": [*found.lacking],
        }
    )


def add_features(evaluation: str, found: Hidden) -> None:
    """Give scripts how many of an evaluation's items are drawn, and at the input of which layer."""
    drawn = {"evaluation": evaluation, "drawn": len(found.features), "total": found.of}
    json_output.add({"evaluations": [{**drawn, "layer": found.layer}]})


def add_curve(sweep: str, parent: str, run: str, curve: Curve) -> None:
    """Give scripts the points of a sweep's panel; EERs are in per cent."""
    table, _, row = parent.partition(":")
    points = [
        {"setting": of["value"], "evaluation": of["evaluation"], "eer_percent": of["eer"]}
        for of in curve.points.to_dict("records")
    ]
    of_sweep = {"sweep": sweep, "table": table, "row": row, "run": run}
    json_output.add({"sweeps": [{**of_sweep, "points": points}]})
