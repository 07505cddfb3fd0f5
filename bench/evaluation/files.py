"""Any file as blocks of whole lines of UTF-8 text, or the plain word for what it is instead.

A file is read a block at a time, whatever its size, and a block is never more than a few megabytes
longer than `BLOCK`: neither a file of one endless line nor an archive that unpacks to one can fill
the memory.
"""

from __future__ import annotations

import bz2
import codecs
import errno
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from bench.errors import BenchError, quoted

BLOCK = 1 << 24
"""Bytes read at a time."""

LONGEST_LINE = 1 << 16
"""Bytes; a line of a score file has a few dozen."""

UNREADABLE = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)
"""What reading a damaged or vanished file raises."""

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_NPY = b"\x93NUMPY"
_PARQUET = b"PAR1"
_MATLAB = b"MATLAB 5.0 MAT-file"
_ZIP = b"PK\x03\x04"
_PICKLE = "a Python pickle, which could run code; write ids and scores as text, or by numpy.savez"
_TORCH = (
    "a PyTorch file (such as a checkpoint), whose pickle could run code; load it where you trust "
    "it, and write ids and scores as text"
)
_CSV = "; write its table as CSV, by pandas' `to_csv(..., index=False)`"
_NATURES = {
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"%PDF": "a PDF document",
    b"RIFF": "a WAV (RIFF) file",
    b"fLaC": "a FLAC file",
    b"OggS": "an Ogg file",
    b"ID3": "an MP3 file",
    b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.": _TORCH,
    b"\x80\x02": _PICKLE,
    b"\x80\x03": _PICKLE,
    b"\x80\x04": _PICKLE,
    b"\x80\x05": _PICKLE,
    b"\x89HDF": f"an HDF5 file{_CSV}",
    b"MATLAB 7.3": "a MATLAB file of version 7.3, which is HDF5; save it again in MATLAB, by "
    "save(FILE, 'ids', 'scores', '-v7')",
    b"ARROW1": f"an Arrow (Feather) file{_CSV}, or as Parquet",
    b"FEA1": f"a Feather file{_CSV}, or as Parquet",
    b"\xff\xff\xff\xff": f"an Arrow stream, as Hugging Face datasets are kept{_CSV}, or as Parquet",
    b"SQLite format": f"an SQLite database{_CSV}",
    b"\xd0\xcf\x11\xe0": "an old Excel (or Word) file; save the sheet as CSV",
    b"\x28\xb5\x2f\xfd": "compressed by zstd, which is not read here (gz, bz2 and xz are)",
    b"7z\xbc\xaf\x27\x1c": "a 7-zip archive; unpack it",
    b"Rar!": "a RAR archive; unpack it",
    b"\x7fELF": "a program",
    codecs.BOM_UTF32_LE: "text in UTF-32, which is not read here (UTF-8 and UTF-16 are)",
}
_TAR = slice(257, 262)
"""Where a tar archive says `ustar`."""
_PACKED = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}


class Block(NamedTuple):
    """Whole lines, each ended by a newline, and the number (from 1) of the first of them."""

    text: bytes
    line: int


def head(path: Path) -> bytes:
    """Return the first bytes of a file, unpacked; raise BenchError where there are none.

    BenchError too for a path that is no file, and for one that cannot be read.
    """
    if path.is_dir():
        if any((path / name).is_file() for name in ("dataset_info.json", "dataset_dict.json")):
            raise BenchError(
                "table-file.folder",
                f"{path}: is a folder of Hugging Face datasets; write its table as CSV or Parquet, "
                "by its `to_csv` or `to_parquet`",
            )
        raise BenchError("table-file.folder", f"{path}: is a folder; give the score file in it")
    if not path.is_file():
        raise BenchError("file.missing", f"{path}: there is no such score file")
    try:
        with opened(path) as file:
            first = file.read(512)
    except UNREADABLE as error:
        raise unreadable(path, error) from error
    if not first:
        raise BenchError(
            "table-file.empty",
            f"{path}: is empty; a score file has a line an utterance: `ID SCORE`",
        )
    return first


def form(path: Path, first: bytes) -> str:
    """Return `text`, `json`, `parquet`, `npy`, `npz` or `mat` by a file's first bytes, `first`.

    BenchError says what the file is where it is none of these, and what to make of it.
    """
    forms = {_PARQUET: "parquet", _NPY: "npy", _ZIP: "npz", _MATLAB: "mat"}
    known = next((form for magic, form in forms.items() if first.startswith(magic)), None)
    if known:
        return known
    nature = next((name for magic, name in _NATURES.items() if first.startswith(magic)), None)
    if nature is None and first[_TAR] == b"ustar":
        nature = "a tar archive; unpack it and give the score file in it"
    if nature is None and first[:2] not in _UTF16:
        nature = _no_text(first)
    if nature:
        raise BenchError(
            "table-file.wrong-kind",
            f"{path}: is {nature}; a score file is text, JSON, Parquet, .npy, .npz or .mat",
        )
    return "json" if _begins_as_json(first) else "text"


