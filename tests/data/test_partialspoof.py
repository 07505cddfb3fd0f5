"""The reader of PartialSpoof: what it returns, and each fault it must name."""

from __future__ import annotations

import shutil
from pathlib import Path

import layouts
import numpy as np
import pytest
from layouts import PARTIALSPOOF, protocol_file, replace, save_vectors, vector, write_lines

from bench.data.broken_corpus import BrokenCorpus
from bench.data.readers.partialspoof import read_split
from bench.data.subset import TABLE_COLUMNS, FrameVectors
from bench.errors import BenchError
from bench.specs.corpus import CorpusCard
from tests.errors import raises_code


def spoof_of(root: Path, card: CorpusCard, resolution_s: float | None) -> FrameVectors:
    timing = read_split(card, root, "train", resolution_s).timing
    assert isinstance(timing, FrameVectors)
    return timing


def test_reads_the_protocol_in_its_order(ps: Path, ps_card: CorpusCard):
    subset = read_split(ps_card, ps, "train", 0.16)
    assert subset.corpus == "partialspoof"
    assert subset.split == "train"
    assert tuple(subset.table.columns) == TABLE_COLUMNS
    assert subset.table["utterance"].tolist() == [name for name, _, _ in PARTIALSPOOF]
    assert subset.table["label"].tolist() == ["bonafide", "spoof", "spoof", "bonafide"]
    assert subset.table["speaker"].tolist() == ["LA_0079", "LA_0080", "LA_0079", "LA_0080"]
    assert subset.table["attack"].tolist() == ["", "CON", "CON", ""]
    assert subset.table["duration_s"].isna().all()
    assert all(subset.audio_path(i).is_file() for i in range(len(subset)))


@pytest.mark.parametrize("resolution", layouts.RESOLUTIONS)
def test_frame_vectors_are_true_where_any_sample_is_spoof(
    ps: Path, ps_card: CorpusCard, resolution: str
):
    timing = spoof_of(ps, ps_card, float(resolution))
    assert timing.resolution_s == float(resolution)
    for utterance, duration_s, spoofed in PARTIALSPOOF:
        expected = [label == "0" for label in vector(duration_s, spoofed, resolution)]
        assert timing.spoof[utterance].dtype == bool
        assert timing.spoof[utterance].tolist() == expected


def test_without_a_resolution_the_finest_there_is(ps: Path, ps_card: CorpusCard):
    assert spoof_of(ps, ps_card, None).resolution_s == 0.01
    (ps / "segment_labels/train_seglab_0.01.npy").unlink()
    assert spoof_of(ps, ps_card, None).resolution_s == 0.02


def test_an_unknown_resolution_lists_the_seven(ps: Path, ps_card: CorpusCard):
    with raises_code("labels.unknown-resolution", "0.05 s", "0.01, 0.02, 0.04, 0.08, 0.16, 0.32"):
        read_split(ps_card, ps, "train", 0.05)


def test_an_unknown_split_has_a_near_name(ps: Path, ps_card: CorpusCard):
    with pytest.raises(BenchError, match="no split 'evl'; did you mean 'eval'"):
        read_split(ps_card, ps, "evl", 0.16)


def test_names_every_missing_piece_and_its_download(ps: Path, ps_card: CorpusCard):
    shutil.rmtree(ps / "train")
    (ps / "segment_labels/train_seglab_0.16.npy").unlink()
    with pytest.raises(BrokenCorpus) as caught:
        read_split(ps_card, ps, "train", 0.16)
    text = str(caught.value)
    assert "train/con_wav is missing: it is in database_train.tar.gz (https://zenodo.org" in text
    assert "train_seglab_0.16.npy is missing: it is in database_segment_labels_v1.2.tar.gz" in text
    assert "trl.txt" not in text
    assert ps_card.place in text
    assert caught.value.subset is None


