"""What the first device's process says reaches the launcher while it goes on."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from torch.multiprocessing.spawn import ProcessRaisedException, start_processes

from bench._io import interrupts
from bench.config import Config
from bench.runner import local
from bench.runner.relay import ProgressSender, relay_progress
from bench.runner.request import RunRequest
from bench.tracking.store import Store
from bench.training import keeping
from tests.errors import raises_code
from tests.pieces_of_work import fail_on_device


class Heard:
    """Keeps what it is told; may raise."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.told: list[tuple[object, ...]] = []
        self.came = threading.Event()
        self.error = error

    def begin(self, name: str, epochs: int) -> None:
        self.told.append(("begin", name))

    def say(self, text: str) -> None:
        pass

    def on_step(self, epoch, step, steps, losses) -> None:
        self._keep("step", epoch, step, steps, losses)

    def on_epoch(self, epoch, figures) -> None:
        self._keep("epoch", epoch, figures)

    def on_score(self, evaluation, done, total) -> None:
        self._keep("score", evaluation, done, total)

    def _keep(self, *told: object) -> None:
        self.told.append(told)
        self.came.set()
        if self.error is not None:
            raise self.error


def test_all_is_told_in_order_and_while_it_happens():
    heard = Heard()
    with relay_progress(heard) as relay:
        sender = ProgressSender(relay.pipe)
        sender.on_step(1, 25, 50, {"loss": 0.5})
        assert heard.came.wait(10), "only told at the end"
        sender.on_epoch(1, {"dev.eer": 0.1})
        sender.on_score("had", 0, 6)
    assert heard.told == [
        ("step", 1, 25, 50, {"loss": 0.5}),
        ("epoch", 1, {"dev.eer": 0.1}),
        ("score", "had", 0, 6),
    ]


def test_what_the_observer_raises_is_raised_at_the_end_and_blocks_nobody():
    with (
        pytest.raises(OSError, match="no space"),
        relay_progress(Heard(OSError("no space"))) as relay,
    ):
        _say_much(ProgressSender(relay.pipe))
    with pytest.raises(ValueError, match="own"), relay_progress(Heard()):
        raise ValueError("own")


def _say_much(sender):
    for step in range(3000):  # more than a pipe holds
        sender.on_step(1, step, 3000, {"loss": 0.5})


@pytest.mark.rows
def test_the_process_of_a_device_that_fails_says_why_and_ends_at_once(tmp_path):
    with pytest.raises(ProcessRaisedException, match="ValueError: broken batch"):
        start_processes(fail_on_device, (tmp_path,), nprocs=1)
    assert not [*tmp_path.iterdir()], "the rest of Python's exit goes on"


@pytest.mark.slow
def test_a_stop_reaches_the_processes_of_all_devices(card, config: Config):
    class Stops(Heard):
        def on_epoch(self, epoch, figures) -> None:
            super().on_epoch(epoch, figures)
            interrupts.ask_stop()

    two = replace(config, devices=2)
    order = RunRequest(card, ["alone"], None, "smoke", ("training.epochs=100",))
    heard = Stops()
    with raises_code("run.stopped"), interrupts.note_stop_signals():
        list(local.run_jobs(order, two, Store(two), heard))
    assert ("epoch", 100) not in {said[:2] for said in heard.told}
    (run,) = Store(two).search_runs("test/stages", {"kind": "row"})
    assert run.info.status == "KILLED"
    (last,) = config.work.rglob("last.pt")
    state = keeping.read_state(last)
    assert len(state["epoch"]["processes"]) == 2


@pytest.mark.slow
def test_several_devices_tell_each_epoch_once(card, config: Config):
    two = replace(config, devices=2)
    heard = Heard()
    order = RunRequest(card, ["alone"], None, "smoke")
    (done,) = local.run_jobs(order, two, Store(two), heard)
    assert done.state == "finished", done.message
    epochs = order.resolve_runs()["alone"].training.epochs
    told = [of for of in heard.told if of[0] == "epoch"]
    assert [of[1] for of in told] == [*range(1, epochs + 1)]
    assert all({"train.loss", "dev.eer"} <= of[2].keys() for of in told)
    assert [of[1] for of in heard.told if of[0] == "score" and of[2] == 0] == ["asvspoof2019la"]
    assert ("step", 1) in {of[:2] for of in heard.told}
    (run,) = Store(two).search_runs("test/stages", {"kind": "row"})
    logged = Store(two).client.get_metric_history(run.info.run_id, "dev.eer")
    assert [point.step for point in logged] == [*range(1, epochs + 1)]
