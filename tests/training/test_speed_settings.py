"""`[speed]` of bench.toml: what it changes, that results stay, and that restarts stay equal."""

from __future__ import annotations

import dataclasses
import logging
from collections import Counter
from typing import Any

import numpy as np
import psutil
import pytest
import torch

from bench.config import Config, read_config
from bench.config.speed_settings import SpeedSettings
from bench.models.frontends.blocks import ConvolutionLayer
from bench.models.frontends.encoder import Encoder, uses_channels_last
from bench.training import engine, reused_casts, scoring, speedups
from bench.training.scoring import fit_batch_s
from tests.errors import raises_code
from tests.made_batches import make_batch
from tests.operations import Operations
from tests.training.runs import (
    Log,
    Signals,
    all_scores,
    last_state,
    require_equal,
    run_to_end,
    stop,
)

FROZEN = "frontend.convolutions='frozen'"
ALL_ON = SpeedSettings(
    fused_adam=True,
    compile="blocks",
    channels_last=True,
    gradient_checkpointing=True,
    score_batch_s=3.0,
    kept_features_gb=1.0,
)


@pytest.fixture(autouse=True)
def plain_backend(monkeypatch):
    """torch.compile without its compiler, which takes a minute."""
    monkeypatch.setattr(speedups, "BACKEND", "eager")
    yield
    torch.compiler.reset()


def fast(config: Config, **settings: Any) -> Config:
    return dataclasses.replace(config, speed=SpeedSettings(**settings))


def require_same_scores(one, other, **tolerance: float) -> None:
    for name, scores in all_scores(one).items():
        if tolerance:
            np.testing.assert_allclose(all_scores(other)[name], scores, **tolerance)
        else:
            np.testing.assert_array_equal(all_scores(other)[name], scores)


def test_settings_are_read_and_checked(tmp_path):
    path = tmp_path / "bench.toml"
    path.write_text('[speed]\nfused_adam = true\ncompile = "cuda-graphs"\nkept_features_gb = 4.0\n')
    speed = read_config(path, {}).speed
    assert (speed.fused_adam, speed.compile, speed.kept_features_gb) == (True, "cuda-graphs", 4.0)
    path.write_text("[speed]\nchannel_last = true\n")
    with raises_code("config.invalid", "did you mean 'channels_last'"):
        read_config(path, {})


@pytest.mark.rows
@pytest.mark.parametrize(
    ("precision", "compiled"),
    [
        ("bf16-mixed", "none"),
        pytest.param("bf16-mixed", "blocks", marks=pytest.mark.slow),
        pytest.param("fp32", "blocks", marks=pytest.mark.slow),
    ],
)
def test_restarts_are_equal_with_everything_on(
    small, config, tmp_path, monkeypatch, precision, compiled
):
    monkeypatch.setattr("bench.training.epoch.CHECK_EVERY", 1)
    changes = (FROZEN, "mix.probability=1.0", f"training.precision='{precision}'")
    speed = ALL_ON.model_copy(update={"compile": compiled})
    run, here = small("S7", *changes), dataclasses.replace(config, speed=speed)
    expected = run_to_end(run, here, tmp_path / "whole")
    stop(run, here, tmp_path / "torn", Signals((2, 2)))
    trained = run_to_end(run, here, tmp_path / "torn")
    require_equal(expected, trained, tmp_path / "whole", tmp_path / "torn")
    said = expected.conditions["determinism"]
    assert "fused Adam on" in said
    assert "channels last on" in said
    assert ("torch.compile on" in said) == (compiled == "blocks")


def test_fused_adam_learns_the_same_but_for_rounding(small, config, tmp_path):
    run = small("S0", "training.epochs=1")
    plain = run_to_end(run, fast(config, fused_adam=False), tmp_path / "plain")
    fused = run_to_end(run, fast(config, fused_adam=True), tmp_path / "fused")
    require_same_scores(plain, fused, atol=1e-4)
    assert "fused Adam on" in fused.conditions["determinism"]
    assert "fused" not in plain.conditions["determinism"]


