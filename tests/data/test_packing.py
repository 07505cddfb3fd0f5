"""A packed corpus: the same labels, samples and fingerprints from a few large files."""

from __future__ import annotations

import multiprocessing
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import layouts
import numpy as np
import pytest
import soundfile

from bench._io import packed_files
from bench.cards.corpus_cards import read_corpus_card
from bench.data.audio import read_header, read_wave
from bench.data.check import check_corpus
from bench.data.fingerprint import audio_digest, compute_fingerprint
from bench.data.packing import pack_corpus
from bench.data.readers import find_reader
from bench.data.required_audio import find_changed, require_audio
from bench.data.subset import Subset
from bench.specs.corpus import Audio
from tests.errors import raises_code

LA = read_corpus_card("asvspoof2019la")
PS = read_corpus_card("partialspoof")


def silent(*_: object) -> None:
    pass


def read(root: Path, split: str = "eval") -> Subset:
    return find_reader(LA)(LA, root, split, None)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    root = layouts.asvspoof2019la(tmp_path / "LA")
    for number, path in enumerate(sorted(root.rglob("*.flac"))):
        wave = np.random.default_rng(number).uniform(-0.5, 0.5, 3000 + number)
        soundfile.write(path, wave, 16_000)
    (root / "LA.zip").write_bytes(b"a download")
    return root


@pytest.fixture
def packed(corpus: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "packed"
    done = pack_corpus(corpus, folder, (".flac",), silent, shard_bytes=20_000)
    assert done.files == len([*corpus.rglob("*.flac")])
    assert done.shards > 2
    return folder


def test_a_packed_corpus_is_the_corpus(corpus, packed, tmp_path):
    assert not [*packed.rglob("*.flac")]
    assert not (packed / "LA.zip").exists()
    for split in ("train", "dev", "eval"):
        own, there = read(corpus, split), read(packed, split)
        assert compute_fingerprint(own) == compute_fingerprint(there)
        assert audio_digest(own) == audio_digest(there)
        for row in range(len(own)):
            assert read_header(own.audio_path(row)) == read_header(there.audio_path(row))
            for part in ((0, None), (100, 700)):
                waves = [read_wave(of.audio_path(row), Audio(), *part) for of in (own, there)]
                np.testing.assert_array_equal(*waves)
    reports = [check_corpus(LA, root, "eval", silent, "smoke", 0) for root in (corpus, packed)]
    assert reports[0].counts == reports[1].counts
    assert reports[0].hours == reports[1].hours > 0
    assert reports[1].ok, reports[1].issues


def test_shards_are_tar_archives_of_the_same_bytes(corpus, packed, tmp_path):
    (tmp_path / "out").mkdir()
    for shard in packed.glob("packed-*.tar"):
        subprocess.run(["tar", "-xf", shard, "-C", tmp_path / "out"], check=True)
    for path in corpus.rglob("*.flac"):
        assert (tmp_path / "out" / path.relative_to(corpus)).read_bytes() == path.read_bytes()


def test_threads_and_forked_processes_read_the_same(packed):
    there = read(packed)
    paths = [there.audio_path(row) for row in range(len(there))] * 20
    expected = [read_wave(path, Audio()).sum() for path in paths]
    with ThreadPoolExecutor(8) as pool:
        assert [*pool.map(_sum_wave, paths)] == expected
    with multiprocessing.get_context("fork").Pool(3) as pool:
        assert pool.map(_sum_wave, paths, chunksize=2) == expected


def _sum_wave(path: Path) -> np.float32:
    return read_wave(path, Audio()).sum()


def test_a_damaged_shard_is_noticed(packed, tmp_path):
    there = read(packed)
    states = require_audio(there, LA.audio, tmp_path / "work", "paper")
    assert find_changed(there, states) == []
    path = there.audio_path(0)
    _, shard = _locate(path)
    content = bytearray(shard.read_bytes())
    begin = content.find(b"fLaC")
    whole = bytes(content)
    content[begin + 4000] ^= 1
    shard.write_bytes(content)
    assert find_changed(there, states)
    packed_files.forget_folders()
    with raises_code("corpus.audio-unusable", shard.name, "not as it was packed"):
        for split in ("train", "dev", "eval"):
            require_audio(read(packed, split), LA.audio, tmp_path / "work", "paper")
    shard.write_bytes(whole[: begin + 2000])
    with raises_code("corpus.audio-unusable", "not as it was packed"):
        for split in ("train", "dev", "eval"):
            require_audio(read(packed, split), LA.audio, tmp_path / "work", "paper")


def _locate(path: Path) -> tuple[int, Path]:
    """Return where a packed file is, by the archives themselves."""
    folder = next(folder for folder in path.parents if (folder / packed_files.INDEX).exists())
    name = path.relative_to(folder).as_posix().encode()
    found = [(s.read_bytes().find(name), s) for s in sorted(folder.glob("packed-*.tar"))]
    return next((place, shard) for place, shard in found if place >= 0)


def test_a_broken_index_and_a_second_packing_are_refused(corpus, packed, tmp_path):
    with raises_code("file.exists", "packed"):
        pack_corpus(corpus, packed, (".flac",), silent)
    with raises_code("file.exists", "is packed already"):
        pack_corpus(packed, tmp_path / "again", (".flac",), silent)
    with raises_code("file.missing", "no .ogg file"):
        pack_corpus(corpus, tmp_path / "ogg", (".ogg",), silent)
    assert not (tmp_path / "again").exists()
    (packed / packed_files.INDEX).write_bytes(b"")
    packed_files.forget_folders()
    with raises_code("file.packed-damaged", packed_files.INDEX):
        read(packed)


def test_a_corpus_of_frames_is_read_from_shards(ps, tmp_path):
    whole = find_reader(PS)(PS, ps, "train", 0.16)
    pack_corpus(ps, tmp_path / "packed", PS.audio.suffix, silent)
    there = find_reader(PS)(PS, tmp_path / "packed", "train", 0.16)
    assert compute_fingerprint(whole) == compute_fingerprint(there)
    assert audio_digest(whole) == audio_digest(there)
