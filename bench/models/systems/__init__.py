"""The systems, a module for each kind (`bench.specs.kinds`)."""

from __future__ import annotations

from bench.models.frontends import FrontEnd
from bench.models.systems.base import Batch, Prediction, System
from bench.specs.kinds import import_kind
from bench.specs.run import TrainData
from bench.specs.systems import System as SystemSpec

__all__ = ["Batch", "Prediction", "System", "build"]


def build(spec: SystemSpec, frontend: FrontEnd, data: TrainData) -> System:
    """Return the system that `spec` names over `frontend`, to be trained on clips of `data`."""
    return import_kind(__name__, spec).build(spec, frontend, data)
