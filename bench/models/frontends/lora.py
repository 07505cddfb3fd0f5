"""Low-rank adapters in an encoder's blocks (LoRA: Hu et al., ICLR 2022).

The base stays as it is and is not trained; W x + b becomes W x + b + (alpha / rank) B A x, section
4.1 there. B starts at zero, so that an adapted encoder starts as its base. A starts as a linear
layer of torch does, as in the released code and in peft; the paper says Gaussian.

Tensors have peft's names (`q_proj.base_layer.weight`, `q_proj.lora_A.weight`, ...). It is our own
because peft's adapters on transformers' WavLM change nothing while training (its attention takes
the weights of q, k, v and out past them); here every target is called, which a test sees to.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from bench.models.frontends.encoder import Encoder
from bench.specs.frontends.encoder import Lora


class LoraLinear(nn.Module):
    """A linear layer and an adapter beside it: "... in" to "... out"."""

    def __init__(self, base: nn.Linear, spec: Lora) -> None:
        super().__init__()
        self.base_layer = base
        where = {"device": base.weight.device, "dtype": base.weight.dtype}
        self.lora_A = nn.Linear(base.in_features, spec.rank, bias=False, **where)
        self.lora_B = nn.Linear(spec.rank, base.out_features, bias=False, **where)
        nn.init.zeros_(self.lora_B.weight)
        self.dropout = nn.Dropout(spec.dropout)
        self.scale = spec.alpha / spec.rank

    def forward(self, x: Tensor) -> Tensor:
        """Return W x + b + scale B A x."""
        # Scaled where it is smallest.
        return self.base_layer(x) + self.lora_B(self.scale * self.lora_A(self.dropout(x)))

    @torch.no_grad()
    def merge_weights(self) -> nn.Linear:
        """Return the base with scale B A added to its weight, in place."""
        self.base_layer.weight += self.scale * (self.lora_B.weight @ self.lora_A.weight)
        return self.base_layer


def add_adapters(encoder: Encoder, spec: Lora) -> None:
    """Replace every target in every block by a `LoraLinear` over it; nothing else is trained then.

    A is drawn from torch's global generator. Call it after the base has its weights.
    """
    encoder.requires_grad_(False)
    for number in range(len(encoder.blocks)):
        for target in spec.targets:
            part = "attention." if target.endswith("_proj") else ""
            name = f"blocks.{number}.{part}{target}"
            base = cast("nn.Linear", encoder.get_submodule(name))
            encoder.set_submodule(name, LoraLinear(base, spec))


def merge_adapters(encoder: Encoder) -> None:
    """Replace every adapter by a plain layer that holds its base and the adapter together.

    The outputs stay the same, but for rounding, and cost what the base's do.
    """
    for name, layer in list(encoder.named_modules()):
        if isinstance(layer, LoraLinear):
            encoder.set_submodule(name, layer.merge_weights())
