"""Names of score files, as long as it takes to tell one from another."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

_PACKED = re.compile(r"\.(gz|bz2|xz)$")


def file_stem(path: Path) -> str:
    """Return a file's name without its suffix, and without that of a packed file.

    >>> file_stem(Path("runs/epoch.12.txt.gz")), file_stem(Path(".scores"))
    ('epoch.12', '.scores')
    """
    return _PACKED.sub("", path.name).rpartition(".")[0] or path.name


def longer_names(path: Path) -> Iterator[str]:
    """Yield the file's stem, then with ever more of the folders that hold it.

    >>> list(longer_names(Path("/LA/LFCC-GMM/score.txt")))
    ['score', 'LFCC-GMM/score', 'LA/LFCC-GMM/score']
    """
    folders = Path(os.path.abspath(path)).parts[1:-1]
    for count in range(len(folders) + 1):
        yield "/".join((*folders[len(folders) - count :], file_stem(path)))


def distinct_names(paths: Sequence[Path]) -> list[str]:
    """Return a name of each file: its own, with as many of its folders as tell all files apart.

    >>> distinct_names([Path("LA/LFCC/score.txt"), Path("LA/RawNet2/score.txt")])
    ['LFCC/score.txt', 'RawNet2/score.txt']
    >>> distinct_names([Path("a.txt"), Path("x/b.txt")])
    ['a.txt', 'b.txt']
    """
    parts = [Path(os.path.abspath(path)).parts for path in paths]
    count = 1
    while len({each[-count:] for each in parts}) < len({*parts}):
        count += 1
    return ["/".join(each[-count:]).replace("//", "/") for each in parts]
