"""What layers of a run's system give, seen from inside a whole training."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import torch

from bench.models.systems.base import System
from bench.training import engine

Note = Callable[[torch.nn.Module, tuple[Any, ...], Any], None]


@contextmanager
def watch_layers(kind: type[torch.nn.Module] | tuple[type[torch.nn.Module], ...], note: Note):
    """Have `note` called with each layer of a `kind` in systems that are built meanwhile."""
    built = engine.build_system

    def watched(*arguments: Any) -> System:
        system = built(*arguments)
        for part in system.modules():
            if isinstance(part, kind):
                part.register_forward_hook(note)
        return system

    engine.build_system = watched
    try:
        yield
    finally:
        engine.build_system = built
