"""Every error has a stable code that is documented, and every documented code is used."""

from __future__ import annotations

import ast
import re

import pytest

from bench.error_codes import read_error_codes
from bench.errors import BenchError

CODE = re.compile(r"[a-z][a-z0-9-]*\.[a-z][a-z0-9-]*")


@pytest.fixture(scope="module")
def strings(root):
    """Every string of the code that looks like a code, with the files it stands in."""
    found: dict[str, set[str]] = {}
    for path in (root / "bench").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.setdefault(node.value, set()).add(str(path.relative_to(root)))
    return found


def raised_codes(root):
    """Yield the first argument of every call that makes an error, with its place."""
    names = subclasses(BenchError)
    for path in (root / "bench").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = getattr(node.func, "id", getattr(node.func, "attr", ""))
                if called in names and node.args:
                    yield f"{path.relative_to(root)}:{node.lineno}", node.args[0]


def subclasses(parent: type) -> set[str]:
    return {parent.__name__}.union(*(subclasses(child) for child in parent.__subclasses__()))


@pytest.mark.rows
def test_every_error_has_a_code_that_is_documented(root):
    codes = read_error_codes()
    literal = [(where, node.value) for where, node in raised_codes(root) if is_text(node)]
    assert len(literal) > 300
    assert [(where, code) for where, code in literal if code not in codes] == []


def test_every_issue_has_a_code_that_is_documented(root):
    """Those of `Issues.add(severity, code, ...)` and `Issue(severity, code, ...)`."""
    codes, seen = read_error_codes(), 0
    for path in (root / "bench").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and len(node.args) > 1 and is_severity(node.args[0]):
                code = node.args[1]
                seen += 1
                assert not is_text(code) or code.value in codes, f"{path}:{node.lineno}"
    assert seen > 20


def is_severity(node: ast.expr) -> bool:
    return is_text(node) and node.value in ("error", "warning", "note")


def is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def test_every_documented_code_is_used(strings):
    assert [code for code in read_error_codes() if code not in strings] == []


def test_codes_are_area_and_name_and_say_what_to_do():
    for code, entry in read_error_codes().items():
        assert CODE.fullmatch(code), code
        assert entry.cause.endswith("."), code
        assert entry.remedy.endswith("."), code


def test_an_error_keeps_its_code_and_its_message():
    error = BenchError("file.missing", "x: there is no such file")
    assert (error.code, str(error)) == ("file.missing", "x: there is no such file")
