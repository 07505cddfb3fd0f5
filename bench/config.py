"""What differs between machines: where corpora, weights, work and tracking are. Never part of a
signature.

Read from `bench.toml` in the working folder, or the file that BENCH_CONFIG names; each key can be
given by an environment variable instead (BENCH_CORPORA_PARTIALSPOOF, BENCH_WEIGHTS_XLSR2_300M,
BENCH_WORK, ...).
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, overload

from pydantic import Field, ValidationError

from bench.errors import BenchError
from bench.specs.base import Count, Spec
from bench.specs.faults import explain

Form = Literal["paper", "smoke"]

_NOISE = {
    "musan": "MUSAN (openslr.org/17), the folder that holds noise, speech and music",
    "rirs": "RIRS_NOISES (openslr.org/28), its folder simulated_rirs",
}


class File(Spec):
    """What `bench.toml` may say; all of it may be left out."""

    cards: str | None = None
    """Folder of cards of corpora of your own, one `<key>.toml` each, e.g. `"cards"`."""
    corpora: dict[str, str] = Field(default_factory=dict[str, str])
    """Folder of each corpus, e.g. `partialspoof = "/data/PartialSpoof/database"`."""
    weights: dict[str, str] = Field(default_factory=dict[str, str])
    """File or folder of each pretrained model, e.g. `xlsr2_300m = "/data/xlsr2_300m.pt"`; or of
    breaths that were found elsewhere, a CSV."""
    noise: dict[str, str] = Field(default_factory=dict[str, str])
    """Folders of recordings that training adds: `musan` (noise, speech and music) and `rirs`
    (impulse responses)."""
    work: str = "work"
    """Folder for checkpoints, scores and the miniature corpora."""
    tracking: str | None = None
    """MLflow tracking store, e.g. `"sqlite:////data/mlflow.db"` or a server's address."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    devices: Count = 1
    """How many of them."""
    workers: Annotated[int, Field(ge=0)] | None = None
    """Processes that load audio; as many as suit the device where it is left out."""
    deterministic: bool = False
    """Whether torch may use deterministic algorithms only: the same command on the same machine
    gives the same figures on a GPU too, more slowly. (On the CPU it does anyway, with the same
    number of threads.)"""


