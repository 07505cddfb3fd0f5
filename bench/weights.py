"""Pretrained front-ends and breath detectors: what each is called, where to get it, and where it
lies on this machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.config import Config
from bench.digests import file_digest
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
    sha256: Mapping[str, str] = field(default_factory=dict[str, str])
    """Which published file has which SHA-256, as far as that is known."""


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
    ),
    "wavlm_large": Weights(
        file="WavLM-Large.pt",
        source="https://github.com/microsoft/unilm/tree/master/wavlm",
        folder="microsoft/wavlm-large",
        # Chen et al., IEEE JSTSP 16, 2022 (arXiv:2110.13900), section IV: Libri-Light is LibriVox.
        heard=("Libri-Light", "LibriVox", "GigaSpeech", "VoxPopuli"),
        # As Hugging Face's s3prl/converted_ckpts (8cad0b3) has wavlm_large.pt, and many projects
        # that pin it or Microsoft's WavLM-Large.pt, which is the same file.
        sha256={
            "6fb4b3c3e6aa567f0a997b30855859cb81528ee8078802af439f7b2da0bf100f": "WavLM-Large.pt",
        },
    ),
    # A breath detector, no front-end: it learned from LibriTTS-R's breaths, not from its speech.
    "respiro_en": Weights(
        file="respiro-en.pt",
        source="https://github.com/ydqmkkx/Respiro-en",
        folder="DongYANG/Respiro-en",
        heard=(),
        # Of the repository's file at 70e01c6.
        sha256={
            "1f4a9b96f96645c480bf0e07b1e18cd68878ac0b4bb5dc920ad93f9b17df858a": "respiro-en.pt",
        },
        instead="; our own detector wants no weights: --variant dsp, or --set breath.kind=dsp",
    ),
}


INTERVALS = "it is a CSV of utterance,start_s,end_s"
"""What a key of `[weights]` that holds breaths is."""
ANY_COPY = "any copy of Respiro-en's respiro-en.pt will do"
"""What will do for a key of `[weights]` that a card of `breath.kind = "respiro"` names."""
ANY_LAYOUT = "any local checkpoint in one of the known layouts will do"


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
            f'no place is set for the weights {key}: {get}; put `{key} = "/path/{file}"` under '
            f"[weights] in {source}, or set BENCH_WEIGHTS_{key.upper()}{hint}"
        )
    where = config.where(f"weights.{key}")
    raise BenchError(
        f"weights.{key} = {str(path)!r} in {where}: there is no such file or folder; {get}, and "
        f"put it there{hint}"
    )


def published(key: str, path: Path) -> str:
    """Return which published file the weights at `path` are, by their SHA-256, in words: a name of
    them, that they are none of those known, or that none is known. Raise OSError.

    Digests of XLS-R's files, and of Hugging Face's folders, are not known to us.
    """
    if not path.is_file():
        return "a folder: whether it is a published one is not known"
    found = file_digest(path)
    weights = KNOWN.get(key)
    known = weights.sha256 if weights is not None else dict[str, str]()
    if not known:
        return f"sha256 {found}: whether it is a published file is not known"
    for digest, name in known.items():
        if digest.startswith(found):
            return f"sha256 {found}: the published {name}"
    return f"sha256 {found}: not the published {', '.join(known.values())}"
