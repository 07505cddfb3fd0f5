"""Several processes that share a study in a PostgreSQL server, which they open at once."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from bench.sweeps import storage
from bench.sweeps.study import Study
from tests.sweeps.conftest import CARD

WORKER = """
import sys, time
from pathlib import Path
from bench.cards import sweep_cards
from tests.sweeps.conftest import Formula, finish
from bench.sweeps import storage
from bench.sweeps.study import Study
card = sweep_cards.parse_sweep("made", Path(sys.argv[1]))["smoke"]
study = Study(card, "made", storage.open_storage(sys.argv[2], "made", Path("."), print), (3, 1))
finish(study, Formula(lambda claim: time.sleep(0.1)), 8)
"""


@pytest.fixture
def server() -> Iterator[str]:
    """A server of this test's own; initdb refuses root, so root lends it to another user."""
    if find_spec("psycopg") is None or shutil.which("initdb") is None:
        pytest.skip("psycopg or PostgreSQL's initdb is not installed")
    user = "nobody" if os.getuid() == 0 else None
    place = Path(tempfile.mkdtemp(dir="/tmp"))
    if user:
        os.chown(place, pwd.getpwnam(user).pw_uid, -1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def do(*command: str) -> None:
        out = subprocess.DEVNULL
        subprocess.run(command, check=True, user=user, cwd=place, stdout=out, stderr=out)

    data = str(place / "data")
    do("initdb", "-D", data, "-A", "trust", "-U", "bench")
    options = f"-p {port} -k {place} -c listen_addresses=127.0.0.1"
    do("pg_ctl", "-D", data, "-o", options, "-w", "-l", str(place / "log"), "start")
    try:
        yield f"postgresql://bench@127.0.0.1:{port}/postgres"
    finally:
        do("pg_ctl", "-D", data, "-m", "fast", "stop")
        shutil.rmtree(place)


@pytest.mark.slow
def test_processes_share_a_study_in_postgresql(parse, tmp_path, server):
    card = parse(CARD)
    command = [sys.executable, "-c", WORKER, str(tmp_path / "made.toml"), server]
    workers = [subprocess.Popen(command) for _ in range(3)]
    assert [worker.wait(timeout=120) for worker in workers] == [0, 0, 0]
    study = Study(card, "made", storage.open_storage(server, "made", tmp_path, print), (3, 1))
    trials = study.list_trials()
    assert [trial.number for trial in trials] == list(range(8))
    assert {trial.state.name for trial in trials} == {"COMPLETE"}
    assert len({str(trial.params) for trial in trials}) == 8
