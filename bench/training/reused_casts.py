"""Weights in 16 bits that are made once, not for each batch, while they do not change.

Autocast casts a weight in each forward pass: for a large front-end that is two thirds of all its
operations that are no matrix products. The results are the same, bit by bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional as F

from bench.models.frontends.blocks import Convolution

KEPT = (nn.Linear, nn.Conv1d, Convolution)
"""The layers with copies, by their exact class: a derived one may make its weight at each call."""


@contextmanager
def reuse_casts(fabric: Fabric, module: Any, *, frozen_only: bool) -> Iterator[None]:
    """Have linear layers and convolutions of `module` keep their weights' copies meanwhile.

    `frozen_only`: those alone that no optimiser changes. In float32 nothing is kept.
    """
    layers: list[nn.Module] = []
    if isinstance(module, nn.Module) and (dtype := _autocast_type(fabric)) is not None:
        layers = [
            layer
            for layer in module.modules()
            if type(layer) in KEPT and (not frozen_only or _is_frozen(layer))
        ]
        for layer in layers:
            layer.forward = _compute_with_copies(layer, dtype)
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward


def _autocast_type(fabric: Fabric) -> torch.dtype | None:
    device = fabric.device.type
    with fabric.autocast():
        return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else None


def _is_frozen(layer: nn.Module) -> bool:
    return not any(part.requires_grad for part in layer.parameters(recurse=False))


@torch.no_grad()
def _compute_with_copies(layer: Any, dtype: torch.dtype) -> Any:
    weight = layer.weight.to(dtype)
    bias = None if layer.bias is None else layer.bias.to(dtype)
    if isinstance(layer, nn.Linear):
        compute = partial(F.linear, weight=weight, bias=bias)
    else:
        compute = partial(layer._conv_forward, weight=weight, bias=bias)

    def forward(input: Tensor) -> Tensor:
        # What a system computes in 32 bits, outside of autocast, has the weights themselves.
        is_cast = torch.is_autocast_enabled(input.device.type)
        return compute(input) if is_cast else type(layer).forward(layer, input)

    return forward
