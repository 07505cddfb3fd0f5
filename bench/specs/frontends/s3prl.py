"""Settings of s3prl's upstreams as a front-end."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from bench.specs.frontends.wav2vec2 import Wav2Vec2
from bench.specs.frontends.wavlm import WavLM
from bench.specs.kinds import FrontEndSettings, Requirement

if TYPE_CHECKING:
    from bench.config import Config
    from bench.models.frontends.base import FrontEnd

RESULTS_VERSION = 1
"""Raised when what this kind gives can change (`bench.versions`)."""


class S3prl(FrontEndSettings):
    """s3prl 0.4.18's own upstream, the reference that the default is tested against."""

    kind: Literal["s3prl"]
    upstream: Literal["wav2vec2", "wavlm"]
    weights: str

    packages: ClassVar[tuple[str, ...]] = ("s3prl",)

    def requirements(self) -> tuple[Requirement, ...]:
        """Return the weights."""
        return (Requirement("weights", self.weights),)

    def build(self, config: Config) -> FrontEnd:
        """Return s3prl's upstream with the weights that `config` has under `weights`."""
        from bench.models.frontends.s3prl import load_upstream

        return load_upstream(self, config)

    def lay_out(self) -> FrontEnd:
        """Return our own encoder of the upstream's dimensions, without storage for its weights."""
        own = WavLM(kind="wavlm") if self.upstream == "wavlm" else Wav2Vec2(kind="wav2vec2")
        return own.lay_out()
