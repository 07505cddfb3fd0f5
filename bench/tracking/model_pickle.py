"""How a model is read whose file is the checkpoint of its weights, with the module beside them.

A checkpoint is read as plain tensors (`bench.training.checkpoints`), a model of MLflow's pytorch
flavour by a pickle module that its folder names: this one. So one file is both, and a row's weights
are stored once. The module has no values, but for what torch computes from weights at each call and
for buffers that are no part of the weights.
"""

from __future__ import annotations

import copy
import pickle
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import cloudpickle
import torch
from torch.nn import Parameter
from torch.nn.utils import parametrize

if TYPE_CHECKING:
    from torch import Tensor, nn

MODULE = "module"
"""Key of a checkpoint: the pickled module, as a tensor of bytes, which plain readers admit."""
_WEIGHTS = "system"

Pickler = pickle.Pickler


class Unpickler(pickle.Unpickler):
    """Gives the module of a checkpoint that has one, with its weights; of other files the content.

    `torch.load` makes a subclass of it.
    """

    def load(self) -> Any:
        content = super().load()
        return (
            unpack_module(content) if isinstance(content, dict) and MODULE in content else content
        )


def pack_module(system: nn.Module) -> Tensor:
    """Return a system without the values of its weights, pickled, as a tensor of bytes."""
    plain, stored = _plain_copy(system), system.state_dict().keys()
    for prefix, module in plain.named_modules():
        own = [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]
        for name, tensor in own:
            if (f"{prefix}.{name}" if prefix else name) not in stored:
                continue
            empty = tensor.detach().to("meta")
            is_weight = isinstance(tensor, Parameter)
            setattr(module, name, Parameter(empty, tensor.requires_grad) if is_weight else empty)
    return torch.frombuffer(bytearray(cloudpickle.dumps(plain)), dtype=torch.uint8)


def unpack_module(content: Mapping[str, Any]) -> nn.Module:
    """Return the module of a checkpoint with its weights. Unpickling runs code.

    Raise ValueError where the checkpoint lacks a weight of it.
    """
    module: nn.Module = pickle.loads(content[MODULE].cpu().numpy().tobytes())
    names = module.state_dict().keys()
    weights = {name: tensor for name, tensor in content[_WEIGHTS].items() if name in names}
    module.load_state_dict(weights, strict=False, assign=True)
    if lacking := [name for name, tensor in module.state_dict().items() if tensor.is_meta]:
        raise ValueError(f"the checkpoint lacks {', '.join(lacking)}")
    return module


def _plain_copy(system: nn.Module) -> nn.Module:
    """Return a copy for the CPU whose weights are plain tensors.

    Those that torch computes from others at each call (weight normalisation, adapters) refuse to be
    pickled; here they are what they come to after training.
    """
    copied = copy.deepcopy(system).cpu().eval()
    for module in list(copied.modules()):
        if parametrize.is_parametrized(module):
            parametrized: Any = module.parametrizations
            weights = {name: getattr(module, name).detach() for name in parametrized}
            # `remove_parametrizations` would change the class, which the copy shares.
            module.__class__ = parametrize.type_before_parametrizations(module)
            del module.parametrizations
            for name, weight in weights.items():
                module.register_parameter(name, Parameter(weight))
    return copied
