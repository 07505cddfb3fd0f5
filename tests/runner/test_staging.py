"""Corpora are copied to the machine's own disk before rows run."""

from __future__ import annotations

import os
import shutil
import tarfile
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench.cli import configuration
from bench.config import Config, read_config
from bench.runner import staging
from tests.errors import raises_code

FILES = {"a.wav": b"audio", "eval/b.wav": b"more audio", "protocols/list.txt": b"a bonafide\n"}


def fill(folder: Path) -> Path:
    for name, content in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def read(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def needing(corpus: str, form: str = "paper"):
    """A run that needs a corpus."""
    return SimpleNamespace(form=form, earlier=None, data={"train": SimpleNamespace(corpus=corpus)})


@pytest.fixture
def config(tmp_path) -> Config:
    source = fill(tmp_path / "drive" / "HAD")
    return Config(
        corpora={"had": source}, stage=("had",), scratch=tmp_path / "local", work=tmp_path / "work"
    )


def test_a_corpus_is_copied_once_and_used_from_there(config: Config, monkeypatch, tmp_path):
    lines: list[str] = []
    staged = staging.stage_corpora([needing("had")], config, lines.append)
    copy = staged.corpora["had"]
    assert copy.is_relative_to(tmp_path / "local")
    assert staged.corpus_root("had", "paper") == copy
    assert read(copy) == FILES
    assert lines == [f"had: copying 3 files (26 B) from {config.corpora['had']} to {copy}"]
    monkeypatch.setattr(shutil, "copyfile", None)  # nothing is copied again
    assert staging.stage_corpora([needing("had")], config, lines.append) == staged
    assert len(lines) == 1
    assert [path for path in copy.parent.iterdir() if path != copy] == []


def test_only_what_the_rows_need_is_copied(config: Config, subtests):
    for case, run in {"another corpus": needing("asv"), "smoke": needing("had", "smoke")}.items():
        with subtests.test(case):
            assert staging.stage_corpora([run], config, print) is config


def test_what_several_nodes_read_together_stays_where_it_is(config: Config, monkeypatch):
    monkeypatch.setenv("SLURM_STEP_NUM_NODES", "2")
    lines: list[str] = []
    assert staging.stage_corpora([needing("had")], config, lines.append) is config
    assert "several nodes" in lines[0]


def test_a_copy_that_was_interrupted_goes_on(config: Config, monkeypatch):
    copied: list[str] = []
    copy_file = shutil.copyfile

    def copy_or_die(source: Path, target: Path) -> None:
        copied.append(source.name)
        if source.name == "b.wav" and len(copied) <= len(FILES):
            target.write_bytes(b"mo")
            raise KeyboardInterrupt
        copy_file(source, target)

    monkeypatch.setattr(shutil, "copyfile", copy_or_die)
    with pytest.raises(KeyboardInterrupt):
        staging.stage_corpora([needing("had")], config, print)
    copied += ["interrupted"] * len(FILES)
    copied.append("again:")
    staged = staging.stage_corpora([needing("had")], config, print)
    assert read(staged.corpora["had"]) == FILES
    assert "b.wav" in copied[copied.index("again:") :]
    assert copied[copied.index("again:") :].count("a.wav") <= 1


def test_a_changed_corpus_is_copied_anew(config: Config):
    copy = staging.stage_corpora([needing("had")], config, print).corpora["had"]
    source = config.corpora["had"]
    (source / "a.wav").write_bytes(b"longer audio")
    (source / "eval" / "b.wav").unlink()
    os.utime(source / "protocols" / "list.txt", (1, 1))
    lines: list[str] = []
    staging.stage_corpora([needing("had")], config, lines.append)
    assert read(copy) == {"a.wav": b"longer audio", "protocols/list.txt": b"a bonafide\n"}
    assert "copying 2 files" in lines[0]


def test_links_are_followed_and_circles_are_not(config: Config, tmp_path):
    source = config.corpora["had"]
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "c.wav").write_bytes(b"linked")
    (source / "linked").symlink_to(tmp_path / "elsewhere")
    (source / "eval" / "circle").symlink_to(source)
    copy = staging.stage_corpora([needing("had")], config, print).corpora["had"]
    assert read(copy) == {**FILES, "linked/c.wav": b"linked"}


def test_a_disk_that_is_too_small_is_refused_before_anything_is_copied(config: Config, monkeypatch):
    usage = namedtuple("usage", "total used free")(100, 80, 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with raises_code("stage.no-room", "had", "26 B", "20 B", "scratch"):
        staging.stage_corpora([needing("had")], config, print)
    assert [path for path in (config.scratch or Path()).rglob("*.wav")] == []


def test_a_copy_that_loses_files_is_refused(config: Config, monkeypatch):
    monkeypatch.setattr(staging, "_copy_file", lambda source, target: None)
    with raises_code("stage.incomplete", "3 of the 3 files of had"):
        staging.stage_corpora([needing("had")], config, print)


def test_processes_of_one_machine_copy_once(config: Config):
    lines: list[str] = []
    with ThreadPoolExecutor(4) as pool:
        running = [
            pool.submit(staging.stage_corpora, [needing("had")], config, lines.append)
            for _ in range(4)
        ]
        assert len({str(one.result().corpora["had"]) for one in running}) == 1
    assert sum("copying" in line for line in lines) == 1, lines


def test_packed_shards_are_unpacked(config: Config, tmp_path):
    source = config.corpora["had"]
    for number, names in enumerate([["a.wav"], ["eval/b.wav", "protocols/list.txt"]]):
        ending = ".tar" if number == 0 else ".tar.gz"
        with tarfile.open(f"{source}-{number:03d}{ending}", "w:gz" if number else "w") as packed:
            for name in names:
                packed.add(source / name, f"{source.name}/{name}")
    (source.parent / "HADES.tar").write_bytes(b"another corpus")
    shutil.rmtree(source)
    lines: list[str] = []
    copy = staging.stage_corpora([needing("had")], config, lines.append).corpora["had"]
    assert read(copy) == FILES
    assert len(lines) == 2
    staging.stage_corpora([needing("had")], config, lines.append)
    assert len(lines) == 2, "unpacked once"


def test_a_corpus_that_is_nowhere_is_named(config: Config):
    shutil.rmtree(config.corpora["had"])
    with raises_code("config.folder-missing", "corpora.had"):
        staging.stage_corpora([needing("had")], config, print)


def test_where_corpora_are_copied_to(config: Config, monkeypatch, tmp_path):
    assert staging.find_scratch(config) == tmp_path / "local"
    unset = replace(config, scratch=None)
    monkeypatch.setenv("SLURM_TMPDIR", str(tmp_path / "job"))
    assert staging.find_scratch(unset) == tmp_path / "job"
    monkeypatch.delenv("SLURM_TMPDIR")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / ".bench.01234567.part"))
    assert staging.find_scratch(unset) == tmp_path


def test_stage_is_a_key_of_file_and_environment(tmp_path, monkeypatch):
    file = tmp_path / "bench.toml"
    file.write_text('stage = ["HAD"]\nscratch = "local"\n')
    stated = read_config(file, {})
    assert (stated.stage, stated.scratch) == (("HAD",), tmp_path / "local")
    assert read_config(file, {"BENCH_STAGE": "had, partialspoof"}).stage == ("had", "partialspoof")
    monkeypatch.setenv("BENCH_CONFIG", str(file))
    assert configuration.load_configuration().stage == ("had",)
    file.write_text('stage = ["partialspof"]\n')
    with raises_code("config.invalid", "stage in", "partialspoof"):
        configuration.load_configuration()
