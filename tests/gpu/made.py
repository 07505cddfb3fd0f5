"""What the other parts need: the machine's own speeds, made weights and made corpora."""

from __future__ import annotations

import time
from collections.abc import Iterator

import torch
import torchaudio
from torch import nn

from bench._io import packages
from bench.models.frontends.encoder import KERNELS, STRIDES
from bench.runner.local import device_name
from bench.runner.step_work import measure_device
from bench.training import engine
from tests.gpu.parts import MACHINE, Row
from tests.gpu.scene import CORPORA, Dimensions, Scene


def measure_machine(scene: Scene) -> Iterator[Row]:
    """Which device it is, and what it does at best in each precision."""
    if scene.device == "cuda" and not torch.cuda.is_available():
        raise RuntimeError("torch finds no GPU here; `--test` tries all parts on the CPU")
    config = scene.make_config()
    device = device_name(config)
    names = ("torch", "torchaudio", "transformers", "numpy")
    versions = ", ".join(f"{name} {packages.installed_version(name)}" for name in names)
    memory = ""
    if scene.device == "cuda":
        found = torch.cuda.get_device_properties(0)
        memory = f", {found.total_memory / 1e9:.0f} GB, CUDA {torch.version.cuda}"
    yield Row(MACHINE, f"{device}{memory}, {versions}", {})
    for precision in scene.amounts.precisions:
        best = measure_device(engine.make_fabric(config, precision))
        figures = {
            "matrix products (TFLOP/s)": best.flops / 1e12,
            "copies (GB/s)": best.bandwidth / 1e9,
        }
        yield Row("the device at best", precision, figures)


def draw_encoder(shape: Dimensions) -> nn.Module:
    """Return torchaudio's encoder of XLS-R's family; of XLS-R 300M's size it is `xlsr_300m`."""
    layers = [
        (shape.channels, kernel, stride) for kernel, stride in zip(KERNELS, STRIDES, strict=True)
    ]
    return torchaudio.models.wav2vec2_model(
        extractor_mode="layer_norm",
        extractor_conv_layer_config=layers,
        extractor_conv_bias=True,
        encoder_embed_dim=shape.dim,
        encoder_projection_dropout=0.0,
        encoder_pos_conv_kernel=128,
        encoder_pos_conv_groups=16,
        encoder_num_layers=shape.blocks,
        encoder_num_heads=16,
        encoder_attention_dropout=0.0,
        encoder_ff_interm_features=shape.feed_forward,
        encoder_ff_interm_dropout=0.0,
        encoder_dropout=0.0,
        encoder_layer_norm_first=True,
        encoder_layer_drop=0.0,
        aux_num_out=None,
    )


def make_weights(scene: Scene) -> Iterator[Row]:
    """Write the weights that the rows' front-end is built from."""
    torch.manual_seed(0)
    began = time.perf_counter()
    encoder = draw_encoder(scene.amounts.encoder)
    torch.save(encoder.state_dict(), scene.weights)
    millions = sum(each.numel() for each in encoder.parameters()) / 1e6
    figures = {"weights (million)": millions, "seconds": time.perf_counter() - began}
    yield Row("made weights", "of XLS-R 300M's size" if not scene.is_trial else "small", figures)


def make_corpora(scene: Scene) -> Iterator[Row]:
    """Write miniatures of the corpora; those of SAL's Table 4, with utterances of two to five s."""
    from bench.synthetic import Size, write_miniatures  # with pyworld and soundfile

    began = time.perf_counter()
    train, dev, evaluation = scene.amounts.utterances
    longest_s = 3.0 if scene.is_trial else 5.0
    size = Size(train, dev, evaluation, *[1] * 3, 2, *[1] * 5, shortest_s=2.0, longest_s=longest_s)
    write_miniatures(scene.make_config().mini_root, size=size, only=CORPORA)
    figures = {"utterances": sum(scene.amounts.utterances), "seconds": time.perf_counter() - began}
    yield Row("made corpora", "PartialSpoof and LlamaPartialSpoof", figures)
