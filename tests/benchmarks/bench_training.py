"""Prints what the parts of a training step cost by themselves, as ratios in one process. A script:

python tests/benchmarks/bench_training.py [rounds]

The least processor time of several rounds on one thread. The convolutions are those of XLS-R 300M
on a clip of four seconds, Adam's weights 50 million, the encoder has six blocks of 256.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[2]))
from bench.cards import table_cards  # the tests are no installed package
from bench.config import Config
from bench.models.frontends.blocks import ConvolutionLayer
from bench.models.frontends.encoder import KERNELS, STRIDES
from bench.training import engine
from bench.training.reused_casts import reuse_casts
from tests.operations import Operations

SIZES = (
    *("frontend.blocks=6", "frontend.dim=256", "frontend.heads=4", "frontend.feed_forward=1024"),
    *("frontend.convolutions='frozen'", "frontend.tuning={kind='frozen'}"),
)


def least(step: Callable[[], object], rounds: int) -> float:
    """Return the least processor time of a step, in seconds, after one that is not counted."""
    step()
    times: list[float] = []
    for _ in range(rounds):
        begun = time.process_time()
        step()
        times.append(time.process_time() - begun)
    return min(times)


def compare_layouts(rounds: int) -> None:
    """Convolutions with channels last against channels first."""
    channels = [1, *[512] * len(KERNELS)]
    shapes = zip(channels, KERNELS, STRIDES, strict=False)
    layers = nn.Sequential(*(ConvolutionLayer(c, 512, k, s, bias=True) for c, k, s in shapes))
    waves = torch.randn(1, 64_000)

    def run_plain() -> torch.Tensor:
        return layers(waves[:, None]).transpose(1, 2)

    def run_last() -> torch.Tensor:
        x = waves[..., None]
        for layer in layers:
            x = layer.forward_channels_last(x)
        return x

    with torch.no_grad():
        plain, last = least(run_plain, rounds), least(run_last, rounds)
        error = (run_plain() - run_last()).abs().max() / run_plain().abs().max()
    print(
        f"convolutions, channels last: {plain / last:.2f} x ({plain:.3f} against {last:.3f} s), "
        f"largest difference {error:.1e} of the largest value"
    )


def compare_adam(rounds: int) -> None:
    """A fused step of Adam against the plain one."""
    times: list[float] = []
    for fused in (False, True):
        weights = [nn.Parameter(torch.randn(500_000)) for _ in range(100)]
        for weight in weights:
            weight.grad = torch.randn_like(weight)
        times.append(least(torch.optim.Adam(weights, lr=1e-5, fused=fused).step, rounds))
    plain, fused_s = times
    print(f"Adam, fused: {plain / fused_s:.2f} x ({plain:.3f} against {fused_s:.3f} s)")


def count_casts() -> None:
    """Operations of a forward pass in bf16-mixed, with copies of weights kept and without."""
    table = table_cards.read_table("table4")
    run = table_cards.resolve_row(table, "S5", "smoke", [*SIZES, "training.precision='bf16-mixed'"])
    config = Config(device="cpu")
    fabric = engine.make_fabric(config, run.training.precision)
    system = engine.build_system(run, 1, config).eval()
    waves, marks = torch.randn(1, 16_000), torch.zeros(1, 49, dtype=torch.bool)

    def count() -> Counter[str]:
        with torch.no_grad(), fabric.autocast(), Operations() as seen:
            system.predict(waves, marks, 0.16)
        return seen.count

    before = count()
    with reuse_casts(fabric, system, frozen_only=False):
        during = count()
    print(
        f"casts of a forward pass in bf16-mixed: {before['_to_copy']} without kept copies of "
        f"weights, {during['_to_copy']} with them, of {before.total()} operations"
    )


def main(rounds: int) -> None:
    """Print a line for each part."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    compare_layouts(rounds)
    compare_adam(rounds)
    count_casts()


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 5)
