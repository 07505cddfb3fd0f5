"""Properties of a machine that may change the last digits of a result: threads and fast kernels.

On the CPU, sums are split among threads, so another number of threads rounds differently, and a
training that rounds differently ends differently. On a GPU, some kernels add in the order in which
their threads arrive. The number of loader processes changes nothing: random draws for a clip follow
from seed, epoch and utterance (`bench.training.data`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import torch

from bench.config import Config
from bench.specs.precision import PrecisionName


def apply_determinism(config: Config) -> None:
    """Make torch compute deterministically where the configuration asks for it.

    An operation that cannot do so raises RuntimeError with its name. Otherwise nothing is changed.
    """
    if config.deterministic:
        # cuBLAS reads it when it is first used; torch names these two values as those that do.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)
        torch.backends.cudnn.deterministic = True
        torch.backends.cudnn.benchmark = False


def apply_precision(precision: PrecisionName) -> None:
    """Have torch round factors of float32 products on a GPU to TF32, or not at all.

    This holds for the whole process, until another precision is applied.
    """
    in_tf32 = precision == "tf32"
    torch.set_float32_matmul_precision("high" if in_tf32 else "highest")
    torch.backends.cudnn.allow_tf32 = in_tf32  # else torch's default, on


def current_conditions(
    device: str, processes: int = 1, others: Sequence[str] = ()
) -> dict[str, str]:
    """Return `threads` and `determinism` of this process, which computes on `device`.

    `others` is what else is on (`bench.training.speedups.describe_speed`). Where several processes
    share the batch, `determinism` names what then differs from one.
    """
    settings = [
        f"deterministic algorithms {_on_or_off(torch.are_deterministic_algorithms_enabled())}"
    ]
    if device == "cuda":
        cudnn = torch.backends.cudnn
        settings += [
            f"cuDNN deterministic {_on_or_off(cudnn.deterministic)}",
            f"cuDNN benchmark {_on_or_off(cudnn.benchmark)}",
            f"TF32 in cuDNN {_on_or_off(cudnn.allow_tf32)}",
        ]
    settings.append(f"matmul precision {torch.get_float32_matmul_precision()}")
    settings += others
    if processes > 1:
        settings.append(
            f"{processes} devices (batch norm, dropout and mixing work on each one's share of a "
            "batch)"
        )
    return {"threads": str(torch.get_num_threads()), "determinism": ", ".join(settings)}


def join_conditions(before: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str]:
    """Return the conditions of several sessions, each once, with ` | ` between them.

    >>> join_conditions({"threads": "2"}, {"threads": "16"})
    {'threads': '2 | 16'}
    >>> join_conditions({"threads": "2"}, {"threads": "2"})
    {'threads': '2'}
    """
    return {
        name: " | ".join(dict.fromkeys([*before.get(name, value).split(" | "), value]))
        for name, value in now.items()
    }


def _on_or_off(flag: bool) -> str:
    return "on" if flag else "off"