def blocks(path: Path) -> Iterator[Block]:
    """Yield the file's lines, in UTF-8, ended by newlines alone, without a byte order mark.

    Compressed files (gz, bz2, xz) are known by their first bytes, and so is UTF-16. BenchError for
    what cannot be unpacked or decoded, and for a line longer than `LONGEST_LINE`.
    """
    line, rest = 1, b""
    for text in texts(path):
        whole, newline, rest = (rest + text).rpartition(b"\n")
        if len(rest) > LONGEST_LINE:
            at = line + whole.count(b"\n") + len(newline)
            raise BenchError(
                "table-file.long-line",
                f"{path}:{at}: a line of more than {LONGEST_LINE:,} bytes: {quoted(rest)}; a score "
                "file has a line an utterance: `ID SCORE`",
            )
        if newline:
            yield Block(whole + newline, line)
            line += whole.count(b"\n") + 1
    if rest:
        yield Block(rest + b"\n", line)


def opened(path: Path) -> BinaryIO:
    """Open a file for reading bytes, unpacked if it is packed, or the one file in a zip archive.

    BenchError for an archive that holds another number of files, or none that could be scores.
    """
    with path.open("rb") as file:
        first = file.read(6)
    if first.startswith(_ZIP):
        return _only_member(path)
    unpacked = next((open_ for magic, open_ in _PACKED.items() if first.startswith(magic)), open)
    return cast(BinaryIO, unpacked(path, "rb"))


def _only_member(path: Path) -> BinaryIO:
    """Open the one file in a zip archive; the archive itself, if it is one of NumPy's arrays."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [of.filename for of in archive.infolist() if not of.filename.endswith("/")]
            names = [name for name in names if not name.startswith("__MACOSX/")]
            if all(name.endswith(".npy") for name in names):
                return path.open("rb")
            if any(name.endswith("data.pkl") for name in names):
                raise BenchError("table-file.wrong-kind", f"{path}: is {_TORCH}")
            if "[Content_Types].xml" in names:
                raise BenchError(
                    "table-file.wrong-kind",
                    f"{path}: is an Excel (or Office) file; save the sheet as CSV",
                )
            if len(names) != 1:
                raise BenchError(
                    "table-file.archive",
                    f"{path}: is an archive of {len(names):,} files ({_some(names)}); unpack it "
                    "and give the score file in it",
                )
            return cast(BinaryIO, archive.open(names[0]))
    except (OSError, BenchError):
        raise
    except Exception as error:  # encrypted, damaged; a forged one can raise anything
        raise BenchError(
            "table-file.archive", f"{path}: is a zip archive that cannot be read: {error}"
        ) from error


def _some(names: Sequence[str]) -> str:
    return ", ".join(quoted(name, 40) for name in names[:3]) + (", ..." if len(names) > 3 else "")


def unreadable(path: Path, error: BaseException) -> BenchError:
    """Return the error for a file that could not be read to its end."""
    if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
        return BenchError("file.unreadable", f"{path}: cannot be read: {error.strerror}")
    return BenchError(
        "file.unreadable", f"{path}: cannot be read, it is damaged or cut short: {error}"
    )


def texts(path: Path) -> Iterator[bytes]:
    """Yield the file in pieces of UTF-8, line ends made newlines, without a byte order mark.

    BenchError for what cannot be unpacked or decoded.
    """
    try:
        with opened(path) as file:
            wide = file.read(2) in _UTF16
        with opened(path) as file:
            yield from _wide(file) if wide else _narrow(file)
    except UNREADABLE as error:
        raise unreadable(path, error) from error
    except UnicodeDecodeError as error:
        raise BenchError(
            "table-file.encoding", f"{path}: begins as text in UTF-16 but is not: {error}"
        ) from error


def _wide(file: BinaryIO) -> Iterator[bytes]:
    with io.TextIOWrapper(file, "utf-16", newline=None) as text:
        while piece := text.read(BLOCK):
            yield piece.encode()


def _narrow(file: BinaryIO) -> Iterator[bytes]:
    held = b""
    piece = file.read(BLOCK).removeprefix(codecs.BOM_UTF8)
    while piece:
        whole = held + piece
        held = b"\r" if whole.endswith(b"\r") else b""  # its newline may come with the next piece
        yield _newlines(whole.removesuffix(b"\r"))
        piece = file.read(BLOCK)
    yield _newlines(held)


def _newlines(text: bytes) -> bytes:
    if b"\r" not in text:
        return text
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _begins_as_json(first: bytes) -> bool:
    wide = first[:2] in _UTF16
    text = first[: len(first) // 2 * 2].decode("utf-16" if wide else "utf-8-sig", "ignore")
    return text.lstrip()[:1] in ("{", "[")


def _no_text(first: bytes) -> str | None:
    if b"\x00" in first:
        return "a binary file (it has zero bytes)"
    if first.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        return "XML or HTML, or begins as they do"
    try:
        first[:-4].decode("utf-8-sig")  # the last character may be cut
    except UnicodeDecodeError as error:
        if error.reason != "unexpected end of data":
            return "no text in UTF-8"
    return None
