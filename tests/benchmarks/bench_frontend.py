"""Encoders.

The same small model (six blocks of 256) by our encoder and by s3prl's: evaluation without a graph,
and training (forward and backward, convolutions frozen), for eight clips of four seconds. Least
processor time on one thread.
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

import torch

from tests.benchmarks.records import read_sizes, show
from tests.benchmarks.timing import least_s
from tests.models.frontends import small

SETTINGS = {
    "encoder_layers": 6,
    "encoder_embed_dim": 256,
    "encoder_ffn_embed_dim": 1024,
    "encoder_attention_heads": 4,
}


def evaluate(model: torch.nn.Module, waves: torch.Tensor) -> None:
    """One forward pass without a graph."""
    with torch.inference_mode():
        model.eval()(waves)


def train(model: torch.nn.Module, waves: torch.Tensor) -> None:
    """One forward and backward pass."""
    sum(state.square().mean() for state in model.train()(waves)).backward()


def main(rounds: int) -> None:
    """Compare both families in both uses."""
    torch.set_num_threads(1)
    waves = small.waves(8, 64_000)
    for family in ("wav2vec2", "wavlm"):
        with tempfile.TemporaryDirectory() as folder:
            path = small.fairseq(small.draw(family, **SETTINGS), Path(folder))
            models = small.built(family, path), small.reference(family, path)
        for name, use in (("evaluation", evaluate), ("training", train)):
            ours, theirs = least_s([partial(use, model, waves) for model in models], rounds)
            show(f"{family}, {name}", ours, "s", theirs, "s3prl")


if __name__ == "__main__":
    main(read_sizes(__doc__, rounds=(3, 1)).rounds)
