"""Weights of a whole system that its authors published, loaded by the system's own key map."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from bench.errors import BenchError
from bench.models.frontends.checkpoints import compare_tensors
from bench.models.frontends.torch_files import read_torch_file, require_finite
from bench.models.systems.base import System
from bench.specs.kinds import SystemSettings


def load_official(system: System, spec: SystemSettings, path: Path) -> None:
    """Give `system`, of the settings `spec`, the weights of the published checkpoint at `path`.

    Nothing may be missing, left over or of another shape. The file is torch's, of a state dict, of
    Lightning or of MultiResoModel-Simple. Raise BenchError with the first names that do not fit.
    """
    if type(spec).official_names is SystemSettings.official_names:
        raise BenchError(
            "weights.no-key-map",
            f"system.kind = {spec.kind!r}: reads no published weights, its settings have no "
            f"`official_names`: start.kind = 'weights' with {path} cannot be used",
        )
    own = system.state_dict()
    tensors = {
        name: _fit_shape(tensor, own[name].shape) if name in own else tensor
        for name, tensor in spec.official_names(_read_state(path)).items()
    }
    compare_tensors(path, own, tensors)
    require_finite(path, tensors)
    # Copies: the parameters must not live in the mapped file.
    system.load_state_dict(
        {
            name: tensor.to(torch.float32 if tensor.is_floating_point() else None, copy=True)
            for name, tensor in tensors.items()
        },
        assign=True,
    )


_WITHIN = (("state_dict",), ("modules", "model"))
"""Where a checkpoint has the tensors of the system: Lightning's, MultiResoModel-Simple's."""


def _fit_shape(tensor: Tensor, shape: torch.Size) -> Tensor:
    """Return a tensor in a `shape` that differs by dimensions of one alone; any other as it is.

    So a convolution over one step is a linear layer, and the other way round.
    """
    same = [size for size in tensor.shape if size != 1] == [size for size in shape if size != 1]
    return tensor.reshape(shape) if same else tensor


def _read_state(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a checkpoint by its own names; of one that holds more, the system's."""
    content: Any = read_torch_file(path)
    for keys in _WITHIN:
        within = content
        for key in keys:
            within = cast("dict[str, Any]", within).get(key) if isinstance(within, dict) else None
        if within is not None:
            content = within
            break
    tensors = cast("dict[str, Any]", content) if isinstance(content, dict) else {}
    if not tensors or not all(isinstance(tensor, Tensor) for tensor in tensors.values()):
        raise BenchError(
            "weights.layout-unknown",
            f"{path}: should hold tensors by name, or the `state_dict` of Lightning or the "
            "`modules.model` of MultiResoModel-Simple with them",
        )
    return tensors
