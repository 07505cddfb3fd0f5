"""Breaths of a CSV: what it may say, and every way of saying it wrongly."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.config import Config
from bench.errors import BenchError
from bench.models.breath import build_marker
from bench.models.breath.marks import Intervals
from bench.specs.breath.precomputed import Precomputed
from bench.specs.corpus import Audio
from tests.errors import raises_code
from tests.models.breath.made_breaths import subset

HEADER = "utterance,start_s,end_s\n"


def read(folder: Path, text: str, names: list[str], **settings: str) -> Intervals:
    path = folder / "breaths.csv"
    path.write_text(text, encoding="utf-8")
    spec = Precomputed(kind="precomputed", intervals="mine", **settings)
    config = Config(work=folder, weights={"mine": path})
    found = build_marker(subset(folder, names), spec, Audio(), config)
    assert isinstance(found, Intervals)
    return found


def test_intervals_are_the_utterances_own(tmp_path):
    lines = ["b,1.5,2", "c,0,9", '"a",0.25,0.5', "b,0.125,0.75", "n,,"]
    found = read(tmp_path, HEADER + "\n".join(lines), ["a", "n", "b"])
    assert found.row_intervals(0).tolist() == [[0.25, 0.5]]
    assert found.row_intervals(1).tolist() == []
    assert found.row_intervals(2).tolist() == [[0.125, 0.75], [1.5, 2]]
    marks = found.mark_hops(2, 0, 16_000, 16_000, "zeros")
    assert marks.tolist() == [0.125 <= (320 * i + 200) / 16_000 < 0.75 for i in range(49)]


def test_overlapping_intervals_become_one(tmp_path):
    found = read(tmp_path, HEADER + "a,1,2\na,0.5,1.25\na,2,3\na,4,5\na,4.25,4.5\n", ["a"])
    assert found.row_intervals(0).tolist() == [[0.5, 3], [4, 5]]


def test_an_utterance_that_the_file_lacks_is_an_error_unless_allowed(tmp_path):
    text = HEADER + "a,1,2\n"
    with pytest.raises(BenchError) as error:
        read(tmp_path, text, ["a", "b", "c"])
    assert str(error.value) == (
        f"{tmp_path}/breaths.csv: has no line for 2 of 3 utterances of own train, the first is b: "
        "should have a line `b,,` where it has no breath, or set breath.absent = 'no-breath'"
    )
    assert not len(read(tmp_path, text, ["a", "b"], absent="no-breath").row_intervals(1))


def test_a_line_that_is_no_interval_is_an_error_with_its_place(tmp_path, subtests):
    cases = [
        "a,1",
        "a,1,2,3",
        ",1,2",
        "a,one,2",
        "a,2,1",
        "a,1,1",
        "a,-1,2",
        "a,nan,2",
        "a,1,inf",
        "a,1,",
    ]
    for line in cases:
        with subtests.test(line=line):
            with raises_code("file.malformed") as error:
                read(tmp_path, f"{HEADER}a,1,2\n{line}\n", ["a"])
            assert "breaths.csv:3: " in str(error.value)


@pytest.mark.parametrize("text", ["", "a,1,2\n", "start_s,end_s,utterance\n"])
def test_a_file_without_its_header_is_an_error(tmp_path, text):
    with raises_code("file.malformed") as error:
        read(tmp_path, text, ["a"])
    assert "breaths.csv:1: " in str(error.value)


def test_what_is_no_text_is_an_error(tmp_path):
    path = tmp_path / "breaths.csv"
    path.write_bytes(b"utterance,start_s,end_s\na,0.5,\x80\n")
    config = Config(work=tmp_path, weights={"mine": path})
    spec = Precomputed(kind="precomputed", intervals="mine")
    with pytest.raises(BenchError, match=r"breaths\.csv:2: not in UTF-8"):
        build_marker(subset(tmp_path, ["a"]), spec, Audio(), config)


def test_a_missing_file_says_what_it_is_and_where_it_goes(tmp_path):
    spec = Precomputed(kind="precomputed", intervals="mine")
    with pytest.raises(BenchError) as error:
        build_marker(subset(tmp_path, ["a"]), spec, Audio(), Config(work=tmp_path))
    assert str(error.value).startswith(
        "weights mine are not configured: it is a CSV of utterance,start_s,end_s; add "
        '`mine = "/path/mine"` under [weights] in bench.toml'
    )
