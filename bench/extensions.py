"""Extensions: folders of your own that are laid out as the suite is.

`extend` of bench.toml names them, and so does the entry point `speech_deepfake_bench.extensions` of
an installed package. Cards are found by `bench.cards`; Python files by this module, which puts each
folder of code on the path of the package that holds the suite's own: a file `lab/systems/mine.py`
is the module `bench.specs.systems.mine`. So one rule holds inside and outside: the name of the file
is the key.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec, resolve_name
from pathlib import Path

from bench.errors import BenchError

ENTRY_POINT = "speech_deepfake_bench.extensions"
CODE = {
    "systems": "bench.specs.systems",
    "frontends": "bench.specs.frontends",
    "layers": "bench.specs.layers",
    "heads": "bench.specs.heads",
    "augment": "bench.specs.augment",
    "breath": "bench.specs.breath",
    "readers": "bench.data.readers",
    "metrics": "bench.metrics",
}
"""The folders of Python files, and the package that each belongs to."""
CARDS = ("datasets", "experiments", "weights")
"""The folders of cards."""

_active: list[Path] = []


@cache
def installed_folders() -> list[Path]:
    """Return the folders of installed packages that say that they are extensions.

    BenchError where a package names a module that is not there.
    """
    folders: list[Path] = []
    for point in sorted(entry_points(group=ENTRY_POINT)):
        try:
            spec = find_spec(point.value)
        except ModuleNotFoundError:
            spec = None
        if spec is None or not spec.submodule_search_locations:
            raise BenchError(
                "extension.entry-point",
                f"entry point {ENTRY_POINT}: {point.name} = {point.value!r}: there is no such "
                "package",
            )
        folders += map(Path, spec.submodule_search_locations)
    return folders


def activate_extensions(folders: Sequence[Path]) -> None:
    """Make the code of `folders` part of the suite's packages, and that of no other folder.

    BenchError where a file is called as one that is there already.
    """
    roots = [folder.resolve() for folder in folders]
    if roots == _active:
        return
    _deactivate()
    _active.extend(roots)
    try:
        for root in roots:
            for part, package in CODE.items():
                folder = root / part
                if folder.is_dir():
                    _refuse_taken(folder)
                    importlib.import_module(package).__path__.append(str(folder))
    except BenchError:
        _deactivate()
        raise
    importlib.invalidate_caches()


def _deactivate() -> None:
    for root in _active:
        for part, package in CODE.items():
            folder = str(root / part)
            if package in sys.modules and folder in sys.modules[package].__path__:
                sys.modules[package].__path__.remove(folder)
        for name, module in [*sys.modules.items()]:
            file = getattr(module, "__file__", None)
            if name.startswith("bench.") and file and Path(file).is_relative_to(root):
                del sys.modules[name]
    _active.clear()
    digest_source.cache_clear()


def _refuse_taken(folder: Path) -> None:
    for file in sorted(folder.glob("*.py")):
        taken = files_of_name(folder.name, file.name)
        if taken and file.stem != "__init__":
            raise BenchError(
                "card.name-taken",
                f"{file}: there is {taken[0]} already: give the file another name",
            )


def files_of_name(part: str, name: str) -> list[Path]:
    """Return the files of this name that the suite and the extensions have for a part."""
    paths = importlib.import_module(CODE[part]).__path__
    return [path for folder in paths if (path := Path(folder, name)).exists()]


def list_modules(part: str) -> list[str]:
    """Return the names of the suite's and the extensions' modules of a part, sorted."""
    paths = importlib.import_module(CODE[part]).__path__
    return sorted(path.stem for folder in paths for path in Path(folder).glob("[!_]*.py"))


def find_source(part: str, kind: str) -> Path | None:
    """Return the file of an extension that holds `kind` of a part; None where the suite has it."""
    file = f"{kind.replace('-', '_')}.py"
    return next((path for root in _active if (path := root / part / file).is_file()), None)


@cache
def digest_source(path: Path) -> str:
    """Return eight hexadecimal digits of a file and of all that it imports of its extension."""
    files, waiting = {path}, [path]
    while waiting:
        imported = {*_imported_files(waiting.pop())} - files
        files |= imported
        waiting += imported
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(file.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()[:8]


def _imported_files(path: Path) -> Iterator[Path]:
    """Yield the files of extensions that a file imports itself."""
    package = CODE.get(path.parent.name, "")
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_bytes(), str(path))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = resolve_name("." * node.level + base, package)
            names += [base, *(f"{base}.{alias.name}" for alias in node.names)]
    for name in names:
        for part, parent in CODE.items():
            if not name.startswith(f"{parent}."):
                continue
            module = name.removeprefix(f"{parent}.").partition(".")[0]
            for root in _active:
                yield from (root / part).glob(f"{module}.py")
                yield from (root / part).glob(f"{module}/**/*.py")
