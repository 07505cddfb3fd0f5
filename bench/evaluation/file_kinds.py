"""What a score file is by its first bytes: one of the forms that are read, or what else."""

from __future__ import annotations

import codecs
from pathlib import Path

from bench._io.text_files import (
    PYTORCH_FILE,
    UNREADABLE,
    UTF16_MARKS,
    ZIP_MAGIC,
    open_unpacked,
    unreadable_error,
)
from bench.errors import BenchError

_NPY = b"\x93NUMPY"
_PARQUET = b"PAR1"
_MATLAB = b"MATLAB 5.0 MAT-file"
_PICKLE = "a Python pickle, which could run code; write ids and scores as text, or by numpy.savez"
_CSV = "; write its table as CSV, by pandas' `to_csv(..., index=False)`"
_NATURES = {
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"%PDF": "a PDF document",
    b"RIFF": "a WAV (RIFF) file",
    b"fLaC": "a FLAC file",
    b"OggS": "an Ogg file",
    b"ID3": "an MP3 file",
    b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.": PYTORCH_FILE,
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


def read_head(path: Path) -> bytes:
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
        with open_unpacked(path) as file:
            first = file.read(512)
    except UNREADABLE as error:
        raise unreadable_error(path, error) from error
    if not first:
        raise BenchError(
            "table-file.empty",
            f"{path}: is empty; a score file has a line an utterance: `ID SCORE`",
        )
    return first


def detect_form(path: Path, first: bytes) -> str:
    """Return `text`, `json`, `parquet`, `npy`, `npz` or `mat` by a file's first bytes, `first`.

    BenchError says what the file is where it is none of these, and what to make of it.
    """
    forms = {_PARQUET: "parquet", _NPY: "npy", ZIP_MAGIC: "npz", _MATLAB: "mat"}
    binary = next((form for magic, form in forms.items() if first.startswith(magic)), None)
    if binary:
        return binary
    nature = next((name for magic, name in _NATURES.items() if first.startswith(magic)), None)
    if nature is None and first[_TAR] == b"ustar":
        nature = "a tar archive; unpack it and give the score file in it"
    if nature is None and first[:2] not in UTF16_MARKS:
        nature = _explain_no_text(first)
    if nature:
        raise BenchError(
            "table-file.wrong-kind",
            f"{path}: is {nature}; a score file is text, JSON, Parquet, .npy, .npz or .mat",
        )
    return "json" if _begins_as_json(first) else "text"


def _begins_as_json(first: bytes) -> bool:
    wide = first[:2] in UTF16_MARKS
    text = first[: len(first) // 2 * 2].decode("utf-16" if wide else "utf-8-sig", "ignore")
    return text.lstrip()[:1] in ("{", "[")


def _explain_no_text(first: bytes) -> str | None:
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
