"""Settings of the front-end that is none: waveforms go to the system as they are."""

from __future__ import annotations

from typing import ClassVar, Literal

from bench.specs.kinds import FrontEndSettings


class Waves(FrontEndSettings):
    """Hand the waveforms on, for systems without a pretrained model."""

    kind: Literal["waves"]

    gives_waves: ClassVar[bool] = True
