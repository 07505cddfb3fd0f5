"""Self-supervised front-ends of the wav2vec 2.0 family: waveforms in, hidden states out.

Importing this package imports torch and nothing heavier; the module of a kind (`wav2vec2`, `wavlm`,
`tiny`, `s3prl`) is imported when it is built.
"""

from __future__ import annotations

from importlib import import_module

from bench.config import Config
from bench.models.frontends.base import FrontEnd
from bench.specs.frontends import FrontEnd as FrontEndSpec

__all__ = ["FrontEnd", "build"]


def build(spec: FrontEndSpec, config: Config) -> FrontEnd:
    """Return the front-end that `spec` describes, its weights read from the place that `config`
    names.

    Raises `BenchError` where the weights are missing, corrupt or of another kind. The weights of
    `tiny` and of low-rank adapters are drawn from torch's global generator.
    """
    return import_module(f"bench.models.frontends.{spec.kind}").build(spec, config)
