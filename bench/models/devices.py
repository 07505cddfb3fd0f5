"""Whether torch has the devices that this machine's configuration asks for."""

from __future__ import annotations

import torch

from bench.config import Config
from bench.errors import BenchError


def missing(config: Config) -> str:
    """Return which devices torch does not find here, and what to set instead; "" if none."""
    kind = _kind(config.device)
    there = _count(kind)
    if kind == "cpu" or there >= config.devices:
        return ""
    asked = f"device = {config.device!r}"
    if not there:
        why = "torch finds no such device here"
        if kind == "cuda" and torch.version.cuda is None:
            why += " (it is built without CUDA)"
        return f'{asked}: {why}: set device = "cpu" in {_where(config)}, or BENCH_DEVICE=cpu'
    return (
        f"devices = {config.devices}, {asked}: torch finds {there} here: set devices = {there} in "
        f"{_where(config)}, or BENCH_DEVICES={there}"
    )


def require(config: Config) -> None:
    """Raise BenchError where a device is `missing`."""
    if text := missing(config):
        raise BenchError("machine.device-missing", text)


def _kind(device: str) -> str:
    """Return what a device is; `auto` is what Lightning Fabric takes for it."""
    if device != "auto":
        return device
    return next((kind for kind in ("mps", "cuda") if _count(kind)), "cpu")


def _count(kind: str) -> int:
    if kind == "cuda":
        return torch.cuda.device_count() if torch.cuda.is_available() else 0
    return int(kind == "mps" and torch.backends.mps.is_available())


def _where(config: Config) -> str:
    return str(config.source or "bench.toml")
