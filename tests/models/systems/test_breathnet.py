"""BreathNet: Table I's shapes, sizes by arithmetic, outputs against the paper's equations.

Its blocks' own tests are in `tests/models/systems/blocks`, how it learns in
`test_breathnet_learning`.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import nn

from bench.models.systems.base import Batch
from bench.models.systems.breathnet import BreathNetwork, Recurrent
from bench.specs.systems.breathnet import BreathNet, Classifier
from tests.errors import raises_code
from tests.models.systems import plain_breathnet as plain
from tests.models.systems.made_breathnet import PAPER, ROWS, Fixed, batch, data, system

# --- sizes and shapes -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole() -> BreathNetwork:
    """The paper's: width 1024, 24 blocks."""
    torch.manual_seed(0)
    return BreathNet.model_validate(PAPER).build(Fixed(1024, 25), data()).eval()


@torch.inference_mode()
def test_table_1(whole):
    clips = batch(2, 64_600)
    assert whole.frequency.pooled_maxima(clips.waves).shape == (2, 1, 70, 32)
    assert whole.frequency(clips.waves).shape == (2, 32, 1024)
    assert whole.temporal_features(clips.waves, clips.breath_mask).shape == (2, 201, 1024)
    heard = whole.compute_features(clips.waves, clips.breath_mask)
    assert heard.fused.shape == (2, 32, 1024)
    assert heard.pooled.shape == (2, 2 * 256)
    assert heard.logits.shape == (2, 2)
    answer = whole.predict(clips.waves, clips.breath_mask, None)
    assert answer.score.shape == (2, 1)
    assert answer.logits.shape == (2, 1, 2)


def parameters(part: nn.Module) -> int:
    return sum(p.numel() for p in part.parameters())


def test_sizes_at_the_papers_width(whole):
    d = 1024
    assert parameters(whole.layers) == d + 1
    assert parameters(whole.film) == (512 + 512) + (512 * d + d) == 526_336
    filters, norm = 70 * 2, 2
    assert parameters(whole.frequency) == filters + norm + (70 * d + d) == 72_846
    assert parameters(whole.fusion) == 4 * d * d == 4_194_304  # Q, K, V, and the heads' mixing

    def bilstm(width, hidden):  # two directions; four gates of input, state and two biases
        return 2 * 4 * hidden * (width + hidden + 2)

    assert parameters(whole.recurrent) == bilstm(d, 512) + bilstm(2 * 512, 256) == 8_925_184
    assert parameters(whole.last) == 2 * 256 * 2 + 2
    assert parameters(whole.refinement) == 0
    assert parameters(whole) == 13_720_721


def test_any_length_of_clip_has_a_score(subtests):
    for row in ROWS:
        with subtests.test(row=row):
            model = system(row)
            for n_samples in (400, 6400, 20_000):
                clips = batch(2, n_samples)
                assert model.predict(clips.waves, clips.breath_mask, None).score.shape == (2, 1)


# --- the whole, step by step ----------------------------------------------------------------------


def by_hand(model: BreathNetwork, clips: Batch):
    """Return x_temp, x_fuse and logits of the default, a clip at a time."""
    w = plain.numbers(model)
    results = []
    states = [state.double().numpy() for state in model.frontend(clips.waves)]
    for clip, (wave, marks) in enumerate(zip(clips.waves, clips.breath_mask, strict=True)):
        outputs = [state[clip] for state in states[1:]]
        weights = plain.layer_weights(outputs, w["layers.score.weight"], w["layers.score.bias"])
        x = plain.weighted_sum(outputs, weights)
        film = [w[f"film.mlp.{i}.{kind}"] for i in (0, 2) for kind in ("weight", "bias")]
        temporal = plain.modulated(x, plain.gates(marks.tolist(), *film))
        heard = wave.double().numpy()
        heard = np.append(heard[0], heard[1:] - 0.97 * heard[:-1])
        low, width = w["frequency.sinc.low"], w["frequency.sinc.width"]
        edges = zip(8000 * low, 8000 * np.minimum(low + width, 1.0), strict=True)
        bands = [np.abs(plain.filtered(heard, plain.band_pass(*pair, 17))) for pair in edges]
        maxima = plain.selu((plain.pooled(bands, 6, 4) - 0.3) / np.sqrt(0.5 + 1e-5))
        frequency = maxima.T @ w["frequency.project.weight"].T + w["frequency.project.bias"]
        maps = (w[f"fusion.{name}.weight"] for name in ("query", "key", "value"))
        fused = plain.attention(frequency, temporal, *maps, 2) @ w["fusion.out.weight"].T
        x = fused
        for i in range(2):
            prefix = f"recurrent.lstms.{i}."
            own = {key.removeprefix(prefix): value for key, value in w.items() if prefix in key}
            x = plain.bilstm(x, own, 1)
        logits = w["last.weight"] @ x.mean(axis=0) + w["last.bias"]
        results.append((temporal, fused, logits))
    return [np.array(part) for part in zip(*results, strict=True)]


