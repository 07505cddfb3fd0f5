"""One file over HTTP: resumed where it ended, checked, and there whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import requests
from urllib3.exceptions import HTTPError

from bench._io import atomic_files, disk, machine
from bench.downloads import addresses
from bench.downloads.addresses import FileAddress
from bench.errors import BenchError
from bench.specs.corpus import Download

Report = Callable[[str, int, int | None], None]
"""Gets what is done (`downloaded`, `checked`, `unpacked`), the bytes done and those of all."""
_BLOCK = 1 << 20
_TRIES = 5
"""So often a connection may break before a byte came; the count begins anew with each byte."""
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


class DownloadStopped(Exception):
    """Someone asked all downloads to stop."""


@dataclass
class PartFile:
    """What is there of a file, and of which file of which server it is."""

    path: Path
    """The whole file's."""

    @property
    def part(self) -> Path:
        """The file that grows."""
        return self.path.with_name(f"{self.path.name}.part")

    @property
    def note(self) -> Path:
        """The file that says where the part is from."""
        return self.path.with_name(f"{self.path.name}.part.json")

    @property
    def size(self) -> int:
        """Bytes that are there."""
        return self.part.stat().st_size if self.part.is_file() else 0

    def read_validator(self, url: str, *, any_server: bool) -> str | None:
        """Return what the server can tell by whether it has still the same file.

        "" where nothing is known; None where the part is of another address, and `any_server` does
        not say that a checksum will tell.
        """
        try:
            note = json.loads(self.note.read_text(encoding="utf-8"))
            same, validator = note["url"] == url, str(note["validator"])
        except (OSError, ValueError, KeyError, TypeError):
            same, validator = False, ""
        if same:
            return validator
        return "" if any_server else None

    def write_note(self, url: str, response: requests.Response) -> None:
        """Note where the part is from."""
        etag = response.headers.get("ETag", "")
        validator = etag or response.headers.get("Last-Modified", "")
        content = {"url": url, "validator": "" if etag.startswith("W/") else validator}
        atomic_files.write_text(self.note, json.dumps(content))

    def remove(self) -> None:
        """Remove what is there."""
        self.part.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)

    def finish(self) -> None:
        """Give the part its name; it is on the disk then."""
        with self.part.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(self.part, self.path)
        self.note.unlink(missing_ok=True)


def download_file(item: Download, path: Path, report: Report, stop: threading.Event) -> None:
    """Fetch an official file to `path`, from its address or else from a mirror.

    What an earlier call left is continued, where the server can. Size and checksums are compared
    before the file gets its name. Raise BenchError, which names every address that was tried,
    DownloadStopped, or OSError as the disk gives it.
    """
    part, failures = PartFile(path), list[BenchError]()
    path.parent.mkdir(parents=True, exist_ok=True)
    for url in (item.url, *item.mirrors):
        try:
            address = addresses.resolve_address(url)
            _download_from(address, item, part, report, stop)
            part.finish()
            return
        except BenchError as error:
            failures.append(error)
    raise BenchError(failures[0].code, "\n".join(map(str, failures)))


def _download_from(
    address: FileAddress, item: Download, part: PartFile, report: Report, stop: threading.Event
) -> None:
    """Fetch a file from one address and check it; a resumed one that is wrong once more, whole."""
    resumed = part.size > 0
    _fetch_whole(address, item, part, report, stop)
    wrong = find_difference(item, part.part, report, stop)
    if wrong and resumed:
        part.remove()
        _fetch_whole(address, item, part, report, stop)
        wrong = find_difference(item, part.part, report, stop)
    if wrong:
        part.remove()
        raise BenchError(
            "download.checksum",
            f"{address.url}: {wrong}: the file was damaged on the way, or replaced there",
        )


def _fetch_whole(
    address: FileAddress, item: Download, part: PartFile, report: Report, stop: threading.Event
) -> None:
    """Fetch until all is there, over as many connections as it takes."""
    failed = 0
    with addresses.open_session() as session:
        while True:
            before, cause = part.size, "the connection ended early"
            try:
                if _fetch_piece(session, address, item, part, report, stop):
                    return
            except (requests.RequestException, HTTPError) as error:
                cause = _describe_cause(error)
            failed = 1 if part.size > before else failed + 1
            if failed >= _TRIES:
                raise BenchError(
                    "download.interrupted",
                    f"{address.url}: {cause}; {disk.human_bytes(part.size)} are there, and the "
                    "same command goes on from them",
                )
            if stop.wait(addresses.BACKOFF_S * 2**failed):
                raise DownloadStopped


