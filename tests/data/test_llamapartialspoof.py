"""The reader of LlamaPartialSpoof: what each split holds, and each fault it must name."""

from __future__ import annotations

import shutil
from pathlib import Path

import layouts
import pytest
from layouts import replace

from bench.data.broken_corpus import BrokenCorpus
from bench.data.readers.llamapartialspoof import read_split
from bench.data.subset import TABLE_COLUMNS, Span, Spans
from bench.errors import BenchError
from bench.specs.corpus import CorpusCard, Split
from tests.errors import raises_code

A, B = "label_R01TTS.0.a.txt", "label_R01TTS.0.b.txt"


@pytest.mark.parametrize(
    ("split", "kind", "part"),
    [
        ("crossfade", "partial-cf", "R01TTS.0.a"),
        ("cut-paste", "partial-cp", "R01TTS.0.b"),
        ("overlap-add", "partial-oa", "R01TTS.0.b"),
    ],
)
def test_a_split_is_bona_fide_full_and_one_kind(
    lps: Path, lps_card: CorpusCard, split: str, kind: str, part: str
):
    table = read_split(lps_card, lps, split, None).table
    assert tuple(table.columns) == (*TABLE_COLUMNS, "kind", "subset")
    assert table["kind"].tolist() == ["bonafide", "bonafide", "full", kind]
    assert table["label"].tolist() == ["bonafide", "bonafide", "spoof", "spoof"]
    assert table["subset"].tolist() == ["dev-clean", "test-clean", "dev01", "dev01"]
    assert table["speaker"].tolist() == ["1272", "61", "1272", "1272"]
    assert table["attack"].tolist()[:3] == ["", "", "cosyvoice"]
    folders = table["path"].str.partition("/")[0].tolist()
    assert folders == ["R01TTS.0.a"] * 3 + [part]


def test_spans_durations_and_paths(lps: Path, lps_card: CorpusCard):
    subset = read_split(lps_card, lps, "crossfade", None)
    utterance = f"dev01-yourtts-partial-cf_{layouts.TAIL}"
    assert isinstance(subset.timing, Spans)
    assert subset.timing.spans[utterance] == (
        Span(0.0, 0.38, "bonafide"),
        Span(0.38, 1.3, "spoof"),
    )
    assert set(subset.timing.spans) == set(subset.table["utterance"])
    assert subset.table["duration_s"].tolist() == [1.2, 0.9, 1.1, 1.3]
    assert all(subset.audio_path(i).is_file() for i in range(len(subset)))


def test_crossfade_needs_no_second_part(lps: Path, lps_card: CorpusCard):
    shutil.rmtree(lps / "R01TTS.0.b")
    (lps / B).unlink()
    assert len(read_split(lps_card, lps, "crossfade", None)) == 4
    with pytest.raises(BrokenCorpus) as caught:
        read_split(lps_card, lps, "overlap-add", None)
    assert "R01TTS.0.b is missing: it is in R01TTS.0.b.tgz (https" in str(caught.value)
    assert f"{B} is missing: it is in {B} (https" in str(caught.value)
    assert "0.a" not in str(caught.value).replace(lps_card.place, "")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("-partial-cf_", "-partial-xx_", r"malformed line, should be `SUBSET.*txt:4"),
        ("_1272_128104_000005_000014 1.2000", "_1272 1.2000", r"malformed line.*txt:1"),
        (" 0.9000 bonafide 0", " 0.9000 bona-fide 0", r"did you mean 'bonafide'\?: .*:2"),
        (" 0.9000 bonafide 0", " 0.9000 spoof 0", r"contradicts: .*:2: spoof, bonafide by its id"),
        (" 1.1000 spoof 0", " 1.1000 bonafide 0", r"contradicts: .*:3: bonafide, full by its id"),
        ("0.3800-1.3000-spoof", "0.3800-1.3000-fake", r"malformed span.*:4: '0.3800-1.3000-fake'"),
        ("0.3800-1.3000-spoof", "0.4800-1.3000-spoof", r"do not follow one another.*a.txt:4"),
        ("0.3800-1.3000-spoof", "0.3800-1.3000-bonafide", r"without a spoof span: dev01-yourtts"),
        (" 1.1000 spoof 0", " 2.1000 spoof 0", r"ends elsewhere.*: dev01-cosy.*1.1 s of 2.1 s"),
        ("0.0000-0.9000-bonafide", "0.0000-0.9000-spoof", r"of 2 .*not fit either.*: test-clean"),
    ],
)
def test_faults_are_named(lps: Path, lps_card: CorpusCard, old: str, new: str, said: str):
    replace(lps / A, old, new)
    with pytest.raises(BrokenCorpus, match=said) as caught:
        read_split(lps_card, lps, "crossfade", None)
    assert len(caught.value.issues) == 1
    assert caught.value.subset is not None


def test_inverted_span_words_are_refused(lps: Path, lps_card: CorpusCard):
    for old, new in (("-bonafide", "-x"), ("-spoof", "-bonafide"), ("-x", "-spoof")):
        replace(lps / A, old, new)
    with raises_code("labels.inverted", "flipped labels would fit all"):
        read_split(lps_card, lps, "crossfade", None)


def test_a_split_that_only_the_card_knows_is_an_error(lps: Path, lps_card: CorpusCard):
    card = lps_card.model_copy(update={"splits": {"crossfades": Split()}})
    with pytest.raises(BenchError, match="reader has no split 'crossfades'; did you mean 'crossf"):
        read_split(card, lps, "crossfades", None)


@pytest.mark.rows
def test_reads_76228_lines_of_the_official_shape(tmp_path: Path, lps_card: CorpusCard):
    """As many of each kind as the official lists count, eight spans in each spliced utterance."""
    tools = ["cosyvoice", "elevenlab", "gptsovits", "ljjets", "xttsv2", "yourtts"]
    pieces = [(i * 0.5, (i + 1) * 0.5, "spoof" if i % 2 else "bonafide") for i in range(8)]
    spliced = " ".join(f"{a:.4f}-{b:.4f}-{label}" for a, b, label in pieces)
    lines = [
        f"{'dev' if i < 5_736 else 'test'}-clean_{i % 40}_1_000001_{i:06d} 4.0000 bonafide "
        "0.0000-4.0000-bonafide"
        for i in range(10_573)
    ]
    lines += [
        f"dev01-{tools[i % 6]}-full_{i % 40}_1_000001_{i:06d} 4.0000 spoof 0.0000-4.0000-spoof"
        for i in range(33_461)
    ]
    lines += [
        f"dev01-{tools[i % 6]}-partial-cf_{i % 40}_1_000001_{i:06d} 4.0000 spoof {spliced}"
        for i in range(32_194)
    ]
    layouts.write_lines(tmp_path / A, lines)
    (tmp_path / "R01TTS.0.a").mkdir()
    subset = read_split(lps_card, tmp_path, "crossfade", None)
    expected = lps_card.splits["crossfade"]
    counts = subset.table["label"].value_counts()
    assert len(subset) == expected.utterances
    assert (counts["bonafide"], counts["spoof"]) == (expected.bonafide, expected.spoof)
    assert isinstance(subset.timing, Spans)
    assert sum(map(len, subset.timing.spans.values())) == 10_573 + 33_461 + 8 * 32_194
    assert subset.timing.spans[lines[-1].split()[0]] == tuple(Span(*piece) for piece in pieces)