@pytest.mark.rows
def test_a_training_goes_on_with_this_machines_adam(small, config, tmp_path, monkeypatch):
    monkeypatch.setattr("bench.training.epoch.CHECK_EVERY", 1)
    # At a high rate the rounding of a gradient near zero moves a weight by a whole step.
    run = small("S0", "optimiser.learning_rate=1e-4")
    here, there = fast(config, fused_adam=False), fast(config, fused_adam=True)
    expected = run_to_end(run, here, tmp_path / "whole")
    for first, then, place in ((there, here, "one"), (here, there, "other")):
        stop(run, first, tmp_path / place, Signals((2, 2)))
        trained = run_to_end(run, then, tmp_path / place)
        require_same_scores(expected, trained, atol=1e-3)
        groups = last_state(tmp_path / place)["optimiser"]["param_groups"]
        assert {bool(group["fused"]) for group in groups} == {then is there}


def test_adam_is_fused_where_it_can_be(small):
    unstated, asked = SpeedSettings(), SpeedSettings(fused_adam=True)
    run, clipped = small("S0"), ("training.precision='fp16-mixed'", "training.gradient_clip=1.0")
    for device in ("cpu", "cuda"):
        assert speedups.uses_fused_adam(run, unstated, device)
        assert not speedups.uses_fused_adam(small("S0", *clipped), asked, device)
        assert not speedups.uses_fused_adam(run, SpeedSettings(fused_adam=False), device)
    assert not speedups.uses_fused_adam(run, unstated, "mps")
    assert speedups.uses_fused_adam(run, asked, "mps")


def test_channels_are_last_on_the_cpu_unless_stated():
    unstated = SpeedSettings().channels_last
    assert uses_channels_last(unstated, "cpu")
    assert not uses_channels_last(unstated, "cuda")
    for stated in (True, False):
        for device in ("cpu", "cuda"):
            assert uses_channels_last(stated, device) is stated


def saved_bytes(system, batch) -> int:
    """Return how many bytes a forward pass in training keeps for the backward pass."""
    kept: dict[int, int] = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        losses = system.train().losses(batch)
    del losses
    return sum(kept.values())


@pytest.mark.rows
def test_gradient_checkpointing_gives_the_same_results_with_less_memory(small, config, tmp_path):
    run = small("S5", "training.epochs=2", "frontend.dropout=0.1", "frontend.attention_dropout=0.1")
    here = fast(config, gradient_checkpointing=True)
    plain = run_to_end(run, config, tmp_path / "plain")
    again = run_to_end(run, here, tmp_path / "again")
    require_equal(plain, again, tmp_path / "plain", tmp_path / "again")


def test_gradient_checkpointing_keeps_the_states_alone(small, config):
    run = small("S0", "frontend.blocks=8", "frontend.feed_forward=64")
    system, batch = engine.build_system(run, 1, config), make_batch(run)
    whole = saved_bytes(system, batch)
    system.frontend.checkpoints_gradients = True
    assert saved_bytes(system, batch) < 0.6 * whole


def test_channels_last_gives_the_same_but_for_rounding(small, config):
    run = small("S0")
    system = engine.build_system(run, 1, config).eval()
    waves = torch.randn(3, 16_000, generator=torch.Generator().manual_seed(2))
    for precision in (torch.float32, torch.bfloat16):
        with torch.autocast("cpu", torch.bfloat16, enabled=precision is not torch.float32):
            system.frontend.channels_last = False
            expected = system.frontend(waves)[0]
            system.frontend.channels_last = True
            found = system.frontend(waves)[0]
        error = (found.float() - expected.float()).abs().max() / expected.float().abs().max()
        assert error < (1e-5 if precision is torch.float32 else 2e-2)


