"""What is known of published systems: each row cites an entry, and each entry is cited."""

from __future__ import annotations

import re

import pytest

from bench.cards import card_files, references, table_cards
from bench.errors import BenchError

FOLDER = card_files.card_folder("experiments")
ROWS = [
    (key, name, row)
    for key in table_cards.table_keys()
    for name, row in table_cards.read_table(key).rows.items()
]


def test_every_published_row_cites_an_entry_and_every_entry_is_cited():
    assert [(key, name) for key, name, row in ROWS if row.published_only and not row.cite] == []
    cited = {row.cite for *_, row in ROWS if row.cite}
    assert cited == set(references.read_references(FOLDER / references.NAME))


def test_an_entry_is_whole():
    for key, entry in references.read_references(FOLDER / references.NAME).items():
        assert 2015 <= entry.year <= 2026, key
        assert not entry.url or re.fullmatch(r"https://\S+", entry.url), key
        searched = re.fullmatch(r"https://\S+|none found \(20\d\d-[01]\d\)", entry.code)
        assert not entry.code or searched, key
        assert not entry.arxiv or re.fullmatch(r"\d{4}\.\d{5}", entry.arxiv), key
        if entry.weights or entry.licence:
            assert entry.code, f"{key}: weights or a licence of what code?"


def test_a_row_has_what_its_reference_says_but_for_what_it_says_itself():
    entry = references.read_references(FOLDER / references.NAME)["bam"]
    row = {"cells": ["BAM"], "cite": "bam", "licence": "other"}
    assert references.fill_row(row, [FOLDER]) == {
        "url": "https://arxiv.org/abs/2407.21611",
        "code": entry.code,
        "weights": entry.weights,
        **row,
    }
    assert references.fill_row({"cells": ["BAM"]}, [FOLDER]) == {"cells": ["BAM"]}


def test_a_reference_that_is_none_is_a_mistake_of_the_card(tmp_path):
    path = tmp_path / "table.toml"
    text = (FOLDER / "sal" / "table1.toml").read_text(encoding="utf-8")
    path.write_text(text.replace('cite = "cfprf"', 'cite = "cfprv"'), encoding="utf-8")
    with pytest.raises(BenchError) as raised:
        table_cards.parse_table("test/table", path)
    expected = "rows.CFPRF.cite = 'cfprv': no entry of references.toml; did you mean 'cfprf'?"
    assert str(raised.value) == f"{path}: {expected}"


def test_faults_of_the_file_name_entry_and_key(tmp_path):
    (tmp_path / references.NAME).write_text(
        '[a]\nkind = "book"\nauthor = "A"\ntitle = "T"\nvenue = "V"\nyear = 2020\ncod = ""\n',
        encoding="utf-8",
    )
    with pytest.raises(BenchError) as raised:
        references.read_references(tmp_path / references.NAME)
    assert "a: kind = 'book': should be 'article', 'inproceedings' or 'misc'" in str(raised.value)
    assert "a: cod: no such key; did you mean 'code'?" in str(raised.value)
