"""Self-supervised front-ends of the wav2vec 2.0 family: waveforms in, hidden states out.

A module for each kind (`bench.specs.kinds`). Importing this package imports torch and nothing
heavier; the module of a kind is imported when it is built.
"""

from __future__ import annotations

from bench.config import Config
from bench.models.frontends.base import FrontEnd
from bench.specs.kinds import FrontEndSettings, import_kind

__all__ = ["FrontEnd", "build", "lay_out"]


def build(spec: FrontEndSettings, config: Config) -> FrontEnd:
    """Return the front-end that `spec` describes, with weights from the path that `config` names.

    Raises `BenchError` where the weights are missing, corrupt or of another kind. The weights of
    `tiny` and of low-rank adapters are drawn from torch's global generator.
    """
    return import_kind(__name__, spec).build(spec, config)


def lay_out(spec: FrontEndSettings) -> FrontEnd:
    """Return the front-end that `spec` describes without its pretrained weights.

    The parameters of a published model have shapes and no values (torch's device `meta`).
    """
    return import_kind(__name__, spec).lay_out(spec)
