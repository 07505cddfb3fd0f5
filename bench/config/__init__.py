"""What differs between machines: where corpora, weights, work and tracking are.

Never part of a signature.

Read, key by key, from the first that says it: an environment variable (BENCH_WORK,
BENCH_CORPORA_PARTIALSPOOF, BENCH_WEIGHTS_XLSR2_300M, ...), `bench.toml` of the working folder or of
the nearest folder above it, the user's, the machine's (`bench.config.locations` says where these
are). BENCH_CONFIG names the only file instead. Relative places are below the folder of the file
that says them. Without any file the work folder is `work`: one that a folder above holds already,
else a new one here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import ValidationError

from bench._io import text_files
from bench._io.cores import count_cores
from bench._io.trees import iterate_leaves
from bench.config import locations
from bench.config.file_settings import ConfigFile
from bench.config.slurm_settings import SlurmSettings
from bench.config.speed_settings import SpeedSettings
from bench.config.variables import NOISE, SECTIONS, read_variables, variable_name
from bench.errors import BenchError
from bench.specs.faults import explain_faults
from bench.specs.precision import PrecisionName

Form = Literal["paper", "smoke"]


@dataclass(frozen=True)
class Config:
    """This machine's places."""

    source: Path | None = None
    """The file that goes before the others, so where a missing key is to be put; None: no file was
    read."""
    further: tuple[Path, ...] = ()
    """The other files that were read, in the order in which they are asked."""
    origins: Mapping[str, str] = field(default_factory=dict[str, str])
    """The file or the variable that says each key, by `work`, `corpora.had`, ...; no others are
    in it."""
    cards: Path | None = None
    extend: tuple[Path, ...] = ()
    corpora: Mapping[str, Path] = field(default_factory=dict[str, Path])
    weights: Mapping[str, Path] = field(default_factory=dict[str, Path])
    noise: Mapping[str, Path] = field(default_factory=dict[str, Path])
    work: Path = Path("work")
    tracking: str | None = None
    stage: tuple[str, ...] = ()
    scratch: Path | None = None
    device: str = "auto"
    devices: int = 1
    nodes: int = 1
    workers: int | None = None
    augment_on: str = "host"
    precision: PrecisionName | None = None
    deterministic: bool = False
    checkpoint_minutes: float = 0.0
    evaluate: str = "auto"
    speed: SpeedSettings = field(default_factory=SpeedSettings)
    slurm: SlurmSettings = field(default_factory=SlurmSettings)

    @property
    def device_count(self) -> int:
        """The devices of all nodes together, each with a process of its own."""
        return self.devices * self.nodes

    def for_one_device(self) -> Config:
        """Return this configuration for what one device does alone."""
        return replace(self, devices=1, nodes=1)

    def loader_workers(self, device: str) -> int:
        """Return how many processes load audio for a model on one `device` ("cpu", "cuda", ...).

        Unless stated: none beside a model on the CPU, which they would only take it from; else
        half of the cores that this process may use, at most eight a device. Several devices of a
        node share them, one each at least.
        """
        return _divide_workers(self.share_workers(device), self.devices)

    def share_workers(self, device: str, processes: int = 1) -> int:
        """Return how many processes load audio for one of several `processes` that share a node.

        Each of them works on so many devices as the configuration has.
        """
        workers = self.workers
        if workers is None:
            most = 8 * self.devices * processes
            workers = 0 if device == "cpu" else min(most, count_cores() // 2)
        return _divide_workers(workers, processes)

    def source_of(self, key: str) -> str:
        """Return the file or the variable that says `key` (`work`, `corpora.had`, ...)."""
        return self.origins.get(key) or str(self.source or locations.NAME)

    @property
    def mini_root(self) -> Path:
        """Folder of the miniature corpora, one subfolder each by the corpus's key."""
        return self.work / "mini"

    @property
    def tracking_uri(self) -> str:
        """The address of the tracking store.

        It is MLFLOW_TRACKING_URI, else `tracking` of bench.toml, else a SQLite file in the work
        folder.
        """
        named = os.environ.get("MLFLOW_TRACKING_URI") or self.tracking
        if named:
            return named
        file = (self.work / "mlflow.db").absolute()
        if PLAIN_SQLITE.fullmatch(plain := f"sqlite:///{file}"):
            return plain

        from sqlalchemy.engine import URL  # which knows how a path is quoted

        return URL.create("sqlite", database=str(file)).render_as_string()

    @property
    def artifact_root(self) -> Path:
        """Folder of MLflow's artifacts when the store is a local database."""
        return (self.work / "artifacts").absolute()

    def corpus_root(self, key: str, form: Form) -> Path:
        """Return the folder of corpus `key`.

        For smoke runs its miniature. Raise where it is not there.
        """
        if form == "smoke":
            root = self.mini_root / key
            if not root.is_dir():
                raise BenchError(
                    "config.miniature-missing",
                    f"the miniature {key} is not at {root}: make it with `bench data mini`",
                )
            return root
        root = self.corpora.get(key)
        if root is None:
            raise BenchError(
                "config.corpus-missing",
                f'corpus {key} is not configured: add `{key} = "/path"` under [corpora] in '
                f"{self.source or 'bench.toml'}, or set {variable_name('corpora', key)} "
                f"(`bench get {key}` brings it or says how, `bench get {key} --keys-only` brings "
                "its protocol and keys alone)",
            )
        if not root.is_dir():
            raise BenchError(
                "config.folder-missing",
                f"corpora.{key} = {str(root)!r} in {self.source_of(f'corpora.{key}')}: "
                "there is no such folder",
            )
        return root

    def noise_root(self, key: Literal["musan", "rirs"]) -> Path:
        """Return the folder `key` of `[noise]`. Raise where it is not there; say what to get."""
        root = self.noise.get(key)
        if root is None or not root.is_dir():
            wrong = " is not configured" if root is None else f": there is no folder {root}"
            raise BenchError(
                "config.noise-missing",
                f'noise.{key}{wrong}: get {NOISE[key]}, and add `{key} = "/path"` under '
                f"[noise] in {self.source or 'bench.toml'}, or set {variable_name('noise', key)}",
            )
        return root


def _divide_workers(workers: int, number: int) -> int:
    return max(1, workers // number) if workers else 0


class _Stated(NamedTuple):
    """A value as a file or a variable says it."""

    value: Any
    where: str
    """The file or the variable."""
    base: Path
    """The folder that a relative place is below."""


_Keys = tuple[str, ...]
_Values = dict[_Keys, _Stated]


def read_config(path: Path | None = None, environment: Mapping[str, str] | None = None) -> Config:
    """Read the configuration.

    Where no file is named, by `path` or BENCH_CONFIG, one need not be there.

    Empty variables are as if they were not set. Raise BenchError for whatever is wrong in a file or
    a variable of ours.
    """
    environment = os.environ if environment is None else environment
    environment = {name: value for name, value in environment.items() if value.strip()}
    named = path or _named_file(environment)
    own = named or locations.project_file(environment)
    shared = [] if named else locations.shared_files(environment)
    values: _Values = {}
    for file in (*reversed(shared), *([own] if own else [])):
        _put_over(values, _of_file(file))
    _put_over(values, _of_variables(environment))
    return _build_config(values, own, shared, environment)


def _named_file(environment: Mapping[str, str]) -> Path | None:
    """Return the file that BENCH_CONFIG names, if it names any."""
    stated = environment.get("BENCH_CONFIG")
    if not stated:
        return None
    where = f"BENCH_CONFIG = {stated!r}"
    path = locations.home_filled_in(locations.expand_variables(stated, environment, where), where)
    if not os.path.lexists(path):
        raise BenchError(
            "file.missing", f"{path}: there is no such file (asked for by BENCH_CONFIG)"
        )
    return path


def _put_over(values: _Values, over: _Values) -> None:
    """Add values that go before those that are there; what goes before all others stands last."""
    for keys, stated in over.items():
        values.pop(keys, None)
        values[keys] = stated


def _of_file(path: Path) -> _Values:
    stated = _validate_file(text_files.read_toml(path), str(path)).model_dump(exclude_unset=True)
    return {keys: _Stated(value, str(path), path.parent) for keys, value in iterate_leaves(stated)}


def _of_variables(environment: Mapping[str, str]) -> _Values:
    read = read_variables(environment)
    alone = {keys[0]: value for keys, (_, value) in read.items() if len(keys) == 1}
    _validate_file(alone, "environment")
    return {keys: _Stated(value, name, Path()) for keys, (name, value) in read.items()}


def _validate_file(content: Mapping[str, Any], source: str) -> ConfigFile:
    try:
        return ConfigFile.model_validate(content)
    except ValidationError as error:
        lines = [_with_hint(line) for line in explain_faults(error, source, ConfigFile)]
        raise BenchError("config.invalid", "\n".join(lines)) from error


def _with_hint(line: str) -> str:
    """Return a line of what is wrong; of a device with a number, how one is chosen."""
    number = re.search(r"device = 'cuda:(\d+)'", line)
    return f"{line}; CUDA_VISIBLE_DEVICES={number[1]} chooses one of several" if number else line


def _build_config(
    values: _Values, own: Path | None, shared: list[Path], environment: Mapping[str, str]
) -> Config:
    plain = {keys[0]: entry.value for keys, entry in values.items() if keys[0] in _PLAIN}
    if "stage" in plain:
        plain["stage"] = tuple(plain["stage"])
    places: dict[_Keys, Path] = {}
    extend: list[Path] = []
    tracking: str | None = None
    wrong: list[str] = []
    for keys, stated in values.items():
        where = f"{'.'.join(keys)} = {stated.value!r} in {stated.where}"
        try:
            if keys == ("tracking",):
                text = locations.expand_variables(stated.value, environment, where)
                tracking = _tracking_address(text, stated.base)
            elif keys == ("extend",):
                extend = [
                    _resolve_path(entry, stated.base, environment, where) for entry in stated.value
                ]
            elif keys[0] not in (*_PLAIN, *_TABLES):
                places[keys] = _resolve_path(stated.value, stated.base, environment, where)
        except BenchError as error:
            wrong.append(str(error))
    if wrong:
        raise BenchError("config.invalid", "\n".join(wrong))
    files = [*([own] if own else []), *shared]
    sections = {
        section: {keys[1]: path for keys, path in places.items() if keys[0] == section}
        for section in SECTIONS
    }
    return Config(
        source=files[0] if files else None,
        further=tuple(files[1:]),
        origins={".".join(keys): entry.where for keys, entry in values.items()},
        cards=places.get(("cards",)),
        extend=tuple(extend),
        scratch=places.get(("scratch",)),
        work=places.get(("work",)) or _unstated_work(own, environment),
        tracking=tracking,
        speed=SpeedSettings.model_validate(_gather_table(values, "speed")),
        slurm=SlurmSettings.model_validate(_gather_table(values, "slurm")),
        **sections,
        **plain,
    )


def _gather_table(values: _Values, name: str) -> dict[str, Any]:
    """Return what all files together say of `[slurm]` or `[speed]`, key by key."""
    tree: dict[str, Any] = {}
    for keys, stated in values.items():
        if keys[0] == name:
            below = tree
            for key in keys[1:-1]:
                below = below.setdefault(key, {})
            below[keys[-1]] = stated.value
    return tree


def _resolve_path(stated: str, base: Path, environment: Mapping[str, str], where: str) -> Path:
    """Return a place, its variables and `~` filled in; a relative one is below `base`."""
    text = locations.expand_variables(stated, environment, where)
    return base / locations.home_filled_in(text, where)


def _unstated_work(own: Path | None, environment: Mapping[str, str]) -> Path:
    """Return the work folder where nothing says it: beside the project's file.

    Without one the folder that is in use here or above, so that no second one is begun below it,
    else a new one.
    """
    if own is not None:
        return own.parent / "work"
    return locations.used_work(environment) or Path("work")


def _tracking_address(uri: str, base: Path) -> str:
    """Return the address of a store; a SQLite file that is not absolute is below `base`."""
    if base == Path() or not re.match(r"sqlite(\+\w+)?:///[^/]", uri):
        return uri
    from sqlalchemy.engine import make_url

    stated = make_url(uri)
    database = str(base.absolute() / (stated.database or ""))
    return stated.set(database=database).render_as_string(hide_password=False)


PLAIN_SQLITE = re.compile(r"sqlite:///(/[\w./-]*\w)", re.ASCII)
"""The address of a SQLite file in whose path nothing is quoted, whole: SQLAlchemy, which knows how
others are, takes a second to import."""

_TABLES = ("slurm", "speed")
"""Tables of keys that are no places."""
_PLAIN = (
    *("device", "devices", "nodes", "workers", "augment_on", "precision", "deterministic"),
    *("checkpoint_minutes", "evaluate", "stage"),
)
"""Keys that are no places."""
