"""Pack a corpus's audio into a few large files, for network drives that are slow with many.

The packed corpus is a folder that is used as the corpus's own: its lists and labels lie where they
were, its audio is in shards (tar archives, so that `tar -xf` unpacks them) with an index
(`bench._io.packed_files`). Bytes are kept, so fingerprints and results stay as they are. A file of
audio is read with one request. `stage` copies the few large files.
"""

from __future__ import annotations

import os
import shutil
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench._io import atomic_files, disk, packed_files
from bench.data.parallel import Progress
from bench.errors import BenchError

SHARD_BYTES = 1 << 30
_ARCHIVES = (".tar", ".tar.gz", ".tgz", ".zip")
"""Downloads that lie in the folder still are not taken along."""


class PackedCorpus(NamedTuple):
    """What was packed."""

    folder: Path
    files: int
    """Of audio."""
    shards: int
    size: int
    """Bytes of audio."""


def pack_corpus(
    root: Path,
    target: Path,
    suffixes: tuple[str, ...],
    progress: Progress,
    shard_bytes: int = SHARD_BYTES,
) -> PackedCorpus:
    """Pack the files below `root` that end in a suffix, copy all others, and return what was done.

    `target` must not be there, and is there only when it is whole. `progress` is told how many
    audio files are done, and of how many. Raise BenchError where `root` has no audio, is packed
    already, or the disk is too small.
    """
    if target.exists():
        raise BenchError(
            "file.exists", f"{target}: is there already: remove it, or name another folder"
        )
    files = sorted(packed_files.walk_files(root))
    audio = [name for name in files if name.endswith(suffixes)]
    if not audio:
        raise BenchError("file.missing", f"{root}: holds no {' or '.join(suffixes)} file to pack")
    if (root / packed_files.INDEX).exists():
        raise BenchError("file.exists", f"{root}: is packed already ({packed_files.INDEX})")
    others = [name for name in files if not name.endswith((*suffixes, *_ARCHIVES))]
    size = sum((root / name).stat().st_size for name in (*audio, *others))
    if size > (free := disk.free_bytes(target.parent)):
        raise BenchError(
            "file.no-room",
            f"{target}: needs {disk.human_bytes(size)}, and {disk.human_bytes(free)} are free: "
            "name a folder of a larger disk with --output-dir",
        )
    with atomic_files.scratch_folder(target) as folder:
        part = folder / target.name
        for where in sorted({root, *((root / name).parent for name in files)}):
            (part / where.relative_to(root)).mkdir(parents=True, exist_ok=True)
        for name in others:
            shutil.copy2(root / name, part / name)
        records = _write_shards(root, audio, part, shard_bytes, progress)
        _write_index(part, audio, records)
        os.replace(part, target)
    packed_files.forget_folders()
    shards = int(records["shard"].max()) + 1
    return PackedCorpus(target, len(audio), shards, int(records["size"].sum()))


def _write_shards(
    root: Path, names: Sequence[str], folder: Path, shard_bytes: int, progress: Progress
) -> np.ndarray:
    """Write the shards, and return the records of the files, in their order."""
    records = np.zeros(len(names), packed_files.RECORD)
    done = 0
    for number, some in enumerate(_divide_files(root, names, shard_bytes)):
        with tarfile.open(folder / packed_files.shard_name(number), "w") as shard:
            for name in some:
                content_path = root / name
                info = shard.gettarinfo(content_path, name)
                info.type, info.linkname = tarfile.REGTYPE, ""  # a link is what it leads to
                info.size = content_path.stat().st_size
                crc = 0
                with content_path.open("rb") as file:
                    while block := file.read(1 << 20):
                        crc = zlib.crc32(block, crc)
                    file.seek(0)
                    shard.addfile(info, file)
                begin = shard.offset - -(-info.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
                records[done] = (packed_files.path_key(name), number, begin, info.size, crc)
                done += 1
                progress(done, len(names))
    return records


def _divide_files(root: Path, names: Sequence[str], shard_bytes: int) -> Iterator[list[str]]:
    """Yield the files of each shard: as many as it takes, one at least."""
    some: list[str] = []
    room = shard_bytes
    for name in names:
        size = (root / name).stat().st_size
        if some and size > room:
            yield some
            some, room = [], shard_bytes
        some.append(name)
        room -= size
    yield some


def _write_index(folder: Path, names: Sequence[str], records: np.ndarray) -> None:
    order = np.argsort(records["key"], kind="stable")
    ordered = records[order]
    if len(np.unique(ordered["key"])) < len(ordered):
        raise BenchError("file.packed-damaged", f"{folder}: two paths have one key")
    np.save(folder / packed_files.INDEX, ordered)
    text = "".join(f"{names[number]}\n" for number in order)
    (folder / packed_files.NAMES).write_text(text, encoding="utf-8")
