"""A profile of a row that no machine gave."""

from __future__ import annotations

from bench.runner.step_profile import StepProfile
from bench.runner.step_work import DeviceSpeed, Work

MADE = StepProfile(
    device="NVIDIA H200",
    precision="bf16-mixed",
    workers=8,
    batch=32,
    step_s=0.1,
    wait_s=0.001,
    host_s=0.02,
    parts={"losses": 0.03, "gradients": 0.06, "optimiser": 0.009},
    loader_rate=1000.0,
    clip_s=0.004,
    dev_rate=900.0,
    checkpoint_s=0.5,
    checkpoint_bytes=4_000_000_000,
    epoch_clips=25_380,
    dev_utterances=24_844,
    work=Work(16_000_000_000_000, 96_000_000_000, 2_000),
    at_best=DeviceSpeed(500e12, 4e12),
    peak_bytes=40_000_000_000,
)
