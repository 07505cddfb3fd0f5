"""Helpers of a system's `official_names`: how a published checkpoint's tensors become ours."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

Tensors = Mapping[str, Tensor]
"""The tensors of a checkpoint by name."""


Rules = Sequence[tuple[str, str]]
"""Patterns of beginnings of their names and what these become, one rule after the other. What
becomes nothing is dropped: the released code has it and does not use it."""


def rename_tensors(tensors: Mapping[str, Tensor], rules: Rules) -> dict[str, Tensor]:
    """Return tensors by the names that `rules` make of theirs.

    A tensor that no rule knows, or whose new name is taken, keeps its name: it is then reported as
    left over.
    """
    renamed: dict[str, Tensor] = {}
    for theirs, tensor in tensors.items():
        name = theirs
        for pattern, ours in rules:
            name = re.sub(f"^{pattern}", ours, name)
        if name:
            renamed[theirs if name in renamed else name] = tensor
    return renamed


def prefix_rules(prefix: str, rules: Rules) -> list[tuple[str, str]]:
    """Return rules whose names are below `prefix`; one that goes on from a new name has it."""
    return [
        (theirs, ours if not ours or ours.startswith(r"\1") else f"{prefix}{ours}")
        for theirs, ours in rules
    ]


def exchange_classes(tensors: Mapping[str, Tensor], heads: tuple[str, ...]) -> dict[str, Tensor]:
    """Return tensors with the rows of those below `heads` brought from spoof first to ours.

    A head's rows are of both classes, half of each: that of bona fide comes first here
    (`bench.units.CLASSES`).
    """
    return {
        name: torch.roll(tensor, len(tensor) // 2, 0) if name.startswith(heads) else tensor
        for name, tensor in tensors.items()
    }
