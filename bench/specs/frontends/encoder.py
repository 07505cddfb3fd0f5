"""Settings that all front-ends of the wav2vec 2.0 family have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from bench.specs.base import Count, Positive, Share, Spec
from bench.specs.kinds import FrontEndSettings, Requirement

if TYPE_CHECKING:
    from bench.config import Config
    from bench.models.frontends.base import FrontEnd


class Full(Spec):
    """Train every weight, but for the convolutions where those are frozen."""

    kind: Literal["full"]


class Frozen(Spec):
    """Train nothing: the front-end runs without a graph, as in evaluation."""

    kind: Literal["frozen"]


Target = Literal["q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2"]
"""A linear layer of each block: of its attention, or of its feed-forward part."""


class Lora(Spec):
    """Train low-rank adapters (Hu et al., ICLR 2022) in every block and nothing else."""

    kind: Literal["lora"]
    rank: Count = 32
    alpha: Positive = 32.0
    """An adapter's output is multiplied by alpha / rank."""
    dropout: Share = 0.0
    """Dropout on an adapter's input while training."""
    targets: Annotated[tuple[Target, ...], Field(min_length=1, strict=False)] = (
        "q_proj",
        "k_proj",
        "v_proj",
        "fc1",
        "fc2",
    )
    """The layers that are adapted; these five in MFPT."""

    @model_validator(mode="after")
    def _each_once(self) -> Lora:
        if len(set(self.targets)) < len(self.targets):
            raise ValueError(f"targets = {list(self.targets)}: should name each layer once")
        return self


Tuning = Annotated[Full | Frozen | Lora, Field(discriminator="kind")]


_REGULARISATION = ("dropout", "attention_dropout", "projection_dropout", "layerdrop", "time_mask")


class EncoderSettings(FrontEndSettings):
    """What every front-end of the wav2vec 2.0 family can be told."""

    tuning: Tuning = Full(kind="full")
    """Which of its weights are trained."""
    normalise: Literal["utterance", "none", "batch"] = "utterance"
    """Zero mean, unit variance of each waveform (what the checkpoints were trained on), none, or
    jointly over the batch (what TCA's released code does, by transformers' extractor: scores then
    depend on batch mates)."""
    convolutions: Literal["frozen", "trained"] = "frozen"
    """Whether the seven convolutions learn. s3prl freezes them, so SAL's "fine-tuned" SSL does too.
    """
    last_state: Literal["normalised", "raw"] = "normalised"
    """Whether the last hidden state has passed the encoder's final LayerNorm (s3prl, transformers
    4) or not."""
    dropout: Share = 0.0
    """Dropout while training after the positional convolution, after attention and after the
    feed-forward part (Hugging Face's `hidden_dropout`, fairseq's `dropout`)."""
    attention_dropout: Share = 0.0
    """Dropout of attention weights while training (their `attention_dropout`)."""
    projection_dropout: Share = 0.0
    """Dropout after the projection of the convolutions' output, before the time mask, while
    training (Hugging Face's `feat_proj_dropout`, fairseq's `dropout_input`)."""
    layerdrop: Share = 0.0
    """Probability of skipping a block while training."""
    time_mask: Share = 0.0
    """Share of the hops that spans of ten hops would mask, did they not overlap, while training: p
    of 201 hops is p * 20.1 spans, rounded up or down at random, and two spans at least where p is
    above 0 (Hugging Face's `mask_time_prob`). Masked hops become the checkpoint's own mask vector,
    which learns on, or one that starts at zero where it has none."""

    @model_validator(mode="after")
    def _as_tuned(self) -> EncoderSettings:
        if self.tuning.kind != "full" and self.convolutions == "trained":
            raise ValueError(
                f"convolutions = 'trained': should be 'frozen' where tuning.kind is "
                f"{self.tuning.kind!r}"
            )
        for name in _REGULARISATION:
            if self.tuning.kind == "frozen" and getattr(self, name):
                raise ValueError(
                    f"{name} = {getattr(self, name)}: should be 0 where tuning.kind is 'frozen', "
                    "which always runs as in evaluation"
                )
        return self


class PretrainedSettings(EncoderSettings):
    """What a front-end with pretrained weights can be told."""

    if TYPE_CHECKING:
        weights: str

    def requirements(self) -> tuple[Requirement, ...]:
        """Return the weights."""
        return (Requirement("weights", self.weights),)

    def build(self, config: Config) -> FrontEnd:
        """Return the encoder with the weights that `config` has under `weights`."""
        from bench.models.frontends.checkpoints import load_encoder

        return load_encoder(self, config)
