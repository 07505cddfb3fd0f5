"""Features are the input of the layer that is named, of the frames that were drawn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from bench.analysis.hidden_features import (
    PAPERS_MOST,
    _draw_frames,
    embed_features,
    last_linear_layer,
    layer_input,
    parse_limits,
)
from bench.models.systems.base import Batch, Prediction, System
from tests.errors import raises_code


class Made(System):
    """Tokens, their mean, a feature of four numbers, two logits; and a layer that weighs those."""

    def __init__(self, frames=1):
        super().__init__()
        torch.manual_seed(0)
        self.frames = frames
        self.narrow = nn.Linear(6, 4)
        self.last = nn.Linear(4, 2)
        self.weigh = nn.Linear(2, 2)

    def losses(self, batch):
        raise NotImplementedError

    def predict(self, waves, marks, resolution_s):
        tokens = self.narrow(waves.unflatten(1, (-1, 6)))
        shown = tokens if self.frames > 1 else tokens.mean(1, keepdim=True)
        logits = self.weigh(self.last(shown))
        return Prediction(logits[..., 0] - logits[..., 1], logits)


def batch_of(n):
    waves = torch.arange(n * 18.0).reshape(n, 18)
    nothing = torch.zeros(n, 3, dtype=torch.bool)
    return Batch(waves, nothing, nothing, torch.zeros(n).long(), nothing)


def test_the_last_hidden_feature_is_found_and_taken():
    system, batch = Made().eval(), batch_of(2)
    name = last_linear_layer(system, batch, None)
    assert name == "last", "`weigh` has two inputs: it weighs logits"
    found = layer_input(system, batch, None, name)
    wanted = system.narrow(batch.waves.unflatten(1, (-1, 6))).mean(1, keepdim=True)
    torch.testing.assert_close(found, wanted)
    assert not any(part._forward_pre_hooks for part in system.modules())


def test_frames_have_features_of_their_own():
    system, batch = Made(frames=3).eval(), batch_of(2)
    found = layer_input(system, batch, 0.02, "last")
    torch.testing.assert_close(found, system.narrow(batch.waves.unflatten(1, (-1, 6))))


def test_tokens_that_are_no_frames_are_averaged():
    batch = batch_of(2)
    found = layer_input(Made().eval(), batch, None, "narrow")
    torch.testing.assert_close(found, batch.waves.unflatten(1, (-1, 6)).mean(1, keepdim=True))


def test_unknown_and_idle_layers_are_errors():
    system = Made().eval()
    with raises_code("analysis.no-such-layer") as raised:
        layer_input(system, batch_of(1), None, "narow")
    assert "did you mean 'narrow'" in str(raised.value)
    system.idle = nn.Linear(9, 9)
    with raises_code("analysis.unusable-layer"):
        layer_input(system, batch_of(1), None, "idle")


def test_frames_are_drawn_once_and_evenly(subtests):
    for most in [1, 5, 11, 12, 100]:
        with subtests.test(most=most):
            counts = [3, 1, 5, 3]
            drawn = _draw_frames(counts, most, 0)
            assert drawn.n_available == 12
            taken_frames = [(i, int(f)) for i, frames in drawn.frames.items() for f in frames]
            assert len(taken_frames) == len(set(taken_frames)) == min(most, 12)
            assert all(0 <= f < counts[i] for i, f in taken_frames)
            assert repr(drawn) == repr(_draw_frames(counts, most, 0))
            if 1 < most < 12:
                assert repr(drawn) != repr(_draw_frames(counts, most, 1))


def test_all_are_drawn_where_no_number_is_set():
    drawn = _draw_frames([3, 1, 5, 3], None, 0)
    assert sum(map(len, drawn.frames.values())) == drawn.n_available == 12


NAMES = {"asvspoof2019la": "19LA", "asvspoof2021la": "21LA", "asvspoof2021df": "21DF"}


def test_limits_are_by_set_and_the_papers_by_default():
    """Section IV.E: 40,000 of 21LA and 21DF, "the others used all samples"."""
    papers = dict.fromkeys(NAMES, 40_000) | {"asvspoof2019la": None}
    assert parse_limits(PAPERS_MOST, NAMES) == papers
    assert parse_limits(PAPERS_MOST, {"partialspoof": "PS"}) == {"partialspoof": None}
    assert parse_limits("500", NAMES) == dict.fromkeys(NAMES, 500)
    some = {"asvspoof2019la": 70, "asvspoof2021la": None, "asvspoof2021df": 9}
    assert parse_limits(" 21df=9, asvspoof2019LA = 70", NAMES) == some
    assert parse_limits("", NAMES) == dict.fromkeys(NAMES)


def test_other_limits_are_mistakes(subtests):
    cases = [
        ("21LB=500", "row.no-such-evaluation", "did you mean '21LA'"),
        ("21LA", "option.invalid", "e.g. 21LA=40000"),
        ("21LA=many", "option.invalid", "e.g. 21LA=40000"),
        ("21LA=4", "option.invalid", "--max-points 4"),
        ("3", "option.invalid", "--max-points 3"),
    ]
    for asked, code, words in cases:
        with subtests.test(asked=asked):
            with raises_code(code) as raised:
                parse_limits(asked, NAMES)
            assert words in str(raised.value)


def test_embedding_keeps_clusters_apart_and_is_repeatable():
    rng = np.random.default_rng(0)
    features = np.concatenate([rng.normal(c, 0.1, (20, 3)) for c in (0.0, 9.0)]).astype(np.float32)
    places = embed_features(features, 3)
    assert places.shape == (40, 2)
    assert np.array_equal(places, embed_features(features, 3))
    centres = places[:20].mean(0), places[20:].mean(0)
    spread = max(
        np.linalg.norm(of - c, axis=1).max()
        for of, c in zip((places[:20], places[20:]), centres, strict=True)
    )
    assert np.linalg.norm(centres[0] - centres[1]) > spread


@pytest.mark.parametrize("features", [np.ones((4, 3)), np.ones((9, 3)), np.arange(9.0)[:, None]])
def test_too_little_to_lay_out_is_an_error(features):
    with raises_code("analysis.too-few-features"):
        embed_features(features.astype(np.float32), 0)
