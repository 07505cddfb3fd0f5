"""BreathNet over an encoder: gradients reach it, and the loss of made clips falls."""

from __future__ import annotations

import pytest
import torch

from bench.config import Config
from bench.models.systems.base import Batch
from bench.models.systems.breathnet import BreathNetwork
from bench.specs.frontends.tiny import Tiny
from bench.specs.systems.breathnet import BreathNet
from tests.models.systems.made_breathnet import NONE, PAPER, ROWS, SMALL, batch, data, merged


def encoded(row: str, **settings: object) -> BreathNetwork:
    """Return a small BreathNet over a tiny encoder, its last state raw, as it should be."""
    torch.manual_seed(0)
    spec = Tiny(kind="tiny", blocks=2, dim=16, feed_forward=16, channels=8, last_state="raw")
    sizes = {"fusion": {"heads": 4}, "classifier": {"hidden": [16, 8]}}
    tree = merged(PAPER, SMALL, sizes, ROWS[row], settings)
    return BreathNet.model_validate(tree).build(spec.build(Config()), data())


def test_the_front_end_learns_through_breath_film():
    """Gradients reach all of it, and are others where the marks are: this is what FiLM is for."""
    model, clips = encoded("default", refinement=NONE).eval(), batch(3)
    gradients = []
    for marks in (clips.breath_mask, ~clips.breath_mask):
        model.zero_grad()
        model.losses(clips._replace(breath_mask=marks))["loss"].backward()
        trained = [p.grad for p in model.frontend.parameters() if p.requires_grad]
        assert all(grad is not None and grad.any() for grad in trained)
        gradients.append(torch.cat([grad.flatten() for grad in trained]))
    assert not torch.allclose(*gradients)


def clips_that_differ(step: int, size: int = 10) -> Batch:
    """Return noise with a low whistle, a high one for fakes; three in ten are bona fide."""
    generator = torch.Generator().manual_seed(step)
    spoof = torch.rand(size, 1, generator=generator) > 0.3
    angle = 2 * torch.pi / 16_000 * torch.arange(6400)
    whistle = torch.where(spoof, torch.sin(3000 * angle), torch.sin(500 * angle))
    noise = 0.05 * torch.randn(size, 6400, generator=generator)
    return batch(size)._replace(waves=noise + 0.3 * whistle, spoof=spoof)


def trained(model: BreathNetwork, steps: int) -> tuple[float, float]:
    """Train at rates of their own for the front-end and the rest; return the mean loss of the first
    and of the last fifteen steps.
    """
    front = set(model.frontend.parameters())
    rest = [parameter for parameter in model.parameters() if parameter not in front]
    optimiser = torch.optim.Adam([{"params": list(front), "lr": 0.001}, {"params": rest}], lr=0.01)
    history = []
    for step in range(steps):
        loss = model.train().losses(clips_that_differ(step))["loss"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        history.append(loss.item())
    return sum(history[:15]) / 15, sum(history[-15:]) / 15


@pytest.mark.rows
@pytest.mark.parametrize("row", ["default", "no-frequency"])
def test_the_loss_falls(row):
    """A little: the losses' first gain is that the features of both classes turn one way."""
    first, last = trained(encoded(row), 40)
    assert last < first - 0.05


@pytest.mark.rows
@pytest.mark.parametrize("row", ["default", "no-film", "no-feature-losses"])
def test_with_the_queries_added_the_classes_are_soon_told_apart(row):
    model = encoded(row, fusion={"residual": "queries"})
    first, last = trained(model, 40)
    assert last < 0.7 * first
    clips = clips_that_differ(1000, 40)
    score = model.eval().predict(clips.waves, clips.breath_mask, None).score
    assert score[~clips.spoof].min() > score[clips.spoof].max()
