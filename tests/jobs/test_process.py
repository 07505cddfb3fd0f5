"""Whether a process lives."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from bench.jobs import process


@pytest.fixture(params=["Linux", "macOS and Windows"], autouse=True)
def system(request, monkeypatch, tmp_path):
    """As a process is known where there is a /proc, and where there is none."""
    if request.param != "Linux":
        monkeypatch.setattr(process, "_PROC", tmp_path)


def test_this_process_lives_and_survives_being_written_down():
    here = process.this_process()
    assert process.parse_process(str(here)) == here
    assert process.is_alive(here)


def test_a_process_dies_and_is_not_mistaken_for_a_later_one_of_its_number():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    here = process.this_process()
    running = replace(here, pid=child.pid, started=process._started(child.pid) or "")
    assert process.is_alive(running)
    assert process.is_alive(replace(running, started=""))
    assert running.started
    assert not process.is_alive(replace(running, started="1"))
    child.kill()
    while process._started(child.pid) is not None:
        pass  # dead, but until `wait` a zombie, which is no living process either
    assert not process.is_alive(running)
    child.communicate()
    assert not process.is_alive(replace(running, started=""))


def test_nothing_is_known_of_other_machines():
    assert process.is_alive(process.Process("elsewhere.example", 1, "1"))