def _fetch_piece(
    session: requests.Session,
    address: FileAddress,
    item: Download,
    part: PartFile,
    report: Report,
    stop: threading.Event,
) -> bool:
    """Fetch over one connection; return whether all is there."""
    if item.bytes is not None and part.size == item.bytes:
        return True
    has_digest = bool(item.md5 or item.sha256)
    validator = part.read_validator(address.url, any_server=has_digest)
    if validator is None or (item.bytes is not None and part.size > item.bytes):
        part.remove()
    headers = dict(address.headers)
    if part.size:
        headers["Range"] = f"bytes={part.size}-"
        if validator:
            headers["If-Range"] = validator
    with session.get(
        address.url, headers=headers, stream=True, timeout=addresses.TIMEOUT_S
    ) as response:
        if response.status_code == 416:  # the server has no more than what is here, or another file
            total = re.fullmatch(r"bytes \*/(\d+)", response.headers.get("Content-Range", ""))
            if total and int(total[1]) == part.size:
                return True
            part.remove()
            return False
        addresses.check_status(response, address.url)
        start, total = _read_range(response)
        if start not in (0, part.size):
            part.remove()
            return False
        if item.bytes is not None and total is not None and total != item.bytes:
            part.remove()
            raise BenchError(
                "download.size",
                f"{address.url}: has {total:,} bytes, and the card says {item.bytes:,}: the file "
                "was replaced there",
            )
        missing = 0 if total is None else total - start
        if (shortage := disk.free_bytes(part.path)) < missing:
            raise BenchError(
                "download.no-room",
                f"{part.path}: {disk.human_bytes(missing)} are to come and "
                f"{disk.human_bytes(shortage)} are free: make room, or name another place: "
                "--output-dir",
            )
        part.write_note(address.url, response)
        with (
            machine.name_path(part.path, part.part),
            part.part.open("r+b" if start else "wb") as file,
        ):
            file.seek(start)
            done = _copy_body(response, file, item, total, report, stop)
    # Without a length the end of the answer is the end of the file.
    return total is None or done == total


def _read_range(response: requests.Response) -> tuple[int, int | None]:
    """Return where the body begins in the file, and how many bytes the file has if that is said."""
    match = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if response.status_code == 206 and match:
        return int(match[1]), None if match[2] == "*" else int(match[2])
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if length.isdecimal() else None


def _copy_body(
    response: requests.Response,
    file: BinaryIO,
    item: Download,
    total: int | None,
    report: Report,
    stop: threading.Event,
) -> int:
    """Write a body to a file; return how long the file then is."""
    most = total if total is not None else item.bytes
    done = file.tell()
    # Not `iter_content`, which drops what came before a connection broke.
    while block := response.raw.read1(_BLOCK):
        if stop.is_set():
            raise DownloadStopped
        if most is not None and done + len(block) > most:
            raise BenchError(
                "download.size", f"{response.url}: more bytes come than the {most:,} announced"
            )
        file.write(block)
        done += len(block)
        report("downloaded", done, total or item.size)
    file.truncate()
    return done


def find_difference(
    item: Download, path: Path, report: Report, stop: threading.Event
) -> str | None:
    """Return how the file differs from what the card says of it; None where it does not."""
    size = path.stat().st_size
    if item.bytes is not None and size != item.bytes:
        return f"it has {size:,} bytes, and the card says {item.bytes:,}"
    expected = {"md5": item.md5, "sha256": item.sha256}
    sums = {
        name: hashlib.new(name, usedforsecurity=False) for name, text in expected.items() if text
    }
    if not sums:
        return None
    done = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            if stop.is_set():
                raise DownloadStopped
            for digest in sums.values():
                digest.update(block)
            done += len(block)
            report("checked", done, size)
    for name, digest in sums.items():
        if digest.hexdigest() != expected[name]:
            return f"its {name} is {digest.hexdigest()}, and the card says {expected[name]}"
    return None


def _describe_cause(error: Exception) -> str:
    """Return in a few words why a server gave nothing."""
    if isinstance(error, requests.Timeout | TimeoutError):
        return "the server does not answer in time"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is not trusted here"
    text = str(error)
    if "NameResolution" in text:
        return "its name is not known: is there a connection to the internet?"
    if "Connection refused" in text or "NewConnectionError" in text:
        return "no connection can be made"
    return "the connection ended early"
