"""Graph attention over the nodes of a spectrogram: AASIST's blocks (Jung et al., ICASSP 2022).

Section 2.2 there (graph attention and pooling, after RawGAT-ST) and section 3.1 (heterogeneous
stacking graph attention). Facts that the paper leaves open follow clovaai/aasist at a04c986; the
code is ours. Nodes are "batch nodes width" throughout.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bench.models.full_precision import BatchNorm1d, widen_halves

INPUT_DROPOUT = 0.2
POOL_DROPOUT = 0.3


def draw_weight(width: int) -> nn.Parameter:
    """Return a vector "width 1", drawn as Glorot and Bengio (AISTATS 2010) draw a normal one."""
    return nn.Parameter(nn.init.xavier_normal_(torch.empty(width, 1)))


class NodeProjection(nn.Module):
    """Add a projection of what is attended to and one of the node itself."""

    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.attended = nn.Linear(width, out)
        self.itself = nn.Linear(width, out)

    def forward(self, shares: Tensor, nodes: Tensor, to: Tensor) -> Tensor:
        """Return the nodes `to` after they took `shares`, "batch to nodes", of `nodes`."""
        return self.attended(shares @ nodes) + self.itself(to)


class GraphAttention(nn.Module):
    """Graph attention between the nodes of one graph, batch normalisation, SELU."""

    def __init__(self, width: int, out: int, temperature: float) -> None:
        super().__init__()
        self.temperature = temperature
        self.compare = nn.Linear(width, out)
        self.weight = draw_weight(out)
        self.project = NodeProjection(width, out)
        self.norm = BatchNorm1d(out)
        self.activation = nn.SELU()
        self.dropout = nn.Dropout(INPUT_DROPOUT)

    def forward(self, nodes: Tensor) -> Tensor:
        """Return the nodes, `out` wide."""
        nodes = self.dropout(nodes)
        likeness = torch.tanh(self.compare(pair_products(nodes))) @ self.weight
        shares = widen_halves(likeness.squeeze(-1) / self.temperature).softmax(dim=-1)
        return self.activation(normalise_nodes(self.norm, self.project(shares, nodes, nodes)))


class JointAttention(nn.Module):
    """Attention over two kinds of nodes together, and the stack node that hears all of them.

    A pair is weighed by which kinds its nodes are of: both temporal, both spectral, or one of each.
    """

    def __init__(self, width: int, out: int, temperature: float) -> None:
        super().__init__()
        self.temperature = temperature
        self.temporal, self.spectral = nn.Linear(width, width), nn.Linear(width, width)
        self.compare = nn.Linear(width, out)
        self.weight_temporal, self.weight_spectral = draw_weight(out), draw_weight(out)
        self.weight_mixed = draw_weight(out)
        self.project = NodeProjection(width, out)
        self.compare_stack = nn.Linear(width, out)
        self.weight_stack = draw_weight(out)
        self.project_stack = NodeProjection(width, out)
        self.norm = BatchNorm1d(out)
        self.activation = nn.SELU()
        self.dropout = nn.Dropout(INPUT_DROPOUT)

    def forward(
        self, temporal: Tensor, spectral: Tensor, stack: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return temporal nodes, spectral nodes and the stack node, "batch 1 width"."""
        n_temporal = temporal.shape[1]
        nodes = self.dropout(torch.cat([self.temporal(temporal), self.spectral(spectral)], dim=1))
        is_temporal = torch.arange(nodes.shape[1], device=nodes.device) < n_temporal
        shares = self._weigh_pairs(nodes, is_temporal)
        heard = torch.tanh(self.compare_stack(nodes * stack)) @ self.weight_stack
        of_stack = widen_halves(heard.transpose(1, 2) / self.temperature).softmax(dim=-1)
        stack = self.project_stack(of_stack, nodes, stack)
        nodes = self.activation(normalise_nodes(self.norm, self.project(shares, nodes, nodes)))
        return nodes[:, :n_temporal], nodes[:, n_temporal:], stack

    def _weigh_pairs(self, nodes: Tensor, is_temporal: Tensor) -> Tensor:
        """Return how much each node takes of each other, "batch nodes nodes"."""
        likeness = torch.tanh(self.compare(pair_products(nodes)))
        weights = torch.cat([self.weight_temporal, self.weight_spectral, self.weight_mixed], dim=1)
        by_kind = likeness @ weights
        first, second = is_temporal[:, None], is_temporal[None, :]
        mixed = torch.where(first == second, by_kind[..., 1], by_kind[..., 2])
        likeness = torch.where(first & second, by_kind[..., 0], mixed)
        return widen_halves(likeness / self.temperature).softmax(dim=-1)


class GraphPooling(nn.Module):
    """Keep the share of nodes with the highest scores, each times its score, the highest first."""

    def __init__(self, width: int, share: float) -> None:
        super().__init__()
        self.share = share
        self.score = nn.Linear(width, 1)
        self.dropout = nn.Dropout(POOL_DROPOUT)

    def forward(self, nodes: Tensor) -> Tensor:
        """Return the nodes that are left, one at least."""
        scores = self.score(self.dropout(nodes)).sigmoid()
        number = max(int(nodes.shape[1] * self.share), 1)
        chosen = scores.topk(number, dim=1).indices
        return (nodes * scores).gather(1, chosen.expand(-1, -1, nodes.shape[2]))


def pair_products(nodes: Tensor) -> Tensor:
    """Return the product of each pair of nodes, "batch nodes nodes width"."""
    return nodes[:, :, None] * nodes[:, None]


def normalise_nodes(norm: BatchNorm1d, nodes: Tensor) -> Tensor:
    """Return nodes normalised over all nodes of the batch."""
    return norm(nodes.flatten(0, 1)).unflatten(0, nodes.shape[:2])
