"""Settings of MFPT (Pan, Sailor and Wu, Interspeech 2026).

The paper is "Supervised Post-training of Speech Foundation Models for Robust Adaptation in Speech
Deepfake Detection".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from bench.errors import BenchError
from bench.specs.base import Positive, Spec
from bench.specs.heads.ecapa import EcapaSettings
from bench.specs.heads.lstm import LstmSettings
from bench.specs.heads.nes2net import Nes2NetSettings
from bench.specs.kinds import SystemSettings, require_one_length, require_utterances
from bench.specs.layers import Layers
from bench.specs.layers.attentive import AttentiveMergingSettings

if TYPE_CHECKING:
    from bench.models.frontends.base import FrontEnd
    from bench.models.systems.base import System
    from bench.specs.run import TrainData

RESULTS_VERSION = 1
"""Raised when what this kind gives can change (`bench.versions`)."""


class FrameHead(Spec):
    """Post-training's head: is this frame injected. One linear layer on the last hidden state."""

    kind: Literal["frames"]


class _Utterance(Spec):
    """What every head for whole utterances can be told here."""

    merge: Layers = AttentiveMergingSettings(kind="attentive")
    """What the head takes of the front-end's hidden states."""
    bonafide_weight: Positive = 9.0
    """Weight of bona fide utterances in the cross entropy; spoofed ones have 1. The authors'
    earlier code has 0.9 and 0.1."""


class MfptEcapa(_Utterance, EcapaSettings):
    """ECAPA-TDNN over merged hidden states."""


class MfptLstm(_Utterance, LstmSettings):
    """One LSTM over merged hidden states."""


class MfptNes2Net(_Utterance, Nes2NetSettings):
    """Nes2Net-X over merged hidden states."""


UtteranceHead = MfptEcapa | MfptLstm | MfptNes2Net


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
            clip_s = require_one_length(data, f"system.head.kind = {self.head.kind!r}")
            return FineTuning(self.head, frontend, clip_s)
        if data.splice.kind == "none":
            raise BenchError(
                "model.splice-missing",
                "system.head.kind = 'frames': learns which frames are spliced in, but "
                "train.splice.kind = 'none': should be 'mix-frame'",
            )
        return PostTraining(frontend)
