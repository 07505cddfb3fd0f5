"""A frozen copy of code and cards, which jobs run however the checkout changes meanwhile."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bench import provenance
from bench._io import atomic_files
from bench.config import Config
from bench.extensions import CARDS, CODE

_FOLDER = "snapshots"
_SKIPPED = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")
_DIGITS = 16


def freeze_code(config: Config) -> tuple[Path, Config]:
    """Copy the suite and the extensions below the work folder, once for each content.

    Return the copy's folder, which goes onto PYTHONPATH, and the configuration that names the
    copies of its extensions.
    """
    base = (config.work / _FOLDER).absolute()
    base.mkdir(parents=True, exist_ok=True)
    extensions = [path.absolute() for path in config.extend]
    names = [f"extensions/{number}/{path.name}" for number, path in enumerate(extensions)]
    with atomic_files.scratch_folder(base / "new") as made:
        root = provenance.ROOT
        shutil.copytree(root / "bench", made / "bench", ignore=_SKIPPED)
        for part in ("datasets", "experiments", "reports/templates"):
            if not (root / "bench/_cards").is_dir():  # of a wheel they are in the package
                shutil.copytree(root / part, made / part, ignore=_SKIPPED)
        if (root / "uv.lock").is_file():
            shutil.copyfile(root / "uv.lock", made / "uv.lock")
        (made / provenance.COMMIT_FILE).write_text(provenance.read_commit(), encoding="utf-8")
        for path, name in zip(extensions, names, strict=True):
            _copy_extension(path, made / name)
        if config.cards is not None:
            _copy_cards(config.cards, made / "cards")
        folder = base / compute_digest(made)
        if not folder.is_dir():
            os.rename(made, folder)
            made.mkdir()  # the one that is removed
    frozen = replace(
        config,
        extend=tuple(folder / name for name in names),
        cards=folder / "cards" if config.cards is not None else None,
    )
    return folder, frozen


def _copy_extension(source: Path, target: Path) -> None:
    """Copy the folders of an extension that are read; it may hold a work folder as well."""
    target.mkdir(parents=True)
    for part in (*CODE, *CARDS):
        if (source / part).is_dir():
            shutil.copytree(source / part, target / part, ignore=_SKIPPED)


def _copy_cards(source: Path, target: Path) -> None:
    target.mkdir()
    for path in source.glob("*.toml"):
        shutil.copyfile(path, target / path.name)


def compute_digest(folder: Path) -> str:
    """Return sixteen digits of the SHA-256 of all names and contents in a folder."""
    digest = hashlib.sha256()
    for path in sorted(_list_files(folder)):
        content = path.read_bytes()
        name = path.relative_to(folder).as_posix()
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:_DIGITS]


def _list_files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path


def write_configuration(config: Config, path: Path) -> None:
    """Write a configuration with absolute paths, for its owner alone: addresses hold passwords."""
    import tomlkit

    plain: dict[str, object] = {
        "work": _escape_path(config.work),
        "extend": [_escape_path(folder) for folder in config.extend],
        "device": config.device,
        "devices": config.devices,
        "nodes": config.nodes,
        "deterministic": config.deterministic,
        "stage": [*config.stage],
    }
    if config.scratch is not None:
        plain["scratch"] = _escape_path(config.scratch)
    if config.cards is not None:
        plain["cards"] = _escape_path(config.cards)
    if config.precision is not None:
        plain["precision"] = config.precision
    if config.workers is not None:
        plain["workers"] = config.workers
    named = os.environ.get("MLFLOW_TRACKING_URI") or config.tracking
    if named:
        plain["tracking"] = named.replace("$", "$$")
    plain["speed"] = config.speed.model_dump(exclude_none=True)
    sections = {"corpora": config.corpora, "weights": config.weights, "noise": config.noise}
    for section, paths in sections.items():
        plain[section] = {key: _escape_path(path) for key, path in paths.items()}
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(tomlkit.dumps(plain))


def _escape_path(path: Path) -> str:
    return path.absolute().as_posix().replace("$", "$$")
