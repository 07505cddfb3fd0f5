"""Kinds of lists beside plain tables: folders of audio, pipes, labels from other columns, and
regions of one class.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from layouts import wav, write_lines

from bench.cards import corpus_cards
from bench.data.check import check_corpus
from bench.data.readers import find_reader
from bench.data.subset import Span, Spans, Subset
from bench.specs.corpus import CorpusCard, Protocol, Split
from bench.synthetic import DEFAULT, write_miniatures
from tests.errors import raises_code

SMALL = replace(DEFAULT, inthewild=8, shortest_s=1.0, longest_s=1.5)


def make_card(protocol: dict[str, object], split: str = "eval", **more: object) -> CorpusCard:
    texts = dict.fromkeys(("name", "short", "story", "citation", "licence", "page", "place"), "x")
    task = "localization" if "spans" in protocol else "detection"
    card = {"key": "mine", "reader": "protocol", "task": task, "splits": {split: {}}, **texts}
    return CorpusCard.model_validate({**card, "protocol": protocol, **more})


def read(card: CorpusCard, root: Path, split: str = "eval") -> Subset:
    return find_reader(card)(card, root, split, None)


FOLDERS = {
    "audio": "{language}/{kind}/{name}.wav",
    "utterance": "{language}/{kind}/{name}",
    "label": "kind",
    "labels": {"Bonafide": "bonafide", "*_Fake*": "spoof"},
}


def test_folders_are_columns(tmp_path: Path):
    for name in ("EN/Bonafide/a", "EN/Fully_Fake/a", "FR/Partial_Fake_Clean/b", "EN/x/y/deep"):
        wav(tmp_path / f"{name}.wav", 0.1)
    (tmp_path / "EN/Bonafide/notes.txt").write_text("no audio")
    subset = read(make_card(FOLDERS), tmp_path)
    ids = ["EN/Bonafide/a", "EN/Fully_Fake/a", "FR/Partial_Fake_Clean/b"]
    assert subset.table["utterance"].tolist() == ids
    assert subset.table["path"].tolist() == [f"{name}.wav" for name in ids]
    assert subset.table["label"].tolist() == ["bonafide", "spoof", "spoof"]
    assert subset.table["language"].tolist() == ["EN", "EN", "FR"]
    where = {"eval": Split(where={"language": "FR"})}
    french = read(make_card(FOLDERS).model_copy(update={"splits": where}), tmp_path)
    assert french.table["utterance"].tolist() == ids[2:]


def test_files_of_one_name_in_two_folders_need_an_id_that_keeps_them_apart(tmp_path: Path):
    for name in ("EN/Bonafide/a", "EN/Fully_Fake/a"):
        wav(tmp_path / f"{name}.wav", 0.1)
    with raises_code("protocol.two-labels", "a (Bonafide"):
        read(make_card({**FOLDERS, "utterance": "{name}"}), tmp_path)


def test_a_folder_of_no_class_and_no_audio_are_said(tmp_path: Path):
    with raises_code("protocol.empty"):
        read(make_card(FOLDERS), tmp_path)
    wav(tmp_path / "EN/Music/a.wav", 0.1)
    with raises_code("protocol.unknown-label", "'Music'"):
        read(make_card(FOLDERS), tmp_path)


def test_a_split_may_be_a_folder_at_any_depth(tmp_path: Path):
    protocol = {
        "audio": ["**/for-norm/{split}/{label}/{name}.wav"],
        "utterance": "{label}/{name}",
        "labels": {"real": "bonafide", "fake": "spoof"},
    }
    for name in ("testing/real/f1", "testing/fake/f1", "training/real/f2"):
        wav(tmp_path / f"unpacked/for-norm/{name}.wav", 0.1)
    card = make_card(protocol, "testing")
    subset = read(card, tmp_path, "testing")
    assert subset.table["utterance"].tolist() == ["fake/f1", "real/f1"]
    assert all(subset.audio_path(row).is_file() for row in range(2))


def test_pipes_and_labels_of_another_column(tmp_path: Path):
    protocol = {
        "file": "{split}.csv",
        "separator": "pipe",
        "header": "file|speaker|attack",
        "columns": "utterance speaker attack",
        "label": "attack",
        "labels": {"a00": "bonafide", "a*": "spoof"},
        "words": {"attack": {"a00": ""}},
        "audio": "flac/{utterance}.flac",
    }
    lines = [
        "file|speaker|attack",
        "s1/x-1.flac|s1|a00",
        "s1/x-2.flac|s1|a07",
        "s2/x 3.flac|s2|a23",
    ]
    write_lines(tmp_path / "eval.csv", lines)
    for name in ("s1/x-1", "s1/x-2", "s2/x 3"):
        wav(tmp_path / f"flac/{name}.flac", 0.1)
    card = make_card(protocol, audio={"suffix": ".flac"})
    table = read(card, tmp_path).table
    assert table["utterance"].tolist() == ["s1/x-1", "s1/x-2", "s2/x 3"]
    assert table["label"].tolist() == ["bonafide", "spoof", "spoof"]
    assert table["attack"].tolist() == ["", "a07", "a23"]
    write_lines(tmp_path / "eval.csv", [*lines, "s2/x-4.flac|s2|b01"])
    with raises_code("protocol.unknown-label", "eval.csv:5: 'b01'"):
        read(card, tmp_path)


LISTS = {
    "file": ["fake/*/*/meta.csv"],
    "separator": "pipe",
    "header": "path|language|model",
    "columns": ["utterance language attack", "utterance language attack speaker"],
    "label": "spoof",
    "audio": "{utterance}.wav",
}


def test_lists_that_fit_a_pattern_are_read_together(tmp_path: Path):
    write_lines(
        tmp_path / "fake/de/vits/meta.csv",
        ["path|language|model", "./fake/de/vits/1.wav|de|VITS", "./fake/de/vits/2.wav|de|VITS"],
    )
    write_lines(
        tmp_path / "fake/fr/xtts/meta.csv",
        ["path|language|model|reference_speaker", "./fake/fr/xtts/1.wav|fr|XTTS|eva"],
    )
    for name in ("de/vits/1", "de/vits/2", "fr/xtts/1"):
        wav(tmp_path / f"fake/{name}.wav", 0.1)
    card = make_card(LISTS)
    table = read(card, tmp_path).table
    names = ["./fake/de/vits/1", "./fake/de/vits/2", "./fake/fr/xtts/1"]
    assert table["utterance"].tolist() == names
    assert table["attack"].tolist() == ["VITS", "VITS", "XTTS"]
    assert table["language"].tolist() == ["de", "de", "fr"]
    assert find_reader(card)(card, tmp_path, "eval", None, True).table["label"].tolist() == (
        ["spoof"] * 3
    )


def test_messages_name_the_list_of_several(tmp_path: Path):
    with raises_code("corpus.broken", "fake/*/*/meta.csv is missing"):
        read(make_card(LISTS), tmp_path)
    for folder in ("de/a", "fr/b"):
        write_lines(tmp_path / f"fake/{folder}/meta.csv", [f"{folder[:2]}.wav|x|y", "same.wav|x|y"])
    with raises_code("protocol.repeated-utterance", "same (fake/fr/b/meta.csv:2)"):
        read(make_card(LISTS), tmp_path)
    write_lines(tmp_path / "fake/fr/b/meta.csv", ["fr.wav|x|y", "fr.wav"])
    with raises_code("protocol.malformed-line", "fake/fr/b/meta.csv:2"):
        read(make_card(LISTS), tmp_path)


@pytest.mark.parametrize("audio", ["wav/{utterance}", "**/{utterance}"])
def test_files_of_a_corpus_may_have_several_suffixes(tmp_path: Path, audio: str):
    protocol = {"file": "all.txt", "columns": "utterance label", "audio": audio}
    lines = ["a bonafide", "b.flac spoof", "s1/c.wav spoof", "d spoof"]
    write_lines(tmp_path / "all.txt", lines if "**" not in audio else [*lines[:2], lines[3]])
    for name in ("a.wav", "b.flac", "s1/c.wav", "d.flac", "d.wav"):
        wav(tmp_path / "wav" / name, 0.1)
    card = make_card(protocol, audio={"suffix": [".flac", ".wav"]})
    table = read(card, tmp_path).table
    chosen = {"a": "a.wav", "b": "b.flac", "s1/c": "s1/c.wav", "d": "d.flac"}
    paths = [f"wav/{chosen[name]}" for name in table["utterance"]]
    assert table["path"].tolist() == paths
    assert check_corpus(card, tmp_path, "eval", lambda *_: None).issues == ()
    (tmp_path / "wav/a.wav").unlink()
    with_a_gap = check_corpus(card, tmp_path, "eval", lambda *_: None)
    assert [(issue.code, issue.examples) for issue in with_a_gap.issues] == [
        ("corpus.audio-missing", ("a.flac" if "**" in audio else "wav/a.wav",))
    ]


def test_the_speaker_may_be_the_beginning_of_a_files_name(tmp_path: Path):
    protocol = {
        "audio": "{label}/{speaker}_{name}",
        "utterance": "{label}/{speaker}_{name}",
        "labels": {"real": "bonafide", "fake": "spoof"},
    }
    for name in ("real/p1_001.wav", "fake/p2_001_vits.flac"):
        wav(tmp_path / name, 0.1)
    card = make_card(protocol, audio={"suffix": [".flac", ".wav"]})
    table = read(card, tmp_path).table
    assert table["utterance"].tolist() == ["fake/p2_001_vits", "real/p1_001"]
    assert table["speaker"].tolist() == ["p2", "p1"]


REGIONS = {
    "file": "list.csv",
    "separator": "comma",
    "columns": "utterance spans ... duration_s",
    "label": "spoof",
    "audio": "{utterance}.wav",
    "spans": {"regions": "spoof"},
}


def test_regions_of_one_class_are_spans_of_the_whole_utterance(tmp_path: Path):
    lines = ["E1/p1/a.wav,0.2,0.5,1.0", "E2/p1/a.wav,0,0.25,0.5,0.5,0.75,1.004,1.0"]
    write_lines(tmp_path / "list.csv", lines)
    for name in ("E1/p1/a", "E2/p1/a"):
        wav(tmp_path / f"{name}.wav", 1.0)
    card = make_card(REGIONS)
    subset = read(card, tmp_path)
    assert subset.table["utterance"].tolist() == ["E1/p1/a", "E2/p1/a"]
    assert subset.table["label"].tolist() == ["spoof", "spoof"]
    assert subset.table["duration_s"].tolist() == [1.0, 1.0]
    assert isinstance(subset.timing, Spans)
    assert subset.timing.spans == {
        "E1/p1/a": (Span(0, 0.2, "bonafide"), Span(0.2, 0.5, "spoof"), Span(0.5, 1.0, "bonafide")),
        "E2/p1/a": (
            Span(0, 0.25, "spoof"),
            Span(0.25, 0.5, "bonafide"),
            Span(0.5, 0.75, "bonafide"),
            Span(0.75, 1.0, "spoof"),
        ),
    }
    assert check_corpus(card, tmp_path, "eval", lambda *_: None).issues == ()


def test_partialedit_keeps_the_folders_of_files_with_one_name(tmp_path: Path):
    name = "p225/p225_001_edited_partial_16k"
    lines = [f"E1/{name}.wav,0.52,0.81,1.2", f"E2/{name}.wav,0.1,0.3,0.52,0.81,1.2"]
    write_lines(tmp_path / "PartialEdit_E1E2.csv", lines)
    for part in ("E1", "E2"):
        wav(tmp_path / f"{part}/{name}.wav", 1.2)
    card = corpus_cards.read_corpus_card("partialedit")
    subset = read(card, tmp_path)
    assert subset.table["utterance"].tolist() == [f"E1/{name}", f"E2/{name}"]
    assert isinstance(subset.timing, Spans)
    edited = [[s for s in one if s.label == "spoof"] for one in subset.timing.spans.values()]
    assert edited == [
        [Span(0.52, 0.81, "spoof")],
        [Span(0.1, 0.3, "spoof"), Span(0.52, 0.81, "spoof")],
    ]
    codes = {issue.code for issue in check_corpus(card, tmp_path, "eval", lambda *_: None).issues}
    assert codes == {"corpus.count"}
    assert read(card, tmp_path, "E1").table["utterance"].tolist() == [f"E1/{name}"]
    assert read(card, tmp_path, "E2").table["utterance"].tolist() == [f"E2/{name}"]


@pytest.mark.parametrize(
    "line", ["a.wav,0.5,0.2,1.0", "a.wav,0.2,1.2,1.0", "a.wav,0.2,1.0", "a.wav,x,0.5,1.0"]
)
def test_regions_out_of_order_or_beyond_the_end_are_said(tmp_path: Path, line: str):
    write_lines(tmp_path / "list.csv", [line])
    wav(tmp_path / "a.wav", 1.0)
    with raises_code("labels.malformed-span", "list.csv:1"):
        read(make_card(REGIONS), tmp_path)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"columns": ""}, "protocol.columns: is missing"),
        ({"file": ""}, "protocol.columns: should be left out"),
        ({"label": ""}, "has no label, and protocol.label is not there either"),
        ({"label": "kind"}, "protocol.label: no column 'kind'"),
        ({"utterance": "{kind}"}, "protocol.utterance: no column 'kind'"),
        ({"columns": "utterance spans ..."}, "has no duration_s"),
        ({"columns": "utterance ... spans duration_s"}, "`...` stands after `spans` only"),
    ],
)
def test_faults_of_cards_are_said(changes: dict[str, str], said: str):
    protocol = {name: text for name, text in {**REGIONS, **changes}.items() if text}
    card = make_card(protocol)
    mistakes = list(corpus_cards.find_card_faults(card))
    assert any(said in fault for fault in mistakes), mistakes


@pytest.mark.rows
@pytest.mark.parametrize("protocol", [FOLDERS, REGIONS, LISTS], ids=["folders", "regions", "lists"])
def test_a_miniature_is_read_as_the_corpus_is(tmp_path: Path, protocol: dict[str, object]):
    card = make_card(protocol)
    (written,) = write_miniatures(tmp_path, size=SMALL, only=["mine"], cards=[card])
    subset = read(card, written)
    assert len(subset) == 8
    assert all(subset.audio_path(row).is_file() for row in range(8))
    classes = {"spoof"} if protocol.get("label") == "spoof" else {"bonafide", "spoof"}
    assert {*subset.table["label"]} == classes


def test_patterns_of_labels_come_after_whole_words():
    protocol = Protocol(audio="{label}/{utterance}.wav", labels={"a*": "spoof", "a0": "bonafide"})
    assert [protocol.find_class(word) for word in ("a0", "a1", "b")] == ["bonafide", "spoof", None]
