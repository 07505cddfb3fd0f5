"""A file over HTTP is there whole and right, or not at all, whatever the server does."""

from __future__ import annotations

import hashlib
import sys
import threading
from pathlib import Path

import pytest

from bench._io import disk
from bench.downloads import addresses, http_files
from bench.downloads.http_files import DownloadStopped, download_file
from bench.specs.corpus import Download
from tests.errors import raises_code

from .server import FileServer

CONTENT = bytes(range(256)) * 40
MD5 = hashlib.md5(CONTENT).hexdigest()
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def fetch(item: Download, path: Path, stop: threading.Event | None = None) -> list[tuple]:
    reports: list[tuple] = []
    download_file(item, path, lambda *given: reports.append(given), stop or threading.Event())
    return reports


def item(url: str, **more: object) -> Download:
    return Download(file="a.zip", url=url, **more)


def is_alone(path: Path) -> bool:
    """Whether no part of the file is left beside it."""
    return [other.name for other in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("known", [{}, {"md5": MD5}, {"sha256": SHA256, "bytes": len(CONTENT)}])
def test_a_file_comes_whole_and_the_progress_is_told(server: FileServer, tmp_path: Path, known):
    path = tmp_path / "new" / "a.zip"
    reports = fetch(item(server.serve("a.zip", CONTENT), **known), path)
    assert path.read_bytes() == CONTENT
    assert is_alone(path)
    assert reports[-1] == ("checked" if known else "downloaded", len(CONTENT), len(CONTENT))


def test_a_connection_that_ends_early_is_continued_where_it_ended(server, tmp_path):
    path = tmp_path / "a.zip"
    url = server.serve("a.zip", CONTENT, cuts=[3000, 2000])
    fetch(item(url, md5=MD5), path)
    assert path.read_bytes() == CONTENT
    assert server.ranges_of("a.zip") == ["", "bytes=3000-", "bytes=5000-"]


def test_a_later_call_continues_what_an_earlier_one_left(server, tmp_path):
    path = tmp_path / "a.zip"
    url = server.serve("a.zip", CONTENT, cuts=[4000, *[0] * 9])
    with raises_code("download.interrupted", "4.0 kB are there", "goes on"):
        fetch(item(url), path)
    assert not path.exists()
    server.files["/a.zip"].cuts.clear()
    server.asked.clear()
    fetch(item(url), path)
    assert path.read_bytes() == CONTENT
    assert server.ranges_of("a.zip") == ["bytes=4000-"]


def test_another_version_on_the_server_begins_anew(server, tmp_path):
    path = tmp_path / "a.zip"
    url = server.serve("a.zip", b"old" * 3000, cuts=[4000, *[0] * 9])
    with raises_code("download.interrupted"):
        fetch(item(url), path)
    server.serve("a.zip", CONTENT, etag='"two"')
    fetch(item(url), path)
    assert path.read_bytes() == CONTENT


def test_a_server_without_ranges_begins_anew(server, tmp_path):
    path = tmp_path / "a.zip"
    url = server.serve("a.zip", CONTENT, ranges=False, cuts=[4000])
    fetch(item(url, md5=MD5), path)
    assert path.read_bytes() == CONTENT
    assert is_alone(path)


def test_a_part_that_was_damaged_on_the_disk_is_fetched_once_more(server, tmp_path):
    path = tmp_path / "a.zip"
    (tmp_path / "a.zip.part").write_bytes(b"x" * 500)
    fetch(item(server.serve("a.zip", CONTENT), md5=MD5), path)
    assert path.read_bytes() == CONTENT
    assert server.ranges_of("a.zip") == ["bytes=500-", ""]


def test_a_part_of_another_address_is_not_mixed_in_where_no_checksum_would_tell(server, tmp_path):
    path = tmp_path / "a.zip"
    (tmp_path / "a.zip.part").write_bytes(b"x" * 500)
    fetch(item(server.serve("a.zip", CONTENT)), path)
    assert path.read_bytes() == CONTENT


def test_a_part_that_is_whole_already_only_gets_its_name(server, tmp_path):
    path = tmp_path / "a.zip"
    (tmp_path / "a.zip.part").write_bytes(CONTENT)
    url = server.serve("a.zip", CONTENT)
    fetch(item(url, md5=MD5), path)
    assert path.read_bytes() == CONTENT
    assert server.ranges_of("a.zip") == [f"bytes={len(CONTENT)}-"]


@pytest.mark.parametrize("known", [{"md5": "0" * 32}, {"sha256": "0" * 64}], ids=["md5", "sha256"])
def test_a_wrong_checksum_is_refused_and_nothing_is_left(server, tmp_path, known):
    path = tmp_path / "a.zip"
    with raises_code("download.checksum", "the card says 000", "a.zip"):
        fetch(item(server.serve("a.zip", CONTENT), **known), path)
    assert list(tmp_path.iterdir()) == []


def test_another_size_than_the_cards_is_refused_before_the_file_comes(server, tmp_path):
    url = server.serve("a.zip", CONTENT)
    with raises_code("download.size", "10,240 bytes", "the card says 99"):
        fetch(item(url, bytes=99), tmp_path / "a.zip")
    assert list(tmp_path.iterdir()) == []


def test_without_a_length_the_end_of_the_answer_is_the_end_and_more_than_the_card_is_refused(
    server, tmp_path
):
    url = server.serve("a.zip", CONTENT, with_length=False)
    fetch(item(url), tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == CONTENT
    with raises_code("download.size", "more bytes come than the 99"):
        fetch(item(url, bytes=99), tmp_path / "b.zip")


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ({"statuses": [404]}, "download.not-found"),
        ({"statuses": [403]}, "download.refused"),
        ({"statuses": [401]}, "download.refused"),
        ({"statuses": [418]}, "download.failed"),
        ({"statuses": [503] * 9}, "download.failed"),
        ({"page": True}, "download.not-a-file"),
    ],
)
def test_a_server_that_gives_no_file_is_said(server, tmp_path, how, code):
    with raises_code(code, "a.zip"):
        fetch(item(server.serve("a.zip", CONTENT, **how)), tmp_path / "a.zip")
    assert not (tmp_path / "a.zip").exists()


