"""A file on a server, read piece by piece: members of an archive without the rest of it."""

from __future__ import annotations

import io
import re
from collections.abc import Generator
from contextlib import contextmanager
from typing import BinaryIO, cast

import requests

from bench.downloads import addresses
from bench.downloads.addresses import FileAddress
from bench.errors import BenchError

_BUFFER = 1 << 18
_TOTAL = re.compile(r"bytes \d+-\d+/(\d+)")


class RangeFile(io.RawIOBase):
    """Reads a file on a server by HTTP ranges."""

    def __init__(self, session: requests.Session, address: FileAddress) -> None:
        """Ask the server for the file's size; BenchError where it has no ranges."""
        super().__init__()
        self._session, self._address, self._at = session, address, 0
        response = self._ask(0, 1)
        match = _TOTAL.fullmatch(response.headers.get("Content-Range", ""))
        response.close()
        if response.status_code != 206 or match is None:
            raise BenchError(
                "download.no-ranges",
                f"{address.url}: this server gives only the whole file: get the corpus without "
                "--keys-only",
            )
        self._size = int(match[1])

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move to a position and return it."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: memoryview, /) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Fill a buffer from the position on; return how many bytes there were."""
        count = min(len(buffer), self._size - self._at)
        if count <= 0:
            return 0
        with self._ask(self._at, count) as response:
            if response.status_code != 206 or len(response.content) != count:
                raise BenchError(
                    "download.interrupted",
                    f"{self._address.url}: a piece of the file did not come: try it again",
                )
            buffer[:count] = response.content
        self._at += count
        return count

    def _ask(self, start: int, count: int) -> requests.Response:
        headers = {**self._address.headers, "Range": f"bytes={start}-{start + count - 1}"}
        try:
            response = self._session.get(
                self._address.url, headers=headers, stream=True, timeout=addresses.TIMEOUT_S
            )
        except requests.RequestException as error:
            raise BenchError(
                "download.interrupted",
                f"{self._address.url}: no connection can be made, or it ended early",
            ) from error
        try:
            addresses.check_status(response, self._address.url)
        except BenchError:
            response.close()
            raise
        return response


@contextmanager
def open_remote(url: str) -> Generator[BinaryIO]:
    """Yield a file on a server as one that can be read and searched. Raise BenchError."""
    with addresses.open_session() as session:
        raw = RangeFile(session, addresses.resolve_address(url))
        with io.BufferedReader(raw, _BUFFER) as file:
            yield cast("BinaryIO", file)
