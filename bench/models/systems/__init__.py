"""The systems. The kind in a card is the name of a module here that holds `build`."""

from __future__ import annotations

from importlib import import_module

from bench.models.frontends import FrontEnd
from bench.models.systems.base import Answer, Batch, System
from bench.specs.run import TrainData
from bench.specs.systems import System as SystemSpec

__all__ = ["Answer", "Batch", "System", "build"]


def build(spec: SystemSpec, frontend: FrontEnd, data: TrainData) -> System:
    """Return the system that `spec` names over `frontend`, to be trained on clips of `data`."""
    return import_module(f"bench.models.systems.{spec.kind}").build(spec, frontend, data)
