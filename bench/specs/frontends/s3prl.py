"""Settings of s3prl's upstreams as a front-end."""

from __future__ import annotations

from typing import ClassVar, Literal

from bench.specs.kinds import FrontEndSettings, Requirement


class S3prl(FrontEndSettings):
    """s3prl 0.4.18's own upstream, the reference that the default is tested against."""

    kind: Literal["s3prl"]
    upstream: Literal["wav2vec2", "wavlm"]
    weights: str

    packages: ClassVar[tuple[str, ...]] = ("s3prl",)

    def requirements(self) -> tuple[Requirement, ...]:
        """Return the weights."""
        return (Requirement("weights", self.weights),)
