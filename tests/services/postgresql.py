"""A real PostgreSQL server of a test, which can be killed and started again."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest

from tests.tracking.serving import free_port

_DEBIAN = Path("/usr/lib/postgresql")
_SETTINGS = ("listen_addresses=127.0.0.1", "fsync=off", "full_page_writes=off")
"""It waits for no disk: what the kernel has, a kill does not lose. Commits are not postponed."""


def _find_program(name: str) -> str | None:
    """Return a program of PostgreSQL; Debian keeps those of each version in a folder."""
    return shutil.which(name) or next(
        (str(path) for path in sorted(_DEBIAN.glob(f"*/bin/{name}"), reverse=True)), None
    )


class PostgreSQL:
    """A server of one user, on this machine alone.

    It refuses to run as root: root lends it to another user.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._data = folder, folder / "data"
        self._user = "nobody" if os.getuid() == 0 else None
        if self._user:
            os.chown(folder, pwd.getpwnam(self._user).pw_uid, -1)
        self.port = free_port()
        self.uri = self.database_uri("postgres")
        settings = " ".join(f"-c {setting}" for setting in _SETTINGS)
        self._options = f"-p {self.port} -k {folder} {settings}"
        self._run("initdb", "-D", str(self._data), "-A", "trust", "-U", "bench", "--no-sync")

    def _run(self, name: str, *arguments: str) -> None:
        program, out = _find_program(name), subprocess.DEVNULL
        assert program is not None
        command = [program, *arguments]
        subprocess.run(
            command, check=True, user=self._user, cwd=self._folder, stdout=out, stderr=out
        )

    def database_uri(self, name: str) -> str:
        """Return the address of one of its databases."""
        return f"postgresql://bench@127.0.0.1:{self.port}/{name}"

    def create_database(self, name: str) -> str:
        """Make a database and return its address."""
        import psycopg

        with psycopg.connect(self.uri, autocommit=True) as connection:
            connection.execute(f"create database {name}".encode())
        return self.database_uri(name)

    def start(self) -> None:
        """Start it and wait until it answers."""
        log = str(self._folder / "log")
        self._run("pg_ctl", "-D", str(self._data), "-o", self._options, "-w", "-l", log, "start")

    def stop(self, how: str = "fast") -> None:
        """Stop it: `fast` in order, `immediate` as a crash."""
        self._run("pg_ctl", "-D", str(self._data), "-m", how, "-w", "stop")

    def kill(self) -> None:
        """Kill all its processes, as a power cut does."""
        server = psutil.Process(int((self._data / "postmaster.pid").read_text().split()[0]))
        processes = [server, *server.children(recursive=True)]
        for process in processes:
            process.kill()
        psutil.wait_procs(processes, timeout=10)

    def is_running(self) -> bool:
        """Return whether it runs."""
        try:
            pid = int((self._data / "postmaster.pid").read_text().split()[0])
        except FileNotFoundError:
            return False
        return psutil.pid_exists(pid)


@contextmanager
def run_postgresql() -> Generator[PostgreSQL]:
    """Give a running server; the test is skipped where it is not installed."""
    missing = [name for name in ("initdb", "pg_ctl") if _find_program(name) is None]
    missing += [] if find_spec("psycopg") else ["psycopg"]
    if missing:
        pytest.skip(f"{' and '.join(missing)} of PostgreSQL not installed: see .ci/services")
    folder = Path(tempfile.mkdtemp(dir="/tmp"))  # the path of a socket may not be long
    try:
        server = PostgreSQL(folder)
        server.start()
        try:
            yield server
        finally:
            if server.is_running():
                server.stop("immediate")
    finally:
        shutil.rmtree(folder)
