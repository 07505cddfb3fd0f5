"""Archives are unpacked whole, and nothing in them reaches beyond their folder."""

from __future__ import annotations

import io
import stat
import tarfile
import threading
import zipfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bench._io import disk
from bench.downloads import archives
from bench.downloads.archives import unpack_archive, unpack_remote
from bench.downloads.http_files import DownloadStopped
from bench.downloads.range_files import open_remote
from tests.errors import raises_code

from .server import FileServer

FILES = {"LA/a.txt": b"one", "LA/flac/b.flac": b"two" * 1000}


def zipped(files: Mapping[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


def tarred(files: Mapping[str, bytes], mode: str = "w", *more: tarfile.TarInfo) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode=mode) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        for entry in more:
            archive.addfile(entry)
    return target.getvalue()


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, target
    return entry


def unpack(folder: Path, name: str, content: bytes, **how: object) -> dict[str, bytes]:
    """Unpack an archive into `folder/out`; return what is there then."""
    packed = folder / name
    packed.write_bytes(content)
    out = folder / "out"
    out.mkdir(exist_ok=True)
    unpack_archive(packed, out, lambda *_: None, threading.Event(), **how)
    return read_all(out)


def read_all(folder: Path) -> dict[str, bytes]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.zip", zipped(FILES)),
        ("a.tar", tarred(FILES)),
        ("a.tar.gz", tarred(FILES, "w:gz")),
        ("plain.tgz", tarred(FILES)),
    ],
)
def test_all_of_an_archive_arrives_beside_what_is_there(tmp_path, name, content):
    (tmp_path / "out/LA").mkdir(parents=True)
    (tmp_path / "out/LA/a.txt").write_bytes(b"older")
    (tmp_path / "out/LA/mine.txt").write_bytes(b"mine")
    assert unpack(tmp_path, name, content) == {**FILES, "LA/mine.txt": b"mine"}


def test_archives_within_are_unpacked_where_they_lie(tmp_path):
    outer = {"HAD/train/train.zip": zipped({"x/a.wav": b"a"}), "HAD/train/label.txt": b"l"}
    unpacked = unpack(tmp_path, "HAD.zip", zipped(outer), inner=["HAD/*/*.zip"])
    assert unpacked == {"HAD/train/x/a.wav": b"a", "HAD/train/label.txt": b"l"}


@pytest.mark.parametrize(("name", "content"), [("a.zip", zipped(FILES)), ("a.tar", tarred(FILES))])
def test_members_alone_can_be_taken(tmp_path, name, content):
    assert unpack(tmp_path, name, content, members=["LA/*.txt"]) == {"LA/a.txt": b"one"}
    with raises_code("archive.member-missing", "LA/*.csv"):
        unpack(tmp_path, name, content, members=["LA/*.csv"])


@pytest.mark.parametrize("member", ["../evil", "LA/../../evil", "/evil", "C:/evil", "..\\evil"])
@pytest.mark.parametrize("pack", [zipped, tarred])
def test_names_that_lead_out_of_the_folder_are_refused(tmp_path, member, pack):
    content = pack({"LA/a.txt": b"one", member: b"bad"})
    with raises_code("archive.unsafe", "evil"):
        unpack(tmp_path, "a.zip" if pack is zipped else "a.tar", content)
    assert read_all(tmp_path / "out") == {}
    assert not [*tmp_path.rglob("evil")]


@pytest.mark.parametrize(
    "entry",
    [
        special("LA/out", tarfile.SYMTYPE, "../../secret"),
        special("LA/out", tarfile.SYMTYPE, "/etc/passwd"),
        special("LA/out", tarfile.LNKTYPE, "../../secret"),
        special("LA/null", tarfile.CHRTYPE),
        special("LA/disk", tarfile.BLKTYPE),
        special("LA/pipe", tarfile.FIFOTYPE),
    ],
    ids=["link", "absolute link", "hard link", "character device", "block device", "pipe"],
)
def test_links_out_of_the_folder_and_devices_are_refused(tmp_path, entry):
    (tmp_path / "secret").write_text("secret")
    with raises_code("archive.unsafe", "a.tar"):
        unpack(tmp_path, "a.tar", tarred(FILES, "w", entry))
    assert read_all(tmp_path / "out") == {}


def test_a_file_behind_a_link_of_the_archive_is_refused(tmp_path):
    link = special("LA", tarfile.SYMTYPE, "..")
    with raises_code("archive.unsafe"):
        unpack(tmp_path, "a.tar", tarred({}, "w", link, special("LA/x", tarfile.REGTYPE)))


def test_links_within_the_folder_stay(tmp_path):
    link = special("LA/same.txt", tarfile.SYMTYPE, "a.txt")
    unpack(tmp_path, "a.tar", tarred(FILES, "w", link))
    assert (tmp_path / "out/LA/same.txt").read_bytes() == b"one"


