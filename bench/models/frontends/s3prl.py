"""s3prl 0.4.18's own upstream as a front-end: the reference that the default is tested against.

Slower than the default (eager attention, hooks, masks made on the CPU) and otherwise equal. Only
the modules of the two upstreams are imported, because `s3prl.hub` and `s3prl.nn` fail on torchaudio
2.9 and later.
"""

from __future__ import annotations

import io
import warnings
from importlib import import_module
from typing import Any

import torch
from torch import Tensor

from bench.config import Config
from bench.errors import BenchError
from bench.models.frontends.base import FrontEnd, check_waves
from bench.models.frontends.layouts import Contents, read_checkpoint
from bench.models.frontends.torch_files import require_finite
from bench.models.weights import locate_weights
from bench.specs.frontends.s3prl import S3prl

_LAYOUTS = {"wav2vec2": ("fairseq", "s3prl"), "wavlm": ("unilm",)}
"""Layouts that each upstream's weights can be in."""

_USED = ("encoder.", "layer_norm.", "post_extract_proj.")
"""Parts of s3prl's models that gradients reach; it runs the convolutions without a graph."""


class S3prlFrontEnd(FrontEnd):
    """Hidden states of an s3prl upstream, in s3prl's order, the last one normalised.

    Normalisation of the waveforms and dropout while training are as the checkpoint's own settings
    say; layerdrop and time masks are off and the convolutions frozen, as s3prl has it.
    """

    def __init__(self, upstream: Any):
        super().__init__()
        self.upstream = upstream
        for name, parameter in upstream.model.named_parameters():
            parameter.requires_grad_(name.startswith(_USED))
        self.dim = upstream.model.encoder.embedding_dim
        self.n_states = len(upstream.model.encoder.layers) + 1

    def forward(self, waves: Tensor) -> tuple[Tensor, ...]:
        """Return the hidden states, as `FrontEnd` documents them."""
        check_waves(waves)
        with warnings.catch_warnings():
            # s3prl's WavLM gives torch's attention a bool padding mask beside its float bias.
            warnings.filterwarnings(
                "ignore", "Support for mismatched key_padding_mask", UserWarning
            )
            return tuple(self.upstream(list(waves))["hidden_states"])


def load_upstream(spec: S3prl, config: Config) -> S3prlFrontEnd:
    """Return s3prl's upstream with the weights that `config` has under `spec.weights`.

    fairseq checkpoints are read here, safely and without fairseq, and handed to s3prl in its
    converted form. Raises `BenchError` where the weights are missing, unreadable or in a layout
    that s3prl does not take.
    """
    path = locate_weights(spec.weights, config)
    contents = read_checkpoint(path)
    if contents.layout not in _LAYOUTS[spec.upstream]:
        raise BenchError(
            "weights.mismatch",
            f"{path}: {contents.layout} checkpoint; s3prl's {spec.upstream} takes those of "
            f"{' or '.join(_LAYOUTS[spec.upstream])}",
        )
    require_finite(path, contents.tensors)
    file = io.BytesIO()
    torch.save(_upstream_state(contents), file)
    file.seek(0)
    with warnings.catch_warnings():
        # s3prl builds its positional convolution with torch's old weight_norm, which says that it
        # is deprecated.
        warnings.filterwarnings("ignore", ".*weight_norm.* is deprecated", FutureWarning)
        expert = import_module(f"s3prl.upstream.{spec.upstream}.expert")
        return S3prlFrontEnd(expert.UpstreamExpert(file))


def _upstream_state(contents: Contents) -> dict[str, Any]:
    """Return the dict that s3prl's upstream reads from its checkpoint file."""
    tensors, settings = dict(contents.tensors), dict(contents.settings)
    if contents.layout == "unilm":
        return {"cfg": settings, "model": tensors}
    return {"task_cfg": dict(contents.task), "model_cfg": settings, "model_weight": tensors}
