"""Lines for a log: what stands in them, and when there is one. The clock is the test's."""

from __future__ import annotations

import logging
import sys
import warnings

import pytest

from bench.cli.display import Display
from bench.cli.progress_log import EVERY_S, ProgressLog, format_duration
from bench.cli.warning_lines import warning_lines
from tests.errors import raises_code

EPOCH = {"train.loss": 0.1123, "dev.eer": 0.039}


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def written() -> list[str]:
    return []


@pytest.fixture
def log(clock: Clock, written: list[str]) -> ProgressLog:
    return ProgressLog(written.append, clock, lambda: "12:04:31")


def epoch(log: ProgressLog, clock: Clock, number: int, seconds: float) -> None:
    clock.now += seconds
    log.on_step(number, 10, 10, {"loss": 0.1123})
    log.on_epoch(number, EPOCH)


def test_a_line_an_epoch_with_loss_result_and_time_left(log, clock, written):
    log.begin("S5 · seed 666", 50)
    epoch(log, clock, 1, 840)
    epoch(log, clock, 2, 600)
    assert written == [
        "12:04:31 S5 seed 666 begin, up to 50 epochs",
        "12:04:31 S5 seed 666 epoch 1/50 loss 0.112 dev EER 3.90 % 14 min, left 11.4 h",
        "12:04:31 S5 seed 666 epoch 2/50 loss 0.112 dev EER 3.90 % 10 min, left 9.6 h",
    ]


def test_the_last_epoch_leaves_no_time(log, clock, written):
    log.begin("S5 · seed 666", 1)
    epoch(log, clock, 1, 30)
    assert written[0].endswith("up to 1 epoch")
    assert written[-1].endswith("dev EER 3.90 % 30 s")


def test_epochs_of_an_earlier_process_are_neither_told_nor_counted(log, clock, written):
    log.begin("S5 · seed 666", 10)
    for number in (1, 2, 3):
        log.on_epoch(number, EPOCH)  # as the engine restores them, at once
    epoch(log, clock, 4, 600)
    assert [line.removeprefix("12:04:31 S5 seed 666 ") for line in written[1:]] == [
        "goes on after epoch 3/10",
        "epoch 4/10 loss 0.112 dev EER 3.90 % 10 min, left 1 h 0 min",
    ]


def test_a_second_row_begins_a_new_estimate(log, clock, written):
    log.begin("S0 · seed 666", 2)
    epoch(log, clock, 1, 6000)
    log.begin("S1 · seed 666", 3)
    epoch(log, clock, 1, 60)
    assert written[-1].endswith("1 min, left 2 min")


def test_within_a_long_epoch_there_is_a_line_every_few_minutes(log, clock, written):
    log.begin("S5 · seed 666", 2)
    for step in range(1, 11):
        clock.now += EVERY_S / 2
        log.on_step(1, step, 11, {"loss": 0.5})
    steps = [line for line in written if "step" in line]
    assert len(steps) == 5
    assert steps[0] == "12:04:31 S5 seed 666 epoch 1/2 step 2 of 11 loss 0.5"


def test_long_evaluations_say_how_far_they_are(log, clock, written):
    log.begin("S5 · seed 666", 2)
    for done in range(0, 4001, 500):
        log.on_score("llamapartialspoof", done, 4000)
        clock.now += 100
    log.on_score("had", 0, 1)
    assert [line.removeprefix("12:04:31 S5 seed 666 scoring ") for line in written[1:]] == [
        "llamapartialspoof: 4,000 utterances",
        "llamapartialspoof: 1,000 of 4,000, left 10 min",
        "llamapartialspoof: 2,000 of 4,000, left 7 min",
        "llamapartialspoof: 3,000 of 4,000, left 3 min",
        "had: 1 utterance",
    ]


def test_durations_are_short():
    values = (0.2, 59.4, 59.6, 3599, 3600, 17_999, 18_001)
    assert [*map(format_duration, values)] == [
        *("0 s", "59 s", "1 min", "1 h 0 min", "1 h 0 min", "5.0 h", "5.0 h"),
    ]


def test_the_log_is_appended_to_and_has_what_is_said_too(tmp_path, capsys):
    path = tmp_path / "run.log"
    path.write_text("before\n", encoding="utf-8")
    with Display("t", 1, path) as display:
        display.begin("S0 · seed 1", 2)
        display.say("one\ntwo\x1b[2J")
        at_once = path.read_text(encoding="utf-8")
        display.end("S0 · seed 1", "finished", "", "PS EER 3.47 % (paper 3.50)  (1 h 12 min)")
    assert at_once.startswith("before\n")
    assert "two\\u001b[2J\n" in at_once
    last = path.read_text(encoding="utf-8").splitlines()[-1]
    assert last.endswith("t  S0 · seed 1: finished  PS EER 3.47 % (paper 3.50)  (1 h 12 min)")
    said = capsys.readouterr().err
    assert said.splitlines() == path.read_text(encoding="utf-8").splitlines()[1:]


def test_a_log_that_cannot_be_written_is_a_mistake(tmp_path):
    with raises_code("file.unwritable") as error:
        Display("t", 1, tmp_path / "nowhere/x").__enter__()
    assert "nowhere/x" in str(error.value)


def test_a_warning_is_one_line_and_comes_once():
    said: list[str] = []
    logger = logging.getLogger("made.library")
    logger.addHandler(logging.StreamHandler(sys.stderr))
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        with warning_lines(said.append):
            for _ in range(3):
                warnings.warn("shapes\n  differ", stacklevel=1)
                logger.warning("slow: %s", "x")
            warnings.warn("other", RuntimeWarning, stacklevel=1)
    assert [line.partition(" (")[0] for line in said] == [
        "warning: shapes differ",
        "warning: made.library: slow: x",
        "warning: RuntimeWarning: other",
    ]
    assert all("\n" not in line for line in said)


def test_libraries_that_log_after_it_do_so_themselves(capsys):
    logger = logging.getLogger("made.other")
    logger.addHandler(logging.StreamHandler(sys.stderr))
    with warning_lines(lambda _: None):
        pass
    logger.warning("still heard")
    assert "still heard" in capsys.readouterr().err