@dataclass(frozen=True)
class Config:
    """This machine's places. `source` is the file they were read from, or None."""

    source: Path | None = None
    cards: Path | None = None
    corpora: Mapping[str, Path] = field(default_factory=dict[str, Path])
    weights: Mapping[str, Path] = field(default_factory=dict[str, Path])
    noise: Mapping[str, Path] = field(default_factory=dict[str, Path])
    work: Path = Path("work")
    tracking: str | None = None
    device: str = "auto"
    devices: int = 1
    workers: int | None = None
    deterministic: bool = False

    def loader_workers(self, device: str) -> int:
        """Return how many processes load audio for a model on `device` ("cpu", "cuda", ...).

        Unless stated: none beside a model on the CPU, which they would only take it from; else
        half of the cores, at most eight.
        """
        if self.workers is not None:
            return self.workers
        return 0 if device == "cpu" else min(8, (os.cpu_count() or 2) // 2)

    @property
    def mini(self) -> Path:
        """Folder of the miniature corpora, one subfolder each by the corpus's key."""
        return self.work / "mini"

    @property
    def tracking_uri(self) -> str:
        """MLFLOW_TRACKING_URI, else `tracking` of bench.toml, else a SQLite file in the work
        folder.
        """
        named = os.environ.get("MLFLOW_TRACKING_URI") or self.tracking
        if named:
            return named
        from sqlalchemy.engine import URL  # which knows how a path is quoted

        file = (self.work / "mlflow.db").absolute()
        return URL.create("sqlite", database=str(file)).render_as_string()

    @property
    def artifacts(self) -> Path:
        """Folder of MLflow's artifacts when the store is a local database."""
        return (self.work / "artifacts").absolute()

    def corpus_root(self, key: str, form: Form) -> Path:
        """Return the folder of corpus `key`; for smoke runs its miniature. Raise where it is not
        there.
        """
        if form == "smoke":
            root = self.mini / key
            if not root.is_dir():
                raise BenchError(
                    f"the miniature {key} is not at {root}: make it with `bench data mini`"
                )
            return root
        root = self.corpora.get(key)
        if root is None:
            raise BenchError(
                f'no place is set for corpus {key}: put `{key} = "/path"` under [corpora] in '
                f"{self.source or 'bench.toml'}, or set {_variable('corpora', key)} "
                f"(`bench data show {key}` says what to get and where to put it)"
            )
        if not root.is_dir():
            raise BenchError(
                f"corpora.{key} = {str(root)!r} in {self.source}: there is no such folder"
            )
        return root

    def noise_root(self, key: Literal["musan", "rirs"]) -> Path:
        """Return the folder `key` of `[noise]`. Raise where it is not there; say what to get."""
        root = self.noise.get(key)
        if root is None or not root.is_dir():
            said = "no place is set for" if root is None else f"there is no folder {root} for"
            raise BenchError(
                f'{said} noise.{key}: get {_NOISE[key]}, and put `{key} = "/path"` under '
                f"[noise] in {self.source or 'bench.toml'}, or set {_variable('noise', key)}"
            )
        return root


def load(path: Path | None = None, environment: Mapping[str, str] | None = None) -> Config:
    """Read the configuration; an absent default file is an empty one, a named one must exist."""
    environment = os.environ if environment is None else environment
    named = path or (Path(environment["BENCH_CONFIG"]) if "BENCH_CONFIG" in environment else None)
    source = named or Path("bench.toml")
    content: dict[str, Any] = {}
    if source.is_file():
        try:
            content = tomllib.loads(source.read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise BenchError(f"{source}: not TOML: {error}") from error
    elif named:
        raise BenchError(f"{source}: there is no such file (asked for by BENCH_CONFIG)")
    return _placed(_validated(content, str(source)), source, environment)


def _validated(content: Mapping[str, Any], source: str) -> File:
    try:
        return File.model_validate(content)
    except ValidationError as error:
        raise BenchError("\n".join(explain(error, source, File))) from error


def _placed(file: File, source: Path, environment: Mapping[str, str]) -> Config:
    """Return the configuration: relative places are below the file's folder, variables go first."""
    base = source.parent
    own: dict[str, Any] = {
        name: environment[variable]
        for name in ("cards", "work", "tracking", "device")
        if (variable := _variable(name)) in environment
    }
    own |= {
        name: _number(variable, environment[variable])
        for name in ("devices", "workers")
        if (variable := _variable(name)) in environment
    }
    if (variable := _variable("deterministic")) in environment:
        own["deterministic"] = _flag(variable, environment[variable])
    stated = _validated(file.model_dump() | own, "environment")
    return Config(
        source=source if source.is_file() else None,
        cards=_place(stated.cards, base, "cards" in own),
        corpora=_places(file.corpora, "corpora", base, environment),
        weights=_places(file.weights, "weights", base, environment),
        noise=_places(file.noise, "noise", base, environment),
        work=_place(stated.work, base, "work" in own),
        tracking=stated.tracking,
        device=stated.device,
        devices=stated.devices,
        workers=stated.workers,
        deterministic=stated.deterministic,
    )


@overload
def _place(stated: str, base: Path, own: bool) -> Path: ...
@overload
def _place(stated: str | None, base: Path, own: bool) -> Path | None: ...
def _place(stated: str | None, base: Path, own: bool) -> Path | None:
    """Return a place of the file, or as a variable gives it: relative to the working folder."""
    if stated is None or own:
        return None if stated is None else Path(stated)
    return base / Path(stated).expanduser()


def _places(
    stated: Mapping[str, str], section: str, base: Path, environment: Mapping[str, str]
) -> dict[str, Path]:
    found = {name: base / Path(place).expanduser() for name, place in stated.items()}
    prefix = _variable(section, "")
    for variable, value in environment.items():
        if variable.startswith(prefix):
            found[variable.removeprefix(prefix).lower()] = Path(value).expanduser()
    return found


def _variable(*parts: str) -> str:
    return "_".join(("BENCH", *parts)).upper()


def _flag(variable: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise BenchError(f"{variable} = {text!r}: should be 'true' or 'false'")
    return text == "true"


def _number(variable: str, text: str) -> int:
    if not text.isdigit():
        raise BenchError(f"{variable} = {text!r}: should be a whole number")
    return int(text)
