"""Locks exclude, say who holds them, and end with their holder."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys

import pytest

from bench._io import file_locks

HOLDER = """
import sys
from pathlib import Path
from bench._io import file_locks
with file_locks.hold_file(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


class Held(Exception):
    pass


def refuse(holder):
    raise Held(holder)


def test_the_lock_of_another_process_is_refused_or_waited_for(tmp_path):
    place = tmp_path / "lock"
    command = [sys.executable, "-c", HOLDER, str(place)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        who = f"process {holder.pid} on {socket.gethostname()}"
        with pytest.raises(Held, match=who), file_locks.hold_file(place, refuse):
            pass
        file_locks.require_lockable(place)  # it can be had, when its holder is done
        asked = []

        def kill(who):
            asked.append(who)
            os.kill(holder.pid, signal.SIGKILL)

        with file_locks.hold_file(place, kill):
            assert asked == [who]
            with pytest.raises(Held, match=str(os.getpid())), file_locks.hold_file(place, refuse):
                pass
        with file_locks.hold_file(place, refuse):
            pass


def test_a_lock_is_given_back_where_a_forked_process_has_its_file(tmp_path):
    """So have the processes that load audio."""
    with file_locks.hold_file(tmp_path / "lock"):
        child = os.fork()
        if child == 0:
            signal.pause()
    try:
        with file_locks.hold_file(tmp_path / "lock", refuse):
            pass
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_a_full_disk_keeps_no_holder_and_the_lock_holds(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with file_locks.hold_file(tmp_path / "lock", refuse):
            taken = file_locks.hold_file(tmp_path / "lock", refuse)
            with pytest.raises(Held, match="another process"), taken:
                pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_what_cannot_be_locked_says_so(tmp_path, monkeypatch):
    def lock_descriptor(handle, **how):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(file_locks, "lock_descriptor", lock_descriptor)
    with (tmp_path / "file").open("wb") as file:
        assert not file_locks.hold_handle(file.fileno())
    with pytest.raises(OSError, match="No locks"):
        file_locks.require_lockable(tmp_path / "lock")
    with pytest.raises(OSError, match="No locks"), file_locks.hold_file(tmp_path / "lock"):
        pass
