"""SincConv and the frequency branch: known filters, made tones, and the steps in plain loops."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from bench.models.systems.blocks.sinc import HIGHEST_HZ, LOWEST_HZ, FrequencyBranch, SincConv
from bench.specs.systems.breathnet import Dfim as Spec
from tests.models.systems import plain_breathnet as plain


def sinc(low_hz: float, high_hz: float, kernel: int = 129) -> SincConv:
    part = SincConv(1, kernel)
    nn.init.constant_(part.low, low_hz / 8000)
    nn.init.constant_(part.width, (high_hz - low_hz) / 8000)
    return part


def tone(hz: float) -> torch.Tensor:
    return torch.sin(2 * math.pi * hz / 16_000 * torch.arange(4000))[None]


# --- the filters ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("low_hz", "high_hz"), [(1000, 3000), (30, 56), (7000, 8000)])
def test_a_filter_is_a_windowed_difference_of_sincs(low_hz, high_hz):
    expected = plain.band_pass(low_hz, high_hz, 129)
    found = sinc(low_hz, high_hz).filter_kernels()[0].tolist()
    assert found == pytest.approx(expected, abs=2e-6)


def test_a_tone_passes_within_the_band_and_nowhere_else(subtests):
    """The Hamming window leaves a ripple of 1/400 on both sides of an edge."""
    cases = [(500, 0), (1000, 0.5), (1500, 1), (2000, 1), (3000, 0.5), (5000, 0)]
    for hz, gain in cases:
        with subtests.test(hz=hz):
            heard = sinc(1000, 3000)(tone(hz)).abs().max().item()
            assert heard == pytest.approx(gain, abs=0.01)


def test_the_lower_bands_of_the_mel_scale_are_narrower_than_the_taps_resolve():
    part = SincConv(70, 129)
    low, high = (edge * 8000 for edge in part.filter_edges())
    middles = ((low + high) / 2).tolist()
    gains = [part(tone(hz))[0, k].abs().max().item() for k, hz in enumerate(middles)]
    assert max(gains[1:20]) < 0.4
    assert gains[-1] > 0.8


def test_there_is_no_padding():
    assert SincConv(5, 9)(torch.randn(2, 400)).shape == (2, 5, 392)


def test_the_filters_start_as_neighbouring_mel_bands():
    low, high = (edge * 8000 for edge in SincConv(70, 129).filter_edges())
    torch.testing.assert_close(low[1:], high[:-1])
    assert low[0].item() == pytest.approx(LOWEST_HZ, rel=1e-4)
    assert high[-1].item() == pytest.approx(HIGHEST_HZ, rel=1e-4)
    mels = 2595 * torch.log10(1 + torch.cat([low, high[-1:]]) / 700)
    assert mels.diff().tolist() == pytest.approx([(mels[-1] - mels[0]).item() / 70] * 70, rel=1e-4)


def test_edges_stay_in_order_and_below_half_the_rate():
    part = SincConv(3, 9)
    with torch.no_grad():
        part.low.copy_(torch.tensor([-0.2, 0.9, 0.1]))
        part.width.copy_(torch.tensor([-0.3, 0.3, 0.0]))
    low, high = part.filter_edges()
    assert low.tolist() == pytest.approx([0.2, 0.9, 0.1])
    assert high.tolist() == pytest.approx([0.5, 1.0, 0.1])


def test_the_gradient_of_the_edges_is_right():
    part, waves = SincConv(3, 9).double(), torch.randn(2, 30, dtype=torch.float64)

    def of_edges(low, width):
        return torch.func.functional_call(part, {"low": low, "width": width}, (waves,))

    assert torch.autograd.gradcheck(of_edges, (part.low, part.width))


def test_a_step_of_adam_at_the_papers_rate_moves_an_edge_by_a_twelfth_of_a_hertz():
    part = SincConv(4, 33)
    before = part.filter_edges()[0].detach() * 8000
    optimiser = torch.optim.Adam(part.parameters(), lr=1e-5)
    part(torch.randn(1, 400)).square().sum().backward()
    optimiser.step()
    moved = (part.filter_edges()[0].detach() * 8000 - before).abs()
    assert moved.tolist() == pytest.approx([0.08] * 4, rel=0.05)


def test_edges_find_a_band():
    """Fitted to the outputs of another filter, the edges arrive at that filter's."""
    torch.manual_seed(0)
    target, part = sinc(1500, 3500, 65), sinc(1000, 4200, 65)
    optimiser = torch.optim.Adam(part.parameters(), lr=0.005)
    for _ in range(120):
        waves = torch.randn(4, 400)
        loss = (part(waves) - target(waves)).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    low, high = (edge.item() * 8000 for edge in part.filter_edges())
    assert (low, high) == pytest.approx((1500, 3500), abs=60)


