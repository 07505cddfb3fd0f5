"""Lists of records: JSON, JSON Lines, Parquet."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from lavdf_files import ROWS, make_lavdf, make_record
from layouts import wav
from pyarrow import parquet

from bench.cards import corpus_cards
from bench.data.check import check_corpus
from bench.data.corpora import read_keys
from bench.data.readers import find_reader
from bench.data.subset import Span, Spans
from bench.specs.corpus import CorpusCard
from bench.synthetic import DEFAULT, write_miniatures
from tests.errors import raises_code

SMALL = replace(DEFAULT, inthewild=8, shortest_s=1.0, longest_s=1.5)
LAVDF = corpus_cards.read_corpus_card("lavdf")


def test_lavdf_is_a_corpus_of_its_videos_audio(tmp_path: Path):
    make_lavdf(tmp_path)
    subset = find_reader(LAVDF)(LAVDF, tmp_path, "test", None)
    table = subset.table
    assert table["utterance"].tolist() == [f"test/00000{number}" for number in range(4)]
    assert table["label"].tolist() == ["bonafide", "spoof", "bonafide", "spoof"]
    assert table["picture"].tolist() == ["unchanged", "changed", "changed", "changed"]
    assert table["duration_s"].tolist() == [1.0] * 4
    assert table["path"].tolist() == [f"test/00000{number}.flac" for number in range(4)]
    assert isinstance(subset.timing, Spans)
    # Where the picture alone was changed, and behind the audio's end, nothing is spoof.
    assert list(subset.timing.spans.values()) == [
        (Span(0, 1, "bonafide"),),
        (Span(0, 0.2, "bonafide"), Span(0.2, 0.52, "spoof"), Span(0.52, 1, "bonafide")),
        (Span(0, 1, "bonafide"),),
        (Span(0, 0.25, "spoof"), Span(0.25, 0.5, "bonafide"), Span(0.5, 1, "spoof")),
    ]
    issues = check_corpus(LAVDF, tmp_path, "test", lambda *_: None).issues
    assert {issue.code for issue in issues} == {"corpus.count"}
    assert len(find_reader(LAVDF)(LAVDF, tmp_path, "dev", None)) == 1


def test_keys_of_records_are_read_without_audio(tmp_path: Path):
    path = tmp_path / "keys/metadata.min.json"
    path.parent.mkdir()
    path.write_text(json.dumps([make_record(row) for row in ROWS]))
    for keys in (path, path.parent, tmp_path):
        assert len(read_keys(LAVDF, "test", keys)) == 4
    path.write_text(json.dumps([{"name": "x"}]))
    with raises_code("protocol.other-form", "is no such record; its fields should be utterance"):
        read_keys(LAVDF, "test", tmp_path)
    # A plain list of utterances and labels is one of keys here as for any corpus.
    plain = tmp_path / "plain.txt"
    plain.write_text("test/000000 bonafide\ntest/000001 spoof\n")
    assert len(read_keys(LAVDF, "test", plain)) == 2


FIELDS = {
    "utterance": "audio.path",
    "label": "kind",
    "attack": "system.name",
    "noise": "noise",
}
RECORDS = [
    {
        "audio": {"path": "a.wav", "bytes": b"RIFF"},
        "kind": 0,
        "system": {"name": None},
        "noise": 2.5,
    },
    {
        "audio": {"path": "b, c.wav", "bytes": b"RIFF"},
        "kind": 1,
        "system": {"name": "vits"},
        "noise": None,
    },
]


def make_card(file: str, **more: Any) -> CorpusCard:
    texts = dict.fromkeys(("name", "short", "story", "citation", "licence", "page", "place"), "x")
    labels = {"0": "bonafide", "1": "spoof"}
    protocol = {"file": file, "fields": FIELDS, "labels": labels, "audio": "{utterance}"}
    card = {"key": "mine", "reader": "protocol", "task": "detection", "splits": {"eval": {}}}
    return CorpusCard.model_validate({**card, **texts, "protocol": {**protocol, **more}})


def write_list(path: Path, records: list[dict[str, Any]]) -> None:
    if path.suffix == ".parquet":
        parquet.write_table(pa.Table.from_pylist(records), path)
        return
    rows = [{**one, "audio": {"path": one["audio"]["path"]}} for one in records]
    lines = [json.dumps(row) for row in rows]
    path.write_text(json.dumps(rows) if path.suffix == ".json" else "\n".join(lines) + "\n\n")


@pytest.mark.parametrize("file", ["all.json", "all.jsonl", "lines/all.txt", "all.parquet"])
def test_the_form_of_a_list_of_records_is_its_files(tmp_path: Path, file: str):
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    write_list(path, RECORDS)
    for name in ("a", "b, c"):
        wav(tmp_path / f"{name}.wav", 0.1)
    card = make_card(file)
    assert not list(corpus_cards.find_card_faults(card))
    table = find_reader(card)(card, tmp_path, "eval", None).table
    assert table["utterance"].tolist() == ["a", "b, c"]
    assert table["label"].tolist() == ["bonafide", "spoof"]
    assert table["attack"].tolist() == ["", "vits"]
    assert table["noise"].tolist() == ["2.5", ""]
    assert table["path"].tolist() == ["a.wav", "b, c.wav"]


def test_parts_of_parquet_are_read_together(tmp_path: Path):
    (tmp_path / "data").mkdir()
    for number, record in enumerate(RECORDS):
        write_list(tmp_path / f"data/eval-0000{number}-of-00002.parquet", [record])
    for name in ("a", "b, c"):
        wav(tmp_path / f"{name}.wav", 0.1)
    card = make_card("data/{split}-*.parquet")
    assert len(find_reader(card)(card, tmp_path, "eval", None)) == 2


@pytest.mark.parametrize("file", ["all.json", "all.jsonl", "all.parquet"])
def test_what_is_wrong_with_a_record_is_said(tmp_path: Path, file: str):
    card = make_card(file)
    write_list(tmp_path / file, [RECORDS[0], {**RECORDS[1], "kind": 2}])
    with raises_code("protocol.unknown-label", f"{file}:2: '2'"):
        find_reader(card)(card, tmp_path, "eval", None)
    write_list(tmp_path / file, [{**record, "system": {"title": "x"}} for record in RECORDS])
    with raises_code("protocol.malformed-line", f"{file}:1"):
        find_reader(card)(card, tmp_path, "eval", None)
    (tmp_path / file).write_text('[{"audio": ')
    with raises_code("file.malformed", "not Parquet" if "parquet" in file else "not JSON"):
        find_reader(card)(card, tmp_path, "eval", None)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"columns": "utterance label"}, "protocol.fields: should be left out"),
        ({"fields": {"utterance": "file"}}, "protocol.fields = 'utterance': has no label"),
        (
            {"fields": {**FIELDS, "spans": "x", "samples": "n"}, "spans": {}},
            "protocol.spans.regions: is missing",
        ),
        (
            {"fields": {**FIELDS, "spans": "x"}, "spans": {"regions": "spoof"}},
            "has no duration_s",
        ),
    ],
)
def test_faults_of_cards_are_said(changes: dict[str, Any], said: str):
    mistakes = list(corpus_cards.find_card_faults(make_card("all.json", **changes)))
    assert any(said in fault for fault in mistakes), mistakes


@pytest.mark.rows
@pytest.mark.parametrize("file", ["all.json", "all.jsonl", "all.parquet"])
def test_a_miniature_is_read_as_the_corpus_is(tmp_path: Path, file: str):
    card = make_card(file)
    (written,) = write_miniatures(tmp_path, size=SMALL, only=["mine"], cards=[card])
    subset = find_reader(card)(card, written, "eval", None)
    assert len(subset) == 8
    assert {*subset.table["label"]} == {"bonafide", "spoof"}
    assert all(subset.audio_path(row).is_file() for row in range(8))


@pytest.mark.rows
def test_lavdfs_miniature_is_read_as_it_is(tmp_path: Path):
    (written,) = write_miniatures(tmp_path, size=SMALL, only=["lavdf"], cards=[LAVDF])
    first = json.loads((written / "metadata.min.json").read_text())[0]
    assert isinstance(first["modify_audio"], bool)
    for split in LAVDF.splits:
        issues = check_corpus(LAVDF, written, split, lambda *_: None, "smoke").issues
        assert issues == ()
