"""In which precision this machine computes rows: as it is told, else as its device can."""

from __future__ import annotations

from typing import NamedTuple

from bench.config import Config
from bench.errors import BenchError
from bench.models import devices
from bench.specs.precision import PrecisionName
from bench.specs.run import Run


class PrecisionChoice(NamedTuple):
    """The precision that a machine computes rows in."""

    name: PrecisionName
    is_stated: bool
    """Whether somebody stated it: a row that does not admit it is then refused."""

    def apply_to(self, run: Run) -> Run:
        """Return the run in this precision, or as it is where it does not admit it.

        Raise BenchError where it was stated and the run admits or states others.
        """
        changed = run.in_precision(self.name)
        if self.is_stated and run.is_trained and changed.training.precision != self.name:
            raise BenchError(
                "training.precision-not-admitted",
                f"precision = {self.name!r}: the row should be computed in "
                f"{' or '.join(map(repr, run.training.precisions))} (training.admits in its card)",
            )
        return changed


def choose_precision(config: Config, asked: PrecisionName | None = None) -> PrecisionChoice:
    """Return what is asked for, else what bench.toml says, else what suits the device.

    The last is `bf16-mixed` on a GPU that computes in bfloat16, else `fp32`.
    """
    if (stated := asked or config.precision) is not None:
        return PrecisionChoice(stated, True)
    return PrecisionChoice("bf16-mixed" if _has_bfloat16(config.device) else "fp32", False)


def _has_bfloat16(device: str) -> bool:
    """Return whether rows run on a GPU that computes in bfloat16.

    torch, which takes seconds to import, is asked only where there is a driver.
    """
    if device not in ("auto", "cuda") or not devices.has_driver():
        return False
    try:
        import torch
    except ImportError:  # the small package, which trains nothing
        return False
    return torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False)
