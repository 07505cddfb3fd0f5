"""Settings of RawBoost (Tak et al., ICASSP 2022)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from bench.specs.base import Count, Positive, Share, check_ranges
from bench.specs.kinds import AugmentSettings

if TYPE_CHECKING:
    from bench.config import Config
    from bench.models.augment import Augmentation, DeviceAugmentation

RESULTS_VERSION = 3
"""Raised when what this kind gives can change (`bench.versions`)."""


class RawBoost(AugmentSettings):
    """RawBoost (Tak et al., ICASSP 2022): convolutive, impulsive and stationary noise on the wave.

    Defaults are those of the authors' released script, which SAL uses unchanged.
    """

    kind: Literal["rawboost"]
    algorithm: Annotated[int, Field(ge=1, le=8)] = 4
    """1 linear and non-linear convolutive noise, 2 impulsive signal-dependent noise, 3 stationary
    signal-independent noise, 4 = 1 then 2 then 3, 5 = 1 then 2, 6 = 1 then 3, 7 = 2 then 3, 8 = 1
    beside 2."""
    probability: Share = 0.5
    """Chance that a clip is touched."""
    splits: Literal["train", "train+dev"] = "train"
    """Where it is applied. SAL's released code applies it to dev as well, which makes selection
    noisy."""
    orders: Count = 5
    """N_f: how many powers of the signal are filtered and summed."""
    notches: Count = 5
    min_centre_hz: Positive = 20.0
    max_centre_hz: Positive = 8000.0
    min_width_hz: Positive = 100.0
    max_width_hz: Positive = 1000.0
    min_taps: Count = 10
    max_taps: Count = 100
    min_gain_db: float = 0.0
    max_gain_db: float = 0.0
    min_bias_db: float = 5.0
    max_bias_db: float = 20.0
    """Attenuation of the powers above the first, against the first."""
    impulse_share: Share = 0.10
    """Most samples that impulsive noise may touch, as a share of the clip."""
    impulse_gain: Positive = 2.0
    min_snr_db: float = 10.0
    max_snr_db: float = 40.0

    @model_validator(mode="after")
    def _check_settings(self) -> RawBoost:
        check_ranges(self, "centre_hz", "width_hz", "taps", "gain_db", "bias_db", "snr_db")
        return self

    @property
    def augments_dev(self) -> bool:
        """Whether the dev split is augmented as well."""
        return self.splits == "train+dev"

    def build(self, config: Config) -> Augmentation:  # noqa: ARG002 - it needs nothing of this machine
        """Return RawBoost."""
        from bench.models.augment import apply_sometimes
        from bench.models.augment.rawboost import apply_rawboost

        return partial(apply_sometimes, self.probability, partial(apply_rawboost, spec=self))

    def build_on_device(self) -> DeviceAugmentation:
        """Return RawBoost for a batch."""
        from bench.models.augment.rawboost import DeviceRawBoost

        return DeviceRawBoost(self)
