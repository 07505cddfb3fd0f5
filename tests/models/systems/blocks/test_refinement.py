"""BreathNet's feature losses: equations 9 to 14, in loops, by numbers and at the edges."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.models.segment_positions import IGNORED
from bench.models.systems.blocks.refinement import (
    FeatureLosses,
    centre_loss,
    contrast_loss,
    pscl_loss,
)
from bench.specs.systems.breathnet import FeatureLossSettings as Spec
from tests.models.systems import plain_breathnet as plain

B, F = 0, 1
"""Bona fide and fake, as classes are numbered."""


def losses(dim: int = 6, **changes: object) -> FeatureLosses:
    return FeatureLosses(dim, Spec.model_validate({"kind": "feature-losses", **changes}))


def features(n: int, dim: int = 6, seed: int = 0, **options: object) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, dim, generator=generator, **options)


def target(*classes: int) -> torch.Tensor:
    return torch.tensor(classes)


MIXED = target(B, F, F, B, F, B, F)


def rows(z: torch.Tensor, mask: torch.Tensor) -> list[list[float]]:
    return z[mask].double().tolist()


# --- each equation against loops ------------------------------------------------------------------


@pytest.mark.parametrize("temperature", [0.07, 0.1, 1.0])
def test_equation_10(temperature):
    z, chosen = features(7), MIXED == B
    expected = plain.pscl(rows(z, chosen), temperature)
    assert pscl_loss(z, chosen, temperature).item() == pytest.approx(expected, rel=1e-5)


def test_equation_11():
    z, chosen, centre = features(7), MIXED == B, features(1, seed=1)[0]
    expected = plain.centre_loss(rows(z, chosen), centre.tolist())
    assert centre_loss(z, chosen, centre).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("fakes", [2, 3, 12])
def test_equation_13(fakes):
    z, centre = features(fakes + 2), features(1, seed=1)[0]
    chosen = torch.arange(fakes + 2) > 1
    expected = plain.contrast_loss(rows(z, chosen), centre.tolist())
    assert contrast_loss(z, chosen, centre).item() == pytest.approx(expected, rel=1e-5)


def test_equation_12_over_batches():
    part, centre = losses(momentum=0.75, copies=0), None
    for seed in range(4):
        z = features(7, seed=seed)
        part(z, MIXED)
        centre = plain.moved(centre, rows(z, MIXED == B), 0.75)
        assert part.centre.tolist() == pytest.approx(centre.tolist(), rel=1e-5, abs=1e-6)


def test_equations_9_and_14_over_a_batch(monkeypatch):
    """Copies are feature + δ noise; they count in equations 10 and 11 and not in the centre."""
    z, noise = features(7), features(14, seed=5)
    monkeypatch.setattr(torch, "randn_like", lambda like: noise)
    part = losses(
        copies=2, noise=0.3, pscl_weight=0.5, centre_weight=2.0, contrast_weight=3.0, momentum=0.5
    )
    found = part(z, MIXED)
    bona = rows(z, MIXED == B)
    shaken = z.repeat(2, 1).double() + 0.3 * noise.double()
    everyone = bona + shaken[(MIXED == B).repeat(2)].tolist()
    centre = plain.moved(None, bona, 0.5).tolist()
    expected = [
        plain.pscl(everyone, 0.1),
        plain.centre_loss(everyone, centre),
        plain.contrast_loss(rows(z, MIXED == F), centre),
    ]
    assert [value.item() for value in found[:3]] == pytest.approx(expected, rel=1e-5)
    total = 0.5 * expected[0] + 2.0 * expected[1] + 3.0 * expected[2]
    assert found.feature.item() == pytest.approx(total, rel=1e-5)


def test_features_of_length_one_feel_the_noise_and_long_ones_do_not(monkeypatch):
    """Noise of a fixed size does nothing to a long z (equation 9): the length is said, and z may be
    brought to length 1 before noise is added."""
    z = 200 * torch.nn.functional.normalize(features(7), dim=1)
    seen: dict[str, torch.Tensor] = {}
    for scale in ("as-is", "unit"):
        part = losses(scale=scale, copies=1)
        kept = part._with_copies

        def copies(features, bonafide, scale=scale, kept=kept):
            seen[scale], chosen = kept(features, bonafide)
            return seen[scale], chosen

        monkeypatch.setattr(part, "_with_copies", copies)
        torch.manual_seed(1)  # from 0 the noise would be along the features, made from it too
        assert part(z, MIXED).feature_length.item() == pytest.approx(200)
    turned = {
        scale: torch.cosine_similarity(of[:7], of[7:]).max().item() for scale, of in seen.items()
    }
    assert turned["as-is"] > 0.99999
    assert turned["unit"] < 0.9999
    assert seen["unit"][:7].norm(dim=1).tolist() == pytest.approx([1.0] * 7)


def test_the_centre_loss_may_leave_the_copies_out():
    z = features(7)
    found = losses(centre_of="originals", noise=3.0)(z, MIXED)
    bona = rows(z, MIXED == B)
    expected = plain.centre_loss(bona, plain.moved(None, bona, 0.9).tolist())
    assert found.centre.item() == pytest.approx(expected, rel=1e-5)
    assert losses(noise=3.0)(z, MIXED).centre.item() != pytest.approx(expected, rel=1e-3)


def test_copies_of_each_or_so_many_in_all():
    z, bonafide = features(7), MIXED == B
    each, chosen = losses()._with_copies(z, bonafide)
    assert each.shape == (7 + 3 * 7, 6)
    assert chosen.sum() == 3 + 3 * 3
    apart = (each[7:] - z.repeat(3, 1)).std()
    assert apart.item() == pytest.approx(0.1, rel=0.2)
    torch.manual_seed(0)
    batch, chosen = losses(copies_of="batch", noise=0.0, copies=40)._with_copies(z, bonafide)
    assert chosen[7:].all()
    assert {tuple(row) for row in batch[7:].tolist()} == {
        tuple(row) for row in z[bonafide].tolist()
    }


# --- what the losses can and cannot do ------------------------------------------------------------


@pytest.mark.parametrize("similarity", [-0.1, 0.0, 0.5, 0.99])
def test_pscl_sees_only_whether_similarities_are_equal(similarity):
    """It has no negatives: eight features with equal cosines cost log 7 at any level of them."""
    gram = torch.full((8, 8), similarity).fill_diagonal_(1.0)
    values, vectors = torch.linalg.eigh(gram.double())
    z = (vectors * values.clamp_min(0).sqrt()).float()
    found = pscl_loss(z, torch.ones(8, dtype=torch.bool), 0.1)
    assert found.item() == pytest.approx(math.log(7), abs=1e-4)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([B, F, IGNORED]), min_size=1, max_size=9), st.integers(0, 1000))
def test_any_batch_has_finite_losses_and_gradients_within_their_bounds(classes, seed):
    torch.manual_seed(seed)
    z, labels = features(len(classes), seed=seed, requires_grad=True), target(*classes)
    part = losses()
    for _ in range(2):
        found = part(z, labels)
        found.feature.backward()
    assert all(torch.isfinite(value) for value in found)
    assert torch.isfinite(z.grad).all()
    assert not z.grad[labels == IGNORED].any()
    assert 0 <= found.centre <= 1
    assert 0 <= found.contrast <= 2
    d_bona = 4 * classes.count(B)
    assert found.pscl >= (math.log(d_bona - 1) if d_bona else 0) - 1e-4


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(7)), st.floats(0.01, 100.0))
def test_order_and_size_of_features_do_not_matter(order, scale):
    z, centre = features(7), features(1, seed=1)[0]
    moved, chosen = z[list(order)] * scale, MIXED[list(order)] == B
    for loss, last in ((pscl_loss, 0.1), (centre_loss, centre), (contrast_loss, centre)):
        expected = loss(z, MIXED == B, last)
        torch.testing.assert_close(loss(moved, chosen, last), expected, rtol=1e-4, atol=1e-5)


def test_training_pulls_bona_fide_clips_together_and_pushes_fakes_away():
    torch.manual_seed(0)
    z = torch.nn.Parameter(features(7))
    part, optimiser = losses(), torch.optim.Adam([z], lr=0.05)
    for _ in range(100):
        optimiser.zero_grad()
        part(z, MIXED).feature.backward()
        optimiser.step()
    unit = torch.nn.functional.normalize(z.detach(), dim=1)
    similar = unit @ unit.T
    bona = similar[MIXED == B]
    assert bona[:, MIXED == B].min() > 0.9
    assert bona[:, MIXED == F].max() < -0.9


def test_opposite_fakes_have_no_middle_and_still_a_gradient():
    z = torch.tensor([[1.0, 2.0, 3.0], [-1.0, -2.0, -3.0]], requires_grad=True)
    found = contrast_loss(z, torch.ones(2, dtype=torch.bool), torch.tensor([1.0, 0.0, 0.0]))
    found.backward()
    assert found.item() == pytest.approx(0.5 + 0.5)
    assert torch.isfinite(z.grad).all()


def test_nearly_opposite_fakes_are_mixed_exactly():
    a = features(1, 1024)[0].double()
    z = torch.stack([a, -a + 1e-4 * features(1, 1024, seed=1)[0]]).float()
    centre = features(1, 1024, seed=2)[0]
    expected = plain.contrast_loss(z.double().tolist(), centre.tolist())
    assert contrast_loss(z, torch.ones(2, dtype=torch.bool), centre).item() == pytest.approx(
        expected, abs=2e-3
    )


# --- batches that lack something ------------------------------------------------------------------


def test_without_bona_fide_clips_the_centre_stays_and_fakes_are_compared_with_it():
    part = losses()
    part(features(7), MIXED)
    before, z = part.centre.clone(), features(3, seed=9)
    found = part(z, target(F, F, F))
    assert torch.equal(part.centre, before)
    assert found.pscl == found.centre == 0
    expected = plain.contrast_loss(z.double().tolist(), before.tolist())
    assert found.contrast.item() == pytest.approx(expected, rel=1e-5)


def test_before_there_is_a_centre_nothing_is_compared_with_it():
    part, z = losses(), features(3, requires_grad=True)
    found = part(z, target(F, F, F))
    assert [value.item() for value in found[:4]] == [0.0, 0.0, 0.0, 0.0]
    found.feature.backward()
    assert not z.grad.any()
    assert not part.centre.any()


@pytest.mark.parametrize(("copies", "bona"), [(0, 1), (0, 2), (1, 1)])
def test_pscl_of_one_or_two_features_is_nothing_to_learn_from(copies, bona):
    z = features(4, requires_grad=True)
    found = losses(copies=copies, noise=0.0)(z, target(*[B] * bona, *[F] * (4 - bona))).pscl
    assert found.item() == pytest.approx(0.0, abs=1e-6)
    found.backward()
    torch.testing.assert_close(z.grad, torch.zeros_like(z), atol=1e-5, rtol=0)


def test_one_bona_fide_clip_with_copies_is_enough():
    torch.manual_seed(0)
    found = losses()(features(4), target(B, F, F, F))
    assert found.pscl >= math.log(3)
    assert found.centre > 0


def test_one_fake_makes_no_pair():
    part, z = losses(), features(3)
    found = part(z, target(B, B, F))
    expected = (1 + plain.cosine(z[2].tolist(), part.centre.tolist())) / 2
    assert found.contrast.item() == pytest.approx(expected, rel=1e-5)


def test_without_fakes_there_is_no_contrast():
    assert losses()(features(3), target(B, B, B)).contrast == 0


# --- the centre -----------------------------------------------------------------------------------


def test_the_centre_is_first_moved_and_then_compared_with():
    part, first, second = losses(copies=0), features(2), features(2, seed=1)
    part(first, target(B, B))
    found = part(second, target(B, B))
    start = plain.moved(None, first.double().numpy(), 0.9)
    after = plain.moved(start, second.double().numpy(), 0.9)
    expected = plain.centre_loss(second.double().tolist(), after.tolist())
    assert found.centre.item() == pytest.approx(expected, rel=1e-5)


def test_the_centre_moves_in_training_alone_and_takes_no_gradient():
    part, z = losses(), features(7, requires_grad=True)
    part(z, MIXED)
    before = part.centre.clone()
    part.eval()(features(7, seed=1), MIXED)
    assert torch.equal(part.centre, before)
    assert not part.centre.requires_grad
    assert list(part.state_dict()) == ["centre"]
    assert not list(part.parameters())


def test_a_restart_goes_on_from_the_same_centre():
    part, other = losses(), losses()
    part(features(7), MIXED)
    other.load_state_dict(part.state_dict())
    for each in (part, other):
        torch.manual_seed(0)
        each(features(7, seed=1), MIXED)
    assert torch.equal(part.centre, other.centre)


def test_two_forward_passes_may_come_before_the_backward_pass():
    part, z = losses(), features(7, requires_grad=True)
    (part(z, MIXED).feature + part(z, MIXED).feature).backward()
    assert np.isfinite(z.grad.numpy()).all()


def test_single_precision_whatever_is_around():
    part, z = losses(noise=0.0), features(7)
    with torch.autocast("cpu", torch.bfloat16):
        found = part(z, MIXED)
        rounded = part(z.bfloat16(), MIXED)
    assert all(value.dtype == torch.float32 for value in (*found, *rounded))
    for ours, plain_one in zip(found, losses(noise=0.0)(z, MIXED), strict=True):
        torch.testing.assert_close(ours, plain_one)
