"""A signal stops training after a step; going on gives what an undisturbed training gives."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace

import psutil
import pytest
import torch

from bench._io import interrupts
from bench.errors import Stopped
from bench.training import checkpoints, damage, engine, epoch, file_names, keeping
from bench.training.data import EpochSampler
from tests.errors import raises_code
from tests.training.runs import Log, Signals, last_state, require_equal, run_to_end, stop

MIXED = ("augment.probability=1.0", "mix.probability=1.0", "training.accumulate=2")
"""S7 has dropout and batch norm (Conformer), RawBoost and Cross-Segment Mixing."""


@pytest.fixture(autouse=True)
def handlers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have the callback hear every step, and signals do after a test what they did before."""
    monkeypatch.setattr(epoch, "CHECK_EVERY", 1)
    before = {number: signal.getsignal(number) for number in interrupts.STOP_SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.rows
def test_a_training_stopped_after_every_step_ends_as_an_undisturbed_one(small, config, tmp_path):
    run, whole = small("S7", *MIXED), Signals()
    expected = run_to_end(run, config, tmp_path / "whole", whole)
    assert whole.steps == [(epoch, step) for epoch in (1, 2, 3) for step in (1, 2, 3)]
    for number, point in enumerate(whole.steps):
        log = Signals(point, number=interrupts.STOP_SIGNALS[number % 2])
        stop(run, config, tmp_path / "torn", log, "after step {1} of 3 of epoch {0}".format(*point))
        assert log.steps == [point], "no step is done twice"
    again = Signals()
    trained = run_to_end(run, config, tmp_path / "torn", again)
    assert again.steps == []
    assert again.epochs == whole.epochs
    require_equal(expected, trained, tmp_path / "whole", tmp_path / "torn")


ALWAYS = 1e-9
"""Minutes between two states: every step is saved."""


class Killed(Signals):
    """Ends a training at a step as a kill does: no state is saved then."""

    def on_step(self, epoch, step, steps, losses):
        super().on_step(epoch, step, steps, losses)
        if (epoch, step) in self.after:
            raise KeyboardInterrupt

    def _send(self, what):
        pass


@pytest.mark.rows
@pytest.mark.parametrize("epochs", [1, pytest.param(3, marks=pytest.mark.slow)])
def test_a_training_killed_within_an_epoch_goes_on_from_its_last_state(
    small, config, tmp_path, epochs
):
    run, whole = small("S7", *MIXED, f"training.epochs={epochs}"), Signals()
    expected = run_to_end(run, config, tmp_path / "whole", whole)
    saving = replace(config, checkpoint_minutes=ALWAYS)
    reached = (1, 1)
    for point in whole.steps[1:]:
        log = Killed(point)
        with pytest.raises(KeyboardInterrupt):
            run_to_end(run, saving, tmp_path / "torn", log)
        assert log.steps == ([reached, point] if point != reached else [point])
        reached = point
    again = Signals()
    trained = run_to_end(run, saving, tmp_path / "torn", again)
    assert again.steps == whole.steps[-1:]
    assert again.epochs == whole.epochs
    require_equal(expected, trained, tmp_path / "whole", tmp_path / "torn")


def test_states_within_epochs_are_saved_by_minutes(small, config, tmp_path, monkeypatch):
    saved: list[tuple[int, int]] = []
    save = keeping.StateSaver.save_within

    def note(self, state):
        saved.append((state["progress"]["epoch"], state["epoch"]["steps"]))
        save(self, state)

    monkeypatch.setattr(keeping.StateSaver, "save_within", note)
    run = small("S0", "training.epochs=2")
    for minutes in (0.0, 60.0):
        rarely = replace(config, checkpoint_minutes=minutes)
        run_to_end(run, rarely, tmp_path / str(minutes))
    assert saved == []
    run_to_end(run, replace(config, checkpoint_minutes=ALWAYS), tmp_path / "always")
    assert saved == [(0, 1), (0, 2), (1, 1), (1, 2)]


@pytest.mark.rows
def test_the_loss_scale_of_float16_is_kept(small, config, tmp_path):
    """It counts the steps after which it grows, and a step whose gradient overflows halves it."""
    run = small("S0", "training.precision='fp16-mixed'", "training.gradient_clip=1.0")
    expected = run_to_end(run, config, tmp_path / "whole")
    stop(run, config, tmp_path / "torn", Signals((2, 2)))
    trained = run_to_end(run, config, tmp_path / "torn")
    require_equal(expected, trained, tmp_path / "whole", tmp_path / "torn")
    scales = [last_state(tmp_path / name)["precision"] for name in ("whole", "torn")]
    assert scales[0] == scales[1]
    assert scales[0]["_growth_tracker"] or scales[0]["scale"] < 2.0**16


@pytest.mark.rows
@pytest.mark.parametrize("point", [(1, 1), (2, 2)])
def test_processes_that_load_audio_do_not_end_by_the_signal(
    small, config, with_workers, tmp_path, point
):
    before = psutil.Process().children()

    def loaders():
        children = psutil.Process().children()
        alive = [child for child in children if child.status() != psutil.STATUS_ZOMBIE]
        return [child for child in alive if child not in before]

    class All(Signals):
        """Sends the signals to the processes that load audio as well, as a cluster does."""

        def _send(self, what):
            if what in self.after:
                there = [str(process.pid) for process in loaders()]
                assert len(there) >= 2
                for number in interrupts.STOP_SIGNALS:
                    # From another process: what their own parent sends ends them.
                    subprocess.run(["kill", f"-{number.value}", *there], check=True)
                time.sleep(0.2)
                assert len(loaders()) == len(there)
            super()._send(what)

    run = small("S7", *MIXED, "training.epochs=2")
    expected = run_to_end(run, config, tmp_path / "whole", whole := Log())
    stop(run, with_workers, tmp_path / "torn", All(point))
    trained = run_to_end(run, with_workers, tmp_path / "torn", again := Log())
    assert again.epochs == whole.epochs
    require_equal(expected, trained, tmp_path / "whole", tmp_path / "torn")
    gc.collect()  # of the error, whose frames hold the stopped training's loaders
    assert psutil.wait_procs(loaders(), timeout=20)[1] == []


def test_an_evaluation_that_is_stopped_leaves_no_score_file(small, config, tmp_path):
    run = small("S0", "training.epochs=1")
    expected = run_to_end(run, config, tmp_path / "whole")
    log = Signals("llamapartialspoof")
    stop(run, config, tmp_path / "torn", log, "llamapartialspoof crossfade was scored")
    (finished,) = (tmp_path / "torn" / "scores").iterdir()
    assert finished.name.startswith("partialspoof")
    before = finished.stat().st_mtime_ns
    trained = run_to_end(run, config, tmp_path / "torn", again := Signals())
    assert again.steps == []
    assert finished.stat().st_mtime_ns == before
    require_equal(expected, trained, tmp_path / "whole", tmp_path / "torn")


@pytest.mark.rows
def test_a_stop_while_dev_is_scored_keeps_the_epoch(small, config, tmp_path, monkeypatch):
    run = small("S7", "training.epochs=2")
    expected = run_to_end(run, config, tmp_path / "whole", whole := Log())
    measure = engine._measure_dev

    def measure_and_stop(*arguments):
        os.kill(os.getpid(), signal.SIGUSR1)
        return measure(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(engine, "_measure_dev", measure_and_stop)
        stop(run, config, tmp_path / "torn", Log(), "partialspoof dev was scored")
    trained = run_to_end(run, config, tmp_path / "torn", again := Signals())
    assert again.steps[0] == (2, 1)
    assert again.epochs == whole.epochs
    require_equal(expected, trained, tmp_path / "whole", tmp_path / "torn")


def test_a_second_signal_while_the_checkpoint_is_written_spoils_nothing(
    small, config, tmp_path, monkeypatch
):
    run, torch_save = small("S0", "training.epochs=2"), torch.save

    def disturbed_save(state, file):
        for number in interrupts.STOP_SIGNALS:
            os.kill(os.getpid(), number)
        torch_save(state, file)
        os.kill(os.getpid(), signal.SIGTERM)

    expected = run_to_end(run, config, tmp_path / "whole")
    with monkeypatch.context() as patched:
        patched.setattr(torch, "save", disturbed_save)
        stop(run, config, tmp_path / "torn", Signals((1, 2)), "after step 2")
    os.kill(os.getpid(), signal.SIGTERM)  # the process is ending: nothing stops it any more
    state = last_state(tmp_path / "torn")
    assert (state["epoch"]["steps"], state["progress"]["step"]) == (2, 2)
    trained = run_to_end(run, config, tmp_path / "torn")
    require_equal(expected, trained, tmp_path / "whole", tmp_path / "torn")


@pytest.mark.rows
def test_a_checkpoint_of_an_earlier_version_goes_on(small, config, tmp_path):
    run, last = small("S7", "training.epochs=2"), tmp_path / "torn" / file_names.LAST_CHECKPOINT
    expected = run_to_end(run, config, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run_to_end(run, config, tmp_path / "torn", Log(stop_after=1))
    state = checkpoints.load_checkpoint(last)
    checkpoints.save_checkpoint({key: state[key] for key in keeping.STATE}, last)
    damage.set_aside(run, 7, tmp_path / "torn", config, pytest.fail)
    trained = run_to_end(run, config, tmp_path / "torn")
    require_equal(expected, trained, tmp_path / "whole", tmp_path / "torn")


def test_a_checkpoint_of_a_later_version_is_refused_and_stays(small, config, tmp_path):
    run, last = small("S0", "training.epochs=1"), tmp_path / file_names.LAST_CHECKPOINT
    run_to_end(run, config, tmp_path)
    checkpoints.save_checkpoint(checkpoints.load_checkpoint(last) | {"version": 3}, last)
    before = last.read_bytes()
    with raises_code("training.checkpoint-newer", "last.pt", "version 3", "up to 2"):
        damage.set_aside(run, 7, tmp_path, config, pytest.fail)
    with raises_code("training.checkpoint-newer"):
        run_to_end(run, config, tmp_path)
    assert last.read_bytes() == before


def test_a_loss_that_was_not_finite_before_the_stop_is_not_forgotten(
    small, config, tmp_path, monkeypatch
):
    monkeypatch.setattr(epoch, "CHECK_EVERY", 2)
    add = epoch.LossAverager.add_losses

    def poisoned(self, losses, step):
        add(self, losses | {"loss": losses["loss"] * float("nan")} if step == 1 else losses, step)
        if step == 1:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(epoch.LossAverager, "add_losses", poisoned)
    stop(small("S0"), config, tmp_path, Log(), "after step 1")
    with raises_code("training.not-finite", "at step 1"):
        run_to_end(small("S0"), config, tmp_path)


@pytest.mark.parametrize("world", [1, 2, 3, 4])
def test_a_step_learns_from_the_same_clips_on_any_number_of_devices(world):
    """Whole batches; the last one of an epoch repeats utterances so that all devices have some."""
    size, batch = 26, 12
    order = [index for _, index in EpochSampler(size, 7)]
    shares = [EpochSampler(size, 7, rank, world) for rank in range(world)]
    share = batch // world
    for used in (0, batch):
        for sampler in shares:
            sampler.used = used
        drawn = [[index for _, index in sampler] for sampler in shares]
        batches = [
            [index for part in drawn for index in part[start : start + share]]
            for start in range(0, len(drawn[0]), share)
        ]
        assert [sorted(part) for part in batches[:-1]] == [
            sorted(order[start : start + batch]) for start in range(used, 24, batch)
        ]
        assert {*batches[-1]} - {*order[:world]} == {*order[24:]} - {*order[:world]}
        assert len(shares[0]) == -(-size // world), "the steps of an epoch stay as many"


def test_only_what_noted_the_signals_is_stopped_by_them():
    with interrupts.note_stop_signals():
        assert not interrupts.is_stop_asked()
        os.kill(os.getpid(), signal.SIGTERM)
        assert interrupts.is_stop_asked()
        with pytest.raises(Stopped):
            interrupts.raise_if_stop_asked("here")
    assert not interrupts.is_stop_asked()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
