"""Pretrained weights: what each file is called, where to get it, and where it lies here.

Weights of a new front-end need no line here: `bench/schema/weights/<key>.toml`, or
`weights/<key>.toml` of an extension, names them.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal, cast

from bench._io.digests import file_digest, short_digest
from bench._io.disk import human_bytes
from bench.cards import card_files
from bench.config import Config
from bench.errors import BenchError, near_name
from bench.specs.base import Spec
from bench.specs.corpus import Access, Download, OneOrMore
from bench.specs.kinds import Requirement


class PublishedWeights(Spec):
    """One published checkpoint, as its card has it."""

    file: str
    source: str
    repository: str
    """The Hugging Face repository, whose folder is read as well; empty where the file alone is."""
    pretraining_corpora: OneOrMore = ()
    """Corpora, and what these are made from, that it was pretrained on without labels, by the names
    that corpus cards use for sources."""
    alternative: str = ""
    """What does without it."""
    url: str = ""
    """Where the file itself is (`bench.specs.corpus.Download`)."""
    mirrors: OneOrMore = ()
    revision: str = ""
    """The commit of the repository that `url` reads."""
    licence: str = ""
    access: Access = "open"
    bytes: int | None = None
    """Of the file."""
    about_bytes: int | None = None
    """As pages round it, where the exact size is not known."""
    sha256: str | None = None
    """Of the file."""
    parameters: int | None = None
    """Number of the network's parameters; a file may hold more beside them."""

    @property
    def download(self) -> Download:
        """The file as `bench get` fetches it."""
        return Download(
            file=self.file,
            url=self.url,
            mirrors=self.mirrors,
            bytes=self.bytes,
            about_bytes=self.about_bytes,
            sha256=self.sha256,
        )

    @property
    def size_bytes(self) -> int | None:
        """`bytes`, else `about_bytes`; None where neither is known."""
        return self.about_bytes if self.bytes is None else self.bytes


def published_weights() -> dict[str, PublishedWeights]:
    """Return the published weights, the largest first.

    Each is a card in `bench/schema/weights`, or in `weights` of an extension. BenchError names
    every fault of a card, and a key that is there twice.
    """
    files = {key: card_files.card_file("weights", key) for key in card_files.card_keys("weights")}
    weights = {key: _read_weights(path) for key, path in files.items()}
    return dict(sorted(weights.items(), key=lambda item: -(item[1].size_bytes or 0)))


@cache
def _read_weights(path: Path) -> PublishedWeights:
    return card_files.validate_card(PublishedWeights, card_files.read_card(path), path)


_READ_OF_FOLDER = ("config.json", "model.safetensors", "pytorch_model.bin")
"""Of a Hugging Face folder nothing else is read (`bench.models.frontends.layouts`)."""
_DIGITS_OF_FILE = 16
"""Of the digest of a file; that of a folder has fewer."""
ANY_LAYOUT = "any local checkpoint in one of the known layouts will do"


def size_in_words(key: str) -> str:
    """Return how large the published file of the weights `key` is, e.g. `about 3.8 GB`."""
    entry = published_weights().get(key)
    if entry is None or entry.size_bytes is None:
        return "size unknown"
    return f"{'about ' if entry.bytes is None else ''}{human_bytes(entry.size_bytes)}"


def locate_requirement(requirement: Requirement, config: Config) -> Path:
    """Return the file or folder that a part of a run needs; BenchError where it is missing."""
    if requirement.what == "noise":
        return config.noise_root(cast("Literal['musan', 'rirs']", requirement.key))
    return locate_weights(requirement.key, config, requirement.accepts or ANY_LAYOUT)


def locate_weights(key: str, config: Config, otherwise: str = ANY_LAYOUT) -> Path:
    """Return the file or folder of the weights `key`; raise with what to get, and where to put it.

    `otherwise` says what a key that is not published may hold.
    """
    path, source = config.weights.get(key), config.source or "bench.toml"
    entry = published_weights().get(key)
    hint = (entry.alternative if entry else "") + near_name(key, config.weights)
    if path is not None and path.exists():
        return path
    file = entry.file if entry else key
    get = f"`bench get {key}` brings {entry.file} from {entry.source}" if entry else otherwise
    if entry and entry.repository:
        get += f"; or take the folder of Hugging Face's {entry.repository}"
    if path is None:
        raise BenchError(
            "weights.missing",
            f'weights {key} are not configured: {get}; add `{key} = "/path/{file}"` under '
            f"[weights] in {source}, or set BENCH_WEIGHTS_{key.upper()}{hint}",
        )
    where = config.source_of(f"weights.{key}")
    raise BenchError(
        "weights.missing",
        f"weights.{key} = {str(path)!r} in {where}: there is no such file or folder; {get}, and "
        f"put it there{hint}",
    )


def content_digest(path: Path, work: Path | None = None) -> str:
    """Return the digest of the weights at `path`, by which a run is known.

    Of a file it is sixteen hexadecimal digits of its SHA-256, of a folder eight of the files in it
    that are read. Digests of large files are kept in the work folder. Raise OSError.
    """
    if path.is_file():
        return file_digest(path, work)
    files = [path / name for name in _READ_OF_FOLDER]
    return short_digest({file.name: file_digest(file, work) for file in files if file.is_file()})


def name_digest(digest: str) -> str:
    """Return what a digest of `content_digest` is of: a file (`sha256`) or a folder (`files`)."""
    return "sha256" if len(digest) == _DIGITS_OF_FILE else "files"


def identify_weights(key: str, path: Path, work: Path | None = None) -> str:
    """Return in words whether the weights at `path` are the published ones, by their digest.

    Digests of Hugging Face's folders are not known to us. Raise OSError.
    """
    digest = content_digest(path, work)
    if not path.is_file():
        return f"files {digest}: whether it is a published folder is not known"
    return f"sha256 {digest}: {compare_published(key, digest)}"


def compare_published(key: str, digest: str) -> str:
    """Return in words whether sixteen digits of a file's SHA-256 are those of the published one."""
    entry = published_weights().get(key)
    if entry is None or entry.sha256 is None:
        return "whether it is a published file is not known"
    is_published = entry.sha256.startswith(digest)
    return f"{'' if is_published else 'not '}the published {entry.file}"