@pytest.mark.rows
def test_a_compiler_that_fails_is_said_in_a_line(small, config, tmp_path, monkeypatch, caplog):
    def fail(*_: object) -> None:
        raise RuntimeError("no compiler\nand a long trace")

    run = small("S0", "training.epochs=1")
    plain = run_to_end(run, config, tmp_path / "plain")
    monkeypatch.setattr(speedups, "BACKEND", fail)
    with caplog.at_level(logging.WARNING):
        trained = run_to_end(run, fast(config, compile="blocks"), tmp_path / "run")
    said = {record.getMessage() for record in caplog.records if "torch.compile" in record.message}
    assert len(said) == 1
    assert "no compiler" in said.pop()
    require_same_scores(plain, trained)


@pytest.mark.rows
def test_blocks_are_compiled_once_for_the_length_of_the_clips(small, config, monkeypatch):
    sizes: list[list[Any]] = []

    def note(module: torch.fx.GraphModule, inputs: list[Any]) -> Any:
        sizes.append([size for size in inputs if not isinstance(size, torch.Tensor)])
        return module.forward

    monkeypatch.setattr(speedups, "BACKEND", note)
    run = small("S0")
    fabric = engine.make_fabric(config, "fp32")
    system = engine.build_system(run, 1, config).eval()
    waves = torch.randn(2, 16_000)
    expected = system.frontend(waves)
    speedups.apply_speed(fabric, system, SpeedSettings(compile="blocks"))
    sizes.clear()
    found = system.frontend(waves)
    assert sizes == [[]], "for all blocks together, with no size that may change"
    system.frontend(torch.randn(2, 24_000))
    assert len(sizes) == 2
    assert sizes[1], "for any length from the second one on"
    torch.testing.assert_close(found, expected, rtol=0, atol=0)
    assert not [name for name in system.state_dict() if "orig_mod" in name]


@pytest.mark.parametrize("frozen_only", [True, False])
def test_copies_of_weights_are_made_once_and_change_nothing(small, config, frozen_only):
    frozen = (FROZEN, "frontend.tuning={kind='frozen'}")
    run = small("S8", "training.precision='bf16-mixed'", *frozen)
    fabric = engine.make_fabric(config, run.training.precision)
    system = engine.build_system(run, 1, config).eval()
    waves = torch.randn(2, 16_000, generator=torch.Generator().manual_seed(2))
    marks = torch.zeros(2, 49, dtype=torch.bool)

    def predict() -> tuple[Counter[str], torch.Tensor]:
        with torch.no_grad(), fabric.autocast(), Operations() as seen:
            answer = system.predict(waves, marks, 0.16)
        return seen.count, answer.logits

    before, expected = predict()
    with reused_casts.reuse_casts(fabric, system, frozen_only=frozen_only):
        during, found = predict()
    after, again = predict()
    assert torch.equal(found, expected)
    assert torch.equal(again, expected)
    assert after == before
    linear = [
        part
        for name, part in system.named_modules()
        if type(part) in reused_casts.KEPT and not name.startswith("auxiliary")
    ]
    parts = [part for part in linear if not frozen_only or not part.weight.requires_grad]
    copies = sum(1 + (part.bias is not None) for part in parts)
    assert copies > 10
    assert before["_to_copy"] - during["_to_copy"] == copies


def test_float32_keeps_no_copies(small, config):
    fabric = engine.make_fabric(config, "fp32")
    system = engine.build_system(small("S0"), 1, config)
    with reused_casts.reuse_casts(fabric, system, frozen_only=False):
        assert not [part for part in system.modules() if "forward" in vars(part)]


def count_convolutions(monkeypatch) -> list[bool]:
    """Note each call of a convolution, by whether it is for training."""
    calls: list[bool] = []
    plain = Encoder._compute_features

    def note(self, waves):
        calls.append(torch.is_inference_mode_enabled())
        return plain(self, waves)

    monkeypatch.setattr(Encoder, "_compute_features", note)
    return calls


