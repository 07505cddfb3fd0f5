"""What utterances go through: codecs of libsndfile, by the words of the corpora that name them.

Real codecs are A-law, mu-law, GSM 06.10, Opus, MP3 and Ogg Vorbis. Where libsndfile has none,
something near of kind stands in, and the miniature says no more than that:

- G.722: ADPCM of 4 bits (G.721) at 16 kHz, of the same 64 kbit/s, without its two sub-bands;
- AMR and Speex, wide and narrow band: GSM 06.10 at 16 and 8 kHz, which predicts linearly as they
  do, cut to a band that narrows with the quality;
- AAC (m4a) and EnCodec: Ogg Vorbis cut to a narrower band;
- the telephone network: mu-law at 8 kHz between 300 and 3400 Hz, and so for ASVspoof 5's devices
  and cables, each with a band of its own.

Lines are without loss or jitter: a transmission is a word in the protocol, not a sound.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import soundfile
from scipy.signal import butter, resample_poly, sosfiltfilt

from bench.synthetic.clip import Channel, Pcm, Wave
from bench.synthetic.splice import to_pcm
from bench.units import SAMPLE_RATE_HZ

Channels = tuple[Channel, ...]


@dataclass(frozen=True)
class Coder:
    """One coding and decoding by libsndfile."""

    container: str
    subtype: str
    rate_hz: int = SAMPLE_RATE_HZ
    """Of the coded signal."""
    compression: float | None = None
    """0 is most bits, 1 fewest; None where the codec has one rate."""
    band_hz: tuple[float, float] | None = None
    """What is let through before coding; None is all."""

    def __call__(self, speech: Pcm) -> Pcm:
        """Return `speech` as it comes out: same length, aligned in time."""
        filtered = _filter_band(speech / 32768.0, self.band_hz)
        wave = _change_rate(filtered, SAMPLE_RATE_HZ, self.rate_hz)
        options: dict[str, Any] = {}
        if self.compression is not None:
            options["compression_level"] = self.compression
        if self.container == "MP3":
            options["bitrate_mode"] = "CONSTANT"
        coded = io.BytesIO()
        soundfile.write(
            coded, wave, self.rate_hz, format=self.container, subtype=self.subtype, **options
        )
        coded.seek(0)
        # GSM and ADPCM fill their last block, so that more comes out than went in.
        decoded = soundfile.read(coded)[0].astype(np.float64, copy=False)
        heard = _change_rate(decoded, self.rate_hz, SAMPLE_RATE_HZ)[: len(speech)]
        return to_pcm(np.pad(heard, (0, len(speech) - len(heard))))


def _filter_band(wave: Wave, band_hz: tuple[float, float] | None) -> Wave:
    if band_hz is None:
        return wave
    filters = butter(4, band_hz, "bandpass", fs=SAMPLE_RATE_HZ, output="sos")
    return sosfiltfilt(filters, wave)


def _change_rate(wave: Wave, from_hz: int, to_hz: int) -> Wave:
    if from_hz == to_hz:
        return wave
    return resample_poly(wave, to_hz, from_hz)


def _opus_coder(kbit_s: float, rate_hz: int = SAMPLE_RATE_HZ) -> Coder:
    """Return Opus at 6 to 256 kbit/s, which libsndfile maps linearly on its compression level."""
    return Coder("OGG", "OPUS", rate_hz, compression=1 - (kbit_s - 6) / 250)


def _mp3_coder(kbit_s: float) -> Coder:
    """Return MP3 at a constant rate of 40 to 160 kbit/s; the level is linear from 8 kbit/s.

    Below 40 a frame is too short for the header that tells the encoder's delay, and what is decoded
    comes 1105 samples late.
    """
    return Coder("MP3", "MPEG_LAYER_III", compression=(160 - kbit_s) / 152)


def _vorbis_coder(compression: float, top_hz: float | None = None) -> Coder:
    band = (20.0, top_hz) if top_hz else None
    return Coder("OGG", "VORBIS", compression=compression, band_hz=band)


def _gsm_coder(low_hz: float, high_hz: float, rate_hz: int = SAMPLE_RATE_HZ) -> Coder:
    return Coder("WAV", "GSM610", rate_hz, band_hz=(low_hz, high_hz))


def _telephone_line(low_hz: float, high_hz: float) -> Coder:
    return Coder("WAV", "ULAW", 8000, band_hz=(low_hz, high_hz))


ASVSPOOF2021LA: Mapping[str, Channels] = {
    "none": (),
    "alaw": (Coder("WAV", "ALAW", 8000),),
    "pstn": (_telephone_line(300, 3400),),
    "g722": (Coder("AU", "G721_32"),),
    "ulaw": (Coder("WAV", "ULAW", 8000),),
    "gsm": (Coder("WAV", "GSM610", 8000),),
    "opus": (_opus_coder(16),),
}
"""Codecs of ASVspoof 2021 LA, LA-C1 to LA-C7."""

ASVSPOOF2021DF: Mapping[str, Channels] = {
    "nocodec": (),
    "low_mp3": (_mp3_coder(40),),
    "high_mp3": (_mp3_coder(96),),
    "low_m4a": (_vorbis_coder(1.0, 5500),),
    "high_m4a": (_vorbis_coder(0.3, 7500),),
    "low_ogg": (_vorbis_coder(1.0),),
    "high_ogg": (_vorbis_coder(0.2),),
    "mp3m4a": (_mp3_coder(40), _vorbis_coder(0.6, 6000)),
    "oggm4a": (_vorbis_coder(1.0), _vorbis_coder(0.6, 6000)),
}
"""Compressions of ASVspoof 2021 DF, DF-C1 to DF-C9."""

WEB: tuple[Channels, ...] = ((_opus_coder(48),), (_mp3_coder(64),), (_vorbis_coder(0.5),))
"""What a clip found in the wild may have gone through, genuine or not."""

OPUS_WIDE_KBIT_S = (6, 12, 18, 24, 30)
OPUS_NARROW_KBIT_S = (6, 8, 12, 16, 20)
"""Official but for the first, which is 4; libopus gives libsndfile no less than 6."""

MP3_KBIT_S = (40, 64, 96, 128, 160)
DEVICES_HZ = (
    *((300.0, 3400.0), (250.0, 3600.0), (120.0, 3700.0), (150.0, 3500.0)),
    *((80.0, 3800.0), (180.0, 3600.0), (60.0, 3750.0), (200.0, 3300.0)),
)
QUALITIES = range(1, 6)


def _asvspoof5_channels() -> dict[tuple[str, int], Channels]:
    channels = dict[tuple[str, int], Channels]()
    for quality in QUALITIES:
        encodec = _vorbis_coder(1.0, 4000.0 + 500 * quality)
        mp3 = _mp3_coder(MP3_KBIT_S[quality - 1])
        narrow = 2800.0 + 200 * quality
        at_quality: dict[str, Channels] = {
            "C01": (_opus_coder(OPUS_WIDE_KBIT_S[quality - 1]),),
            "C02": (_gsm_coder(50, 4500.0 + 500 * quality),),
            "C03": (_gsm_coder(20, 5000.0 + 550 * quality),),
            "C04": (encodec,),
            "C05": (mp3,),
            "C06": (_vorbis_coder(1.0 - 0.2 * (quality - 1), 7500),),
            "C07": (mp3, encodec),
            "C08": (_opus_coder(OPUS_NARROW_KBIT_S[quality - 1], 8000),),
            "C09": (_gsm_coder(100, narrow, 8000),),
            "C10": (_gsm_coder(50, narrow, 8000),),
        }
        channels |= {(codec, quality): through for codec, through in at_quality.items()}
    return channels | {
        ("C11", quality): (_telephone_line(*band),)
        for quality, band in enumerate(DEVICES_HZ, start=1)
    }


ASVSPOOF5: Mapping[tuple[str, int], Channels] = _asvspoof5_channels()
"""Channels of ASVspoof 5 by CODEC and CODEC_Q: 1 to 5, or to 8 for the devices of C11."""

ASVSPOOF5_NAMES = (
    *("opus_wb", "arm_wb", "speex_wb", "encodec_wb", "mp3_wb", "m4a_wb", "mp3_encodec_wb"),
    *("opus_nb", "arm_nb", "speex_nb"),
)
"""C01 to C10 as ASVspoof5.codec.config.csv spells them ("arm" for AMR)."""

ASVSPOOF5_DEVICES = (
    *("MST ", "MST_nc ", "PF45G_bluetooth ", "RN8P_bluetooth ", "RN8P_cable "),
    *("SGA12_bluetooth ", "SGA12_cable ", "SGS23U_bluetooth "),
)
"""C11 as that file spells it, a blank at the end of each."""


def asvspoof5_configuration() -> list[str]:
    """Return the lines of ASVspoof5.codec.config.csv in the official form.

    It has a header, numbers of codecs without a leading zero, devices with a trailing blank, and
    below an empty row the two qualities that each quality of C7 stands for.

    Bit rates are those of the miniature's channels, `-` where the codec has no constant one.
    """
    kbit_s: dict[int, Sequence[int | str]] = {
        1: OPUS_WIDE_KBIT_S,
        5: MP3_KBIT_S,
        7: ["See combination below"] * 5,
        8: OPUS_NARROW_KBIT_S,
        **dict.fromkeys((2, 3), [26] * 5),
        **dict.fromkeys((9, 10), [13] * 5),
    }
    lines = ["ID,CODEC,CODEC_Q,Bitrate(kbps)"]
    for number, name in enumerate(ASVSPOOF5_NAMES, start=1):
        rates = kbit_s.get(number, ["-"] * 5)
        lines += [f"C{number},{name},{quality},{rates[quality - 1]}" for quality in QUALITIES]
    lines += [f"C11,{name},{q},-" for q, name in enumerate(ASVSPOOF5_DEVICES, start=1)]
    lines += [",,,", "C7 CODEC_Q,MP3 quality,encodec quality,"]
    return lines + [f"{quality},{quality},{quality}," for quality in QUALITIES]
