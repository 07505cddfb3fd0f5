"""`bench profile` on a smoke row."""

from __future__ import annotations

import gzip
import json

import pytest

from bench.runner.step_profile import TRACE


@pytest.mark.slow
def test_a_row_is_profiled(bench, trials):
    printed = bench("profile", "table4", "--row", "S7", "--smoke", "--steps", "2", "--json")
    found = json.loads(printed.stdout)
    assert found["work"]["flops"] > 10**9
    assert {"losses", "gradients", "optimiser", "mixing"} <= {*found["parts"]}
    assert 0 < found["bound_s"] < found["step_s"]
    assert found["checkpoint_bytes"] > 10**6
    text = printed.stderr
    assert "a step as it is trained" in text
    place = text.rpartition("written: ")[2].partition(" and ")[0]
    with gzip.open(place.replace("profile.md", TRACE)) as trace:
        names = {event.get("name") for event in json.load(trace)["traceEvents"]}
    assert "aten::mm" in names or "aten::addmm" in names
