"""Settings of MFPT (Pan, Sailor and Wu, Interspeech 2026).

The paper is "Supervised Post-training of Speech Foundation Models for Robust Adaptation in Speech
Deepfake Detection".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from bench.errors import BenchError
from bench.specs.base import Count, NoneAs, Positive, Spec
from bench.specs.kinds import SystemSettings, require_utterances

if TYPE_CHECKING:
    from bench.models.frontends.base import FrontEnd
    from bench.models.systems.base import System
    from bench.specs.run import TrainData

RESULTS_VERSION = 1
"""Raised when what this kind gives can change (`bench.versions`)."""


_all = NoneAs("all")
Layers = Annotated[Count | None, _all.read, _all.write]
"""How many of the front-end's blocks, from the first; `all` in a card, None in code."""


class LastStateSettings(Spec):
    """Use the front-end's last hidden state alone."""

    kind: Literal["last"]


class AttentiveMergingSettings(Spec):
    """Merge the hidden states of all blocks (AttM: Pan et al., Interspeech 2024)."""

    kind: Literal["attentive"]
    ratio: Annotated[float, Field(gt=0, le=1)] = 0.25
    """Width of the projection's hidden layer, as a share of layers * dim."""
    layers: Layers = None
    """How many blocks are merged; those behind them do not run. The authors found 12 of WavLM-Large
    to be enough."""
    first_weights: Literal["scaled", "unit-normal"] = "scaled"
    """How the gates' weights are drawn: as torch's linear layers; or from a normal distribution
    of unit variance, as released, which saturates the gates."""


Merge = Annotated[LastStateSettings | AttentiveMergingSettings, Field(discriminator="kind")]


class FrameHead(Spec):
    """Post-training's head: is this frame injected. One linear layer on the last hidden state."""

    kind: Literal["frames"]


class _Utterance(Spec):
    """What every head for whole utterances can be told."""

    merge: Merge = AttentiveMergingSettings(kind="attentive")
    """What the head takes of the front-end's hidden states."""
    bonafide_weight: Positive = 9.0
    """Weight of bona fide utterances in the cross entropy; spoofed ones have 1. The authors'
    earlier code has 0.9 and 0.1."""


class EcapaSettings(_Utterance):
    """ECAPA-TDNN (Desplanques et al., Interspeech 2020), sized as in the authors' earlier code."""

    kind: Literal["ecapa"]
    channels: Count = 512
    scale: Annotated[int, Field(ge=2)] = 8
    """How many parts the channels of a Res2 block are split into."""
    dilations: Annotated[tuple[Count, ...], Field(min_length=1, strict=False)] = (2, 3, 4)
    """Of each SE-Res2 block: there are as many."""
    squeeze: Count = 128
    """Width of the squeeze-excitation bottlenecks."""
    aggregated: Count = 1536
    """Channels after the blocks' outputs are put together."""
    attention: Count = 256
    """Width of the attention's bottleneck in the statistics pooling (128 in the paper of ECAPA)."""
    embedding: Count = 192

    @model_validator(mode="after")
    def _whole_parts(self) -> EcapaSettings:
        if self.channels % self.scale:
            raise ValueError(
                f"channels = {self.channels}: should be a multiple of scale = {self.scale}"
            )
        return self


class LstmSettings(_Utterance):
    """One LSTM, averaged over time."""

    kind: Literal["lstm"]
    units: Count = 192


class Nes2NetSettings(_Utterance):
    """Nes2Net-X (Liu et al., IEEE TIFS 2025), of the sizes of its released code."""

    kind: Literal["nes2net"]
    groups: Annotated[int, Field(ge=2)] = 8
    """How many parts the dimensions are split into (the outer Res2Net)."""
    scale: Annotated[int, Field(ge=2)] = 8
    """How many parts each of those is split into (the inner ones)."""
    dilation: Count = 2
    reduction: Count = 1
    """By how much the squeeze-excitation bottlenecks are narrower."""


UtteranceHead = EcapaSettings | LstmSettings | Nes2NetSettings


class Mfpt(SystemSettings):
    """Mix-frame post-training: a first stage with the head `frames`, a second with another head."""

    kind: Literal["mfpt"]
    head: Annotated[FrameHead | UtteranceHead, Field(discriminator="kind")]

    def build(self, frontend: FrontEnd, data: TrainData) -> System:
        """Return the stage of training that `head` is for.

        Labels for the other stage are a BenchError. Where only the first blocks are merged,
        `frontend` stops after them from now on.
        """
        from bench.models.systems.mfpt import FineTuning, PostTraining

        if not isinstance(self.head, FrameHead):
            require_utterances(data, f"system.head.kind = {self.head.kind!r}")
            return FineTuning(self.head, frontend)
        if data.splice.kind == "none":
            raise BenchError(
                "model.splice-missing",
                "system.head.kind = 'frames': learns which frames are spliced in, but "
                "train.splice.kind = 'none': should be 'mix-frame'",
            )
        return PostTraining(frontend)
