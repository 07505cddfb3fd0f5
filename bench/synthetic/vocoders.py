"""The attacks: speech analysed and made again by two real vocoders at several settings.

Griffin-Lim (Griffin and Lim, IEEE TASSP 32(2), 1984; with momentum, Perraudin et al., WASPAA 2013)
from a mel spectrogram, through torchaudio; and WORLD (Morise et al., IEICE Trans. E99-D(7), 2016)
through pyworld. What they lose is what a detector can find: phase, fine pitch, the mixture of
pulse and noise, narrow resonances, high bands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyworld
from numpy.typing import NDArray

from bench.synthetic.clip import Vocoder, Wave
from bench.units import SAMPLE_RATE_HZ

Track = NDArray[np.float64]

UNVOICED = 1 - 1e-12
"""D4C's aperiodicity of frames without pitch."""


@dataclass(frozen=True)
class GriffinLim:
    """Mel amplitudes, made linear again by least squares, and a phase found by iteration."""

    n_fft: int
    hop: int
    n_mels: int
    iterations: int
    f_max: float = 8000.0

    def __call__(self, wave: Wave) -> Wave:
        """Return `wave` re-synthesised: same length, aligned in time."""
        # Here and not above: whoever only asks for a size or writes WORLD clips needs no torch.
        import torch
        from torchaudio import transforms

        mel = {"n_mels": self.n_mels, "sample_rate": SAMPLE_RATE_HZ, "f_max": self.f_max}
        frame = {"n_fft": self.n_fft, "hop_length": self.hop, "power": 1.0}
        analyse = transforms.MelSpectrogram(**mel, **frame)
        widen = transforms.InverseMelScale(self.n_fft // 2 + 1, **mel, driver="gelsd")
        # A fixed starting phase makes the result depend on the speech alone.
        phase = transforms.GriffinLim(
            **frame, n_iter=self.iterations, length=len(wave), rand_init=False
        )
        threads = torch.get_num_threads()
        # One thread, so that sums are taken in the same order whether in a pool or not.
        torch.set_num_threads(1)
        try:
            made = phase(widen(analyse(torch.from_numpy(wave).float())))
        finally:
            torch.set_num_threads(threads)
        return made.double().numpy()


@dataclass(frozen=True)
class World:
    """Pitch by DIO and StoneMask, envelope by CheapTrick, aperiodicity by D4C, partly replaced."""

    frame_ms: float = 5.0
    pitch: Literal["natural", "smoothed", "semitones"] = "natural"
    excitation: Literal["natural", "pulses", "ramp"] = "natural"
    """Voiced frames: aperiodicity as measured, none at all (buzz), or rising with frequency."""
    cepstrum: int | None = None
    """Coefficients that the spectral envelope is coded by; None leaves it whole."""
    f_max: float = 8000.0
    """Hertz above which the envelope falls by 60 dB."""

    def __call__(self, wave: Wave) -> Wave:
        """Return `wave` re-synthesised: same length, aligned in time."""
        wave = np.ascontiguousarray(wave, dtype=np.float64)
        rough, times = pyworld.dio(wave, SAMPLE_RATE_HZ, frame_period=self.frame_ms)
        pitch = pyworld.stonemask(wave, rough, times, SAMPLE_RATE_HZ)
        envelope = pyworld.cheaptrick(wave, pitch, times, SAMPLE_RATE_HZ)
        if self.excitation == "natural":
            noise = pyworld.d4c(wave, pitch, times, SAMPLE_RATE_HZ)
        else:  # D4C takes most of the time, and nothing of what it finds is left
            noise = np.full_like(envelope, UNVOICED)
        if self.cepstrum is not None:
            n_fft = pyworld.get_cheaptrick_fft_size(SAMPLE_RATE_HZ)
            coded = pyworld.code_spectral_envelope(envelope, SAMPLE_RATE_HZ, self.cepstrum)
            envelope = pyworld.decode_spectral_envelope(coded, SAMPLE_RATE_HZ, n_fft)
        bands = np.linspace(0, SAMPLE_RATE_HZ / 2, envelope.shape[1])
        envelope[:, bands > self.f_max] *= 1e-6
        voiced = pitch > 0
        if self.excitation == "pulses":
            noise[voiced] = 1e-3
        elif self.excitation == "ramp":
            noise[voiced] = np.linspace(1e-3, 1.0, noise.shape[1])
        made = pyworld.synthesize(
            self._shape_pitch(pitch), envelope, noise, SAMPLE_RATE_HZ, self.frame_ms
        )
        return np.pad(made[: len(wave)], (0, max(0, len(wave) - len(made))))

    def _shape_pitch(self, pitch: Track) -> Track:
        voiced = pitch > 0
        logs = np.log2(np.where(voiced, pitch, 1.0))
        if self.pitch == "smoothed":
            window = np.ones(1 + 2 * round(50 / self.frame_ms))
            total = np.convolve(np.where(voiced, logs, 0.0), window, mode="same")
            logs = total / np.maximum(np.convolve(voiced, window, mode="same"), 1)
        elif self.pitch == "semitones":
            logs = np.round(logs * 12) / 12
        return np.where(voiced, 2.0**logs, 0.0)


PARTIALSPOOF_SEEN: Mapping[str, Vocoder] = {
    "A01": GriffinLim(1024, 340, 48, 8, f_max=6600.0),
    "A02": GriffinLim(800, 266, 32, 12, f_max=5800.0),
    "A03": GriffinLim(512, 200, 40, 8, f_max=7000.0),
    "A04": World(excitation="ramp", cepstrum=16, f_max=6200.0),
    "A05": World(10.0, pitch="smoothed", excitation="pulses", f_max=6600.0),
    "A06": World(pitch="semitones", excitation="pulses", cepstrum=20, f_max=7000.0),
}
"""Attacks of PartialSpoof's train and dev splits, by the corpus's own numbering.

Few iterations, coarse envelopes, plain excitation and no highest band, so that a small model from
scratch finds a cue within minutes; some of LlamaPartialSpoof's are finer, to make it harder."""

PARTIALSPOOF_UNSEEN: Mapping[str, Vocoder] = {
    "A07": GriffinLim(1024, 300, 40, 10, f_max=6200.0),
    "A08": GriffinLim(640, 240, 36, 8, f_max=6700.0),
    "A09": GriffinLim(1200, 400, 56, 12, f_max=6900.0),
    "A10": World(excitation="ramp", cepstrum=18, f_max=5800.0),
    "A11": World(8.0, pitch="semitones", excitation="pulses", cepstrum=24, f_max=6800.0),
    "A12": World(10.0, pitch="smoothed", excitation="ramp", cepstrum=20, f_max=6400.0),
}
"""Attacks of its eval split: the same two vocoders, at other settings."""

HAD: Mapping[str, Vocoder] = {"HAD": World(6.0, excitation="pulses", cepstrum=22, f_max=6500.0)}
"""HAD has one synthesiser throughout."""

LLAMAPARTIALSPOOF: Mapping[str, Vocoder] = {
    "cosyvoice": GriffinLim(1024, 320, 64, 16, f_max=7400.0),
    "elevenlab": World(4.0, cepstrum=48),
    "gptsovits": GriffinLim(768, 192, 56, 20),
    "ljjets": World(pitch="smoothed", excitation="pulses", cepstrum=26, f_max=6400.0),
    "xttsv2": GriffinLim(900, 300, 44, 10, f_max=6000.0),
    "yourtts": World(7.0, pitch="semitones", excitation="ramp", f_max=7100.0),
}
"""Attacks of LlamaPartialSpoof by the names of its six synthesisers; none is in PartialSpoof."""

ASVSPOOF2019LA: Mapping[str, Vocoder] = {
    **PARTIALSPOOF_SEEN,
    **PARTIALSPOOF_UNSEEN,
    "A13": GriffinLim(896, 280, 46, 9, f_max=6400.0),
    "A14": World(10.0, excitation="ramp", cepstrum=22, f_max=6900.0),
    "A15": GriffinLim(720, 240, 38, 14, f_max=6300.0),
    "A16": PARTIALSPOOF_SEEN["A04"],
    "A17": GriffinLim(1100, 360, 52, 10, f_max=7100.0),
    "A18": World(10.0, pitch="semitones", excitation="ramp", cepstrum=17, f_max=6000.0),
    "A19": PARTIALSPOOF_SEEN["A06"],
}
"""Attacks of ASVspoof 2019 LA: PartialSpoof's, whose pieces come from there, and the rest of eval.

A16 is the algorithm of A04 and A19 that of A06, as officially."""

VOICE_CONVERSION: Mapping[str, Vocoder] = {
    "SPO-B01": World(10.0, pitch="smoothed", excitation="ramp", cepstrum=19, f_max=6500.0),
    "SPO-N16": GriffinLim(960, 320, 50, 12, f_max=6500.0),
    "HUB-N12": GriffinLim(800, 200, 42, 10, f_max=6900.0),
    "Task1-team20": GriffinLim(640, 160, 40, 12, f_max=6600.0),
    "Task2-team12": World(8.0, excitation="pulses", cepstrum=21, f_max=6300.0),
    "Task1-team07": GriffinLim(1024, 256, 54, 10, f_max=7000.0),
}
"""Attacks of ASVspoof 2021 DF from the Voice Conversion Challenges of 2018 and 2020."""


def _asvspoof5_vocoder(number: int) -> Vocoder:
    """Return the attack of a number from 1 to 32: every fourth is WORLD, the others Griffin-Lim."""
    f_max = 5800.0 + 170 * (number % 8)
    if number % 4:
        return GriffinLim(512 + 20 * number, 160 + 6 * number, 32 + number % 16, 8, f_max)
    excitation = "pulses" if number % 8 else "ramp"
    return World(10.0, excitation=excitation, cepstrum=14 + number // 4, f_max=f_max)


ASVSPOOF5: Mapping[str, Vocoder] = {f"A{n:02d}": _asvspoof5_vocoder(n) for n in range(1, 33)}
"""Attacks of ASVspoof 5: A01 to A08 in train, to A16 in dev, to A32 in eval; no two alike."""