def test_links_in_a_zip_archive_are_refused(tmp_path):
    entry = zipfile.ZipInfo("LA/link")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(entry, "/etc/passwd")
    with raises_code("archive.unsafe", "LA/link", "is a link"):
        unpack(tmp_path, "a.zip", target.getvalue())


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.zip", zipped({"zeros": bytes(2_000_000)})),
        ("a.tar.gz", tarred({"zeros": bytes(2_000_000)}, "w:gz")),
    ],
)
def test_an_archive_that_holds_too_much_is_refused(tmp_path, monkeypatch, name, content):
    assert len(content) < 20_000
    with raises_code("archive.too-large", "holds more than 1.0 MB"):
        unpack(tmp_path, name, content, limit=1_000_000)
    assert read_all(tmp_path / "out") == {}
    monkeypatch.setattr(disk, "free_bytes", lambda path: 1_000_000)
    with raises_code("download.no-room", "1.0 MB are free"):
        unpack(tmp_path, name, content)


def test_a_bomb_within_an_archive_counts_too(tmp_path):
    content = zipped({"a/in.zip": zipped({"zeros": bytes(2_000_000)})})
    with raises_code("archive.too-large", "in.zip"):
        unpack(tmp_path, "a.zip", content, inner=["a/*.zip"], limit=1_000_000)


def test_more_bytes_than_a_zip_archive_declares_are_refused(tmp_path):
    content = zipped({"zeros": bytes(2_000_000)})
    declared = (2_000_000).to_bytes(4, "little")
    forged = content.replace(declared, (10).to_bytes(4, "little"))
    assert forged != content
    with raises_code("archive.damaged"):
        unpack(tmp_path, "a.zip", forged, limit=1_000_000)
    assert read_all(tmp_path / "out") == {}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.zip", b"no zip"),
        ("a.tar", b"no tar" * 1000),
        ("a.tar.gz", tarred(FILES, "w:gz")[:-20]),
        ("a.zip", zipped(FILES)[:200]),
    ],
)
def test_damage_is_said_and_nothing_arrives(tmp_path, name, content):
    with raises_code("archive.damaged", name):
        unpack(tmp_path, name, content)
    assert read_all(tmp_path / "out") == {}


def test_a_stop_leaves_nothing(tmp_path):
    (tmp_path / "a.zip").write_bytes(zipped(FILES))
    stop = threading.Event()
    stop.set()
    with pytest.raises(DownloadStopped):
        unpack_archive(tmp_path / "a.zip", tmp_path / "out", lambda *_: None, stop)
    assert read_all(tmp_path / "out") == {}


def test_keys_are_read_out_of_an_archive_on_the_server(server: FileServer, tmp_path):
    audio = {f"LA/flac/{i}.flac": bytes(range(256)) * 2000 for i in range(5)}
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w") as archive:  # without compression, as audio does not shrink
        for name, content in {**audio, "LA/keys/k.txt": b"keys"}.items():
            archive.writestr(name, content)
    whole = len(stored.getvalue())
    url = server.serve("moved.zip", b"", redirect="/LA.zip")
    server.serve("LA.zip", stored.getvalue())
    with open_remote(url) as remote:
        unpack_remote(remote, "LA.zip", tmp_path / "out", ["LA/keys/*"], threading.Event())
    assert read_all(tmp_path / "out") == {"LA/keys/k.txt": b"keys"}
    pieces = [asked.removeprefix("bytes=").split("-") for asked in server.ranges_of("LA.zip")]
    assert sum(int(end) - int(start) + 1 for start, end in pieces) < whole / 2


def test_a_server_without_ranges_gives_no_keys(server: FileServer):
    url = server.serve("LA.zip", zipped(FILES), ranges=False)
    with raises_code("download.no-ranges", "without --keys-only"), open_remote(url):
        pass
    with raises_code("download.not-found"), open_remote(f"{server.url}/gone.zip"):
        pass


def test_a_piece_that_does_not_come_is_said(server: FileServer):
    content = bytes(3_000_000)
    url = server.serve("LA.zip", content)
    with open_remote(url) as remote:
        server.files["/LA.zip"].ranges = False
        with raises_code("download.interrupted", "LA.zip"):
            remote.read(10)


def test_names_of_archives():
    assert all(map(archives.is_archive, ("a.ZIP", "a.tar", "a.tgz", "a.tar.gz", "a.tar.xz")))
    assert not any(map(archives.is_archive, ("a.txt", "a.pt", "zip")))


def test_archives_that_arrive_together_may_hold_the_same_folder(tmp_path: Path):
    threads = 4
    for attempt in range(40):
        target, sources = tmp_path / f"target{attempt}", []
        for number in range(threads):
            source = tmp_path / f"source{attempt}-{number}"
            (source / "database" / "wav").mkdir(parents=True)
            (source / "database" / "wav" / f"{number}.wav").touch()
            sources.append(source)
        barrier = threading.Barrier(threads)

        def merge(source: Path, target: Path = target, barrier: threading.Barrier = barrier):
            barrier.wait()
            archives.merge_folders(source, target)

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(merge, sources))
        names = sorted(path.name for path in (target / "database" / "wav").iterdir())
        assert names == [f"{number}.wav" for number in range(threads)]
