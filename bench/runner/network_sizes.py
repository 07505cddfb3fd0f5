"""What the weights of systems take.

They are counted on the front-end's published dimensions, laid out without storage: no checkpoint is
read. Those of the suite's own tables were counted beforehand, so that PyTorch, which takes seconds
to import, is needed for other settings alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench._io import packages
from bench.specs.base import digest
from bench.specs.run import Run

if TYPE_CHECKING:
    from torch import Tensor

COUNTED = Path(__file__).parents[1] / "schema" / "network_sizes.json"
"""By `network_key`, both sizes of each network of the suite's tables; `python -m
tests.runner.counted_sizes` writes it."""


class WeightSizes(NamedTuple):
    """What a system's weights take."""

    all_bytes: int
    trained_bytes: int
    """Of those that an optimiser has a state of, twice as large."""


def weight_sizes(run: Run) -> WeightSizes:
    """Return what the weights of a run's system take, with its front-end's."""
    key = network_key(run)
    if key not in _known_sizes():
        _known_sizes()[key] = count_weights(run)
    return _known_sizes()[key]


def network_key(run: Run) -> str:
    """Return digests of all settings that a network may be built from."""
    data = digest(run.train, without=frozenset({"corpus", "split", "share"}))
    return f"{digest(run.frontend)} {digest(run.system)} {data}"


def count_weights(run: Run) -> WeightSizes:
    """Return what `weight_sizes` does, counted on the network itself.

    Raise NotInstalled without PyTorch.
    """
    packages.require_packages("torch")
    network = run.system.build(run.frontend.lay_out(), run.train)
    trained = (weight for weight in network.parameters() if weight.requires_grad)
    return WeightSizes(_sum_bytes(network.state_dict().values()), _sum_bytes(trained))


@cache
def _known_sizes() -> dict[str, WeightSizes]:
    """Return the sizes that are known: those of the file, and what this process counted."""
    sizes = json.loads(COUNTED.read_text(encoding="utf-8"))
    return {key: WeightSizes(*both) for key, both in sizes.items()}


def _sum_bytes(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
