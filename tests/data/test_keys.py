"""Keys without audio are found in every way that people have them, or refused with the reason."""

from __future__ import annotations

import errno
import gzip
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import layouts
import pytest
from layouts import write_lines

from bench.cards.corpus_cards import read_corpus_card
from bench.data.corpora import read_keys
from bench.data.file_search import find_beside, find_exact, find_file
from bench.data.fingerprint import compute_fingerprint
from bench.data.subset import FrameVectors, Spans
from bench.errors import BenchError
from tests.errors import raises_code


@pytest.fixture
def both(tmp_path: Path) -> Path:
    """Both corpora of 2021 in one folder, as their archives unpack."""
    layouts.asvspoof2021df(layouts.asvspoof2021la(tmp_path / "corpora"))
    shutil.rmtree(tmp_path / "corpora/ASVspoof2021_LA_eval")
    return tmp_path / "corpora"


@pytest.mark.parametrize(
    "place", ["", "keys", "keys/LA", "keys/LA/CM", "keys/LA/CM/trial_metadata.txt", ".."]
)
def test_2021_keys_in_all_the_ways(both: Path, place: str):
    subset = read_keys(read_corpus_card("21LA"), "eval", both / place)
    assert subset.table["utterance"].tolist() == ["LA_E_9332881", "LA_E_6866159"]
    df = read_keys(read_corpus_card("21DF"), "eval", both / place.replace("LA", "DF"))
    assert len(df) == 3


def test_the_list_of_another_corpus_or_of_speaker_verification_is_refused(both: Path):
    with pytest.raises(BenchError, match=r"holds no list of ASVspoof 2021 LA:\n- .*has 13 columns"):
        read_keys(read_corpus_card("21LA"), "eval", both / "keys/DF")
    with raises_code("protocol.other-form", "named LA_E_5013670-alaw-ita_tx, not LA_E_"):
        read_keys(read_corpus_card("21LA"), "eval", both / "keys/LA/ASV")
    with raises_code("file.missing"):
        read_keys(read_corpus_card("21LA"), "eval", both / "key")
    (both / "keys/LA/CM/trial_metadata.txt").unlink()
    with raises_code("protocol.other-form", "13 columns"):
        read_keys(read_corpus_card("21LA"), "eval", both)
    (both / "keys/DF/CM/trial_metadata.txt").unlink()
    (both / "keys/LA/ASV/trial_metadata.txt").unlink()
    with raises_code("protocol.missing", "trial_metadata.txt"):
        read_keys(read_corpus_card("21LA"), "eval", both)


def test_of_two_different_lists_equally_near_neither_is_taken(tmp_path: Path):
    for name in ("old", "new"):
        write_lines(tmp_path / name / "CM/trial_metadata.txt", layouts.LA21)
    assert (
        len(read_keys(read_corpus_card("21LA"), "eval", tmp_path)) == 2
    )  # two equal copies are one
    layouts.replace(tmp_path / "old/CM/trial_metadata.txt", "alaw", "ulaw")
    with pytest.raises(BenchError, match=r"new/CM/trial.* and .*old/CM/trial.* differ: name one"):
        read_keys(read_corpus_card("21LA"), "eval", tmp_path)
    shutil.move(tmp_path / "new", tmp_path / "LA")
    table = read_keys(read_corpus_card("21LA"), "eval", tmp_path).table
    assert table["codec"].tolist()[0] == "alaw"  # its last folders are the official ones


def test_19la_by_name_and_gzipped(tmp_path: Path):
    packed = tmp_path / "some/where/ASVspoof2019.LA.cm.eval.trl.txt.gz"
    packed.parent.mkdir(parents=True)
    packed.write_bytes(gzip.compress("\n".join(layouts.LA19["eval"]).encode()))
    assert len(read_keys(read_corpus_card("19LA"), "eval", tmp_path)) == 4
    assert len(read_keys(read_corpus_card("19LA"), "eval", packed)) == 4


