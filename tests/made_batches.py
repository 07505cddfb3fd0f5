"""Batches of made clips, for what needs no corpus."""

from __future__ import annotations

import torch

from bench.models.systems.base import Batch
from bench.specs.run import Run
from bench.units import count_hops, frame_samples


def make_batch(run: Run, clips: int = 3) -> Batch:
    """Return clips, two at least, that the run's system can learn from."""
    samples = round((run.train.clip_s or 1.0) * 16_000)
    hops = count_hops(samples)
    resolution_s = run.train.resolution_s
    frames = samples // frame_samples(resolution_s) if resolution_s else 1
    generator = torch.Generator().manual_seed(1)
    spoof = torch.rand(clips, frames, generator=generator) < 0.5
    spoof[0], spoof[1] = False, True
    return Batch(
        0.1 * torch.randn(clips, samples, generator=generator),
        spoof,
        torch.ones_like(spoof),
        torch.arange(clips) % 3,
        torch.rand(clips, hops, generator=generator) < 0.1,
    )
