"""Benchmark suite of speech deepfake detection and localization.

`__all__` is the public interface, with `bench.metrics.__all__`: see `bench.api`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench._version import __version__

if TYPE_CHECKING:
    from bench import metrics as metrics
    from bench.api import BenchError as BenchError
    from bench.api import Comparison as Comparison
    from bench.api import Config as Config
    from bench.api import ScoreReport as ScoreReport
    from bench.api import compare as compare
    from bench.api import evaluate as evaluate
    from bench.api import load_model as load_model
    from bench.api import read_config as read_config
    from bench.api import read_corpus as read_corpus
    from bench.api import read_table as read_table

__all__ = [
    "BenchError",
    "Comparison",
    "Config",
    "ScoreReport",
    "__version__",
    "compare",
    "evaluate",
    "load_model",
    "metrics",
    "read_config",
    "read_corpus",
    "read_table",
]


def __getattr__(name: str) -> Any:
    """Return a public name; it is imported when it is asked for, so that `bench --help` is fast."""
    from importlib import import_module

    if name == "metrics":
        return import_module("bench.metrics")
    if name in __all__:
        return getattr(import_module("bench.api"), name)
    raise AttributeError(f"module 'bench' has no attribute {name!r}")
