"""Respiro-en, the breath detector that BreathNet takes its masks from, with published weights.

Yang, Koriyama and Saito, "Frame-Wise Breath Detection with Self-Training", Interspeech 2024. Names
and shapes of the weights, features and what is made of the probabilities follow the released
program (github.com/ydqmkkx/Respiro-en, commit 70e01c6), which computes its spectrogram by librosa
0.10 with its defaults. Where its text and its program differ, the program is followed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, cached_property, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchaudio.functional import melscale_fbanks
from torchaudio.models import Conformer

from bench._io.digests import file_digest
from bench.config import Config
from bench.data.audio import read_wave
from bench.data.subset import Subset
from bench.errors import BenchError
from bench.models.breath.cache import Times, find_intervals
from bench.models.breath.marks import Intervals, Say
from bench.models.frontends import torch_files
from bench.models.weights import locate_requirement, published_weights
from bench.specs.breath.respiro import RESULTS_VERSION, Respiro
from bench.specs.corpus import Audio
from bench.units import SAMPLE_RATE_HZ

BANDS = 128
WINDOW, HOP = 400, 160
"""Samples: 25 ms each 10 ms."""
_SHORTEST_FRAMES = 4
"""Fewer leave nothing after two convolutions of stride two."""
_LEAST_POWER, _RANGE_DB = 1e-10, 80.0
_CHUNK, _BATCH, _READERS = 256, 32, 8


def search_by_network(
    spec: Respiro, subset: Subset, audio: Audio, config: Config, say: Say
) -> Intervals:
    """Return the breaths of a subset, searched where they are not cached."""
    detector = RespiroDetector(spec, audio, config)
    return find_intervals(subset, detector.cache_key, detector.find_breaths, config.work, say)


class RespiroNetwork(nn.Module):
    """Convolutions to a quarter of the frames, eight Conformer blocks, deconvolutions, a BiLSTM.

    Attributes are named as the published weights are.
    """

    def __init__(self) -> None:
        super().__init__()
        self.downsampling = nn.ModuleDict(
            {
                "conv1": nn.Sequential(nn.Conv2d(3, 1, 3, stride=2), nn.ReLU()),
                "conv2": nn.Sequential(nn.Conv2d(1, 1, 3, stride=2), nn.ReLU()),
            }
        )
        self.linear = nn.Linear(31, BANDS)
        self.conformer = Conformer(
            BANDS, num_heads=4, ffn_dim=256, num_layers=8, depthwise_conv_kernel_size=31
        )
        deconvolutions = (nn.ConvTranspose1d(BANDS, BANDS, 3, stride=2) for _ in range(2))
        parts = [part for layer in deconvolutions for part in (layer, nn.ReLU())]
        self.upsampling = nn.ModuleDict({"deconv": nn.Sequential(*parts)})
        self.lstm = nn.LSTM(BANDS, 256, bidirectional=True, batch_first=True)
        self.fc = nn.Linear(512, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the probability of breath, "batch frames", of features "batch 3 128 frames"."""
        frames = x.shape[-1]
        for layer in self.downsampling.values():
            # An odd number of frames loses none to the stride.
            x = layer(F.pad(x, (0, 1 - x.shape[-1] % 2)))
        x = self.linear(x.squeeze(1).transpose(1, 2))
        lengths = torch.full((len(x),), x.shape[1], device=x.device)
        x = self.conformer(x, lengths)[0].transpose(1, 2)
        x = self.upsampling["deconv"](x).transpose(1, 2)
        return self.fc(self.lstm(x)[0]).squeeze(-1).sigmoid()[:, :frames]


