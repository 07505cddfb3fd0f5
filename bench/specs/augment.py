"""Settings of augmentation. The kind is the name of a module in `bench/models/augment`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from bench.specs.base import Absent, Count, NotNegative, Positive, Share, Spec


def _check_ranges(spec: Spec, *names: str) -> None:
    """Raise ValueError for the first of `names` whose least value is above its largest."""
    for name in names:
        low, high = getattr(spec, f"min_{name}"), getattr(spec, f"max_{name}")
        if low > high:
            raise ValueError(f"min_{name} = {low}: should be at most max_{name} = {high}")


class RawBoost(Spec):
    """RawBoost (Tak et al., ICASSP 2022): convolutive, impulsive and stationary noise on the
    waveform.

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
    noisy.
    """
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
    def _ranges(self) -> RawBoost:
        _check_ranges(self, "centre_hz", "width_hz", "taps", "gain_db", "bias_db", "snr_db")
        return self


class RecordedNoise(Spec):
    """Noise, music or babble of MUSAN, or a room's impulse response, from folders of this machine
    (`[noise]` in bench.toml). Defaults are those of the usual recipe of speaker verification.
    """

    kind: Literal["noise"]
    probability: Share = 0.5
    """Chance that a clip is touched."""
    reverberation: Share = 0.5
    """Chance that one that is touched gets an impulse response, not noise."""
    min_noise_db: float = 0.0
    max_noise_db: float = 15.0
    """Range of the signal-to-noise ratio of noises, of speech and of music each."""
    min_speech_db: float = 13.0
    max_speech_db: float = 20.0
    min_music_db: float = 5.0
    max_music_db: float = 15.0
    min_babble: Count = 3
    max_babble: Count = 8
    """How many recordings of speech are added, each at a ratio of its own."""

    @model_validator(mode="after")
    def _ranges(self) -> RecordedNoise:
        _check_ranges(self, "noise_db", "speech_db", "music_db", "babble")
        return self


class CrossSegmentMixing(Spec):
    """SAL's Cross-Segment Mixing (Mao et al., ICASSP 2026, section 2.2, equations 2 to 4)."""

    kind: Literal["csm"]
    rounds: Count = 2
    probability: Share = 0.2
    """Chance, per round, that a clip is mixed."""
    selection: Literal["bernoulli", "fixed-share"] = "bernoulli"
    """Each clip by its own draw (the paper's probability), or exactly floor(probability * batch)
    clips (released).
    """
    partner: Literal["other", "self"] = "other"
    """Another utterance of the batch (the paper), or the clip itself: the released code, which
    changes nothing.
    """


class MixFrame(Spec):
    """MFPT's mix-frame splice: regions of a clip are replaced by parts of an injector, a clip of
    the opposite class, and frames are labelled by whether they lie in a region.

    Shares and the hard cut are the paper's, by digests of it; the rest it does not say.
    """

    kind: Literal["mix-frame"]
    min_share: Annotated[float, Field(gt=0, le=1)] = 0.10
    max_share: Annotated[float, Field(gt=0, le=1)] = 0.30
    """Least and largest share of the clip that is replaced, all its regions together."""
    regions: Count = 1
    """How many regions of equal length make the share up; they do not overlap."""
    probability: Share = 1.0
    """Chance that a clip is spliced at all; one that is not has no frame labelled as injected."""
    crossfade_s: NotNegative = 0.0
    """Length of the linear fade inside each end of a region; 0 is a hard cut, and heard as a click.
    """
    level: Literal["as-is", "matched"] = "as-is"
    """Whether the injector is first brought to the RMS level of the clip."""

    @model_validator(mode="after")
    def _ranges(self) -> MixFrame:
        _check_ranges(self, "share")
        return self


Augment = Annotated[Absent | RawBoost | RecordedNoise, Field(discriminator="kind")]
Mix = Annotated[Absent | CrossSegmentMixing, Field(discriminator="kind")]
Splice = Annotated[Absent | MixFrame, Field(discriminator="kind")]
