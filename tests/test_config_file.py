"""bench.toml is changed where a place is noted, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.config import Config, config_file, read_config
from tests.errors import raises_code

TEXT = """# ours
work = "w"   # big disk

[corpora]
# read only
PS = "/old/PS"
had = "/h"
"""


def write(file: Path, key: str, path: Path, *same: str) -> str:
    config_file.write_place(file, "corpora", key, path, lambda name: name in (key, *same))
    return file.read_text(encoding="utf-8")


def test_comments_and_all_else_stay(tmp_path):
    file = tmp_path / "bench.toml"
    file.write_text(TEXT, encoding="utf-8")
    text = write(file, "inthewild", tmp_path / "data/inthewild")
    assert text.startswith(TEXT.rstrip())
    assert text.rstrip().endswith('inthewild = "data/inthewild"')
    text = write(file, "partialspoof", Path("/new/PS"), "PS")
    assert 'PS = "/new/PS"' in text
    assert "partialspoof" not in text
    assert "# read only" in text


def test_a_file_is_made_and_read_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "bench.toml"
    write(file, "had", tmp_path / "data $1/had")
    config_file.write_place(file, "weights", "w", tmp_path / "w.pt", "w".__eq__)
    config = read_config()
    assert config.corpora["had"].resolve() == (tmp_path / "data $1/had").resolve()
    assert config.weights["w"].resolve() == (tmp_path / "w.pt").resolve()


def test_a_linked_file_stays_a_link_and_a_faulty_one_is_refused(tmp_path):
    real, link = tmp_path / "real.toml", tmp_path / "bench.toml"
    real.write_text("")
    link.symlink_to(real)
    write(link, "had", Path("/h"))
    assert link.is_symlink()
    assert "had" in real.read_text()
    for text in ("not TOML", 'corpora = "x"'):
        real.write_text(text)
        with raises_code("config.invalid", "bench.toml"):
            write(link, "had", Path("/h"))
        assert real.read_text() == text


@pytest.mark.parametrize(
    ("origins", "expected"), [({}, "project/bench.toml"), ({"work": "BENCH_WORK"}, "bench.toml")]
)
def test_a_new_file_does_not_move_the_work_folder(tmp_path, monkeypatch, origins, expected):
    monkeypatch.chdir(tmp_path)
    here = Config(work=tmp_path / "project/work", origins=origins)
    file = config_file.find_written_file(here, {})
    assert tmp_path / file == tmp_path / expected
    assert config_file.find_written_file(here, {"BENCH_CONFIG": "x.toml"}) == Path("x.toml")
    of_job = {"BENCH_CONFIG": "copy.toml", "BENCH_CONFIG_WRITTEN": "/lab/bench.toml"}
    assert config_file.find_written_file(here, of_job) == Path("/lab/bench.toml")
    (tmp_path / "bench.toml").touch()
    assert config_file.find_written_file(here, {}) == Path("bench.toml")
