"""Two columns of Mamba blocks over a front-end's states (XLSR-Mamba).

Xiao and Das, "XLSR-Mamba: a dual-column bidirectional state space model for spoofing attack
detection", IEEE Signal Processing Letters 2025; the blocks are those of Gu and Dao, "Mamba:
linear-time sequence modeling with selective state spaces", COLM 2024, sections 3.2 and 3.4. Sizes
and what neither says follow the released code (swagshaw/XLSR-Mamba at 9806f1e, which takes its
blocks from mamba_ssm; that package needs CUDA, this file does not).

Shapes for 208 hops and the released sizes: states (B, 208, D) -> narrowed (B, 208, 144), of which
batch normalisation and SELU -> a column as it is and one backwards, each of six blocks (B, 208,
144) -> each a mean with learnt weights (B, 144) -> both (B, 288) -> (B, 144) -> logits (B, 2).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.models.full_precision import BatchNorm2d, RMSNorm, widen_halves
from bench.models.systems.blocks.pooling import softmax_mean
from bench.specs.heads.mamba import MambaSettings
from bench.units import CLASSES

STEPS = (0.001, 0.1)
"""Between which the first step sizes of the scan are drawn, evenly in their logarithm."""
EPSILON = 1e-5


def scan_states(steps: Tensor, decay: Tensor, given: Tensor, write: Tensor, read: Tensor) -> Tensor:
    """Return the selective scan's outcome "batch hops channels", in float32.

    `steps` and `given` are "batch hops channels", `decay` "channels state" and below zero, `write`
    and `read` "batch hops state". Equation 2a of the paper of Mamba with its discretisation as
    released: h_t = exp(steps_t decay) h_{t-1} + steps_t write_t given_t, of which read_t is the
    weighting of the outcome at t.
    """
    steps, given, write, read = (
        part.float().transpose(0, 1) for part in (steps, given, write, read)
    )
    remembered = torch.exp(steps[..., None] * decay.float())
    added = (steps * given)[..., None] * write[:, :, None]
    state, states = torch.zeros_like(added[0]), list[Tensor]()
    for share, new in zip(remembered.unbind(), added.unbind(), strict=True):
        state = torch.addcmul(new, share, state)
        states.append(state)
    return (torch.stack(states) @ read[..., None]).squeeze(-1).transpose(0, 1)


class MambaBlock(nn.Module):
    """Normalisation, gated causal convolution and selective scan: "batch hops dim" to the same."""

    def __init__(self, dim: int, spec: MambaSettings) -> None:
        super().__init__()
        inner, self.rank = dim * spec.expansion, math.ceil(dim / 16)
        self.sizes = (self.rank, spec.state, spec.state)
        self.norm = RMSNorm(dim, EPSILON)
        self.widen = nn.Linear(dim, 2 * inner, bias=False)
        self.convolve = nn.Conv1d(inner, inner, spec.kernel, padding=spec.kernel - 1, groups=inner)
        self.select = nn.Linear(inner, sum(self.sizes), bias=False)
        self.step = nn.Linear(self.rank, inner)
        self.log_decay = nn.Parameter(torch.arange(1.0, spec.state + 1).log().repeat(inner, 1))
        self.passed = nn.Parameter(torch.ones(inner))
        self.narrow = nn.Linear(inner, dim, bias=False)
        self._draw_weights(spec.blocks)

    def _draw_weights(self, blocks: int) -> None:
        """Draw the first step sizes, and make the outcomes of a column's `blocks` smaller."""
        with torch.no_grad():
            nn.init.uniform_(self.step.weight, -(self.rank**-0.5), self.rank**-0.5)
            low, high = (math.log(step) for step in STEPS)
            steps = torch.exp(low + (high - low) * torch.rand_like(self.step.bias))
            self.step.bias.copy_(steps + torch.log(-torch.expm1(-steps)))  # softplus, inverted
            self.narrow.weight.div_(math.sqrt(blocks))

    def forward(self, x: Tensor) -> Tensor:
        """Return the outcome, without the residual."""
        hops = x.shape[1]
        given, gate = self.widen(self.norm(x)).chunk(2, dim=-1)
        given = F.silu(self.convolve(given.transpose(1, 2))[..., :hops].transpose(1, 2))
        ranks, write, read = self.select(given).split(self.sizes, dim=-1)
        with torch.autocast(x.device.type, enabled=False):
            steps = F.softplus(self.step(widen_halves(ranks)))
            outcome = scan_states(steps, -self.log_decay.exp(), given, write, read)
            outcome = (outcome + self.passed * given.float()) * F.silu(gate.float())
        return self.narrow(outcome)


class MambaHead(nn.Module):
    """States "batch hops dim" to logits "batch 2"; see the module's docstring."""

    def __init__(self, dim: int, spec: MambaSettings) -> None:
        super().__init__()
        width, self.last_added = spec.width, spec.last_added
        self.narrow = nn.Linear(dim, width)
        self.norm = BatchNorm2d(1)
        self.forward_blocks, self.backward_blocks = (
            nn.ModuleList(MambaBlock(width, spec) for _ in range(spec.blocks)) for _ in range(2)
        )
        self.last_norm = RMSNorm(width, EPSILON)
        self.forward_score, self.backward_score = (nn.Linear(width, 1) for _ in range(2))
        self.join = nn.Linear(2 * width, width)
        self.dropout = nn.Dropout(spec.dropout)
        self.classify = nn.Linear(width, len(CLASSES))
        if spec.last_added == "input":
            for column in (self.forward_blocks, self.backward_blocks):
                column[-1].requires_grad_(False)

    def run_column(self, blocks: nn.ModuleList, x: Tensor, given: Tensor) -> Tensor:
        """Return a column's normalised outcome; `given` is the input of both, `x` that of this."""
        for block in blocks if self.last_added == "block" else blocks[:-1]:
            x = x + block(x)
        return self.last_norm(x if self.last_added == "block" else x + given)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        x = self.dropout(F.selu(self.norm(self.narrow(x)[:, None]))[:, 0])
        onward = self.run_column(self.forward_blocks, x, x)
        backward = self.run_column(self.backward_blocks, x.flip(1), x)
        means = [
            softmax_mean(onward, self.forward_score(onward)),
            softmax_mean(backward, self.backward_score(backward)),
        ]
        return self.classify(self.dropout(self.join(torch.cat(means, dim=-1))))


_BLOCK = r"(head\.(?:forward|backward)_blocks\.\d+)\."
OFFICIAL = (
    (r"LL\.", "head.narrow."),
    (r"first_bn\.", "head.norm."),
    (r"conformer\.(forward|backward)_layers\.", r"head.\1_blocks."),
    (r"conformer\.norm_f\.", "head.last_norm."),
    (r"conformer\.f_attention_pool\.", "head.forward_score."),
    (r"conformer\.b_attention_pool\.", "head.backward_score."),
    (r"conformer\.LL\.", "head.join."),
    (r"conformer\.classifier\.", "head.classify."),
    *(
        (rf"{_BLOCK}mixer\.{theirs}", rf"\1.{ours}")
        for theirs, ours in (
            (r"in_proj\.", "widen."),
            (r"conv1d\.", "convolve."),
            (r"x_proj\.", "select."),
            (r"dt_proj\.", "step."),
            (r"A_log$", "log_decay"),
            (r"D$", "passed"),
            (r"out_proj\.", "narrow."),
        )
    ),
)
"""Names of swagshaw/XLSR-Mamba and what these become here.

Read at hoangducanh1865/XLSR-Mamba 6e39ff4, a copy; the mixer's are those of mamba_ssm.
"""
