"""Text files, read in one way: cards, `bench.toml`, protocols, keys, score files.

Files may be packed (gz, bz2, xz, or the one file in a zip archive) and in UTF-8 or UTF-16. What is
returned is UTF-8 without a byte order mark, and lines end in a newline.
"""

from __future__ import annotations

import bz2
import codecs
import errno
import gzip
import lzma
import tomllib
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from bench._io import machine
from bench.errors import BenchError, quote_text

BLOCK = 1 << 24
"""Bytes read at a time."""

LONGEST_LINE = 1 << 16
"""Bytes; a line of a table has a few dozen."""

UNREADABLE = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)
"""What reading a damaged or vanished file raises."""

UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
ZIP_MAGIC = b"PK\x03\x04"
PYTORCH_FILE = (
    "a PyTorch file (such as a checkpoint), whose pickle could run code; load it where you trust "
    "it, and write ids and scores as text"
)
_PACKED = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
_LONGEST_MARK = 4


class LineBlock(NamedTuple):
    """Whole lines, each ended by a newline, and the number (from 1) of the first of them."""

    text: bytes
    line: int


def read_text(path: Path, shown: str = "") -> str:
    """Return the text of a file; BenchError as `read_bytes`."""
    return read_bytes(path, shown).decode()


def read_toml(path: Path, shown: str = "") -> dict[str, Any]:
    """Return a TOML file's content; BenchError as `read_bytes`, and for a syntax error."""
    text = read_text(path, shown)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BenchError("file.malformed", f"{shown or path}: not TOML: {error}") from error


def read_bytes(path: Path, shown: str = "") -> bytes:
    """Return the text of a file as bytes in UTF-8.

    BenchError, the file called `shown` in it, where it cannot be read or is no text.
    """
    name = shown or str(path)
    data = b"".join(read_pieces(path, shown))
    if b"\0" in data:
        line = data[: data.index(b"\0")].count(b"\n") + 1
        raise BenchError(
            "file.encoding", f"{name}:{line}: holds a zero byte: save the file as text in UTF-8"
        )
    if not data.isascii():
        try:
            data.decode()
        except UnicodeDecodeError as error:
            raise _encoding_error(name, data[: error.start].count(b"\n") + 1, error) from error
    return data


def read_blocks(path: Path) -> Iterator[LineBlock]:
    """Yield a file of any size in blocks of whole lines, never much longer than `BLOCK`.

    BenchError as `read_pieces`, and for a line longer than `LONGEST_LINE`: neither a file of one
    endless line nor an archive that unpacks to one can fill the memory.
    """
    line, rest = 1, b""
    for text in read_pieces(path):
        whole, newline, rest = (rest + text).rpartition(b"\n")
        if len(rest) > LONGEST_LINE:
            number = line + whole.count(b"\n") + len(newline)
            raise BenchError(
                "table-file.long-line",
                f"{path}:{number}: a line of more than {LONGEST_LINE:,} bytes: {quote_text(rest)}; "
                "a score file has a line an utterance: `ID SCORE`",
            )
        if newline:
            yield LineBlock(whole + newline, line)
            line += whole.count(b"\n") + 1
    if rest:
        yield LineBlock(rest + b"\n", line)


def read_pieces(path: Path, shown: str = "") -> Iterator[bytes]:
    """Yield a file in pieces that end anywhere; text in UTF-8 is passed on without being checked.

    BenchError, the file called `shown` in it, for what cannot be unpacked or is no UTF-16 though it
    begins so.
    """
    try:
        with open_unpacked(path) as file:
            yield from _convert_pieces(file, shown or str(path))
    except UNREADABLE as error:
        raise unreadable_error(path, error, shown) from error


def _convert_pieces(file: BinaryIO, name: str) -> Iterator[bytes]:
    piece = file.read(max(BLOCK, _LONGEST_MARK))
    decoder = None
    if piece[:2] in UTF16_MARKS:
        decoder = codecs.getincrementaldecoder("utf-16")()
    piece = piece.removeprefix(codecs.BOM_UTF8)
    held, line = b"", 1
    while piece:
        if decoder is not None:
            try:
                piece = decoder.decode(piece).encode()
            except UnicodeDecodeError as error:
                line += piece[: error.start].count(b"\n")
                raise _encoding_error(name, line, error) from error
        whole = held + piece
        held = b"\r" if whole.endswith(b"\r") else b""  # its newline may come with the next piece
        text = whole.removesuffix(b"\r")
        if b"\r" in text:
            text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if decoder is not None:
            line += text.count(b"\n")
        yield text
        piece = file.read(BLOCK)
    if decoder is not None and decoder.getstate()[0]:
        raise BenchError(
            "file.encoding", f"{name}:{line}: not in UTF-8, and UTF-16 that is cut short"
        )
    if held:
        yield b"\n"


def _encoding_error(name: str, line: int, error: UnicodeDecodeError) -> BenchError:
    near = quote_text(error.object[max(0, error.start - 20) : error.end + 20])
    return BenchError(
        "file.encoding", f"{name}:{line}: not in UTF-8 (near {near}): save the file as UTF-8"
    )


def open_unpacked(path: Path) -> BinaryIO:
    """Open a file for reading bytes, unpacked if it is packed, or the one file in a zip archive.

    BenchError for an archive that holds another number of files, or one of another kind.
    """
    with path.open("rb") as file:
        first = file.read(6)
    if first.startswith(ZIP_MAGIC):
        return _open_only_member(path)
    open_file = next((open_ for magic, open_ in _PACKED.items() if first.startswith(magic)), open)
    return cast(BinaryIO, open_file(path, "rb"))


def _open_only_member(path: Path) -> BinaryIO:
    """Open the one file in a zip archive; the archive itself, if it is one of NumPy's arrays."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [item.filename for item in archive.infolist() if not item.is_dir()]
            names = [name for name in names if not name.startswith("__MACOSX/")]
            if all(name.endswith(".npy") for name in names):
                return path.open("rb")
            if any(name.endswith("data.pkl") for name in names):
                raise BenchError("table-file.wrong-kind", f"{path}: is {PYTORCH_FILE}")
            if "[Content_Types].xml" in names:
                raise BenchError(
                    "table-file.wrong-kind",
                    f"{path}: is an Excel (or Office) file; save the sheet as CSV",
                )
            if len(names) != 1:
                raise BenchError(
                    "table-file.archive",
                    f"{path}: is an archive of {len(names):,} files ({_list_some(names)}); unpack "
                    "it and give the file in it that is meant",
                )
            return cast(BinaryIO, archive.open(names[0]))
    except (OSError, BenchError):
        raise
    except Exception as error:  # encrypted, damaged; a forged one can raise anything
        raise BenchError(
            "table-file.archive", f"{path}: is a zip archive that cannot be read: {error}"
        ) from error


def _list_some(names: Sequence[str]) -> str:
    more = ["..."] if len(names) > 3 else []
    return ", ".join([*(quote_text(name, 40) for name in names[:3]), *more])


def unreadable_error(path: Path, error: BaseException, shown: str = "") -> BenchError:
    """Return the error for a file that could not be read to its end."""
    if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
        error.filename = shown or str(path)
        return BenchError("file.unreadable", machine.explain_os_error(error).message)
    return BenchError(
        "file.unreadable", f"{shown or path}: cannot be read, it is damaged or cut short: {error}"
    )