# --- the branch -----------------------------------------------------------------------------------

TOKENS = {
    "time": {"kind": "time", "number": 4},
    "time-bins": {"kind": "time", "number": 4, "bins": 3},
    "band": {"kind": "band", "number": 2, "bins": 7},
}


def branch(tokens: str, dim: int = 8, **settings: object) -> FrequencyBranch:
    torch.manual_seed(0)
    spec = {"kind": "dfim", "filters": 5, "kernel": 9, "tokens": TOKENS[tokens], **settings}
    part = FrequencyBranch(dim, Spec.model_validate(spec)).eval()
    nn.init.constant_(part.norm.running_mean, 0.2)
    nn.init.constant_(part.norm.running_var, 0.3)
    return part


def test_the_branch_step_by_step(subtests):
    for tokens in TOKENS:
        for factors in [(0.97,), (0.0, 0.5, 0.97)]:
            with subtests.test(tokens=tokens, factors=factors):
                part, waves = branch(tokens, pre_emphasis=factors), 0.5 * torch.randn(2, 400)
                w = plain.numbers(part)
                number, bins = TOKENS[tokens]["number"], TOKENS[tokens].get("bins", 1)
                found = part(waves)
                assert found.shape == (2, number, 8)
                for clip, wave in enumerate(waves.double().tolist()):
                    maps = []
                    for factor in factors:
                        emphasised = [wave[0], *(b - factor * a for a, b in pairwise(wave))]
                        rows = []
                        for low, width in zip(w["sinc.low"], w["sinc.width"], strict=True):
                            taps = plain.band_pass(8000 * low, 8000 * (low + width), 9)
                            rows.append(np.abs(plain.filtered(emphasised, taps)))
                        table = plain.pooled(
                            rows, *((5, number * bins) if tokens != "band" else (number, bins))
                        )
                        maps.append(plain.selu((table - 0.2) / math.sqrt(0.3 + 1e-5)))
                    for token in range(number):
                        if tokens == "band":
                            heard = [table[token] for table in maps]
                        else:
                            heard = [
                                row[token * bins : (token + 1) * bins]
                                for table in maps
                                for row in table
                            ]
                        expected = w["project.weight"] @ np.concatenate(heard) + w["project.bias"]
                        assert found[clip, token].tolist() == pytest.approx(
                            expected.tolist(), abs=2e-5
                        )


def test_a_token_is_a_stretch_of_time_or_a_band():
    """A click late in the clip is heard by the last tokens; a high tone by the highest bands."""
    silence, click = torch.zeros(1, 4000), torch.zeros(1, 4000)
    click[0, 3900] = 1.0
    by_time = branch("time", pre_emphasis=(0.0,))
    changed = (by_time(click) - by_time(silence)).abs().amax(dim=2)[0] > 1e-6
    assert changed.tolist() == [False, False, False, True]
    by_band = branch("band", pre_emphasis=(0.0,), kernel=129, filters=40)
    maxima = by_band.pooled_maxima(tone(6000))[0, 0].amax(dim=1)
    assert maxima[1] > 50 * maxima[0]


def test_any_length_gives_as_many_tokens(subtests):
    for tokens in TOKENS:
        for n_samples in [400, 64_600]:
            with subtests.test(tokens=tokens, n_samples=n_samples):
                assert (
                    branch(tokens)(torch.randn(1, n_samples)).shape[1] == TOKENS[tokens]["number"]
                )


def test_polarity_does_not_matter():
    part, waves = branch("time"), torch.randn(2, 800)
    torch.testing.assert_close(part(waves), part(-waves))


def test_filters_run_in_single_precision_whatever_is_around():
    part, waves = branch("time"), torch.randn(2, 800)
    with torch.autocast("cpu", torch.bfloat16):
        found = part.pooled_maxima(waves)
    assert found.dtype == torch.float32
    assert torch.equal(found, part.pooled_maxima(waves))


def test_an_even_kernel_is_refused():
    with pytest.raises(ValueError, match="kernel = 128: should be odd"):
        Spec(kind="dfim", kernel=128)
