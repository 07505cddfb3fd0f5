"""Measured speeds are kept in the work folder; a file that holds anything else holds nothing."""

from __future__ import annotations

import json

from bench.cards import table_cards
from bench.runner.measured_speed import FILE, Speed, read_speed

RUN = table_cards.resolve_row(table_cards.read_table("sal/table4"), "S0", "smoke")
SPEED = Speed(10.0, 20.0, {"partialspoof": 30.0}, "2026-11-29")


def test_a_speed_is_read_by_device_and_run(tmp_path):
    content = {"cpu": {RUN.signature: SPEED._asdict()}}
    (tmp_path / FILE).write_text(json.dumps(content), encoding="utf-8")
    assert read_speed(RUN, "cpu", tmp_path) == SPEED
    assert read_speed(RUN, "cuda", tmp_path) is None


def test_another_content_is_as_none(tmp_path, subtests):
    contents = ["", "[]", "{", '{"cpu": []}', f'{{"cpu": {{"{RUN.signature}": {{"clips": 1}}}}}}']
    for content in contents:
        with subtests.test(content=content):
            (tmp_path / FILE).write_text(content, encoding="utf-8")
            assert read_speed(RUN, "cpu", tmp_path) is None
    assert read_speed(RUN, "cpu", tmp_path / "nowhere") is None
