"""Read an encoder's dimensions from a checkpoint, and refuse the family's other networks."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from bench.errors import BenchError
from bench.models.frontends.encoder import STRIDES, Buckets, ConvolutionShape, EncoderConfig
from bench.models.frontends.layouts import Contents, list_names

_PUBLISHED_HEADS = 16
"""Heads of every published pre-LayerNorm wav2vec 2.0; torchaudio's state dicts do not say."""

_FAIRSEQ = {
    "layer_norm_first": (True, False),
    "extractor_mode": ("layer_norm", "default"),
    "activation_fn": ("gelu", "gelu"),
    "layer_type": ("transformer", "transformer"),
}
_HUGGING_FACE = {
    "do_stable_layer_norm": (True, False),
    "feat_extract_norm": ("layer", "group"),
    "hidden_act": ("gelu", "gelu"),
    "feat_extract_activation": ("gelu", "gelu"),
}
"""Settings that tell our encoder from its relatives: its value, and what an absent one means."""

_VARIANTS = {
    "fairseq": _FAIRSEQ,
    "s3prl": _FAIRSEQ,
    "unilm": _FAIRSEQ,
    "Hugging Face": _HUGGING_FACE,
    "torchaudio": {},
}


def read_dimensions(path: Path, contents: Contents, tensors: Mapping[str, Tensor]) -> EncoderConfig:
    """Return the encoder's dimensions for the tensors of `layouts.translate_tensors`.

    From their shapes, and from the settings what shapes do not show: heads, strides, the largest
    distance. Raises `BenchError` where the checkpoint at `path` is an unsupported variant or lacks
    what dimensions are read from.
    """
    _refuse_variants(path, contents, tensors)
    direction = "position.conv.parametrizations.weight.original1"
    layers = range(max(1, _count_parts(tensors, "convolutions")))
    kernels = [f"convolutions.{i}.conv.weight" for i in layers]
    needed = [*kernels, "projection.weight", "blocks.0.fc1.weight", direction]
    if missing := [name for name in needed if name not in tensors]:
        raise BenchError(
            "weights.mismatch",
            f"{path}: {contents.layout} checkpoint without {list_names(missing)} (our names); it "
            "holds "
            f"{list_names(sorted(tensors))}",
        )
    shapes = [tensors[name].shape for name in kernels]
    dim = tensors["projection.weight"].shape[0]
    try:
        return EncoderConfig(
            convolutions=tuple(
                ConvolutionShape(shape[0], shape[2], stride)
                for shape, stride in zip(shapes, _read_strides(contents), strict=True)
            ),
            conv_bias="convolutions.0.conv.bias" in tensors,
            dim=dim,
            blocks=_count_parts(tensors, "blocks"),
            heads=_count_heads(contents, tensors),
            feed_forward=tensors["blocks.0.fc1.weight"].shape[0],
            position_kernel=tensors[direction].shape[2],
            position_groups=dim // tensors[direction].shape[1],
            buckets=_read_buckets(contents, tensors),
        )
    except (BenchError, ValueError) as error:
        raise BenchError(
            "weights.unsupported", f"{path}: {contents.layout} checkpoint: {error}"
        ) from error


def _refuse_variants(path: Path, contents: Contents, tensors: Mapping[str, Tensor]) -> None:
    """Raise where the file says, or shows by missing norms, that it is another network."""
    other = [
        f"{key} = {contents.settings.get(key, default)!r}"
        for key, (ours, default) in _VARIANTS[contents.layout].items()
        if contents.settings.get(key, default) != ours
    ]
    if "convolutions.0.conv.weight" in tensors and "convolutions.1.norm.weight" not in tensors:
        other.append("convolutions without LayerNorm")
    if other:
        raise BenchError(
            "weights.unsupported",
            f"{path}: {contents.layout} checkpoint of an unsupported variant ({', '.join(other)}); "
            "supported are pre-LayerNorm models such as XLS-R 300M and WavLM-Large, not "
            "post-LayerNorm ones such as the base models",
        )


def _count_parts(tensors: Mapping[str, Tensor], part: str) -> int:
    """Return one more than the highest number that follows `part` in a name; 0 where none does."""
    numbers = (int(name.split(".")[1]) for name in tensors if name.startswith(f"{part}."))
    return 1 + max(numbers, default=-1)


def _read_strides(contents: Contents) -> tuple[int, ...]:
    settings = contents.settings
    if "conv_feature_layers" in settings:
        return tuple(layer[2] for layer in convolution_list(settings["conv_feature_layers"]))
    return tuple(settings.get("conv_stride", STRIDES))


def convolution_list(text: str) -> list[tuple[int, int, int]]:
    """Return fairseq's (channels, kernel, stride) list.

    It is written as e.g. `[(512, 10, 5)] + [(512, 3, 2)] * 4`. fairseq evaluates the text; here
    only lists, tuples, whole numbers, + and * are understood.
    """

    def value(node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=int(number)):
                return number
            case ast.Tuple(elts=parts):
                return tuple(value(part) for part in parts)
            case ast.List(elts=parts):
                return [value(part) for part in parts]
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return value(left) + value(right)
            case ast.BinOp(left=left, op=ast.Mult(), right=right):
                return value(left) * value(right)
            case _:
                raise ValueError(f"conv_feature_layers = {text!r}: not a list of convolutions")

    try:
        return value(ast.parse(text, mode="eval").body)
    except (SyntaxError, TypeError) as error:
        raise ValueError(f"conv_feature_layers = {text!r}: not a list of convolutions") from error


def _count_heads(contents: Contents, tensors: Mapping[str, Tensor]) -> int:
    if "blocks.0.attention.gate.scale" in tensors:
        return tensors["blocks.0.attention.gate.scale"].shape[1]
    if contents.layout == "torchaudio":
        return _PUBLISHED_HEADS
    key = "num_attention_heads" if contents.layout == "Hugging Face" else "encoder_attention_heads"
    return contents.settings.get(key, 12)  # both omit or default to the base model's 12


def _read_buckets(contents: Contents, tensors: Mapping[str, Tensor]) -> Buckets | None:
    if "relative.embedding.weight" not in tensors:
        return None
    settings = contents.settings
    # Absent in torchaudio's state dicts, and in a config.json where it is Hugging Face's default:
    # 800 in all published WavLM models.
    distance = settings.get("max_distance", settings.get("max_bucket_distance", 800))
    return Buckets(tensors["relative.embedding.weight"].shape[0], distance)
