"""Small, randomly drawn checkpoints in every published form, made with s3prl's own models."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from bench.config import Config
from bench.models.frontends import FrontEnd
from bench.models.frontends.encoder import Encoder
from bench.specs.frontends.s3prl import S3prl
from bench.specs.frontends.tiny import Tiny
from bench.specs.frontends.wav2vec2 import Wav2Vec2
from bench.specs.frontends.wavlm import WavLM

CONVOLUTIONS = "[(24, 10, 5)] + [(24, 3, 2)] * 4 + [(24,2,2)] + [(24,2,2)]"
SHARED = {
    "extractor_mode": "layer_norm",
    "encoder_layers": 3,
    "encoder_embed_dim": 64,
    "encoder_ffn_embed_dim": 80,
    "encoder_attention_heads": 16,
    "layer_norm_first": True,
    "conv_feature_layers": CONVOLUTIONS,
    "conv_pos": 16,
    "conv_pos_groups": 4,
    "dropout": 0.0,
    "attention_dropout": 0.0,
}
WAV2VEC2 = {
    **SHARED,
    "conv_bias": True,
    "quantize_targets": True,
    "latent_vars": 4,
    "latent_groups": 2,
    "final_dim": 8,
}
WAVLM = {
    **SHARED,
    "conv_bias": False,
    "relative_position_embedding": True,
    "num_buckets": 32,
    "max_distance": 40,
    "gru_rel_pos": True,
    "normalize": True,
}
SETTINGS = {"wav2vec2": WAV2VEC2, "wavlm": WAVLM}
TASK = {"sample_rate": 16000, "normalize": True}


@dataclass(frozen=True)
class Small:
    """A drawn model: its settings and state dict in fairseq's (for WavLM: unilm's) names."""

    family: str
    settings: dict[str, Any]
    state: dict[str, Tensor]


@cache
def draw(family: str, **changed: Any) -> Small:
    """Draw a small model, its norms and biases too, so that no two tensors could be swapped."""
    settings = {**SETTINGS[family], **changed}
    with warnings.catch_warnings(), torch.random.fork_rng():
        warnings.filterwarnings("ignore", ".*weight_norm.* is deprecated", FutureWarning)
        torch.manual_seed(1)
        model = _model(family, settings)
    generator = torch.Generator().manual_seed(1)
    state = {
        name: tensor + 0.1 * torch.randn(tensor.shape, generator=generator)
        for name, tensor in model.state_dict().items()
    }
    return Small(family, settings, state)


def _model(family: str, settings: dict[str, Any]) -> nn.Module:
    if family == "wavlm":
        from s3prl.upstream.wavlm.WavLM import WavLM as Model
        from s3prl.upstream.wavlm.WavLM import WavLMConfig

        return Model(WavLMConfig(settings))
    from s3prl.upstream.wav2vec2.wav2vec2_model import Wav2Vec2Config, Wav2Vec2Model

    return Wav2Vec2Model(Wav2Vec2Config(**settings))


def fairseq(small: Small, folder: Path) -> Path:
    """Write fairseq's {"cfg", "model"}, or unilm's for WavLM."""
    path = folder / "fairseq.pt"
    cfg = small.settings if small.family == "wavlm" else {"model": small.settings, "task": TASK}
    torch.save({"args": None, "cfg": cfg, "model": small.state}, path)
    return path


def s3prl_converted(small: Small, folder: Path) -> Path:
    """Write what s3prl's converter writes."""
    path = folder / "converted.pt"
    content = {"task_cfg": TASK, "model_cfg": small.settings, "model_weight": small.state}
    torch.save(content, path)
    return path


def _exchanged(state: dict[str, Tensor], pairs: list[tuple[str, str]]) -> dict[str, Tensor]:
    """Return the state with the parts of names replaced, all pairs in turn."""
    found: dict[str, Tensor] = {}
    for name, tensor in state.items():
        for old, new in pairs:
            name = name.replace(old, new)
        found[name] = tensor
    return found


HUGGING_FACE = [
    (".self_attn_layer_norm.", ".layer_norm."),
    (".self_attn.", ".attention."),
    (".relative_attention_bias.", ".rel_attn_embed."),
    (".grep_linear.", ".gru_rel_pos_linear."),
    (".grep_a", ".gru_rel_pos_const"),
    (".fc1.", ".feed_forward.intermediate_dense."),
    (".fc2.", ".feed_forward.output_dense."),
    (".0.weight_", ".conv.weight_"),
    ("pos_conv.0.bias", "pos_conv.conv.bias"),
    ("pos_conv.", "pos_conv_embed."),
    (".2.1.", ".layer_norm."),
    ("post_extract_proj.", "feature_projection.projection."),
    ("mask_emb", "masked_spec_embed"),
    ("final_proj.", "project_hid."),
]


def hugging_face_state(small: Small) -> dict[str, Tensor]:
    """Return the tensors under Hugging Face's names, with the old weight norm and no prefix."""
    state = {}
    for name, tensor in small.state.items():
        if name.startswith("layer_norm."):
            name = f"feature_projection.{name}"
        if (
            name.startswith("feature_extractor.")
            and ".0." in name[len("feature_extractor.") + 12 :]
        ):
            head, _, tail = name.rpartition(".0.")
            name = f"{head}.conv.{tail}"
        state[name] = tensor
    return _exchanged(state, HUGGING_FACE)