def moved_from_the_start() -> BreathNetwork:
    """Return the system as training leaves it: no weight where it started."""
    model = system()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" not in name:
                parameter.add_((0.02 if "sinc" in name else 0.4) * torch.rand_like(parameter))
    return model


def test_the_forward_pass_is_the_equations():
    model, clips = moved_from_the_start(), batch(3, 2000)
    temporal, fused, logits = by_hand(model, clips)
    assert clips.breath_mask.any()
    assert not clips.breath_mask.all()
    found = model.compute_features(clips.waves, clips.breath_mask)
    close = {"atol": 1e-5, "rtol": 1e-4}
    torch.testing.assert_close(
        model.temporal_features(clips.waves, clips.breath_mask).double(),
        torch.tensor(temporal),
        **close,
    )
    torch.testing.assert_close(found.fused.double(), torch.tensor(fused), **close)
    torch.testing.assert_close(found.logits.double(), torch.tensor(logits), **close)


@pytest.mark.parametrize("rule", ["weighted-mean", "equation-15"])
def test_the_losses_are_equations_15_and_16(rule):
    model = system(cross_entropy=rule, refinement={"noise": 0.0, "copies": 0, "weight": 0.7})
    clips = batch(7)
    heard, fake = model.compute_features(clips.waves, clips.breath_mask), clips.spoof[:, 0]
    weights = [0.1 if spoof else 0.9 for spoof in fake.tolist()]
    each = plain.cross_entropies(heard.logits.tolist(), fake.long().tolist(), (0.9, 0.1))
    entropy = sum(each) / (sum(weights) if rule == "weighted-mean" else len(each))
    z = heard.fused.double().mean(dim=1).tolist()
    bona = [row for row, spoof in zip(z, fake.tolist(), strict=True) if not spoof]
    fakes = [row for row, spoof in zip(z, fake.tolist(), strict=True) if spoof]
    model.refinement.train()
    losses = model.losses(clips)
    centre = plain.moved(None, np.array(bona), 0.9).tolist()
    parts = (
        plain.pscl(bona, 0.1),
        plain.centre_loss(bona, centre),
        plain.contrast_loss(fakes, centre),
    )
    found = [losses[name].item() for name in ("pscl", "centre", "contrast")]
    assert losses["cross_entropy"].item() == pytest.approx(entropy, rel=1e-5)
    assert found == pytest.approx(parts, rel=1e-4, abs=1e-5)
    assert losses["loss"].item() == pytest.approx(entropy + 0.7 * sum(parts), rel=1e-4)


def test_equation_15_of_equal_logits_by_both_rules():
    """0.9 and three times 0.1 of log 2: their mean over four, or over the weights."""
    logits, target = torch.zeros(4, 2), torch.tensor([0, 1, 1, 1])
    mean, weighted = (
        system(cross_entropy=rule).weighted_cross_entropy(logits, target).item() / np.log(2)
        for rule in ("equation-15", "weighted-mean")
    )
    assert (mean, weighted) == pytest.approx((1.2 / 4, 1.0))


# --- behaviour ------------------------------------------------------------------------------------


def test_every_weight_learns(subtests):
    for row in ROWS:
        with subtests.test(row=row):
            model, clips = system(row).train(), batch()
            model.losses(clips)["loss"].backward()
            dead = [
                name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()
            ]
            assert not dead


def test_what_is_left_out_is_not_there(subtests):
    for row in ROWS:
        with subtests.test(row=row):
            model, losses = system(row), system(row).losses(batch())
            assert model.needs_breath_mask == (row != "no-film") == (model.film is not None)
            assert (model.frequency is None) == (row in ("no-frequency", "self-attention"))
            assert (model.fusion is None) == (row == "no-frequency")
            parts = {"loss", "cross_entropy"}
            if row != "no-feature-losses":
                parts |= {"pscl", "centre", "contrast", "feature", "feature_length"}
            assert set(losses) == parts


def test_marks_matter_with_breath_film_alone():
    clips = batch()
    for row in ("default", "no-film"):
        model = system(row)
        scores = [
            model.predict(clips.waves, marks, None).score
            for marks in (clips.breath_mask, ~clips.breath_mask)
        ]
        assert torch.equal(*scores) == (row == "no-film")


def test_without_a_frequency_branch_temporal_features_are_classified():
    model, clips = system("no-frequency"), batch(2)
    heard = model.compute_features(clips.waves, clips.breath_mask)
    assert torch.equal(heard.fused, model.temporal_features(clips.waves, clips.breath_mask))
    asked = system("self-attention").compute_features(clips.waves, clips.breath_mask)
    assert asked.fused.shape == heard.fused.shape
    assert not torch.allclose(asked.fused, heard.fused)


