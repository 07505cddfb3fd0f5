"""Attentive merging of a front-end's hidden states (AttM: Pan et al., Interspeech 2024).

Written from its authors' code (Pan, Liu, Sailor and Wang), to which MFPT refers.

State 0, the input of the first block, is left out; state l of the others is the output of block l.
All are residual streams that are not normalised, except the last where the front-end normalises it
(`frontend.last_state`; the authors' is raw). Where we depart: the gates' weights start scaled to
their inputs (`first_weights`), and the projection has the two layers that the authors' code runs,
not the third that it makes and passes to the activation as a switch.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.errors import BenchError
from bench.models.frontends import FrontEnd
from bench.models.frontends.encoder import Encoder
from bench.models.full_precision import widen_halves
from bench.specs.layers.attentive import AttentiveMergingSettings as Spec


class AttentiveMerging(nn.Module):
    """L states, each "batch hops dim", gated by utterance and projected to "batch hops dim"."""

    def __init__(self, layers: int, dim: int, spec: Spec) -> None:
        super().__init__()
        self.attend = nn.Linear(dim, 1, bias=False)
        inner = max(1, layers // 2)
        self.squeeze = nn.Linear(layers, inner, bias=False)
        self.excite = nn.Linear(inner, layers, bias=False)
        if spec.first_weights == "unit-normal":
            for linear in (self.attend, self.squeeze, self.excite):
                nn.init.normal_(linear.weight)
        hidden = max(1, round(spec.ratio * layers * dim))
        self.project = nn.Sequential(
            nn.Linear(layers * dim, hidden), nn.SiLU(), nn.Linear(hidden, dim)
        )

    def layer_gates(self, states: Sequence[Tensor]) -> Tensor:
        """Return "batch layers" in (0, 1), float32: how much of each state is let through.

        sigmoid(W2 silu(W1 silu(w x))), x being the states' means over time.
        """
        means = torch.stack([state.mean(dim=1) for state in states], dim=1)
        layer_means = F.silu(self.attend(means)).squeeze(-1)
        return widen_halves(self.excite(F.silu(self.squeeze(layer_means)))).sigmoid()

    def forward(self, states: Sequence[Tensor]) -> Tensor:
        """Return the merged sequence of the front-end's `states`, state 0 among them."""
        merged = states[1:]
        gates = self.layer_gates(merged).unbind(dim=1)
        # Gated one by one and put side by side once: no stack of all states beside them.
        gated = [
            (gate[:, None, None] * state).to(state.dtype)
            for gate, state in zip(gates, merged, strict=True)
        ]
        return self.project(torch.cat(gated, dim=-1))


def build_merging(spec: Spec, frontend: FrontEnd) -> AttentiveMerging:
    """Return the merging of the blocks that `spec` names; `frontend` stops after them from now on.

    BenchError where it has fewer, or cannot stop.
    """
    if spec.layers is not None:
        blocks = frontend.n_states - 1
        if not isinstance(frontend, Encoder) or spec.layers > blocks:
            raise BenchError(
                "model.sizes",
                f"layers = {spec.layers} of kind = 'attentive': should be 'all', or at most the "
                f"{blocks} blocks of a front-end that is not s3prl's",
            )
        frontend.stop_after(spec.layers)
    return AttentiveMerging(frontend.n_states - 1, frontend.dim, spec)
