"""The five layouts of the family's checkpoints, told apart by content and put into our names.

| layout       | what it is                                                       | its settings |
|--------------|------------------------------------------------------------------|--------------|
| fairseq      | {"cfg" or "args", "model"}, e.g. xlsr2_300m.pt                   | in the file  |
| s3prl        | {"task_cfg", "model_cfg", "model_weight"}, its `*.converted.pt`  | in the file  |
| unilm        | {"cfg", "model"} with a flat cfg, WavLM-Large.pt                 | in the file  |
| Hugging Face | folder of config.json and model.safetensors or pytorch_model.bin | config.json  |
| torchaudio   | state dict of `wav2vec2_xlsr_300m()` or `wavlm_large()`          | as published |
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors
from safetensors.torch import load_file
from torch import Tensor

from bench.errors import BenchError
from bench.models.frontends.encoder import MASK_VECTOR
from bench.models.frontends.torch_files import read_torch_file as read_torch


@dataclass(frozen=True)
class Contents:
    """What a checkpoint holds, in its own names."""

    layout: str
    tensors: Mapping[str, Tensor]
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Of the model; empty for torchaudio."""
    task: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Of the pretraining task (fairseq and s3prl)."""


def read_checkpoint(path: Path) -> Contents:
    """Return the contents of the file or folder at `path`; raise where it has no known layout."""
    contents = (
        _read_hugging_face(path) if path.is_dir() else _identify_layout(path, read_torch(path))
    )
    parts = (contents.tensors, contents.settings, contents.task)
    if not all(isinstance(part, Mapping) for part in parts):
        raise BenchError(
            "weights.layout-unknown",
            f"{path}: {contents.layout} checkpoint whose parts are not all dicts",
        )
    strange = [name for name, value in contents.tensors.items() if not isinstance(value, Tensor)]
    if strange:
        raise BenchError(
            "weights.layout-unknown",
            f"{path}: {contents.layout} checkpoint whose {strange[0]!r} is no tensor",
        )
    return contents


def _identify_layout(path: Path, content: Any) -> Contents:
    keys = set(content) if isinstance(content, dict) else set[str]()
    if keys >= {"task_cfg", "model_cfg", "model_weight"}:
        return Contents("s3prl", content["model_weight"], content["model_cfg"], content["task_cfg"])
    if "model" in keys and any(isinstance(content.get(key), dict) for key in ("cfg", "args")):
        # fairseq's cfg has a part for the model, unilm's is flat; old fairseq has flat args.
        settings = content.get("cfg") or content["args"]
        if "model" in settings:
            task = settings.get("task", {})
            return Contents("fairseq", content["model"], settings["model"], task)
        layout = "unilm" if content.get("cfg") else "fairseq"
        return Contents(layout, content["model"], settings, settings)
    if any(key.startswith("encoder.transformer.") for key in keys):
        return Contents("torchaudio", content)
    if any(key.startswith("feature_projection.") or ".feature_projection." in key for key in keys):
        raise BenchError(
            "weights.layout-unknown",
            f"{path}: a Hugging Face state dict without its config.json; name the folder that "
            "holds both",
        )
    raise BenchError(
        "weights.layout-unknown",
        f"{path}: a torch file, but no checkpoint of fairseq, s3prl, unilm or torchaudio; it holds "
        f"{list_names(sorted(map(str, keys))) or type(content).__name__}",
    )


def _read_hugging_face(folder: Path) -> Contents:
    config_path = folder / "config.json"
    if not config_path.is_file():
        raise BenchError(
            "weights.layout-unknown",
            f"{folder}: a folder should be a Hugging Face model, but has no config.json",
        )
    try:
        settings = json.loads(config_path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BenchError("weights.damaged", f"{config_path}: not JSON: {error}") from error
    weights = folder / "model.safetensors"
    if weights.is_file():
        try:
            return Contents("Hugging Face", load_file(weights), settings)
        except safetensors.SafetensorError as error:
            raise BenchError(
                "weights.damaged", f"{weights}: damaged, get it again: {error}"
            ) from error
    weights = folder / "pytorch_model.bin"
    if weights.is_file():
        return Contents("Hugging Face", read_torch(weights), settings)
    raise BenchError(
        "weights.layout-unknown", f"{folder}: holds neither model.safetensors nor pytorch_model.bin"
    )


def translate_tensors(contents: Contents) -> dict[str, Tensor]:
    """Return the encoder's tensors under our names.

    Heads that hidden states do not need are dropped by name; a tensor that no rule knows keeps its
    own name, so that the caller can report it. The mask vector is there if the checkpoint has one
    (all layouts but torchaudio's).
    """
    if contents.layout == "torchaudio":
        tensors, rules = _like_hugging_face(contents.tensors), _HUGGING_FACE
    elif contents.layout == "Hugging Face":
        tensors, rules = _without_prefix(contents.tensors), _HUGGING_FACE
    else:
        tensors, rules = contents.tensors, _FAIRSEQ
    return {
        _rename_tensor(name, rules): tensor
        for name, tensor in tensors.items()
        if not name.startswith(_UNUSED)
    }


def list_names(names: list[str], most: int = 8) -> str:
    """Return the names in one line, those beyond `most` as a count."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


_UNUSED = (
    "aux.",
    "final_proj.",
    "label_embs_concat",
    "lm_head.",
    "project_hid.",
    "project_q.",
    "quantizer.",
)
"""Pretraining's and recognition's heads."""

_WEIGHT_NORM = (
    (r"position\.conv\.weight_g$", "position.conv.parametrizations.weight.original0"),
    (r"position\.conv\.weight_v$", "position.conv.parametrizations.weight.original1"),
)
_FAIRSEQ = (
    (r"mask_emb$", MASK_VECTOR),
    (r"feature_extractor\.conv_layers\.(\d+)\.0\.", r"convolutions.\1.conv."),
    (r"feature_extractor\.conv_layers\.(\d+)\.2\.1\.", r"convolutions.\1.norm."),
    (r"layer_norm\.", "projection_norm."),
    (r"post_extract_proj\.", "projection."),
    (r"encoder\.pos_conv\.0\.", "position.conv."),
    (r"encoder\.layer_norm\.", "norm."),
    (r"encoder\.layers\.0\.self_attn\.relative_attention_bias\.", "relative.embedding."),
    (r"encoder\.layers\.(\d+)\.self_attn\.grep_linear\.", r"blocks.\1.attention.gate.linear."),
    (r"encoder\.layers\.(\d+)\.self_attn\.grep_a$", r"blocks.\1.attention.gate.scale"),
    (r"encoder\.layers\.(\d+)\.self_attn\.", r"blocks.\1.attention."),
    (r"encoder\.layers\.(\d+)\.self_attn_layer_norm\.", r"blocks.\1.attention_norm."),
    (r"encoder\.layers\.(\d+)\.final_layer_norm\.", r"blocks.\1.feed_forward_norm."),
    (r"encoder\.layers\.(\d+)\.(fc[12])\.", r"blocks.\1.\2."),
    *_WEIGHT_NORM,
)
_HUGGING_FACE = (
    (r"masked_spec_embed$", MASK_VECTOR),
    (r"feature_extractor\.conv_layers\.(\d+)\.conv\.", r"convolutions.\1.conv."),
    (r"feature_extractor\.conv_layers\.(\d+)\.layer_norm\.", r"convolutions.\1.norm."),
    (r"feature_projection\.layer_norm\.", "projection_norm."),
    (r"feature_projection\.projection\.", "projection."),
    (r"encoder\.pos_conv_embed\.conv\.", "position.conv."),
    (r"encoder\.layer_norm\.", "norm."),
    (r"encoder\.layers\.0\.attention\.rel_attn_embed\.", "relative.embedding."),
    (
        r"encoder\.layers\.(\d+)\.attention\.gru_rel_pos_linear\.",
        r"blocks.\1.attention.gate.linear.",
    ),
    (r"encoder\.layers\.(\d+)\.attention\.gru_rel_pos_const$", r"blocks.\1.attention.gate.scale"),
    (r"encoder\.layers\.(\d+)\.attention\.", r"blocks.\1.attention."),
    (r"encoder\.layers\.(\d+)\.layer_norm\.", r"blocks.\1.attention_norm."),
    (r"encoder\.layers\.(\d+)\.final_layer_norm\.", r"blocks.\1.feed_forward_norm."),
    (r"encoder\.layers\.(\d+)\.feed_forward\.intermediate_dense\.", r"blocks.\1.fc1."),
    (r"encoder\.layers\.(\d+)\.feed_forward\.output_dense\.", r"blocks.\1.fc2."),
    *_WEIGHT_NORM,
)
"""Beginnings of names and what they become; no name of ours is the beginning of one of theirs."""


def translate_upstream(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of one of s3prl's models under our names, without the mask vector.

    They are in fairseq's names, of WavLM in unilm's, which are the same. What only a training with
    masks uses, and pretraining's heads, are dropped by name.
    """
    translated = translate_tensors(Contents("s3prl", tensors))
    translated.pop(MASK_VECTOR, None)
    return translated


def _rename_tensor(name: str, rules: tuple[tuple[str, str], ...]) -> str:
    for theirs, ours in rules:
        name = re.sub(f"^{theirs}", ours, name)
    return name


def _without_prefix(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {re.sub(r"^(wav2vec2|wavlm)\.", "", name): tensor for name, tensor in tensors.items()}


def _like_hugging_face(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return torchaudio's tensors in Hugging Face's names, fused query, key and value apart."""
    translated: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        name = re.sub(r"^encoder\.(transformer\.|(?=feature_projection))", "", name)
        name = re.sub(r"^(?=layers\.|pos_conv_embed\.|layer_norm\.)", "encoder.", name)
        name = name.replace(".attention.attention.", ".attention.")
        fused = re.fullmatch(r"(.*\.)in_proj_(weight|bias)", name)
        if fused:
            for part, values in zip("qkv", tensor.chunk(3), strict=True):
                translated[f"{fused[1]}{part}_proj.{fused[2]}"] = values
        else:
            translated[name] = tensor
    return translated