def test_files_beside_the_list_are_found(both: Path, tmp_path: Path):
    la = read_corpus_card("21LA")
    expected = (both / "keys/LA/LA-C012-eval.npy").resolve()
    for place in ("", "keys/LA", "keys/LA/CM", "keys/LA/CM/trial_metadata.txt", "keys/LA/CM/.."):
        found = find_file(la, both / place, la.tdcf["eval"])
        assert found is not None
        assert found.resolve() == expected
    assert find_file(la, both, la.tdcf["hidden"]) is None
    nineteen = read_corpus_card("19LA")
    root = layouts.asvspoof2019la(tmp_path / "LA")
    protocols = root / "ASVspoof2019_LA_cm_protocols"
    assert find_file(nineteen, protocols, nineteen.tdcf["eval"]) is not None
    assert find_file(nineteen, root, nineteen.tdcf["dev"]) is None


def test_partialspoof_with_and_without_segment_labels(ps: Path):
    found = read_corpus_card("PS")
    whole = read_keys(found, "train", ps)
    shutil.rmtree(ps / "train")
    protocol = layouts.protocol_file(ps, "train")
    for place in (ps, ps.parent, protocol.parent, protocol):
        subset = read_keys(found, "train", place, 0.16)
        assert isinstance(subset.timing, FrameVectors)
        assert subset.timing.resolution_s == 0.16
        assert compute_fingerprint(read_keys(found, "train", place)) == compute_fingerprint(whole)
    shutil.rmtree(ps / "segment_labels")
    assert read_keys(found, "train", ps).timing is None
    with raises_code("protocol.missing", "segment_labels/train_seglab_0.16.npy"):
        read_keys(found, "train", ps, 0.16)


def test_had_and_llamapartialspoof(had: Path, lps: Path):
    shutil.rmtree(had / "HAD_train/conbine")
    labels = had / "HAD_train/HAD_train_label.txt"
    for place in (had, labels.parent, labels):
        subset = read_keys(read_corpus_card("HAD"), "train", place)
        assert isinstance(subset.timing, Spans)
        assert len(subset) == 3
    shutil.rmtree(lps / "R01TTS.0.a")
    shutil.rmtree(lps / "R01TTS.0.b")
    for place in (lps, lps.parent, lps / "label_R01TTS.0.b.txt"):
        assert len(read_keys(read_corpus_card("LPS"), "cut-paste", place)) == 4
    (lps / "label_R01TTS.0.b.txt").unlink()
    with raises_code("protocol.missing", "label_R01TTS.0.b.txt"):
        read_keys(read_corpus_card("LPS"), "cut-paste", lps)


def test_real_partialspoof_protocol(official: Path):
    table = read_keys(read_corpus_card("PS"), "eval", official / "partialspoof").table
    assert len(table) == read_corpus_card("PS").splits["eval"].utterances
    assert table["attack"].cat.categories.tolist() == ["", "CON"]


def test_folders_that_one_may_not_look_into_hold_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """As the homes of others beside one's own, on a machine that many share."""
    locked = tmp_path / "other"
    layouts.asvspoof2019la(locked / "LA")
    (tmp_path / "own").mkdir()
    scores = tmp_path / "own/scores.txt"
    scores.touch()
    stat, listdir = os.stat, os.listdir

    def refused(of: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any = ".", *rest: Any, **named: Any) -> Any:
            if isinstance(path, str | Path) and locked in Path(path).parents:
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
            return of(path, *rest, **named)

        return call

    monkeypatch.setattr(os, "stat", refused(stat))
    monkeypatch.setattr(os, "listdir", refused(listdir))
    with pytest.raises(PermissionError):
        (locked / "LA").is_file()
    assert find_beside(read_corpus_card("19LA"), "eval", scores) is None
    assert find_exact(locked, ["LA/ASVspoof2019_LA_cm_protocols"]) is None
    monkeypatch.undo()
    protocols = locked / "LA/ASVspoof2019_LA_cm_protocols"
    assert find_beside(read_corpus_card("19LA"), "eval", protocols / "scores.txt") == protocols
