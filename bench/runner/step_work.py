"""What a training step asks of a device, and what the device can do at best."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode


class DeviceSpeed(NamedTuple):
    """What a device does at best, measured on large tensors."""

    flops: float
    """Floating-point operations a second of a matrix product in the row's precision."""
    bandwidth: float
    """Bytes a second read and written by a copy in its memory."""


class Work(NamedTuple):
    """What one step asks of a device."""

    flops: int
    """Floating-point operations of matrix products and convolutions; other ones are few."""
    moved: int
    """Bytes that all other operations of the losses and their gradients, and the optimiser, read
    and write where each is done on its own."""
    operations: int
    """How many operations are started."""


def wait_for_device(device: torch.device) -> None:
    """Wait until a device has done all that was started."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


class _CountOperations(TorchDispatchMode):
    """Counts operations, and the bytes that those which are no products read and write."""

    def __init__(self, products: set[Any]) -> None:
        super().__init__()
        self._products = products
        self.operations = self.moved = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        del types
        result = func(*args, **(kwargs or {}))
        read = _list_tensors((args, kwargs))
        written = _list_tensors(result)
        places = {tensor.untyped_storage().data_ptr() for tensor in read}
        is_view = not func._schema.is_mutable and any(
            tensor.untyped_storage().data_ptr() in places for tensor in written
        )
        if not is_view:
            self.operations += 1
            if func.overloadpacket not in self._products:
                self.moved += sum(map(_count_bytes, (*read, *written)))
        return result


def _list_tensors(tree: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]


def _count_bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()


def count_work(act: Callable[[], object]) -> Work:
    """Return what a step asks of the device: `act` does it."""
    products = FlopCounterMode(display=False)
    other = _CountOperations({*products.flop_registry})
    with products, other:
        act()
    return Work(products.get_total_flops(), other.moved, other.operations)


def measure_device(fabric: Fabric) -> DeviceSpeed:
    """Return how fast a device multiplies, in the precision of `fabric`, and copies."""
    device = fabric.device
    is_cpu = device.type == "cpu"
    size, bytes_copied = (512, 2**26) if is_cpu else (8192, 2**30)
    with fabric.autocast():
        is_cast = torch.is_autocast_enabled(device.type)
        dtype = torch.get_autocast_dtype(device.type) if is_cast else torch.float32
    factor = torch.randn(size, size, device=device).to(dtype)
    memory = torch.zeros(bytes_copied, dtype=torch.uint8, device=device)
    other = torch.empty_like(memory)
    multiply_s = _time_best(device, lambda: factor @ factor)
    copy_s = _time_best(device, lambda: other.copy_(memory))
    return DeviceSpeed(2 * size**3 / multiply_s, 2 * bytes_copied / copy_s)


def _time_best(device: torch.device, act: Callable[[], object]) -> float:
    """Return the seconds of the fastest of ten calls, or of as many as a second holds."""
    seconds: list[float] = []
    while len(seconds) < 10 and sum(seconds) < 1:
        wait_for_device(device)
        began = time.perf_counter()
        act()
        wait_for_device(device)
        seconds.append(time.perf_counter() - began)
    return min(seconds)
