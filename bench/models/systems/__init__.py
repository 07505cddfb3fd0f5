"""The networks of the systems and what they share; `bench.specs.systems` says which there are."""

from __future__ import annotations

from bench.models.systems.base import Batch, Prediction, System

__all__ = ["Batch", "Prediction", "System"]
