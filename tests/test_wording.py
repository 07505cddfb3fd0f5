"""What users read is in the field's words: wordings that readers stumbled over do not come back."""

from __future__ import annotations

import re

import pytest

OLD = (
    "What intervals draw whole",
    "not told apart from",
    "Farthest, in proportion",
    "farthest from the paper",
    "figure of ours exceeds",
    "chance is an unlikely reason",
    "taken to vary as the other does",
    "this is said of the trained models",
    "Setting of the released way",
    "What stands in a cell",
    "settings that no row of this table has",
    "Which of the row's",
    "As it was run with",
    "As the row was run with",
    "explained else",
    "that look inverted as such",
    "Judge the trials that are there",
    "no place is set for",
    "lacking: {",
    "told of breaths",
    "is told where someone breathes",
    "against base: nothing",
    "by the logarithm",
    "is too good: a test set",
    "both have scores of",
    "None of these figures",
    "What stands behind each figure",
    "the paper's figures beside ours",
)


@pytest.fixture(scope="module")
def texts(root):
    """The text of every module and template by path; strings that go on in the next line as one."""
    files = [*(root / "bench").rglob("*.py"), *(root / "reports/templates").iterdir()]
    return {
        str(path.relative_to(root)): re.sub(
            r'"\s*\n\s*[rbf]*"', "", path.read_text(encoding="utf-8")
        ).replace("\n", " ")
        for path in files
    }


def test_old_wordings_do_not_come_back(texts, subtests):
    for old in OLD:
        with subtests.test(old=old):
            assert [path for path, text in texts.items() if old.lower() in text.lower()] == []


def test_a_wording_over_two_lines_is_seen(texts):
    """The help of --bootstrap-unit stands in two lines of a module; it is one string to readers."""
    text = texts["bench/cli/evaluation_options.py"]
    assert "auto: speakers and attacks if the corpus names them" in text
