"""Parts of a training step.

Convolutions of XLS-R 300M on a clip of four seconds, Adam on 50 million weights, casts of an
encoder of six blocks of 256 in `bf16-mixed`. The references are what PyTorch does unless it is
asked for more. Least processor time on one thread. The note says how fast convolutions, with all
that belongs to their layers, multiply and add, and how fast a product of square matrices does: no
layout makes them faster than that. No step of any system waits for the device between two looks at
the losses: `tests/training/test_host_waits.py` counts it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from bench.cards import table_cards
from bench.config import Config
from bench.models.frontends.blocks import ConvolutionLayer
from bench.models.frontends.encoder import KERNELS, STRIDES
from bench.training import engine
from bench.training.reused_casts import reuse_casts
from tests.benchmarks.records import read_sizes, show
from tests.benchmarks.timing import least_s
from tests.operations import Operations

SIZES = (
    *("frontend.blocks=6", "frontend.dim=256", "frontend.heads=4", "frontend.feed_forward=1024"),
    *("frontend.convolutions='frozen'", "frontend.tuning={kind='frozen'}"),
)

PRODUCT = 2048
"""Rows and columns of the square matrices."""


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

    square = torch.randn(PRODUCT, PRODUCT)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        run_plain()
    with torch.no_grad():
        last, plain, product = least_s([run_last, run_plain, lambda: square @ square], rounds)
        error = (run_plain() - run_last()).abs().max() / run_plain().abs().max()
    show(
        "convolutions, channels last",
        last,
        "s",
        plain,
        "channels first",
        goal="1.9 x",
        note=f"largest difference {error:.1e} of the largest value; "
        f"{counter.get_total_flops() / last / 1e9:.0f} GFLOP/s, a product of matrices"
        f" {2 * PRODUCT**3 / product / 1e9:.0f}",
    )


def compare_adam(rounds: int) -> None:
    """A fused step of Adam against the plain one."""
    steps = list[Callable[[], object]]()
    for fused in (True, False):
        weights = [nn.Parameter(torch.randn(500_000)) for _ in range(100)]
        for weight in weights:
            weight.grad = torch.randn_like(weight)
        steps.append(torch.optim.Adam(weights, lr=1e-5, fused=fused).step)
    fused_s, plain = least_s(steps, rounds)
    show("Adam, fused", fused_s, "s", plain, "torch.optim.Adam as it is")


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
    show(
        "casts of a forward pass, copies of weights kept",
        during["_to_copy"],
        "casts",
        before["_to_copy"],
        "autocast as it is",
        note=f"of {before.total()} operations",
    )


if __name__ == "__main__":
    sizes = read_sizes(__doc__, rounds=(5, 1))
    torch.set_num_threads(1)
    torch.manual_seed(0)
    compare_layouts(sizes.rounds)
    compare_adam(sizes.rounds)
    count_casts()
