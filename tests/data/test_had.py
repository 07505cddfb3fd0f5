"""The reader of HAD: spans, the nested folders of its copies, and each fault it must name."""

from __future__ import annotations

import shutil
from pathlib import Path

import layouts
import pytest
from layouts import replace

from bench.data.broken_corpus import BrokenCorpus
from bench.data.readers.protocol import read_split
from bench.data.subset import TABLE_COLUMNS, Span, Spans
from bench.specs.corpus import CorpusCard
from tests.errors import raises_code

LABELS = "HAD_train/HAD_train_label.txt"


@pytest.mark.parametrize("suffix", ["", ".wav"])
@pytest.mark.parametrize("nested", ["conbine", "train/conbine", "test/test", "."])
def test_reads_every_copys_layout(tmp_path: Path, had_card: CorpusCard, nested: str, suffix: str):
    root = layouts.had(tmp_path, nested=nested, suffix=suffix)
    subset = read_split(had_card, root, "train", None)
    assert tuple(subset.table.columns) == TABLE_COLUMNS
    assert subset.table["utterance"].tolist() == [line.split()[0] for line in layouts.HAD_LINES]
    assert subset.table["label"].tolist() == ["bonafide", "spoof", "spoof"]
    assert subset.table["duration_s"].tolist() == [1.26, 1.30, 1.10]
    assert (subset.table["attack"] == "").all()
    assert (subset.table["speaker"] == "").all()
    assert all(subset.audio_path(i).is_file() for i in range(3))
    assert isinstance(subset.timing, Spans)
    assert subset.timing.spans["HAD_train_fake_00000003"] == (
        Span(0.0, 0.4, "bonafide"),
        Span(0.4, 0.8, "spoof"),
        Span(0.8, 1.3, "bonafide"),
    )


def test_names_missing_pieces(had: Path, had_card: CorpusCard):
    (had / LABELS).unlink()
    with raises_code("corpus.file-missing", "HAD_train_label.txt is missing: it is in HAD.zip"):
        read_split(had_card, had, "train", None)
    with raises_code("corpus.file-missing", "HAD_dev/HAD_dev_label.txt"):
        read_split(had_card, had, "dev", None)


def test_says_when_the_inner_archive_is_still_packed(had: Path, had_card: CorpusCard):
    shutil.rmtree(had / "HAD_train/conbine")
    with pytest.raises(
        BrokenCorpus, match="no audio below HAD_train: is an archive within it still packed"
    ):
        read_split(had_card, had, "train", None)


def test_audio_that_is_there_twice_is_refused(had: Path, had_card: CorpusCard):
    layouts.had(had, nested="train/conbine")
    with pytest.raises(BrokenCorpus) as caught:
        read_split(had_card, had, "train", None)
    first = layouts.HAD_LINES[0].split()[0]
    assert "utterance with several audio files (3)" in str(caught.value)
    places = f"HAD_train/conbine/{first}.wav and HAD_train/train/conbine/{first}.wav"
    assert places in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("0.00-1.26-T 1", "0.00-1.26-T", r"malformed line, should be `utterance spans 1\|0`: .*:1"),
        ("0.00-1.26-T 1", "0.00-1.26-T 2", r"unknown label; known: 0, 1: .*:1: '2'"),
        ("0.40-0.80-F", "0.40-0.80-X", r"malformed span.*LABEL T or F`: .*:2: '0.40-0.80-X'"),
        ("0.40-0.80-F", "0.40-F", r"malformed span.*: .*:2: '0.40-F'"),
        ("0.40-0.80-F", "0.40-0.70-F", r"do not follow one another.*: HAD_train_label.txt:2"),
        ("0.40-0.80-F", "0.30-0.80-F", r"do not follow one another.*: HAD_train_label.txt:2"),
        ("0.40-0.80-F", "0.80-0.40-F", r"do not follow one another.*: HAD_train_label.txt:2"),
        ("0.00-0.40-T/", "", r"do not follow one another.*: HAD_train_label.txt:2"),
        ("0.00-1.26-T 1", "0.00-0.00-T 1", r"do not follow one another.*: HAD_train_label.txt:1"),
        ("fake_00000004", "fake_00000003", r"listed more than once: HAD_train_fake_00000003"),
        ("0.40-0.80-F", "0.40-0.80-T", r"spoof utterance without a spoof span: HAD_train_fake_.*3"),
    ],
)
def test_faults_are_named(had: Path, had_card: CorpusCard, old: str, new: str, said: str):
    replace(had / LABELS, old, new)
    with pytest.raises(BrokenCorpus, match=said) as caught:
        read_split(had_card, had, "train", None)
    assert len([p for p in caught.value.issues if p.severity == "error"]) == 1
    assert caught.value.subset is not None


@pytest.mark.parametrize(
    ("swap", "said"),
    [
        ({"T": "F", "F": "T"}, "flipped labels would fit all"),
        ({"1": "0", "0": "1"}, "flipped labels would not fit either"),
    ],
)
def test_inverted_codes_are_refused(
    had: Path, had_card: CorpusCard, swap: dict[str, str], said: str
):
    path = had / LABELS
    lines = path.read_text(encoding="utf-8").splitlines()
    if "T" in swap:
        table = str.maketrans(swap)
        lines = [f"{u} {s.translate(table)} {k}" for u, s, k in map(str.split, lines)]
    else:
        lines = [f"{u} {s} {swap[k]}" for u, s, k in map(str.split, lines)]
    layouts.write_lines(path, lines)
    with pytest.raises(BrokenCorpus, match=said):
        read_split(had_card, had, "train", None)


def test_a_gap_of_one_decimal_is_within_tolerance_and_an_empty_span_is_dropped(
    had: Path, had_card: CorpusCard
):
    replace(had / LABELS, "0.40-0.80-F/0.80", "0.40-0.80-F/0.80-0.80-T/0.81")
    timing = read_split(had_card, had, "train", None).timing
    assert isinstance(timing, Spans)
    spans = timing.spans["HAD_train_fake_00000003"]
    assert [span.start_s for span in spans] == [0.0, 0.4, 0.81]


def test_the_cards_counts_are_those_of_the_real_training_labels(shared: Path, had_card: CorpusCard):
    text = (shared / "protocols/had/HAD_train_utt_labels.txt").read_text(encoding="utf-8")
    keys = [line.split()[1] for line in text.splitlines()]
    expected = had_card.splits["train"]
    assert len(keys) == expected.utterances
    assert keys.count("1") == expected.bonafide
    assert keys.count("0") == expected.spoof


@pytest.mark.rows
def test_reads_all_real_training_ids(shared: Path, tmp_path: Path, had_card: CorpusCard):
    """The real ids and keys, `.wav` and all; spans are made here."""
    text = (shared / "protocols/had/HAD_train_utt_labels.txt").read_text(encoding="utf-8")
    spans = {"1": "0.00-3.04-T", "0": "0.00-1.26-T/1.26-2.12-F/2.12-3.04-T"}
    lines = [f"{u} {spans[key]} {key}" for u, key in map(str.split, text.splitlines())]
    layouts.write_lines(tmp_path / LABELS, lines)
    (tmp_path / "HAD_train/conbine").mkdir()
    (tmp_path / "HAD_train/conbine/HAD_train_fake_00000001.wav").touch()
    subset = read_split(had_card, tmp_path, "train", None)
    assert len(subset) == 53_093
    assert subset.table["path"].iloc[0] == "HAD_train/conbine/HAD_train_fake_00000001.wav"
    real = subset.table["utterance"].str.contains("_real_")
    assert (real == (subset.table["label"] == "bonafide")).all()
