"""Heads of published systems: sizes, checkpoints of the released layout, plain loops, learning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor

from bench.cards import table_cards
from bench.config import Config
from bench.models.official_weights import load_official
from bench.models.systems.blocks.mamba import MambaBlock, scan_states
from bench.specs.frontends.wav2vec2 import Wav2Vec2
from bench.specs.heads import Head
from bench.specs.kinds import HeadInput, HeadSettings
from bench.specs.systems.composed import Composed
from bench.training import engine
from tests.errors import raises_code
from tests.made_batches import make_batch
from tests.models.frontends import small
from tests.models.systems import plain_heads as plain


class Released(NamedTuple):
    """A head in small, and its published sizes."""

    small: dict[str, Any]
    """Settings of the small one."""
    shapes: Callable[[int, int], dict[str, tuple[int, ...]]]
    """Of the small one's checkpoint by names, for a dim and a number of states."""
    reference: Callable[[Any, Any], np.ndarray]
    """Its logits, spoof first, for weights and "hops dim" (or "states hops dim")."""
    table: str
    """A row of it."""
    parameters: int
    """How many the published one has behind a front-end of 1024 dimensions."""


HEADS = {
    "tcm": Released(
        {"width": 8, "heads": 2, "blocks": 2, "kernel": 3},
        lambda dim, _: plain.tcm_shapes(dim, 8, 2, 2, 3, 10),
        lambda w, x: plain.tcm(w, x, 2, 2),
        "tcm/asvspoof2021:LA",
        2_382_628,
    ),
    "mamba": Released(
        {"width": 10, "blocks": 2, "state": 3, "kernel": 3},
        lambda dim, _: plain.mamba_shapes(dim, 10, 2, 3, 3),
        lambda w, x: plain.mamba(w, x, 2, "block"),
        "xlsr-mamba/asvspoof2021:LA",
        1_936_950,
    ),
    "mhfa": Released(
        {"heads": 3, "compression": 6, "embedding": 7, "centred": "dimensions"},
        lambda dim, states: plain.mhfa_shapes(dim, states, 3, 6, 7),
        lambda w, x: plain.mhfa(w, x, centred=True)[::-1],
        "mhfa/partialspoof:WavLM-frozen",
        1_315_410 + 2 * 256 + 2 * 257,  # its classifier, which the published figure leaves out
    ),
}
each_head = pytest.mark.parametrize("name", HEADS)


def settings(kind: str, **own: Any) -> HeadSettings:
    member = Head.find_member(kind)
    return member.model_validate({"kind": kind, **own})


def composed(head: HeadSettings) -> Composed:
    layers = {"kind": "all" if head.takes_all else "last"}
    return Composed.model_validate({"kind": "composed", "layers": layers, "head": head})


@pytest.fixture
def released(name, tmp_path):
    """A checkpoint in the released layout, and ours with its weights, over a small front-end."""
    path = small.fairseq(small.draw("wav2vec2"), tmp_path)
    frontend = small.built("wav2vec2", path)
    head = HEADS[name]
    drawn = plain.draw(head.shapes(frontend.dim, frontend.n_states))
    upstream = torch.load(path, weights_only=False)["model"]
    prefix = UPSTREAM.get(name, "ssl_model.model.")
    content = {**{prefix + part: tensor for part, tensor in upstream.items()}, **drawn}
    spec = composed(settings(name, **head.small))
    run = resolved(head.table)
    system = spec.build(frontend, run.train)
    torch.save(content, file := tmp_path / "released.pth")
    return system, spec, file, drawn


UPSTREAM = {"mhfa": "frontend.upstream.upstream.model."}


def resolved(table: str):
    key, _, row = table.partition(":")
    return table_cards.resolve_row(table_cards.read_table(key), row)


@each_head
def test_a_head_is_as_large_as_the_published_one(name):
    run = resolved(HEADS[name].table)
    with torch.device("meta"):
        frontend = Wav2Vec2(kind="wav2vec2").lay_out()
        system = run.system.build(frontend, run.train)
    assert sum(p.numel() for p in system.head.parameters()) == HEADS[name].parameters
    assert not [*system.merge.parameters()]


@each_head
def test_a_released_checkpoint_gives_the_logits_of_a_plain_loop(name, released):
    system, spec, file, drawn = released
    load_official(system, spec, file)
    system.eval()
    waves = small.waves(3, 4000)
    with torch.inference_mode():
        states = system.frontend(waves)
        logits = system.predict(waves, torch.zeros(3, 1, dtype=torch.bool), None).logits[:, 0]
    for clip in range(3):
        given = [state[clip].double().numpy() for state in states]
        taken = np.array(given) if spec.head.takes_all else given[-1]
        spoof, bonafide = HEADS[name].reference(plain.as_arrays(drawn), taken)
        assert abs(bonafide - spoof) > 0.01
        np.testing.assert_allclose(logits[clip], [bonafide, spoof], rtol=1e-3, atol=1e-4)


@each_head
@pytest.mark.parametrize("change", ["missing", "left over", "misshapen"])
def test_a_checkpoint_that_does_not_fit_is_refused(name, released, change):
    system, spec, file, drawn = released
    content = torch.load(file)
    used = next(key for key in reversed(drawn) if key.endswith("weight"))
    if change == "missing":
        del content[used]
    else:
        content[f"{used}s" if change == "left over" else used] = torch.zeros(3, 5, 7)
    torch.save(content, file)
    with raises_code("weights.mismatch", str(file)):
        load_official(system, spec, file)


def drawn_states(spec: HeadSettings, clips: int, hops: int = 21) -> Any:
    generator = torch.Generator().manual_seed(2)
    states = [torch.randn(clips, hops, 12, generator=generator) for _ in range(3)]
    return tuple(states) if spec.takes_all else states[0]


