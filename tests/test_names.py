"""Names that a machine can check: what CONTRIBUTING asks of functions, classes and variables."""

from __future__ import annotations

import ast
from collections import defaultdict

import pytest

BANNED = {"found", "of", "place", "kept", "told", "said"}
"""Words that say nothing of what they name."""
CARD_KEYS = {"bench/specs/checked.py": {"of"}, "bench/specs/corpus.py": {"place"}}
"""Keys of cards, which are fields of their models."""
PROTOCOLS = {
    "annotate": "a miniature's labels (bench/synthetic)",
    "build": "makes a kind from its settings (bench/models)",
    "lay_out": "makes a front-end of the published size without weights",
    "official_names": "maps a published checkpoint to a system (bench/models/systems)",
    "plan": "what a miniature holds (bench/synthetic)",
    "read_split": "a corpus's reader (bench/data/readers)",
}
"""Functions that each module of a kind has, with one meaning."""
LEAST_SHARE_OF_TWO_WORDS = 0.85


@pytest.fixture(scope="module")
def modules(root):
    """The syntax tree of every module of the suite by its path."""
    return {
        str(path.relative_to(root)): ast.parse(path.read_text(encoding="utf-8"))
        for path in (root / "bench").rglob("*.py")
    }


def test_no_name_is_a_word_that_says_nothing(modules):
    names = {
        (path, name)
        for path, tree in modules.items()
        for node in ast.walk(tree)
        for name in bound_names(node)
        if name in BANNED - CARD_KEYS.get(path, set())
    }
    assert names == set()
    assert not [path for path in modules if path.rpartition("/")[2][:-3] in BANNED]


def bound_names(node: ast.AST) -> list[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
            return [name]
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case _:
            return []


def test_no_public_name_is_given_to_two_things(modules):
    places: dict[str, list[str]] = defaultdict(list)
    for path, tree in modules.items():
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(path)
    twice = {name: paths for name, paths in places.items() if len(paths) > 1}
    assert {name: paths for name, paths in twice.items() if name not in PROTOCOLS} == {}


def test_functions_have_names_of_two_words(modules):
    """But for a few: a protocol, a property with the field's word, a click command."""
    names = [
        node.name
        for tree in modules.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("__")
    ]
    assert len(names) > 2000
    two = sum(len(name.strip("_").split("_")) > 1 for name in names)
    assert two / len(names) > LEAST_SHARE_OF_TWO_WORDS


def test_docstrings_begin_with_a_one_line_summary(modules):
    """Every public function, class and module has one; a summary ends with a period."""
    wrong = []
    for path, tree in modules.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module):
                text = ast.get_docstring(node)
                name = getattr(node, "name", path)
                if text is not None and not summary_is_one_line(text):
                    wrong.append(f"{path}: {name}: {text.splitlines()[0]}")
    assert wrong == []


def summary_is_one_line(text: str) -> bool:
    first, *rest = text.splitlines()
    return first.rstrip().endswith((".", ":")) and (not rest or not rest[0].strip())
