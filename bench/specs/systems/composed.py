"""Settings of the general system: a front-end, a merging of its states, a head."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from bench.errors import BenchError
from bench.specs.base import Positive
from bench.specs.heads import Head
from bench.specs.kinds import SystemSettings, require_utterances
from bench.specs.layers import Layers

if TYPE_CHECKING:
    from bench.models.frontends.base import FrontEnd
    from bench.models.official_names import Tensors
    from bench.models.systems.base import System
    from bench.specs.run import TrainData

RESULTS_VERSION = 1
"""Raised when what this kind gives can change (`bench.versions`)."""


class Composed(SystemSettings):
    """Any front-end, any merging of its states, any head: SLS, Nes2Net-X, SSL-AASIST and others.

    A new combination is a card and needs no code.
    """

    kind: Literal["composed"]
    layers: Layers
    """What the head gets of the front-end's hidden states."""
    head: Head
    """What classifies them: whole clips, or frames as well (`linear`, `lstm`)."""
    bonafide_weight: Positive = 9.0
    """Weight of bona fide in the cross entropy; spoof has 1 (0.9 and 0.1 in the released codes of
    SLS, Nes2Net, SSL-AASIST, TCM and XLSR-Mamba)."""
    score: Literal["bonafide-logit", "logit-difference"] = "logit-difference"
    """What is scored: the bona fide logit alone, or the difference of the logits, which ranks as
    the logarithm of the softmax probability of bona fide does."""
    padding: Annotated[int, Field(ge=80, lt=400)] = 80
    """Zeros behind a clip whose frames are labelled, for the last hop's state."""

    @model_validator(mode="after")
    def _hands_on_what_is_taken(self) -> Composed:
        if self.layers.gives_all != self.head.takes_all:
            fitting = "'all'" if self.head.takes_all else "a merging, such as 'last'"
            raise ValueError(
                f"layers.kind = {self.layers.kind!r}: should be {fitting} where head.kind is "
                f"{self.head.kind!r}"
            )
        return self

    def build(self, frontend: FrontEnd, data: TrainData) -> System:
        """Return the system; labels of frames for a head of whole clips are a BenchError."""
        from bench.models.systems.composed import ComposedSystem

        if not self.head.gives_frames:
            require_utterances(data, f"system.head.kind = {self.head.kind!r}")
        return ComposedSystem(self, frontend, data)

    def official_names(self, tensors: Tensors) -> Tensors:
        """Return the tensors of its authors' checkpoint by our names, our classes' order.

        A head of which no checkpoint is known is a BenchError.
        """
        from bench.models.systems.composed import translate_composed

        rules = self.head.official_rules()
        if not rules:
            raise BenchError(
                "weights.no-key-map",
                f"system.head.kind = {self.head.kind!r}: reads no published weights, its settings "
                "have no `official_rules`",
            )
        return translate_composed(rules, tensors, spoof_first=self.head.official_spoof_first)