def test_a_root_one_level_off_is_said(ps: Path, ps_card: CorpusCard):
    with raises_code("corpus.wrong-folder", f"below {ps}: set corpora.partialspoof to it"):
        read_split(ps_card, ps.parent, "train", 0.16)
    with raises_code("corpus.wrong-folder", f"below {ps}: set corpora.partialspoof to it"):
        read_split(ps_card, ps / "train", "train", 0.16)


def test_malformed_lines_are_named_with_what_would_be_right(ps: Path, ps_card: CorpusCard):
    replace(protocol_file(ps, "train"), "LA_0080 CON_T_0000001 - CON spoof", "CON_T_0000001 spoof")
    with pytest.raises(BrokenCorpus) as caught:
        read_split(ps_card, ps, "train", 0.16)
    text = str(caught.value)
    assert "should be `speaker utterance - attack bonafide|spoof`" in text
    assert "PartialSpoof.LA.cm.train.trl.txt:2: 'CON_T_0000001 spoof'" in text
    assert caught.value.subset is not None
    assert len(caught.value.subset) == 3


def test_blank_lines_carriage_returns_and_a_byte_order_mark_do_no_harm(
    ps: Path, ps_card: CorpusCard
):
    protocol = protocol_file(ps, "train")
    expected = read_split(ps_card, ps, "train", 0.16).table
    protocol.write_bytes(b"\xef\xbb\xbf" + protocol.read_bytes().replace(b"\n", b"\r\n") + b"\r\n")
    assert read_split(ps_card, ps, "train", 0.16).table.equals(expected)


def test_unknown_labels_have_a_near_name(ps: Path, ps_card: CorpusCard):
    replace(protocol_file(ps, "train"), "- bonafide", "- bona-fide")
    with raises_code("protocol.unknown-label", "did you mean 'bonafide'? (2)"):
        read_split(ps_card, ps, "train", 0.16)


def test_duplicates_are_named(ps: Path, ps_card: CorpusCard):
    with protocol_file(ps, "train").open("a", encoding="utf-8") as file:
        file.write("LA_0079 CON_T_0000001 - CON spoof\n")
    with raises_code("protocol.repeated-utterance", "CON_T_0000001 (", "trl.txt:5)"):
        read_split(ps_card, ps, "train", 0.16)


def test_utterances_without_vector_and_vectors_without_utterance(ps: Path, ps_card: CorpusCard):
    replace(protocol_file(ps, "train"), "CON_T_0000002", "CON_T_0000009")
    with pytest.raises(BrokenCorpus) as caught:
        read_split(ps_card, ps, "train", 0.16)
    text = str(caught.value)
    assert "without a vector in segment_labels/train_seglab_0.16.npy: CON_T_0000009" in text
    assert "that the protocol has not: CON_T_0000002" in text
    assert caught.value.subset is not None
    timing = caught.value.subset.timing
    assert isinstance(timing, FrameVectors)
    assert caught.value.subset.table["utterance"].tolist() == list(timing.spoof)


def rewrite(root: Path, **changes: list[str]) -> None:
    vectors = {u: vector(s, spoofed, "0.16") for u, s, spoofed in PARTIALSPOOF}
    save_vectors(root / "segment_labels/train_seglab_0.16.npy", {**vectors, **changes})


def test_labels_other_than_0_and_1_are_refused(ps: Path, ps_card: CorpusCard):
    rewrite(ps, CON_T_0000001=["1", "2"], CON_T_0000002=["10", "0"])
    with pytest.raises(BrokenCorpus) as caught:
        read_split(ps_card, ps, "train", 0.16)
    assert "should be '1' (bona fide) or '0' (spoof) (2)" in str(caught.value)
    assert "CON_T_0000001: '2', CON_T_0000002: '10'" in str(caught.value)


def test_empty_vectors_are_refused(ps: Path, ps_card: CorpusCard):
    rewrite(ps, CON_T_0000001=[])
    with raises_code("labels.empty-vector", "train_seglab_0.16.npy: CON_T"):
        read_split(ps_card, ps, "train", 0.16)


