"""In 16 bits: normalisation, softmax, losses and learnt weights of all systems are float32."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from bench.config import Config
from bench.models.systems.base import System
from bench.specs.run import Run
from bench.training import engine
from tests.made_batches import make_batch
from tests.models.systems.small_rows import each_network

FULL = (
    *("native_layer_norm", "native_batch_norm", "_native_batch_norm", "_batch_norm_with_update"),
    *("_batch_norm_no_update", "native_group_norm", "_softmax", "_log_softmax", "logsumexp"),
    *("nll_loss", "nll_loss2d", "binary_cross_entropy_with_logits", "log_sigmoid_forward"),
    *("linalg_vector_norm", "_weight_norm_interface", "var", "std"),
)
"""Operations that are to be computed in float32."""


class TypesSeen(TorchDispatchMode):
    """Notes in which types operations compute."""

    def __init__(self) -> None:
        super().__init__()
        self.types: dict[str, set[torch.dtype]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func._schema.name.removeprefix("aten::")
        seen = self.types.setdefault(name, set())
        seen |= {
            each.dtype
            for each in args
            if isinstance(each, torch.Tensor) and each.is_floating_point()
        }
        return func(*args, **(kwargs or {}))

    def in_full(self) -> dict[str, set[torch.dtype]]:
        return {name: types for name, types in self.types.items() if name.startswith(FULL)}


def compute_both(run: Run) -> tuple[System, TypesSeen, list[torch.Tensor]]:
    """Return the system, in which types it computed in bfloat16, and losses and scores."""
    system = engine.build_system(run, 1, Config(device="cpu"))
    batch = make_batch(run)
    with TypesSeen() as seen, torch.autocast("cpu", torch.bfloat16):
        losses = system.train().losses(batch)
        with torch.no_grad():
            answer = system.eval().predict(batch.waves, batch.breath_mask, run.dev.resolution_s)
    return system, seen, [*losses.values(), answer.score, answer.logits]


@pytest.mark.rows
@each_network
def test_what_loses_by_16_bits_is_computed_in_32(subtests, rows):
    for name, run in rows().items():
        with subtests.test(name=name):
            system, seen, results = compute_both(run)
            assert torch.bfloat16 in seen.types["addmm"], "layers compute in 16 bits"
            full = seen.in_full()
            assert full
            assert {kind: types for kind, types in full.items() if types != {torch.float32}} == {}
            assert {result.dtype for result in results} == {torch.float32}
            assert {part.dtype for part in system.parameters()} == {torch.float32}
