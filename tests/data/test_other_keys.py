"""Keys in any form that people have: read by what they hold, or refused with what would do."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from bench.cards.corpus_cards import read_corpus_card
from bench.data.corpora import read_keys
from bench.errors import BenchError
from tests.errors import raises_code

IDS = {
    "19LA": ["LA_E_1000001", "LA_E_1000002", "LA_E_1000003"],
    "ASV5": ["E_0000000001", "E_0000000002", "E_0000000003"],
    "ITW": ["0", "1", "2"],
    "PS": ["CON_E_0000001", "LA_E_1000002", "CON_E_0000003"],
    "LPS": ["real_1", "fake_1", "real_2"],
}
LABELS = ["bonafide", "spoof", "bonafide"]


def rows(corpus: str, form: str, labels=LABELS) -> str:
    return "".join(
        form.format(id=name, label=label) + "\n"
        for name, label in zip(IDS[corpus], labels, strict=True)
    )


FORMS = {
    "two columns": ("", "{id} {label}"),
    "two columns of tabs": ("", "{id}\t{label}"),
    "label first": ("", "{label},{id}"),
    "the organisers' package": ("filename\tcm-label\n", "{id}\t{label}"),
    "a CSV": ("file_name,label\n", "{id},{label}"),
    "a CSV with folders": ("path,label\n", "eval/{id}.flac,{label}"),
    "semicolons": ("utterance;key\n", "{id};{label}"),
    "quotes": ('"name","class"\n', '"{id}","{label}"'),
    "further names": ("name,speaker,room,label\n", "{id},anna,hall,{label}"),
}


@pytest.mark.rows
def test_a_list_of_ids_and_labels_is_read(tmp_path: Path, subtests: pytest.Subtests):
    for form in FORMS:
        with subtests.test(form=form):
            header, line = FORMS[form]
            path = tmp_path / "my-keys.txt"
            for name in IDS:
                path.write_text(header + rows(name, line), encoding="utf-8")
                corpus = read_corpus_card(name)
                table = read_keys(corpus, corpus.evaluation_split, path).table
                ids = table["utterance"].str.replace(r"^eval/", "", regex=True)
                assert ids.str.removesuffix(".flac").tolist() == IDS[name]
                assert table["label"].tolist() == LABELS, name
                if form == "further names":
                    assert table["speaker"].tolist() == ["anna"] * 3
                    assert table["room"].tolist() == ["hall"] * 3


def test_a_packed_list_is_read_too(tmp_path: Path):
    path = tmp_path / "keys.csv.gz"
    path.write_bytes(gzip.compress(rows("19LA", "{id},{label}").encode()))
    assert read_keys(read_corpus_card("19LA"), "eval", path).table["label"].tolist() == LABELS


def test_the_columns_of_2021_do_for_another_corpus(tmp_path: Path):
    line = "LA_0001 {id} alaw ita_tx bonafide {label} notrim eval"
    path = tmp_path / "trial_metadata.txt"
    text = rows("19LA", line).replace("bonafide spoof", "A07 spoof")
    path.write_text(text + "LA_0001 LA_E_1000004 alaw ita_tx A07 spoof notrim progress\n")
    table = read_keys(read_corpus_card("19LA"), "eval", path).table
    assert table["utterance"].tolist() == IDS["19LA"]
    assert table["codec"].tolist() == ["alaw"] * 3
    assert table["attack"].tolist() == ["", "A07", ""]


def test_another_separator_than_the_card_s(tmp_path: Path):
    path = tmp_path / "keys.csv"
    path.write_text(rows("19LA", "LA_0001,{id},-,-,{label}").replace("-,spoof", "A07,spoof"))
    table = read_keys(read_corpus_card("19LA"), "eval", path).table
    assert table["attack"].tolist() == ["", "A07", ""]
    assert table["speaker"].tolist() == ["LA_0001"] * 3


def test_words_of_labels(tmp_path: Path, subtests: pytest.Subtests):
    for word in ["genuine", "Real", "human", "Bona-fide"]:
        with subtests.test(word=word):
            path = tmp_path / "keys.txt"
            path.write_text(rows("19LA", "{id} {label}", [word, "fake", word]))
            assert (
                read_keys(read_corpus_card("19LA"), "eval", path).table["label"].tolist() == LABELS
            )


def test_what_cannot_be_told_is_refused_with_a_way_out(tmp_path: Path, subtests: pytest.Subtests):
    cases = [
        (rows("19LA", "{id},{label}", ["1", "0", "1"]), "no column of labels among 2"),
        (
            "name,label\n" + rows("19LA", "{id},{label}", ["1", "0", "1"]),
            "in column 'label' 0 and 1 do not say which is bona fide",
        ),
        ("name,label\n" + rows("19LA", "{id},{label}", ["real", "x", "fake"]), "'x' is no label"),
        (rows("ITW", "{id} {label}"), "no one column holds utterances of ASVspoof 2019 LA"),
        (rows("19LA", "{id} {label} {label}"), "2 columns of labels among 3"),
        (rows("19LA", "{id}"), "equally many columns, two or more"),
        (rows("19LA", "{id},{label}") + "LA_E_1\n", "equally many columns, two or more"),
        (rows("19LA", "{id},{label}") + "LA_E_1000001,spoof\n", "listed "),
    ]
    for content, said in cases:
        with subtests.test(content=content, said=said):
            path = tmp_path / "keys.csv"
            path.write_text(content)
            with pytest.raises(BenchError) as error:
                read_keys(read_corpus_card("19LA"), "eval", path)
            assert said in str(error.value)
            if "listed" not in said:
                assert "docs/how-to/corpus.md" in str(error.value)
                assert str(path) in str(error.value)


def test_a_list_of_utterances_has_no_labels_of_frames(tmp_path: Path):
    path = tmp_path / "my.txt"
    path.write_text(rows("PS", "{id} {label}"))
    assert read_keys(read_corpus_card("PS"), "eval", path).timing is None


EVAL = "ASVspoof2019_LA_cm_protocols/ASVspoof2019.LA.cm.eval.trl.txt"


@pytest.mark.parametrize("exact", [True, False])
def test_another_form_in_a_folder_is_read_if_it_is_named(exact, tmp_path: Path):
    path = tmp_path / EVAL if exact else tmp_path / "lists" / Path(EVAL).name
    path.parent.mkdir()
    path.write_text(rows("19LA", "{id},{label}"))
    with raises_code("protocol.other-form", "named: --keys"):
        read_keys(read_corpus_card("19LA"), "eval", tmp_path)
    assert read_keys(read_corpus_card("19LA"), "eval", path).table["label"].tolist() == LABELS
