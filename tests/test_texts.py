"""Text files of people: whatever an editor saved is read, or the line that cannot be is named."""

from __future__ import annotations

import pytest

from bench import config
from bench._io import text_files
from bench.cards import corpus_cards as corpora
from bench.cards import table_cards
from bench.errors import BenchError

TEXT = '# für den Rechner\nwork = "hier"\n'


def test_what_an_editor_saves_is_read(tmp_path, subtests):
    cases = {
        "utf-8": TEXT.encode("utf-8"),
        "mark": TEXT.encode("utf-8-sig"),
        "utf-16": TEXT.encode("utf-16"),
        "utf-16-be": b"\xfe\xff" + TEXT.encode("utf-16-be"),
        "windows": TEXT.replace("\n", "\r\n").encode("utf-16"),
        "mac": TEXT.replace("\n", "\r").encode(),
    }
    for name, data in cases.items():
        with subtests.test(name=name):
            path = tmp_path / "bench.toml"
            path.write_bytes(data)
            assert text_files.read_text(path) == TEXT
            assert config.read_config(path, {}).work == tmp_path / "hier"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a = 1\n# f\xfcr\n", r"x\.toml:2: not in UTF-8 \(near .*f.*r.*: save the file as UTF-8"),
        (TEXT.encode("utf-16")[:-1], r"x\.toml:2: not in UTF-8"),
        ("a = 1\nb = 2\n".encode("utf-16-le"), r"x\.toml:1: holds a zero byte"),
        (b"a = 1\nb = = 2\n", r"x\.toml: not TOML: .*line 2"),
    ],
    ids=["latin-1", "torn", "no mark", "toml"],
)
def test_what_cannot_be_read_is_named_with_its_line(data, message, tmp_path):
    path = tmp_path / "x.toml"
    path.write_bytes(data)
    for read in (
        text_files.read_toml,
        table_cards.read_card,
        corpora.parse_corpus_card,
        lambda path: config.read_config(path, {}),
    ):
        with pytest.raises(BenchError, match=message):
            read(path)


def test_what_is_no_file_is_named(tmp_path):
    with pytest.raises(BenchError, match=r"is a folder, should be a file"):
        text_files.read_text(tmp_path)
    with pytest.raises(BenchError, match=r"no\.toml: there is no such file"):
        text_files.read_text(tmp_path / "no.toml")