class RespiroDetector:
    """The network with local weights on this machine's device."""

    def __init__(self, spec: Respiro, audio: Audio, config: Config) -> None:
        """Find the weights; raise `BenchError` with what to get where they are missing."""
        self.spec, self.audio = spec, audio
        path = locate_requirement(spec.requirements()[0], config)
        self.path = path / published_weights()["respiro_en"].file if path.is_dir() else path
        if not self.path.is_file():
            raise BenchError(
                "weights.missing", f"{self.path}: there is no such file (weights.{spec.weights})"
            )
        device = config.device
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        self.device = torch.device(device)

    @property
    def cache_key(self) -> dict[str, object]:
        """All that the breaths found depend on: the weights by their content, not their place."""
        version = str(RESULTS_VERSION)
        return {**self.spec.model_dump(), "version": version, "weights": file_digest(self.path)}

    @cached_property
    def network(self) -> RespiroNetwork:
        """The network; raises `BenchError` where the file does not hold its weights."""
        return _load_network(self.path).to(self.device).eval()

    def find_breaths(self, paths: Sequence[Path]) -> Iterator[Times]:
        """Yield the breaths of each file, (n, 2) seconds."""
        with ThreadPoolExecutor(_READERS) as pool:
            for first in range(0, len(paths), _CHUNK):
                chunk = paths[first : first + _CHUNK]
                yield from self.detect_breaths(
                    list(pool.map(partial(read_wave, audio=self.audio), chunk))
                )

    def detect_breaths(self, waves: Sequence[np.ndarray]) -> list[Times]:
        """Return the breaths of each waveform at 16 kHz, (n, 2) seconds, in order and apart."""
        return [threshold_breaths(heard, self.spec) for heard in self.breath_probabilities(waves)]

    @torch.inference_mode()
    def breath_probabilities(self, waves: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Return the probability of breath of each waveform's frames, "frames".

        The middles of frames are 10 ms apart, from 0 s on. There are none where a waveform has
        fewer than four frames (30 ms). Only waveforms of equally many frames go through the network
        at once: the released program hears one at a time, and padding would change the others.
        """
        by_frames: defaultdict[int, list[int]] = defaultdict(list)
        for index, wave in enumerate(waves):
            by_frames[1 + len(wave) // HOP].append(index)
        results = [np.zeros(0, dtype=np.float32)] * len(waves)
        for frames, members in by_frames.items():
            for first in range(0, len(members) if frames >= _SHORTEST_FRAMES else 0, _BATCH):
                batch = members[first : first + _BATCH]
                heard = [torch.from_numpy(waves[i]).to(self.device) for i in batch]
                output = self.network(
                    torch.stack([stack_features(compute_features(wave)) for wave in heard])
                )
                for index, probability in zip(batch, output.cpu().numpy(), strict=True):
                    results[index] = probability
        return results


def threshold_breaths(probability: np.ndarray, spec: Respiro) -> Times:
    """Return the stretches of frames above the threshold that are longer than the shortest.

    A stretch reaches from the middle of its first frame to that of its last, as released.
    """
    above = np.concatenate([[False], probability > spec.threshold, [False]])
    edges = np.flatnonzero(above[1:] != above[:-1]).reshape(-1, 2)
    long_enough = edges[(edges[:, 1] - edges[:, 0]) > round(spec.shortest_s * SAMPLE_RATE_HZ / HOP)]
    return ((long_enough - [0, 1]) * HOP / SAMPLE_RATE_HZ).astype(np.float32)


class RespiroFeatures(NamedTuple):
    """What the network hears of a waveform; its frames' middles are 10 ms apart, from 0 s on."""

    mel_db: Tensor
    """(128, frames), decibels below the loudest value, at most 80."""
    variance: Tensor
    """(frames,), the unbiased variance of `mel_db` over the bands (VMS)."""
    zero_crossings: Tensor
    """(frames,), the zero crossing rate, 0 to 1: half the distances of neighbouring samples' signs
    (-1, 0 or 1), added up over the window and divided by its length. A gain changes nothing."""


def compute_features(wave: Tensor) -> RespiroFeatures:
    """Return the features of one waveform (samples,) at 16 kHz."""
    padded = F.pad(wave, (WINDOW // 2, WINDOW // 2))
    window = torch.hann_window(WINDOW, device=wave.device)
    power = (
        torch.stft(padded, WINDOW, HOP, window=window, center=False, return_complex=True)
        .abs()
        .square()
    )
    decibels = 10 * (_mel_filters().to(wave.device) @ power).clamp(min=_LEAST_POWER).log10()
    decibels = (decibels - decibels.max()).clamp(min=-_RANGE_DB)
    crossings = padded.sign().diff().abs().unfold(0, WINDOW - 1, HOP).sum(1)
    return RespiroFeatures(decibels, decibels.var(dim=0), crossings / (2 * WINDOW))


def stack_features(features: RespiroFeatures) -> Tensor:
    """Return the features as the network takes them, "3 128 frames"."""
    return torch.stack([part.expand(BANDS, -1) for part in features])


@cache
def _mel_filters() -> Tensor:
    """Return Slaney's mel filters of equal area up to 8 kHz, (bands, bins), librosa's default."""
    bins, top_hz = WINDOW // 2 + 1, SAMPLE_RATE_HZ / 2
    return melscale_fbanks(
        bins, 0.0, top_hz, BANDS, SAMPLE_RATE_HZ, norm="slaney", mel_scale="slaney"
    ).T


def _load_network(path: Path) -> RespiroNetwork:
    """Return the network with the weights of a published checkpoint, `{"model": state dict, ...}`.

    Other entries are ignored (by their size, an optimiser's state).
    """
    content = torch_files.read_torch_file(path)
    state = content.get("model") if isinstance(content, dict) else None
    network = RespiroNetwork()
    try:
        if not isinstance(state, dict):
            raise RuntimeError("it has no state dict under `model`")
        network.load_state_dict(state)
        torch_files.require_finite(path, network.state_dict())
    except RuntimeError as error:
        published = published_weights()["respiro_en"]
        raise BenchError(
            "weights.mismatch",
            f"{path}: does not hold Respiro-en's weights, get {published.file} from "
            f"{published.source}: {error}",
        ) from error
    return network