def test_a_left_out_loss_weighs_nothing():
    clips = batch()
    for name, weight in (("pscl", 1.0), ("centre", 2.0), ("contrast", 3.0)):
        settings = {"centre_weight": 2.0, "contrast_weight": 3.0, "copies": 0}
        with_it = system(refinement=settings).train().losses(clips)
        without = system(refinement={**settings, f"{name}_weight": 0.0}).train().losses(clips)
        torch.testing.assert_close(with_it["loss"] - without["loss"], 0.5 * weight * with_it[name])


@pytest.mark.parametrize("spoof", [[True] * 4, [False] * 4, [False, True, True, True], [True]])
def test_batches_that_lack_a_class_have_finite_losses(spoof):
    model = system().train()
    whole = batch(4)
    clips = Batch(*(part[: len(spoof)] for part in whole))._replace(
        spoof=torch.tensor(spoof)[:, None]
    )
    losses = model.losses(clips)
    losses["loss"].backward()
    assert all(torch.isfinite(value) for value in losses.values())
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())


def test_an_utterance_without_a_label_is_not_learnt_from():
    model, clips = system(refinement={"noise": 0.0}), batch()
    model.refinement.centre.copy_(torch.ones(8))
    marked = clips._replace(valid=clips.valid.clone().index_fill_(0, torch.tensor([0, 2]), False))
    kept = Batch(*(part[torch.tensor([1, 3, 4, 5])] for part in clips))
    torch.testing.assert_close(model.losses(marked)["loss"], model.losses(kept)["loss"])


def test_the_score_is_the_difference_of_the_logits():
    clips = batch()
    logits = system().compute_features(clips.waves, clips.breath_mask).logits
    answer = system().predict(clips.waves, clips.breath_mask, None)
    torch.testing.assert_close(answer.score[:, 0], logits[:, 0] - logits[:, 1])
    torch.testing.assert_close(answer.logits[:, 0], logits)
    alone = system(score="bonafide-logit").predict(clips.waves, clips.breath_mask, None)
    torch.testing.assert_close(alone.score[:, 0], logits[:, 0])


def test_scores_do_not_depend_on_batch_mates(subtests):
    for row in ROWS:
        with subtests.test(row=row):
            model, clips = system(row), batch(4)
            loud = clips.waves * torch.tensor([1.0, 10.0, 0.1, 1.0])[:, None]
            together = model.predict(loud, clips.breath_mask, None).score
            alone = [
                model.predict(wave[None], marks[None], None).score
                for wave, marks in zip(loud, clips.breath_mask, strict=True)
            ]
            torch.testing.assert_close(together, torch.cat(alone), atol=1e-5, rtol=1e-5)


def test_half_precision_leaves_losses_and_scores_single():
    model, clips = system(refinement={"noise": 0.0}).train(), batch()
    expected = model.losses(clips)
    with torch.autocast("cpu", torch.bfloat16):
        losses = model.losses(clips)
        score = model.predict(clips.waves, clips.breath_mask, None).score
    assert {value.dtype for value in (*losses.values(), score)} == {torch.float32}
    assert losses["loss"].item() == pytest.approx(expected["loss"].item(), rel=0.05)


def test_frames_are_refused():
    with raises_code("model.resolution") as error:
        BreathNet.model_validate(PAPER).build(Fixed(8), data(resolution_s=0.02))
    assert "train.resolution_s = 0.02" in str(error.value)
    clips = batch(1)
    with raises_code("model.resolution") as error:
        system().predict(clips.waves, clips.breath_mask, 0.02)
    assert "resolution_s = 0.02" in str(error.value)


# --- the classifier -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "width", "layers"),
    [
        ({"hidden": [512, 128]}, 256, [1, 1]),
        ({"layers": 3, "dropout": 0.3}, 512, [3, 3]),
        ({"hidden": [16]}, 32, [1]),
    ],
)
def test_table_8s_classifiers(settings, width, layers):
    part = Recurrent(6, Classifier.model_validate(settings)).eval()
    assert [lstm.num_layers for lstm in part.lstms] == layers
    assert all(lstm.dropout == settings.get("dropout", 0.0) for lstm in part.lstms)
    assert part(torch.randn(2, 5, 6)).shape == (2, width)


def test_bilstms_of_two_layers_are_averaged_over_tokens():
    part, x = Recurrent(6, Classifier(hidden=(4, 3), layers=2)), torch.randn(2, 5, 6)
    w = [plain.numbers(lstm) for lstm in part.lstms]
    for clip, found in zip(x.double().numpy(), part(x), strict=True):
        expected = plain.bilstm(plain.bilstm(clip, w[0], 2), w[1], 2).mean(axis=0)
        assert found.tolist() == pytest.approx(expected.tolist(), abs=1e-5)


def test_dropout_needs_layers_to_be_between():
    with pytest.raises(ValidationError, match=r"dropout = 0\.1: is between the layers"):
        Classifier(dropout=0.1)
