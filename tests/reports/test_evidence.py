"""What a result rests on, said by one function; the schema lists the same words."""

from __future__ import annotations

from types import SimpleNamespace
from typing import get_args

from bench.reports.evidence import Evidence, name_evidence
from bench.specs.run import PUBLISHED_WEIGHTS
from bench.specs.table import Row
from tests.output_schema import PARTS

TRAINED, WEIGHTS = SimpleNamespace(is_trained=True), SimpleNamespace(is_trained=False)


def in_group(group: str) -> Row:
    return Row(cells=("X",), group=group)


def test_each_kind_of_evidence_has_its_words():
    authors, auditors = (f"{who} scores, evaluated here" for who in ("Authors'", "Auditors'"))
    cases = {
        "measured here": (in_group("Ours"), TRAINED),
        PUBLISHED_WEIGHTS: (in_group("Ours"), WEIGHTS),
        "authors' scores, evaluated here": (in_group(authors), None),
        "auditors' scores, evaluated here": (in_group(auditors), None),
        "score file, evaluated here": (in_group("Scored, not trained here"), None),
    }
    for words, (row, run) in cases.items():
        assert name_evidence(row, run, has_result=True) == words
        assert name_evidence(row, run, has_result=False) == "published"
    assert {*cases, "published"} == {*get_args(Evidence)}
    assert PARTS["report_row"]["properties"]["evidence"]["enum"] == [*get_args(Evidence)]