@pytest.mark.rows
@pytest.mark.parametrize("select", ["dev.eer", "dev.loss"])
def test_features_of_frozen_convolutions_are_computed_once(
    small, config, tmp_path, monkeypatch, select
):
    run = small("S0", FROZEN, f"training.select='{select}'")
    plain, whole = Log(), Log()
    expected = run_to_end(run, config, tmp_path / "plain", plain)
    calls = count_convolutions(monkeypatch)
    trained = run_to_end(run, fast(config, kept_features_gb=1.0), tmp_path / "kept", whole)
    require_equal(expected, trained, tmp_path / "plain", tmp_path / "kept")
    assert whole.epochs == plain.epochs
    with_memory = sum(calls)
    calls.clear()
    run_to_end(run, config, tmp_path / "again")
    times = 2 if select == "dev.loss" else 1  # for scores, and for the loss
    batches = (sum(calls) - with_memory) / (3 * times - 1)
    assert batches.is_integer()
    assert batches >= 1
    calls.clear()
    moving = small("S0", "frontend.convolutions='trained'", f"training.select='{select}'")
    run_to_end(moving, config, tmp_path / "trained")
    without = sum(calls)
    calls.clear()
    run_to_end(moving, fast(config, kept_features_gb=1.0), tmp_path / "trained-too")
    assert sum(calls) == without, "what training changes is computed anew"


def test_memory_for_features_is_limited(small, config):
    from bench.training.kept_features import KeptFeatures

    encoder = engine.build_system(small("S0", FROZEN), 1, config).eval().frontend
    waves = [torch.randn(1, 16_000) for _ in range(3)]
    size = encoder(waves[0])[0].shape[1] * encoder.convolutions[-1].conv.out_channels * 4
    kept = KeptFeatures(encoder, 2 * size)
    for _ in range(2):
        for number, wave in enumerate(waves):
            with kept.of_batch(number):
                found = encoder(wave)
            torch.testing.assert_close(found, encoder(wave), rtol=0, atol=0)
    assert [*kept._kept] == [0, 1]
    assert encoder.recall is None


def test_a_batch_that_does_not_fit_is_scored_by_halves(small, config, tmp_path, monkeypatch):
    run = small("S0", "training.epochs=1")
    expected = run_to_end(run, config, tmp_path / "whole")
    plain, sizes = scoring.predict_batch, list[int]()

    def small_memory(fabric, system, batch, resolution_s):
        if len(batch.waves) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        sizes.append(len(batch.waves))
        return plain(fabric, system, batch, resolution_s)

    monkeypatch.setattr(scoring, "predict_batch", small_memory)
    trained = run_to_end(run, config, tmp_path / "halves")
    require_same_scores(expected, trained, rtol=1e-4, atol=1e-5)
    assert {*sizes} == {1}


def test_batches_that_are_scored_fit_the_memory(small, config, tmp_path):
    assert fit_batch_s(1e9) == 40.0
    assert fit_batch_s(24e9) < fit_batch_s(141e9)
    run = small("S0", "training.epochs=1")
    expected = run_to_end(run, config, tmp_path / "one")
    trained = run_to_end(run, fast(config, score_batch_s=2.0), tmp_path / "two")
    require_same_scores(expected, trained, rtol=1e-4, atol=1e-5)


@pytest.mark.rows
def test_processes_that_load_the_dev_set_stay(small, with_workers, tmp_path):
    class Processes(Log):
        def __init__(self) -> None:
            super().__init__()
            self.seen: list[set[int]] = []

        def on_epoch(self, epoch, figures):
            super().on_epoch(epoch, figures)
            self.seen.append({child.pid for child in psutil.Process().children()} - before)

    before = {child.pid for child in psutil.Process().children()}
    log = Processes()
    run_to_end(small("S0"), with_workers, tmp_path / "run", log)
    assert [len(pids) for pids in log.seen] == [4, 4, 4], "two for training, two for dev"
    assert log.seen[0] == log.seen[1] == log.seen[2]


def test_convolution_layers_agree_in_both_layouts():
    layer = ConvolutionLayer(4, 6, 3, 2, bias=True)
    x = torch.randn(2, 4, 41)
    expected = layer(x)
    found = layer.forward_channels_last(x.transpose(1, 2))
    torch.testing.assert_close(found.transpose(1, 2), expected)
