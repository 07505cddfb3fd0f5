"""Small BreathNets, one for each switch, and made clips, for tests."""

from __future__ import annotations

import torch
from torch import nn

from bench.models.frontends import FrontEnd
from bench.models.systems.base import Batch
from bench.models.systems.breathnet import BreathNetwork
from bench.specs.run import TrainData
from bench.specs.systems.breathnet import BreathNet

NONE = {"kind": "none"}
PAPER = {
    "kind": "breathnet",
    "film": {"kind": "breath-film"},
    "frequency": {"kind": "dfim"},
    "refinement": {"kind": "feature-losses"},
}
SMALL = {
    "film": {"hidden": 8},
    "frequency": {"filters": 6, "kernel": 17, "tokens": {"kind": "time", "number": 4}},
    "fusion": {"heads": 2},
    "classifier": {"hidden": [5, 3]},
}
ROWS = {
    "default": {},
    "no-film": {"film": NONE},
    "no-frequency": {"frequency": NONE},
    "self-attention": {"frequency": NONE, "fusion": {"without_frequency": "self-attention"}},
    "no-feature-losses": {"refinement": NONE},
    "no-pscl": {"refinement": {"pscl_weight": 0.0}},
    "no-centre": {"refinement": {"centre_weight": 0.0}},
    "no-contrast": {"refinement": {"contrast_weight": 0.0}},
    "two-layers": {"classifier": {"layers": 2, "dropout": 0.1}},
    "bands": {"frequency": {"tokens": {"kind": "band", "number": 3, "bins": 8}}},
    "pooled": {"refinement": {"feature": "pooled"}},
    "own": {"layer_weights": "own", "fusion": {"residual": "queries"}},
}


def merged(*trees):
    """Fold settings as a card does, a table of another kind replacing the old one."""
    out: dict = {}
    for tree in trees:
        for key, value in tree.items():
            old = out.get(key)
            fold = isinstance(value, dict) and isinstance(old, dict)
            if fold and "kind" in value and value["kind"] != old.get("kind"):
                fold = False
            out[key] = merged(old, value) if fold else value
    return out


class Fixed(FrontEnd):
    """A front-end whose states are drawn from the wave, without the cost of a real one."""

    def __init__(self, dim: int, n_states: int = 4) -> None:
        super().__init__()
        self.dim, self.n_states = dim, n_states
        self.register_buffer("mould", torch.randn(n_states, 20, dim))

    def forward(self, waves: torch.Tensor) -> tuple[torch.Tensor, ...]:
        hops = waves.unfold(1, 400, 320).unflatten(2, (20, 20)).mean(-1)
        return tuple((4 * hops @ weight).tanh() for weight in self.mould)


def data(resolution_s: float | str = "utterance") -> TrainData:
    return TrainData.model_validate(
        {"corpus": "x", "split": "train", "resolution_s": resolution_s, "clip_s": 0.4}
    )


def system(row: str = "default", **settings: object) -> BreathNetwork:
    """Return a small BreathNet in eval mode, its normalisation with statistics of its own."""
    torch.manual_seed(0)
    spec = BreathNet.model_validate(merged(PAPER, SMALL, ROWS[row], settings))
    model = spec.build(Fixed(8), data())
    if model.frequency is not None:
        nn.init.constant_(model.frequency.norm.running_mean, 0.3)
        nn.init.constant_(model.frequency.norm.running_var, 0.5)
    return model.eval()


def batch(size: int = 6, n_samples: int = 6400, seed: int = 1) -> Batch:
    """Return clips of which every third is bona fide and every fifth hop has a mark."""
    generator = torch.Generator().manual_seed(seed)
    hops = (n_samples - 400) // 320 + 1
    return Batch(
        0.5 * torch.randn(size, n_samples, generator=generator),
        (torch.arange(size) % 3 > 0)[:, None],
        torch.ones(size, 1, dtype=torch.bool),
        torch.zeros(size, dtype=torch.long),
        torch.rand(size, hops, generator=generator) < 0.2,
    )
