"""What differs between machines: where corpora, weights, work and tracking are. Never part of a
signature.

Read from `bench.toml` in the working folder, or the file that BENCH_CONFIG names; each key can be
given by an environment variable instead (BENCH_CORPORA_PARTIALSPOOF, BENCH_WEIGHTS_XLSR2_300M,
BENCH_WORK, ...).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from bench import texts
from bench.errors import BenchError, near
from bench.specs.base import Count, Spec
from bench.specs.faults import explain

Form = Literal["paper", "smoke"]
Place = Annotated[str, Field(min_length=1)]
"""A path; one that is not absolute is below the folder of `bench.toml`."""

_NOISE = {
    "musan": "MUSAN (openslr.org/17), the folder that holds noise, speech and music",
    "rirs": "RIRS_NOISES (openslr.org/28), its folder simulated_rirs",
}


class Noise(Spec):
    """Folders of recordings that training adds; each may be left out."""

    musan: Place | None = None
    """MUSAN: noise, speech and music."""
    rirs: Place | None = None
    """Impulse responses of rooms."""


class File(Spec):
    """What `bench.toml` may say; all of it may be left out."""

    cards: Place | None = None
    """A folder that holds cards of corpora and nothing else, one `<key>.toml` each; `extend` does
    the same and more."""
    extend: tuple[Place, ...] = Field(default=(), strict=False)
    """Folders of your own cards, laid out as the suite is, e.g. `["lab"]`: lab/datasets/mine.toml,
    lab/experiments/mine/ablation.toml, lab/experiments/sweeps/mine.toml."""
    corpora: dict[str, Place] = Field(default_factory=dict[str, str])
    """Folder of each corpus, e.g. `partialspoof = "/data/PartialSpoof/database"`."""
    weights: dict[str, Place] = Field(default_factory=dict[str, str])
    """File or folder of each pretrained model, e.g. `xlsr2_300m = "/data/xlsr2_300m.pt"`; or of
    breaths that were found elsewhere, a CSV."""
    noise: Noise = Noise()
    work: Place = "work"
    """Folder for checkpoints, scores and the miniature corpora."""
    tracking: Place | None = None
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
    extend: tuple[Path, ...] = ()
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
    """Read the configuration; an absent default file is an empty one, a named one must exist.

    Empty variables are as if they were not set.
    """
    environment = os.environ if environment is None else environment
    environment = {name: value for name, value in environment.items() if value.strip()}
    stated = environment.get("BENCH_CONFIG")
    named = path or (_expanded(stated) if stated else None)
    source = named or Path("bench.toml")
    if named and not os.path.lexists(source):
        raise BenchError(f"{source}: there is no such file (asked for by BENCH_CONFIG)")
    content = texts.read_toml(source) if os.path.lexists(source) else {}
    return _placed(_validated(content, str(source)), source, environment)


def _validated(content: Mapping[str, Any], source: str) -> File:
    try:
        return File.model_validate(content)
    except ValidationError as error:
        lines = [_with_hint(line) for line in explain(error, source, File)]
        raise BenchError("\n".join(lines)) from error


def _with_hint(line: str) -> str:
    """Return a line of what is wrong; of a device with a number, how one is chosen."""
    number = re.search(r"device = 'cuda:(\d+)'", line)
    return f"{line}; CUDA_VISIBLE_DEVICES={number[1]} chooses one of several" if number else line


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
    if (variable := _variable("extend")) in environment:
        own["extend"] = [name for name in environment[variable].split(os.pathsep) if name]
    stated = _validated(file.model_dump() | own, "environment")
    said = {key: place for key, place in file.noise if place is not None}
    noise = _places(said, "noise", base, environment)
    for key in noise.keys() - _NOISE.keys():
        raise BenchError(f"{_variable('noise', key)}: no such variable{near(key, _NOISE)}")
    return Config(
        source=source if source.is_file() else None,
        cards=None if stated.cards is None else _place(stated.cards, base, "cards" in own),
        extend=tuple(_place(of, base, "extend" in own) for of in stated.extend),
        corpora=_places(file.corpora, "corpora", base, environment),
        weights=_places(file.weights, "weights", base, environment),
        noise=noise,
        work=_place(stated.work, base, "work" in own),
        tracking=stated.tracking,
        device=stated.device,
        devices=stated.devices,
        workers=stated.workers,
        deterministic=stated.deterministic,
    )


def _place(stated: str, base: Path, own: bool) -> Path:
    """Return a place of the file, or as a variable gives it: relative to the working folder."""
    return _expanded(stated) if own else base / _expanded(stated)


def _places(
    stated: Mapping[str, str], section: str, base: Path, environment: Mapping[str, str]
) -> dict[str, Path]:
    found = {name: base / _expanded(place) for name, place in stated.items()}
    prefix = _variable(section, "")
    for variable, value in environment.items():
        if variable.startswith(prefix):
            found[variable.removeprefix(prefix).lower()] = _expanded(value)
    return found


def _expanded(place: str) -> Path:
    """Return a path, `~` as the home folder; BenchError where a user has none."""
    try:
        return Path(place).expanduser()
    except RuntimeError as error:
        raise BenchError(f"{place}: no home folder is known for the ~: write it out") from error


def _variable(*parts: str) -> str:
    return "_".join(("BENCH", *parts)).upper()


def _flag(variable: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise BenchError(f"{variable} = {text!r}: should be 'true' or 'false'")
    return text == "true"


def _number(variable: str, text: str) -> int:
    if not text.isdecimal():
        raise BenchError(f"{variable} = {text!r}: should be a whole number")
    return int(text)