def test_a_busy_server_is_asked_again(server, tmp_path):
    fetch(item(server.serve("a.zip", CONTENT, statuses=[503, 429])), tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == CONTENT


def test_redirects_are_followed_and_continued(server, tmp_path):
    server.serve("real.zip", CONTENT, cuts=[100])
    url = server.serve("a.zip", b"", redirect="/real.zip")
    fetch(item(url, md5=MD5), tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == CONTENT
    assert server.ranges_of("real.zip") == ["", "bytes=100-"]


def test_a_mirror_is_asked_where_the_first_address_fails_and_all_failures_are_said(
    server, tmp_path
):
    gone, mirror = f"{server.url}/gone.zip", server.serve("a.zip", CONTENT)
    fetch(item(gone, mirrors=[mirror], md5=MD5), tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == CONTENT
    with raises_code("download.not-found", "gone.zip", "also.zip"):
        fetch(item(gone, mirrors=[f"{server.url}/also.zip"]), tmp_path / "b.zip")


def test_no_server_is_said(tmp_path):
    with raises_code("download.interrupted", "no connection can be made"):
        fetch(item("http://127.0.0.1:1/a.zip"), tmp_path / "a.zip")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_is_the_systems_error_with_the_files_name(server, tmp_path):
    (tmp_path / "a.zip.part").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left on device") as caught:
        fetch(item(server.serve("a.zip", CONTENT), md5=MD5), tmp_path / "a.zip")
    assert caught.value.filename == str(tmp_path / "a.zip")


def test_too_little_room_is_said_before_the_file_comes(server, tmp_path, monkeypatch):
    monkeypatch.setattr(disk, "free_bytes", lambda path: 100)
    with raises_code("download.no-room", "10 kB are to come and 100 B are free"):
        fetch(item(server.serve("a.zip", CONTENT)), tmp_path / "a.zip")


def test_a_stop_ends_the_download_and_keeps_what_came(server, tmp_path, monkeypatch):
    monkeypatch.setattr(http_files, "_BLOCK", 1000)
    stop = threading.Event()
    url = server.serve("a.zip", CONTENT)
    with pytest.raises(DownloadStopped):
        download_file(item(url), tmp_path / "a.zip", lambda *_: stop.set(), stop)
    assert (tmp_path / "a.zip.part").stat().st_size == 1000


def test_sizes_are_asked_for(server):
    assert addresses.ask_size(server.serve("a.zip", CONTENT)) == len(CONTENT)
    assert addresses.ask_size(f"{server.url}/gone.zip") is None
    assert addresses.ask_size("http://127.0.0.1:1/a.zip") is None
    assert addresses.ask_size("hf://nonsense") is None


def test_files_of_hugging_face_come_by_its_library(server, tmp_path, monkeypatch):
    monkeypatch.setattr(
        pytest.importorskip("huggingface_hub.constants"),
        "HUGGINGFACE_CO_URL_TEMPLATE",
        server.url + "/{repo_id}/resolve/{revision}/{filename}",
    )
    monkeypatch.setenv("HF_TOKEN", "hf_mine")
    server.serve("own/model/resolve/abc/w.pt", b"", redirect="/cdn/w.pt")
    server.serve("cdn/w.pt", CONTENT)
    fetch(item("hf://own/model@abc/w.pt", sha256=SHA256), tmp_path / "w.pt")
    assert (tmp_path / "w.pt").read_bytes() == CONTENT
    assert server.headers[0]["Authorization"] == "Bearer hf_mine"
    server.serve("datasets/own/data/resolve/main/w.zip", CONTENT)
    fetch(item("hf://datasets/own/data/w.zip"), tmp_path / "w.zip")
    assert (tmp_path / "w.zip").read_bytes() == CONTENT
    with raises_code("download.bad-address", "hf://OWNER/NAME"):
        addresses.resolve_address("hf://model")
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with raises_code("package.missing", "huggingface_hub"):
        addresses.resolve_address("hf://own/model/w.pt")
