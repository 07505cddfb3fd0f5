"""The device that rows run on, by its name."""

from __future__ import annotations

from bench.config import Config
from bench.models import devices
from bench.provenance import processor_name


def device_name(config: Config) -> str:
    """Return what the rows run on, e.g. `NVIDIA H200` or `cpu: AMD EPYC`, and how many of them."""
    devices.require_devices(config.for_one_device())
    kind = devices.device_kind(config.device)
    if kind == "cuda":
        import torch

        name = torch.cuda.get_device_name(0)
    else:
        name = f"{kind}: {processor_name()}"
    return name if config.device_count == 1 else f"{config.device_count} x {name}"
