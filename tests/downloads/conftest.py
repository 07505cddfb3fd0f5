"""A server of files, and no pauses between tries."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.downloads import addresses

from .server import FileServer, run_server


@pytest.fixture
def server() -> Iterator[FileServer]:
    with run_server() as files:
        yield files


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "BACKOFF_S", 0)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
