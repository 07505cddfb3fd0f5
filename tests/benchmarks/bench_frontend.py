"""Prints how long our encoder takes against s3prl's on the same small model. Run as a script:

python tests/benchmarks/bench_frontend.py [rounds]

The least of several rounds of processor time on one thread, evaluation without a graph and training
(forward and backward, convolutions frozen), for eight clips of four seconds.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.models.frontends import small  # the tests are no installed package

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


def least(step: Callable[[], None], rounds: int) -> float:
    """Return the least processor time of a step, in seconds, after one that is not counted."""
    step()
    times = []
    for _ in range(rounds):
        begun = time.process_time()
        step()
        times.append(time.process_time() - begun)
    return min(times)


def main(rounds: int) -> None:
    """Print a line for each family and use."""
    torch.set_num_threads(1)
    waves = small.waves(8, 64_000)
    for family in ("wav2vec2", "wavlm"):
        with tempfile.TemporaryDirectory() as folder:
            path = small.fairseq(small.draw(family, **SETTINGS), Path(folder))
            ours, theirs = small.built(family, path), small.reference(family, path)
        for name, use in (("evaluation", evaluate), ("training", train)):
            mine = least(lambda use=use, model=ours: use(model, waves), rounds)
            reference = least(lambda use=use, model=theirs: use(model, waves), rounds)
            print(
                f"{family:9} {name:10} ours {mine:6.3f} s   s3prl {reference:6.3f} s   "
                f"ratio {mine / reference:.2f}"
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