def test_flipped_labels_are_refused_and_recognised(ps: Path, ps_card: CorpusCard):
    flip = {"0": "1", "1": "0"}
    vectors = {u: vector(s, spoofed, "0.16") for u, s, spoofed in PARTIALSPOOF}
    rewrite(ps, **{u: [flip[label] for label in labels] for u, labels in vectors.items()})
    with pytest.raises(
        BrokenCorpus, match=r"spoof labels, of 2 \(flipped labels would fit all"
    ) as c:
        read_split(ps_card, ps, "train", 0.16)
    assert "LA_T_0000001, LA_T_0000002" in str(c.value)


def test_a_single_wrong_bona_fide_vector_is_refused_but_is_no_flip(ps: Path, ps_card: CorpusCard):
    rewrite(ps, LA_T_0000002=["1", "0", "1", "1", "1", "1", "1"])
    with pytest.raises(BrokenCorpus, match=r"would not fit either\): LA_T_0000002"):
        read_split(ps_card, ps, "train", 0.16)


def test_a_spoof_utterance_without_spoof_frame_is_no_error_here(ps: Path, ps_card: CorpusCard):
    rewrite(ps, CON_T_0000002=["1", "1"])
    assert not spoof_of(ps, ps_card, 0.16).spoof["CON_T_0000002"].any()


def test_an_empty_protocol_is_an_error(ps: Path, ps_card: CorpusCard):
    write_lines(protocol_file(ps, "train"), [])
    with raises_code("protocol.empty"):
        read_split(ps_card, ps, "train", 0.16)


def test_a_protocol_that_is_no_text_is_an_error(ps: Path, ps_card: CorpusCard):
    protocol_file(ps, "train").write_bytes(b"\xff\xfe\x00binary")
    with raises_code("file.encoding", "trl.txt:1"):
        read_split(ps_card, ps, "train", 0.16)


@pytest.mark.rows
def test_reads_the_official_evaluation_protocol(
    official: Path, tmp_path: Path, ps_card: CorpusCard
):
    """71,237 real lines; its label vectors are made here, as the official ones are not at hand."""
    protocol = protocol_file(tmp_path, "eval")
    protocol.parent.mkdir(parents=True)
    published = official / "partialspoof/protocols" / protocol.name
    shutil.copyfile(published, protocol)
    (tmp_path / "eval/con_wav").mkdir(parents=True)
    ids = (official / "partialspoof/lists/eval.lst").read_text(encoding="utf-8").split()
    vectors = {u: ["1"] * 21 if u.startswith("LA_") else ["1"] * 20 + ["0"] for u in ids}
    save_vectors(tmp_path / "segment_labels/eval_seglab_0.16.npy", vectors)
    subset = read_split(ps_card, tmp_path, "eval", 0.16)
    expected = ps_card.splits["eval"]
    labels = subset.table["label"].value_counts()
    assert len(subset) == expected.utterances == 71_237
    assert labels["bonafide"] == expected.bonafide
    assert labels["spoof"] == expected.spoof
    bonafide = subset.table["label"] == "bonafide"
    assert (subset.table["utterance"].str.startswith("LA_E_") == bonafide).all()
    assert subset.table["speaker"].nunique() == 67
    timing = subset.timing
    assert isinstance(timing, FrameVectors)
    assert np.concatenate(list(timing.spoof.values())).sum() == expected.spoof


@pytest.mark.parametrize("split", ["train", "dev", "eval"])
def test_the_cards_counts_are_those_of_the_official_lists(
    official: Path, ps_card: CorpusCard, split: str
):
    ids = (official / f"partialspoof/lists/{split}.lst").read_text(encoding="utf-8").split()
    expected = ps_card.splits[split]
    assert expected.standing == "verified"
    assert len(ids) == len(set(ids)) == expected.utterances
    assert sum(name.startswith("LA_") for name in ids) == expected.bonafide
    assert sum(name.startswith("CON_") for name in ids) == expected.spoof
