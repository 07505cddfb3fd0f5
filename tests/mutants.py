"""Change one operator or number of the code at a time, and see whether the tests notice.

`make mutants` draws a sample; `python -m tests.mutants --count 200 --seed 1` draws another. Each
mutant is made in a copy of the tree, and the tests that import the changed module are run on it
until the first fails, the quick ones first; that test must pass without the mutant. A mutant that
no test fails on is printed with its place. Exit code 1 where fewer than `--least` per cent were
noticed.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
PACKAGES = ("metrics", "data", "evaluation", "reports", "cards", "specs")
"""Packages that results are computed and shown by, and that need no training to test."""
COMPARED = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
COMPUTED = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.FloorDiv: ast.Mult}
JOINED = {ast.And: ast.Or, ast.Or: ast.And}
TIME_LIMIT_S = 900
TEST_FILES = 8
STAGES = ("not rows and not slow and not gpu", "rows and not slow and not gpu")
"""Marks of the tests that are tried on a mutant: first those that take a second or two."""
NO_TESTS = 5
"""Pytest's exit code where a file has no test of a stage."""


class Mutant(NamedTuple):
    """One change of one module."""

    module: Path
    """Below the root of the tree."""
    line: int
    change: str
    """What stands there now and what instead."""
    source: str
    """The whole module with the change."""


def count_mutants(module: Path) -> int:
    """Return the number of mutants of a module, given below the root of the tree."""
    return len(_list_changeable(_parse_module(module)))


def make_mutant(module: Path, index: int) -> Mutant:
    """Return one mutant of a module, of as many as `count_mutants` says."""
    tree = _parse_module(module)
    node = _list_changeable(tree)[index]
    before = ast.unparse(node)
    changed = _changed(node)
    assert changed is not None
    for name, value in changed.items():
        setattr(node, name, value)
    line = getattr(node, "lineno", 0)
    return Mutant(module, line, f"{before} -> {ast.unparse(node)}", ast.unparse(tree))


def _parse_module(module: Path) -> ast.Module:
    return ast.parse((ROOT / module).read_text(encoding="utf-8"))


def _list_changeable(tree: ast.Module) -> list[ast.AST]:
    return [node for node in ast.walk(tree) if _changed(node) is not None]


def _changed(node: ast.AST) -> dict[str, object] | None:
    """Return the attributes that make a node another one; None where it is left alone."""
    match node:
        case ast.Compare(ops=[operator]) if type(operator) in COMPARED:
            return {"ops": [COMPARED[type(operator)]()]}
        case ast.BinOp(op=operator) if type(operator) in COMPUTED and not _is_text(node):
            return {"op": COMPUTED[type(operator)]()}
        case ast.BoolOp(op=operator):
            return {"op": JOINED[type(operator)]()}
        case ast.Constant(value=bool(value)):
            return {"value": not value}
        case ast.Constant(value=int(value)):
            return {"value": value + 1}
        case ast.IfExp(test=test):
            return {"test": ast.UnaryOp(ast.Not(), test)}
        case _:
            return None


def _is_text(node: ast.BinOp) -> bool:
    """Return whether an operator joins texts, where another one is a type error and no mutant."""
    ends = (node.left, node.right)
    return any(
        isinstance(end, ast.JoinedStr)
        or (isinstance(end, ast.Constant) and isinstance(end.value, str))
        for end in ends
    )


def tests_of(module: Path) -> list[str]:
    """Return eight test files that reach a module: those that import it, then those that import
    its importers, and so on; at each step those of its own name first.
    """
    tests, reached, seen = list[Path](), [module], {module}
    while reached and len(tests) < TEST_FILES:
        reached = [path for path in _importers(*reached) if path not in seen]
        seen.update(reached)
        nearest = [path for path in reached if path.name.startswith("test_")]
        tests += sorted(nearest, key=lambda path: (module.stem not in path.stem, str(path)))
    return [str(path) for path in tests[:TEST_FILES]]


def _importers(*modules: Path) -> list[Path]:
    """Return the files below `bench` and `tests` that import any of the modules."""
    names = {".".join(path.with_suffix("").parts) for path in modules}
    return [path for path, imported in _imports().items() if imported & names]


@cache
def _imports() -> dict[Path, set[str]]:
    """Return what each file below `bench` and `tests` imports, by dotted names."""
    files = [*(ROOT / "bench").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]
    imports: dict[Path, set[str]] = {}
    for path in sorted(path for path in files if "conformance" not in path.parts):
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        froms = [node for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
        names = {f"{node.module}.{alias.name}" for node in froms for alias in node.names}
        imports[path.relative_to(ROOT)] = names | {str(node.module) for node in froms}
    return imports


def is_noticed(mutant: Mutant, tree: Path) -> bool:
    """Return whether a test fails, or takes too long, with the mutant in the copy at `tree`."""
    path = tree / mutant.module
    before = path.read_text(encoding="utf-8")
    path.write_text(mutant.source, encoding="utf-8")
    try:
        for marks in STAGES:
            done = _run_tests(tree, tests_of(mutant.module), marks)
            if done.returncode not in (0, NO_TESTS):
                break
        else:
            return False
    except subprocess.TimeoutExpired:
        return True
    finally:
        path.write_text(before, encoding="utf-8")
    failed = re.findall(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)
    alone = _run_tests(tree, failed, marks)
    if not failed or alone.returncode:
        sys.exit(f"{' '.join(failed)} fails without a mutant as well:\n{alone.stdout}{done.stdout}")
    return True


def _run_tests(tree: Path, tests: list[str], marks: str) -> subprocess.CompletedProcess[str]:
    """Run tests in the copy at `tree` until the first fails."""
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-x",
            "-q",
            "-p",
            "no:cacheprovider",
            "-m",
            marks,
            *tests,
        ],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=TIME_LIMIT_S,
    )


def main() -> int:
    """Draw mutants, try each, and print those that no test noticed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--least", type=float, default=80, help="per cent that must be noticed")
    chosen = parser.parse_args()
    modules = [
        path.relative_to(ROOT)
        for package in PACKAGES
        for path in sorted((ROOT / "bench" / package).rglob("*.py"))
        if tests_of(path.relative_to(ROOT))
    ]
    every = [(module, index) for module in modules for index in range(count_mutants(module))]
    places = random.Random(chosen.seed).sample(every, min(chosen.count, len(every)))
    drawn = [make_mutant(module, index) for module, index in places]
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        files = subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).splitlines()
        for name in files:
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name, follow_symlinks=False)
        missed = 0
        for number, mutant in enumerate(drawn, 1):
            noticed = is_noticed(mutant, tree)
            missed += not noticed
            state = "noticed" if noticed else "MISSED"
            where = f"{mutant.module}:{mutant.line}"
            print(f"{number}/{len(drawn)} {state}: {where}: {mutant.change}", flush=True)
    share = 100 * (1 - missed / len(drawn))
    print(f"{len(drawn) - missed} of {len(drawn)} mutants noticed ({share:.0f} %)")
    return int(share < chosen.least)


if __name__ == "__main__":
    sys.exit(main())
