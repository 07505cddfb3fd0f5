"""Readers read changed files or refuse them; so do those that once failed a reader."""

from __future__ import annotations

import pytest

from bench.errors import BenchError
from tests.fuzz.engine import explain_failure, find_failures, found_files
from tests.fuzz.targets import TARGETS, Target

FEW = 25


@pytest.mark.parametrize("name", TARGETS)
def test_a_reader_reads_its_seeds(name, tmp_path):
    for number, seed in enumerate(TARGETS[name].seeds):
        path = tmp_path / str(number) / TARGETS[name].name
        path.parent.mkdir()
        path.write_bytes(seed)
        TARGETS[name].read(path)


@pytest.mark.parametrize("name", TARGETS)
def test_a_changed_file_is_read_or_refused(name):
    assert [failure for _, failure in find_failures(name, 60, FEW, 0)] == []


def test_files_that_once_failed_a_reader(subtests):
    for name, target in TARGETS.items():
        for path in found_files(name):
            with subtests.test(name=name, file=path.name):
                assert explain_failure(target, path.read_bytes()) == ""


def test_a_failure_is_found():
    def read(path):
        if len(path.read_bytes()) < 8:
            raise KeyError("too short")
        raise BenchError("file.invalid", "refused")

    assert explain_failure(Target(read, ()), b"long enough") == ""
    assert explain_failure(Target(read, ()), b"short").startswith("KeyError")