NEW_WEIGHT_NORM = [
    ("weight_g", "parametrizations.weight.original0"),
    ("weight_v", "parametrizations.weight.original1"),
]


def hugging_face_config(small: Small) -> dict[str, Any]:
    """Return config.json's content; like the real ones it leaves out what is the default."""
    settings = small.settings
    config = {
        "model_type": small.family,
        "conv_dim": [24] * 7,
        "conv_bias": settings["conv_bias"],
        "do_stable_layer_norm": True,
        "feat_extract_norm": "layer",
        "hidden_size": settings["encoder_embed_dim"],
        "num_hidden_layers": settings["encoder_layers"],
        "intermediate_size": settings["encoder_ffn_embed_dim"],
        "num_attention_heads": settings["encoder_attention_heads"],
        "num_conv_pos_embeddings": settings["conv_pos"],
        "num_conv_pos_embedding_groups": settings["conv_pos_groups"],
    }
    if small.family == "wavlm":
        config |= {"num_buckets": 32, "max_bucket_distance": settings["max_distance"]}
    return config


def _hugging_face_folder(small: Small, folder: Path, name: str) -> Path:
    place = folder / name
    place.mkdir()
    (place / "config.json").write_text(json.dumps(hugging_face_config(small)))
    return place


def hugging_face_bare(small: Small, folder: Path) -> Path:
    """Write a folder of `Wav2Vec2Model` or `WavLMModel`: safetensors, new weight norm."""
    place = _hugging_face_folder(small, folder, "bare")
    state = _exchanged(hugging_face_state(small), NEW_WEIGHT_NORM)
    save_file({n: t.contiguous() for n, t in state.items()}, place / "model.safetensors")
    return place


def hugging_face_pretraining(small: Small, folder: Path) -> Path:
    """Write a folder of a `ForPreTraining` model: a pickle, prefixes, heads, old weight norm."""
    place = _hugging_face_folder(small, folder, "pretraining")
    heads = ("quantizer.", "project_")
    state = {
        name if name.startswith(heads) else f"{small.family}.{name}": tensor
        for name, tensor in hugging_face_state(small).items()
    }
    torch.save(state, place / "pytorch_model.bin")
    return place


def torchaudio_state(small: Small, folder: Path) -> Path:
    """Write the state dict of torchaudio's model, WavLM's query, key and value fused."""
    state = {}
    for name, tensor in _exchanged(hugging_face_state(small), NEW_WEIGHT_NORM).items():
        if name.startswith("encoder."):
            name = name.replace("encoder.", "encoder.transformer.")
        elif name.startswith("feature_projection."):
            name = f"encoder.{name}"
        if not name.startswith(("quantizer.", "project_", "masked_")):
            state[name] = tensor
    if small.family == "wavlm":
        state = _fused(state)
    path = folder / "torchaudio.pth"
    torch.save(state, path)
    return path


def _fused(state: dict[str, Tensor]) -> dict[str, Tensor]:
    found = {}
    for name, tensor in state.items():
        head, mark, tail = name.partition(".attention.q_proj.")
        if mark:
            parts = [state[f"{head}.attention.{part}_proj.{tail}"] for part in "qkv"]
            found[f"{head}.attention.attention.in_proj_{tail}"] = torch.cat(parts)
        elif ".attention.out_proj." in name:
            found[name.replace(".attention.", ".attention.attention.")] = tensor
        elif not any(part in name for part in (".attention.k_proj.", ".attention.v_proj.")):
            found[name] = tensor
    return found


LAYOUTS: dict[str, Callable[[Small, Path], Path]] = {
    "fairseq": fairseq,
    "Hugging Face, bare": hugging_face_bare,
    "Hugging Face, pretraining": hugging_face_pretraining,
    "torchaudio": torchaudio_state,
}


def built(family: str, path: Path, **options: Any) -> FrontEnd:
    """Return our front-end on the weights at `path`, in eval mode."""
    spec = {"wav2vec2": Wav2Vec2, "wavlm": WavLM}[family]
    return (
        spec(kind=family, weights="small", **options).build(Config(weights={"small": path})).eval()
    )


def reference(family: str, path: Path) -> FrontEnd:
    """Return s3prl's own upstream on the weights at `path`, in eval mode."""
    spec = S3prl(kind="s3prl", upstream=family, weights="small")
    return spec.build(Config(weights={"small": path})).eval()


def waves(batch: int, samples: int) -> Tensor:
    """Return a batch of waveforms of differing loudness, offset and content."""
    generator = torch.Generator().manual_seed(samples + batch)
    loudness = torch.linspace(0.05, 0.5, batch)[:, None]
    return loudness * torch.randn(batch, samples, generator=generator) + loudness / 3


FAMILIES = ["wav2vec2", "wavlm"]


def tiny(**options) -> Encoder:
    torch.manual_seed(3)
    spec = Tiny(kind="tiny", dim=32, blocks=3, heads=4, feed_forward=40, channels=16, **options)
    return spec.build(Config())
