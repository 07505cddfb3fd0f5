"""Load local weights into an encoder, and account for every tensor."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from bench.config import Config
from bench.errors import BenchError
from bench.models.frontends.dimensions import read_dimensions
from bench.models.frontends.encoder import MASK_VECTOR, Encoder, EncoderConfig
from bench.models.frontends.layouts import list_names, read_checkpoint, translate_tensors
from bench.models.frontends.lora import add_adapters
from bench.models.frontends.torch_files import require_finite
from bench.models.weights import locate_weights
from bench.specs.frontends.encoder import Lora, PretrainedSettings


def load_encoder(spec: PretrainedSettings, config: Config) -> Encoder:
    """Return the encoder of `spec` with its weights, and with adapters where `spec.tuning` says so.

    The weights are those that `config` has under `spec.weights`. The encoder is in float32 on the
    CPU, whatever the file's precision. Raises `BenchError` where there are no weights, they cannot
    be read, are of an unsupported variant or of the other family, or where tensors are missing,
    left over or misshapen.
    """
    path = locate_weights(spec.weights, config)
    contents = read_checkpoint(path)
    tensors = translate_tensors(contents)
    shape = read_dimensions(path, contents, tensors)
    if shape.family != spec.kind:
        raise BenchError(
            "weights.mismatch",
            f"{path} (weights.{spec.weights}) holds a {shape.family} model, the front-end's kind "
            f"is {spec.kind!r}: name other weights or kind = {shape.family!r}",
        )
    # Laid out without storage, so that 300 million numbers are not drawn only to be replaced.
    with torch.device("meta"):
        encoder = Encoder(shape, spec)
    wanted = encoder.state_dict()
    if MASK_VECTOR in wanted:
        tensors.setdefault(MASK_VECTOR, torch.zeros(shape.dim))
    else:
        tensors.pop(MASK_VECTOR, None)
    compare_tensors(path, wanted, tensors)
    require_finite(path, tensors)
    # Copies: the parameters must not live in the mapped file.
    encoder.load_state_dict(
        {name: tensor.to(torch.float32, copy=True) for name, tensor in tensors.items()}, assign=True
    )
    if isinstance(spec.tuning, Lora):
        add_adapters(encoder, spec.tuning)
    return encoder


def lay_out_encoder(shape: EncoderConfig, spec: PretrainedSettings) -> Encoder:
    """Return the encoder of `spec` with adapters and without storage for its weights."""
    with torch.device("meta"):
        encoder = Encoder(shape, spec)
        if isinstance(spec.tuning, Lora):
            add_adapters(encoder, spec.tuning)
    return encoder


def compare_tensors(path: Path, wanted: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> None:
    """Raise with every tensor that is missing, left over or misshapen."""
    wrong: list[str] = []
    if missing := sorted(wanted.keys() - given):
        wrong.append(f"missing: {list_names(missing)}")
    if extra := sorted(given.keys() - wanted):
        wrong.append(f"left over: {list_names(extra)}")
    wrong += [
        f"{name}: shape {tuple(given[name].shape)} where {tuple(wanted[name].shape)} is needed"
        for name in sorted(wanted.keys() & given)
        if given[name].shape != wanted[name].shape
    ]
    if wrong:
        raise BenchError(
            "weights.mismatch", "\n".join(f"{path}: {fault}" for fault in ["does not fit", *wrong])
        )
