"""Every source of breath marks keeps what `bench check` asks of an extension's."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import pytest

from bench.conformance.breaths import check_breath
from bench.models.breath.marks import Intervals
from bench.specs.breath import dsp, ones, random, zeros
from bench.specs.kinds import BreathSettings

SOUND = [
    dsp.Dsp(kind="dsp"),
    ones.Ones(kind="ones"),
    zeros.Zeros(kind="zeros"),
    random.Random(kind="random", share=0.3),
]


class Marks(NamedTuple):
    """Marks by a function of the clip."""

    function: object
    utterances: tuple[str, ...] = ()

    def mark_hops(self, index, start, heard, length, fill):
        hops = (length - 400) // 320 + 1
        return self.function(np.arange(hops) * 320 + 200, index, start, heard)


class Made(BreathSettings):
    """A detector whose marks a test gives."""

    kind: Literal["made"] = "made"
    marker: object

    def build(self, subset, audio, config, say):
        return self.marker


def of_times(*times: tuple[float, float]) -> Intervals:
    one = np.array(times, dtype=np.float32)
    return Intervals.from_utterances([one] * 3)


BROKEN = {
    "should be bool of shape": Marks(lambda at, *_: at * 1.0),
    "the zeros that fill up": Marks(lambda at, index, start, heard: at > 0),
    "where the clip is cut": Marks(lambda at, index, start, heard: (at < 3200) & (at < heard)),
    "depend on the others": Marks(lambda at, index, start, heard: (at < heard) & (index == 0)),
    "in order": of_times((0.5, 0.7), (0.1, 0.2)),
    "within it": of_times((0.5, 3.0)),
}


def test_the_suites_own_keep_the_contract(subtests: pytest.Subtests):
    for settings in SOUND:
        with subtests.test(kind=settings.kind):
            assert [str(issue) for issue in check_breath(settings)] == []


def test_what_is_broken_is_named(subtests: pytest.Subtests):
    for message, marker in BROKEN.items():
        with subtests.test(message=message):
            (issue,) = check_breath(Made(marker=marker))
            assert issue.code == "extension.breath-contract"
            assert message in str(issue)
    assert not [*check_breath(Made(marker=of_times((0.1, 0.2), (0.5, 0.7))))]
