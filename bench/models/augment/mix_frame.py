"""MFPT's mix-frame splice (Pan, Sailor and Wu, Interspeech 2026): a clip with foreign regions.

What the paper says, by its abstract and by digests of it (its text was not available): one
contiguous segment of the clip, 10 to 30 % of it, is replaced by a segment of a clip of the opposite
class, and a frame is labelled as injected where its centre lies inside. What is ours: the positions
are uniform, the injector's independent of the clip's; the share is a whole number of samples of the
clip as it is after cropping or repeating; the centre of hop i is sample 320 i + 200, the middle of
what the front-end's hidden state sees; several regions share the length equally; a fade lies inside
its region, so that it does not move a label.

The caller picks the injector, from the opposite class.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.models.augment import SplicedClip
from bench.specs.augment.mix_frame import MixFrame
from bench.units import HOP_SAMPLES, RECEPTIVE_FIELD_SAMPLES, count_hops, to_samples


class Region(NamedTuple):
    """Samples from `start` to before `stop`."""

    start: int
    stop: int


class MixFrameSplicer(NamedTuple):
    """The splice that `spec` describes (`bench.models.augment.Splicer`)."""

    spec: MixFrame

    def splice_clips(
        self,
        base: NDArray[np.float32],
        injector: NDArray[np.float32],
        rng: np.random.Generator,
    ) -> SplicedClip:
        """Return what `splice_waves` does."""
        return splice_waves(base, injector, self.spec, rng)

    def label_clip(self, n: int, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Return the labels of `splice_waves`."""
        return label_hops(n, draw_regions(n, self.spec, rng))


def splice_waves(
    base: NDArray[np.float32],
    injector: NDArray[np.float32],
    spec: MixFrame,
    rng: np.random.Generator,
) -> SplicedClip:
    """Return `base` with regions from `injector`, both float32 of shape (n,), and its labels.

    The regions are drawn first, by `draw_regions`, so that a generator in the same state gives the
    labels without the audio. What is passed is not changed. Raise `ValueError` where the two
    lengths differ or hold no hop, `BenchError` where a region is too short for its fades.
    """
    if base.shape != injector.shape or base.ndim != 1:
        raise ValueError(
            f"base and injector are of shapes {base.shape} and {injector.shape}; should be of one "
            "length"
        )
    replaced = draw_regions(len(base), spec, rng)
    gain = _level_gain(base, injector) if spec.level == "matched" else np.float32(1.0)
    wave = base.copy()
    for start, stop in replaced:
        source = int(rng.integers(0, len(base) - (stop - start) + 1))
        part = gain * injector[source : source + stop - start]
        share = _fade_envelope(stop - start, spec)
        wave[start:stop] = share * part + (1 - share) * wave[start:stop]
    return SplicedClip(wave, label_hops(len(base), replaced))


def draw_regions(n: int, spec: MixFrame, rng: np.random.Generator) -> list[Region]:
    """Return the regions of a clip of `n` samples that are replaced, in order and without overlap.

    Empty where `spec.probability` decides against. Their lengths together are round(r n), r being
    uniform between the two shares, and differ by a sample at most; their places are uniform.
    """
    spliced = rng.random() < spec.probability
    replaced = round(float(rng.uniform(spec.min_share, spec.max_share)) * n)
    # Sorted places in what is left, the regions before each then put in front of it.
    gaps = np.sort(rng.integers(0, n - replaced + 1, spec.regions)).tolist()
    cuts = [replaced * i // spec.regions for i in range(spec.regions + 1)]
    if not spliced:
        return []
    return [
        Region(gap + before, gap + after)
        for gap, before, after in zip(gaps, cuts[:-1], cuts[1:], strict=True)
    ]


def label_hops(n: int, replaced: Sequence[Region]) -> NDArray[np.bool_]:
    """Return for each hop of a clip of `n` samples whether its centre lies in one of the regions.

    The centre of hop i is sample 320 i + 200; there are (n - 400) // 320 + 1 hops. `ValueError`
    below 400 samples.
    """
    if n < RECEPTIVE_FIELD_SAMPLES:
        raise ValueError(f"a clip of {n} samples has no hop: it takes {RECEPTIVE_FIELD_SAMPLES}")
    hops = count_hops(n)
    centres = np.arange(hops) * HOP_SAMPLES + RECEPTIVE_FIELD_SAMPLES // 2
    inside = np.zeros(hops, dtype=np.bool_)
    for start, stop in replaced:
        inside |= (start <= centres) & (centres < stop)
    return inside


def _level_gain(base: NDArray[np.float32], injector: NDArray[np.float32]) -> np.float32:
    """Return what brings `injector` to the RMS level of `base`; 1 where one of them is silent."""
    ours, theirs = (np.sqrt(np.mean(np.square(x, dtype=np.float64))) for x in (base, injector))
    return np.float32(ours / theirs if ours > 0 and theirs > 0 else 1.0)


def _fade_envelope(length: int, spec: MixFrame) -> NDArray[np.float32]:
    """Return the injector's share of each sample of a region, (length,)."""
    envelope = np.ones(length, dtype=np.float32)
    fade = to_samples(spec.crossfade_s)
    if not fade:
        return envelope
    if 2 * fade > length:
        raise BenchError(
            "augment.fade-too-long",
            f"splice.crossfade_s = {spec.crossfade_s}: two fades of {fade} samples do not fit into "
            f"a region of {length}: make it shorter, min_share larger or regions fewer",
        )
    ramp = np.arange(1, fade + 1, dtype=np.float32) / np.float32(fade + 1)
    envelope[:fade], envelope[-fade:] = ramp, ramp[::-1]
    return envelope
