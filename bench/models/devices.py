"""Whether torch has the devices that this machine's configuration asks for.

torch, which takes seconds to import, is asked only where there can be such a device.
"""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress
from pathlib import Path

from bench.config import Config
from bench.errors import BenchError


def missing_devices(config: Config) -> str:
    """Return which devices torch does not find here, and what to set instead; "" if none."""
    kind = device_kind(config.device)
    there = _count_devices(kind)
    if kind == "cpu" or there >= config.devices:
        return ""
    asked = f"device = {config.device!r}"
    if not there:
        why = "torch finds no such device here"
        if kind == "cuda" and _is_built_without_cuda():
            why += " (it is built without CUDA)"
        return f'{asked}: {why}: set device = "cpu" in {_config_name(config)}, or BENCH_DEVICE=cpu'
    return (
        f"devices = {config.devices}, {asked}: torch finds {there} here: set devices = {there} in "
        f"{_config_name(config)}, or BENCH_DEVICES={there}"
    )


def require_devices(config: Config) -> None:
    """Raise BenchError where a device is missing."""
    if text := missing_devices(config):
        raise BenchError("machine.device-missing", text)


def device_kind(device: str) -> str:
    """Return what a device is; `auto` is what Lightning Fabric takes for it."""
    if device != "auto":
        return device
    return next((kind for kind in ("mps", "cuda") if _count_devices(kind)), "cpu")


def has_driver() -> bool:
    """Return whether torch may find a GPU: a driver is there, or torch is imported already."""
    if "torch" in sys.modules or Path("/dev/kfd").exists():  # the latter is AMD's driver
        return True
    with suppress(OSError):
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
        return True
    return False


def _count_devices(kind: str) -> int:
    if kind == "cuda" and has_driver():
        import torch

        return torch.cuda.device_count() if torch.cuda.is_available() else 0
    if kind == "mps" and sys.platform == "darwin":
        import torch

        return int(torch.backends.mps.is_available())
    return 0


def _is_built_without_cuda() -> bool:
    import torch

    return torch.version.cuda is None


def _config_name(config: Config) -> str:
    return str(config.source or "bench.toml")
