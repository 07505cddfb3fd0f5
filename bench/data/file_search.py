"""Find the files of a corpus: at their official paths, or by name where only keys are there."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from bench.data.broken_corpus import missing_lists_error
from bench.errors import BenchError
from bench.specs.corpus import CorpusCard

Misfit = Callable[[Path], str]
"""Why a file is not the one looked for; "" where it may be."""


def find_file(card: CorpusCard, keys: Path, relative: str) -> Path | None:
    """Return where the corpus's file `relative` (to its folder) is, given the place of its keys.

    `keys` is the corpus's folder, another folder that holds the file at any depth, or one of its
    files. The official path is tried first, then the file of that name that shares most folder
    names with it, then an end of the official path below the folder of `keys` or the one above it
    (`--keys keys/LA/CM` has its C012 file beside CM). None where the file is not there; BenchError
    where different files fit equally well.
    """
    folder = keys.parent if keys.is_file() else keys
    if keys.is_file() and keys.name.removesuffix(".gz") == PurePosixPath(relative).name:
        return keys
    return find_list(card, folder, [relative]) or _find_above(folder, relative)


def find_beside(card: CorpusCard, split: str, scores: Path) -> Path | None:
    """Return the folder near the file `scores` that holds the split's protocol, or None.

    It is the file's folder or the one above it, with the protocol in it or one folder further down.
    No other folder is searched, since the one above may be a home folder. This works for corpora
    whose card describes its lists; for others the keys have to be named.
    """
    if card.protocol is None:
        return None
    files = card.splits[split].file or card.protocol.file
    names = {PurePosixPath(file.replace("{split}", split)).name for file in files}
    names |= {f"{name}.gz" for name in names}
    for folder in scores.resolve().parents[:2]:
        try:
            inside = sorted(folder.iterdir())
        except OSError:  # one may use a file in a folder that one may not list
            inside = []
        if any(os.path.isfile(below / name) for below in (folder, *inside) for name in names):
            return folder
    return None


def locate_files(
    card: CorpusCard, split: str, root: Path, files: Sequence[str], keys_only: bool
) -> list[Path]:
    """Return the path of each file: below the root, or as `find_file` finds it for keys alone.

    A file that is not found raises BrokenCorpus.
    """
    if not keys_only:
        return [root / file for file in files]
    paths = [find_file(card, root, file) for file in files]
    lacking = [file for file, path in zip(files, paths, strict=True) if path is None]
    if lacking:
        raise missing_lists_error(card, split, root, lacking)
    return [path for path in paths if path is not None]


def find_exact(root: Path, relatives: Sequence[str]) -> Path | None:
    """Return the first of the files that is at its exact place below `root`, gzipped or not.

    What one may not look into is not there: `os.path.isfile` says so, `Path.is_file` raises.
    """
    for relative in relatives:
        for path in (root / relative, root / f"{relative}.gz"):
            if os.path.isfile(path):
                return path
    return None


def find_list(
    card: CorpusCard, folder: Path, relatives: Sequence[str], misfit: Misfit = lambda _: ""
) -> Path | None:
    """Return the first of the alternatives that is below `folder`, exactly or by name.

    Of several files of one name the one whose last folders agree best is taken. A BenchError says
    why none of the files of these names is the one (`misfit`), or which different ones are equally
    near.
    """
    there = find_exact(folder, relatives)
    if there is not None:
        return there
    wrong: list[str] = []
    named = _find_named(folder, {PurePosixPath(relative).name for relative in relatives})
    for name, paths in named.items():
        reasons = {path: misfit(path) for path in paths}
        wrong += filter(None, reasons.values())
        fitting = [path for path, reason in reasons.items() if not reason]
        if fitting:
            ends = [r for r in relatives if PurePosixPath(r).name == name]
            return _choose_nearest(card, fitting, ends)
    if wrong:
        named = "a list in another form is read if it is named: --keys FILE"
        raise BenchError(
            "protocol.other-form",
            "\n- ".join((f"{folder}: holds no list of {card.name}:", *wrong, named)),
        )
    return None


def _find_named(folder: Path, names: set[str]) -> dict[str, list[Path]]:
    """Return the files below `folder` by those names, `.gz` passed over, in the names' order."""
    paths_by_name: dict[str, list[Path]] = {name: [] for name in sorted(names)}
    for where, _, files in os.walk(folder):
        for file in files:
            if file in names or file.removesuffix(".gz") in names:
                paths_by_name[file.removesuffix(".gz")].append(Path(where, file))
    return {name: sorted(paths) for name, paths in paths_by_name.items()}


def _choose_nearest(card: CorpusCard, paths: Sequence[Path], relatives: Sequence[str]) -> Path:
    common = {
        path: max(_count_common_parts(path, relative) for relative in relatives) for path in paths
    }
    best = [path for path, shared in common.items() if shared == max(common.values())]
    contents = {path.read_bytes() for path in best} if len(best) > 1 else set[bytes]()
    if len(contents) > 1:
        raise BenchError(
            "protocol.ambiguous",
            f"{card.name}: {' and '.join(map(str, best))} differ: name one of them, or its folder",
        )
    return best[0]


def _count_common_parts(path: Path, relative: str) -> int:
    """Return how many parts, from the last one on, the two paths have in common."""
    parts = path.resolve().with_name(path.name.removesuffix(".gz")).parts
    pairs = zip(reversed(parts), reversed(PurePosixPath(relative).parts), strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), len(PurePosixPath(relative).parts))


def _find_above(folder: Path, relative: str) -> Path | None:
    parts = PurePosixPath(relative).parts
    ends = ["/".join(parts[first:]) for first in range(len(parts))]  # `a/b/c`, `b/c`, `c`
    paths = (find_exact(above, [end]) for above in folder.resolve().parents[:2] for end in ends)
    return next(filter(None, paths), None)
