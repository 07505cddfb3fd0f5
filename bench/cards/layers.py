"""The layers that a row of a table is folded from, and what is wrong with the run they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError

from bench._io.trees import as_tree, merge_settings, spread_wildcard, value_at
from bench.config import Form
from bench.specs.faults import CardFault, card_faults
from bench.specs.run import Run


class Layer(NamedTuple):
    """Settings with the key under which a card holds them."""

    name: str
    settings: Mapping[str, Any]
    file: str = ""
    """The card, where it is another than the one that is read."""


class Chain(NamedTuple):
    """What a row is folded from, outermost last."""

    paper: list[Layer]
    """Base, ancestors and the row; before them those of another card that it is `from`."""
    smoke: list[Layer]
    """The overlays of the smoke form, in the same order."""


def form_layers(chain: Chain, form: Form) -> list[Layer]:
    return chain.paper if form == "paper" else [*chain.paper, *chain.smoke]


def validate_run(layers: Sequence[Layer], form: Form) -> tuple[Run | None, list[CardFault]]:
    content = _complete_stage({**fold_layers(layers), "form": form})
    try:
        return Run.model_validate(content), []
    except ValidationError as error:
        return None, card_faults(error, Run)


def fold_layers(layers: Sequence[Layer]) -> dict[str, Any]:
    folded: dict[str, Any] = {}
    for layer in layers:
        folded = merge_settings(folded, spread_wildcard(layer.settings, folded))
    return folded


def _complete_stage(content: dict[str, Any]) -> dict[str, Any]:
    """Return the settings with the earlier training that they start from made whole.

    That training is as the run itself, but for what `start.stage` says. Nothing changes where there
    is none.
    """
    start = as_tree(content.get("start"))
    if start is None or start.get("kind") != "stage":
        return content
    own = {key: value for key, value in content.items() if key not in ("start", "evaluate")}
    stage = as_tree(start.get("stage", {}))
    if stage is None:
        return content
    return {**content, "start": {**start, "stage": {"evaluate": {}, **merge_settings(own, stage)}}}


def blame_layer(fault: CardFault, layers: Sequence[Layer], file: str) -> str:
    """Blame the outermost layer that says anything on the way to the fault.

    For what none says, the card's own base.
    """
    for depth in range(len(fault.keys), 0, -1):
        for layer in reversed(layers):
            if value_at(layer.settings, fault.keys[:depth]) is not None:
                return fault.line(layer.file or file, layer.name)
    own = next((layer for layer in layers if not layer.file), layers[0])
    return fault.line(own.file or file, own.name)
