"""AASIST over waveforms: what its authors' weights give, its sizes, what it refuses, and that it
learns.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import soundfile
import torch

from bench.cards import table_cards
from bench.config import Config
from bench.models.frontends.waves import WaveFrontEnd
from bench.models.systems import Batch
from bench.models.systems.blocks.sinc import FixedFilters
from bench.training import engine
from tests.errors import raises_code

TABLE = "aasist/asvspoof2019"
UTTERANCE = "LA_E_6163791"
LOGITS = {"AASIST-L": (11.94938, -10.76815), "AASIST": (8.83558, -9.05687)}
"""Of that recording's first 64,600 samples, spoof and bona fide, by the authors' own class."""


def resolved(row: str, form="paper", *changes: str):
    return table_cards.resolve_row(table_cards.read_table(TABLE), row, form, changes)


def heard(path) -> torch.Tensor:
    wave, rate = soundfile.read(path, dtype="float32")
    assert rate == 16_000
    return torch.from_numpy(np.resize(wave, 64_600))[None]


def check_published(row: str, key: str, weights, recording) -> torch.Tensor:
    system = engine.build_system(resolved(f"{row}-released"), 1, Config(weights={key: weights}))
    waves = heard(recording)
    with torch.inference_mode():
        answer = system.eval().predict(waves, torch.zeros(1, 201, dtype=torch.bool), None)
    spoof, bonafide = LOGITS[row]
    torch.testing.assert_close(
        answer.logits[0, 0], torch.tensor([bonafide, spoof]), atol=1e-3, rtol=0
    )
    torch.testing.assert_close(answer.score[0], torch.tensor([bonafide]), atol=1e-3, rtol=0)
    return answer.score


def test_released_aasist_l_gives_its_published_score(official):
    folder = official / "asvspoof2019_la"
    score = check_published(
        "AASIST-L",
        "aasist_l",
        folder / "weights" / "AASIST-L.pth",
        folder / "audio" / f"{UTTERANCE}.flac",
    )
    lines = (folder / "scores" / "AASIST-L_eval.txt").read_text().splitlines()
    (published,) = [float(line.split()[-1]) for line in lines if line.startswith(UTTERANCE)]
    assert score.item() == pytest.approx(published, abs=1e-3)


@pytest.mark.rows
def test_released_aasist_gives_the_logits_of_its_authors_class(shared):
    audio = shared / "protocols" / "asvspoof2019_la" / "audio"
    weights = shared / "weights" / "aasist" / "AASIST.pth"
    check_published("AASIST", "aasist", weights, audio / f"{UTTERANCE}.flac")


@pytest.mark.parametrize(("row", "number"), [("AASIST", 297_354), ("AASIST-L", 85_034)])
def test_sizes_are_the_released_ones_without_the_unused_normalisation(row, number):
    system = engine.build_system(resolved(row), 1, Config())
    assert sum(weight.numel() for weight in system.parameters()) == number


def test_filters_share_the_mel_scale_and_pass_their_own_band():
    """As far as 129 taps resolve: bands of 130 Hz or more, those from the 40th on."""
    gain = torch.fft.rfft(FixedFilters(70, 129).kernels, 16_000).abs()
    edges = 700 * (10 ** (np.linspace(0, np.log10(1 + 8000 / 700), 71)) - 1)
    for band, (low, high) in enumerate(pairwise(edges[40:]), start=40):
        assert low - 20 <= gain[band].argmax() <= high + 20
    assert gain.sum(dim=0)[500:7500].min() > 0.5  # together they pass everything


def test_labels_and_scores_are_of_whole_utterances():
    with raises_code("model.resolution", "train.resolution_s", "'utterance'"):
        engine.build_system(
            resolved("AASIST", "smoke", "train.resolution_s=0.16", "train.clip_s=1.6"), 1, Config()
        )
    system = engine.build_system(resolved("AASIST", "smoke"), 1, Config())
    with raises_code("model.resolution", "0.16"):
        system.predict(torch.zeros(1, 8000), torch.zeros(1, 25, dtype=torch.bool), 0.16)


def test_the_shortest_clip_has_one_temporal_node():
    system = engine.build_system(resolved("AASIST", "smoke"), 1, Config()).eval()
    assert system.clip_logits(torch.zeros(1, 2315)).shape == (1, 2)
    with raises_code("model.input", "2315 samples or more", "2314 samples"):
        system.clip_logits(torch.zeros(1, 2314))


def test_it_takes_waves_and_others_take_hidden_states():
    with raises_code("settings.invalid", "frontend.kind", "'waves'", "aasist"):
        resolved("AASIST", "paper", "frontend.kind=wavlm")
    with raises_code("settings.invalid", "frontend.kind", "hidden states", "sal"):
        table_cards.resolve_row(
            table_cards.read_table("table4"), "S7", "paper", ["frontend.kind=waves"]
        )


def test_waves_are_handed_on():
    waves = torch.randn(2, 640)
    (state,) = WaveFrontEnd()(waves)
    assert torch.equal(state[..., 0], waves)
    assert not list(WaveFrontEnd().parameters())


def test_a_bona_fide_utterance_weighs_nine_times_a_spoof():
    system = engine.build_system(resolved("AASIST", "smoke"), 1, Config()).eval()
    batch = Batch(
        torch.randn(4, 8000),
        torch.tensor([[False], [True], [True], [True]]),
        torch.tensor([[True], [True], [True], [False]]),
        torch.zeros(4, dtype=torch.long),
        torch.zeros(4, 25, dtype=torch.bool),
    )
    logits = system.clip_logits(batch.waves)
    each = -logits.log_softmax(dim=1)
    expected = (9 * each[0, 0] + each[1, 1] + each[2, 1]) / 11
    torch.testing.assert_close(system.losses(batch)["loss"], expected)


@pytest.mark.rows
def test_it_learns_two_tones():
    system = engine.build_system(resolved("AASIST", "smoke"), 1, Config())
    time = torch.arange(8000) / 16_000
    pitch = torch.tensor([300.0, 3000.0] * 8)[:, None]
    phase = torch.rand(16, 1, generator=torch.Generator().manual_seed(1))
    batch = Batch(
        0.3 * torch.sin(6.2832 * (pitch * time + phase)),
        torch.tensor([[False], [True]] * 8),
        torch.ones(16, 1, dtype=torch.bool),
        torch.zeros(16, dtype=torch.long),
        torch.zeros(16, 25, dtype=torch.bool),
    )
    optimiser = torch.optim.Adam(system.parameters(), 1e-2)
    first = None
    for _ in range(40):
        loss = system.losses(batch)["loss"]
        first = loss.item() if first is None else first
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    score = system.eval().predict(batch.waves, batch.breath_mask, None).score[:, 0]
    assert loss.item() < first / 2
    assert score[::2].min() > score[1::2].max()