def one_clip(states: Any, clip: int) -> Any:
    if isinstance(states, Tensor):
        return states[clip : clip + 1]
    return tuple(state[clip : clip + 1] for state in states)


@each_head
def test_batch_mates_change_no_logit(name):
    spec = settings(name, **HEADS[name].small)
    head = spec.build(HeadInput(12, 3, 6800)).eval()
    states = drawn_states(spec, 4)
    with torch.inference_mode():
        together = head(states)
        for clip in range(4):
            torch.testing.assert_close(head(one_clip(states, clip))[0], together[clip])


@each_head
def test_every_trained_weight_gets_a_gradient_and_16_bits_do_not_spoil_it(name):
    spec = settings(name, **HEADS[name].small)
    torch.manual_seed(0)
    head = spec.build(HeadInput(12, 3, 6800)).eval()
    states = drawn_states(spec, 4)
    head(states).square().sum().backward()
    assert [key for key, p in head.named_parameters() if p.grad is None or not p.grad.any()] == []
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        rough = head(states).float()
    torch.testing.assert_close(rough, head(states), atol=0.05, rtol=0.05)


def test_the_released_mamba_adds_the_input_and_leaves_its_last_blocks_dead():
    own = {**HEADS["mamba"].small, "last_added": "input"}
    head = settings("mamba", **own).build(HeadInput(12, 3, 6800)).eval()
    weights = plain.draw(plain.mamba_shapes(12, 10, 2, 3, 3))
    names = composed(settings("mamba")).official_names(weights)
    head.load_state_dict({name.removeprefix("head."): part for name, part in names.items()})
    states = drawn_states(settings("mamba"), 2)
    logits = head(states)
    for clip in range(2):
        x = states[clip].double().numpy()
        spoof, bonafide = plain.mamba(plain.as_arrays(weights), x, 2, "input")
        np.testing.assert_allclose(logits[clip].detach(), [bonafide, spoof], rtol=1e-3, atol=1e-4)
    whole = settings("mamba", last_added="input").build(HeadInput(1024, 25, 66_800))
    assert sum(p.numel() for p in whole.parameters()) == 1_936_950
    assert sum(p.numel() for p in whole.parameters() if not p.requires_grad) == 291_168
    logits.sum().backward()
    trained = {name: p.grad is not None for name, p in head.named_parameters() if p.requires_grad}
    assert all(trained.values())


@pytest.mark.parametrize("hops", [1, 7])
def test_the_scan_is_a_loop_over_channels_and_hops(hops):
    generator = torch.Generator().manual_seed(0)
    steps = torch.rand(2, hops, 5, generator=generator)
    given = torch.randn(2, hops, 5, generator=generator)
    write, read = torch.randn(2, 2, hops, 3, generator=generator)
    decay = -3 * torch.rand(5, 3, generator=generator)
    found = scan_states(steps, decay, given, write, read)
    for clip in range(2):
        parts = (part.double().numpy() for part in (steps[clip], decay, given[clip], write[clip]))
        expected = plain.scan(*parts, read[clip].double().numpy())
        np.testing.assert_allclose(found[clip], expected, rtol=1e-4, atol=1e-5)


def test_the_scans_gradient_is_the_difference_quotient():
    generator = torch.Generator().manual_seed(0)
    shapes = ((1, 4, 2), (2, 3), (1, 4, 2), (1, 4, 3), (1, 4, 3))
    given = [torch.rand(shape, generator=generator, requires_grad=True) for shape in shapes]
    scan_states(given[0], -given[1], *given[2:]).sum().backward()
    for part in given:
        numbers = part.detach().view(-1)
        for i in range(len(numbers)):
            values = []
            for change in (1e-2, -1e-2):
                numbers[i] += change
                with torch.no_grad():
                    values.append(scan_states(given[0], -given[1], *given[2:]).sum().item())
                numbers[i] -= change
            expected = (values[0] - values[1]) / 2e-2
            assert part.grad.view(-1)[i].item() == pytest.approx(expected, abs=2e-3)


def test_mambas_first_steps_lie_between_a_thousandth_and_a_tenth():
    block = MambaBlock(144, settings("mamba"))
    steps = torch.nn.functional.softplus(block.step.bias)
    assert 0.00099 < steps.min() < 0.0015
    assert 0.07 < steps.max() < 0.101
    assert torch.equal(block.log_decay[5].exp().round(), torch.arange(1.0, 17.0))


@pytest.mark.rows
@each_head
def test_a_smoke_row_learns(name, tmp_path):
    """Its own loss falls to less than half on clips that differ by a tone."""
    key, _, row = HEADS[name].table.partition(":")
    run = table_cards.resolve_row(table_cards.read_table(key), row, "smoke")
    system = engine.build_system(run, 1, Config(device="cpu")).train()
    generator = torch.Generator().manual_seed(0)
    hop = torch.arange(round(16_000 * run.train.clip_s))
    spoof = torch.arange(8) % 2 == 1
    tone = 0.3 * torch.sin(hop * 0.7) * spoof[:, None]
    waves = 0.1 * torch.randn(8, len(hop), generator=generator) + tone
    batch = make_batch(run)._replace(
        waves=waves, spoof=spoof[:, None], valid=torch.ones(8, 1, dtype=torch.bool)
    )
    optimiser = torch.optim.Adam(system.parameters(), 1e-3)
    losses = []
    for _ in range(25):
        optimiser.zero_grad()
        loss = system.losses(batch)["loss"]
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert np.mean(losses[-5:]) < losses[0] / 2
