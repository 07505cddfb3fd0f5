"""Pretrained front-ends and breath detectors: what each is called, where to get it, and where it
lies on this machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench._io.digests import file_digest, short_digest
from bench._io.disk import human_bytes
from bench.config import Config
from bench.errors import BenchError, near


@dataclass(frozen=True)
class Weights:
    """One published checkpoint."""

    file: str
    source: str
    folder: str
    """The Hugging Face repository, whose folder is read as well."""
    heard: tuple[str, ...]
    """Corpora, and what these are made from, that it was pretrained on without labels, by the names
    that corpus cards use for sources."""
    instead: str = ""
    """What does without it."""
    bytes: int | None = None
    """Of the file."""
    about_bytes: int | None = None
    """As pages round it, where the exact size is not known."""
    sha256: str | None = None
    """Of the file."""

    @property
    def size(self) -> int | None:
        """`bytes`, else `about_bytes`; None where neither is known."""
        return self.about_bytes if self.bytes is None else self.bytes


KNOWN: Mapping[str, Weights] = {
    "xlsr2_300m": Weights(
        file="xlsr2_300m.pt",
        source="https://dl.fbaipublicfiles.com/fairseq/wav2vec/xlsr2_300m.pt",
        folder="facebook/wav2vec2-xls-r-300m",
        # Babu et al., Interspeech 2022 (arXiv:2111.09296), section 3.
        heard=(
            *("VoxPopuli", "MLS", "MLS English", "LibriVox"),
            *("Common Voice", "VoxLingua107", "BABEL"),
        ),
        about_bytes=3_800_000_000,  # read in instructions of projects that use it
    ),
    "wavlm_large": Weights(
        file="WavLM-Large.pt",
        source="https://github.com/microsoft/unilm/tree/master/wavlm",
        folder="microsoft/wavlm-large",
        # Chen et al., IEEE JSTSP 16, 2022 (arXiv:2110.13900), section IV: Libri-Light is LibriVox.
        heard=("Libri-Light", "LibriVox", "GigaSpeech", "VoxPopuli"),
        # Of copies from the Google Drive that Microsoft's README names, and in s3prl's repository.
        bytes=1_261_965_425,
        sha256="6fb4b3c3e6aa567f0a997b30855859cb81528ee8078802af439f7b2da0bf100f",
    ),
    # A breath detector, no front-end: it learned from LibriTTS-R's breaths, not from its speech.
    "respiro_en": Weights(
        file="respiro-en.pt",
        source="https://github.com/ydqmkkx/Respiro-en",
        folder="DongYANG/Respiro-en",
        heard=(),
        # Of the repository's file at 70e01c6.
        bytes=35_377_347,
        sha256="1f4a9b96f96645c480bf0e07b1e18cd68878ac0b4bb5dc920ad93f9b17df858a",
        instead="; our own detector wants no weights: --variant dsp, or --set breath.kind=dsp",
    ),
}


_READ_OF_FOLDER = ("config.json", "model.safetensors", "pytorch_model.bin")
"""Of a Hugging Face folder nothing else is read (`bench.models.frontends.layouts`)."""
INTERVALS = "it is a CSV of utterance,start_s,end_s"
"""What a key of `[weights]` that holds breaths is."""
ANY_COPY = "any copy of Respiro-en's respiro-en.pt will do"
"""What will do for a key of `[weights]` that a card of `breath.kind = "respiro"` names."""
ANY_LAYOUT = "any local checkpoint in one of the known layouts will do"


def size_in_words(key: str) -> str:
    """Return how large the published file of the weights `key` is, e.g. `about 3.8 GB`."""
    known = KNOWN.get(key)
    if known is None or known.size is None:
        return "size unknown"
    return f"{'about ' if known.bytes is None else ''}{human_bytes(known.size)}"


def locate(key: str, config: Config, otherwise: str = ANY_LAYOUT) -> Path:
    """Return the file or folder of the weights `key`; raise with what to get, and where to.

    `otherwise` says what will do for a key that is not among the known ones.
    """
    path, source = config.weights.get(key), config.source or "bench.toml"
    known = KNOWN.get(key)
    hint = (known.instead if known else "") + near(key, config.weights)
    if path is not None and path.exists():
        return path
    file = known.file if known else key
    get = (
        f"get {known.file} from {known.source}, or the folder of Hugging Face's {known.folder}"
        if known
        else otherwise
    )
    if path is None:
        raise BenchError(
            f'weights {key} are not configured: {get}; add `{key} = "/path/{file}"` under '
            f"[weights] in {source}, or set BENCH_WEIGHTS_{key.upper()}{hint}"
        )
    where = config.where(f"weights.{key}")
    raise BenchError(
        f"weights.{key} = {str(path)!r} in {where}: there is no such file or folder; {get}, and "
        f"put it there{hint}"
    )


def content_digest(path: Path) -> str:
    """Return by what a run is known to be made from the weights at `path`: sixteen hexadecimal
    digits of a file's SHA-256, eight of the files of a folder that are read. Raise OSError.
    """
    if path.is_file():
        return file_digest(path)
    files = [path / name for name in _READ_OF_FOLDER]
    return short_digest({of.name: file_digest(of) for of in files if of.is_file()})


def published(key: str, path: Path) -> str:
    """Return which published file the weights at `path` are, by their digest, in words: a name of
    them, that they are none of those known, or that none is known. Raise OSError.

    Digests of XLS-R's files, and of Hugging Face's folders, are not known to us.
    """
    found = content_digest(path)
    if not path.is_file():
        return f"files {found}: whether it is a published folder is not known"
    known = KNOWN.get(key)
    if known is None or known.sha256 is None:
        return f"sha256 {found}: whether it is a published file is not known"
    is_published = known.sha256.startswith(found)
    return f"sha256 {found}: {'' if is_published else 'not '}the published {known.file}"
