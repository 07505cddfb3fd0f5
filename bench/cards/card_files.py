"""Where cards are, and reading one.

They are in the suite's own folders, and in those that `extend` of bench.toml names, which are laid
out as the suite is: `datasets/`, `experiments/<paper>/`, `experiments/sweeps/`. `cards` of
bench.toml names a folder of cards of corpora alone.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from bench import config, extensions
from bench._io import text_files
from bench.config import Config, locations
from bench.errors import BenchError
from bench.specs.base import Spec
from bench.specs.faults import explain_faults

_PACKAGE = Path(__file__).parents[1]
_PLACES = {"datasets": "datasets", "experiments": "experiments", "templates": "reports/templates"}
_NO_CARDS = (locations.NAME, "pyproject.toml")
"""Files that may lie beside cards where `cards = "."`."""
AnySpec = TypeVar("AnySpec", bound=Spec)


_read_once: ContextVar[list[Config] | None] = ContextVar("_read_once", default=None)


@contextmanager
def configuration_read_once() -> Generator[None]:
    """Read the configuration that says where cards are once, for the whole block.

    A command looks for hundreds of cards, and changes no configuration meanwhile. A block within
    another reads nothing.
    """
    if _read_once.get() is not None:
        yield
        return
    before = _read_once.set([])
    try:
        yield
    finally:
        _read_once.reset(before)


def _current_config() -> Config:
    read = _read_once.get()
    if read:
        return read[0]
    here = config.read_config()
    extensions.activate_extensions(extension_folders(here))
    if read is not None:
        read.append(here)
    return here


def load_extensions() -> Config:
    """Return the configuration, with the kinds, readers and metrics of its extensions at hand."""
    return _current_config()


def extension_folders(here: Config) -> list[Path]:
    """Return the folders of `extend`, then those of installed packages.

    BenchError names one that is not there or holds nothing of an extension.
    """
    folders: list[Path] = []
    for stated in here.extend:
        folder = stated.absolute()  # cards are kept by their paths
        if not folder.is_dir():
            raise BenchError(
                "config.folder-missing", f"extend = {str(stated)!r}: there is no such folder"
            )
        parts = (*extensions.CARDS, *extensions.CODE)
        if not any((folder / part).is_dir() for part in parts):
            raise BenchError(
                "config.no-cards",
                f"extend = {str(stated)!r}: has none of the folders of an extension: "
                f"{', '.join(parts)}",
            )
        folders.append(folder)
    return [*folders, *extensions.installed_folders()]


def card_folder(name: str) -> Path:
    """Return the folder of cards (`datasets`, `experiments`, `weights`, `templates`).

    It is the wheel's own, else the checkout's.
    """
    if name == "weights":
        return _PACKAGE / "schema" / name
    packed = _PACKAGE / "_cards" / name
    return packed if packed.is_dir() else _PACKAGE.parent / _PLACES[name]


def card_folders(name: str) -> list[Path]:
    """Return every folder of cards (`datasets`, `experiments`, `weights`).

    The suite's comes first, then those of the extensions that have one. BenchError names an
    extension that is not there or holds no cards.
    """
    listed, here = [card_folder(name)], _current_config()
    if name == "datasets" and here.cards is not None:
        if not here.cards.is_dir():
            raise BenchError(
                "config.folder-missing", f"cards = {str(here.cards)!r}: there is no such folder"
            )
        listed.append(here.cards.absolute())
    below = (folder / name for folder in extension_folders(here))
    listed += [path for path in below if path.is_dir()]
    return [*{path.resolve(): path for path in reversed(listed)}.values()][::-1]


def card_keys(name: str, pattern: str = "*.toml") -> list[str]:
    """Return the keys of all cards in `card_folders(name)` that fit a pattern.

    A key is the path below the folder, without `.toml`.
    """
    here = _current_config()
    settings = {path.resolve() for path in (here.source, *here.further) if path is not None}
    return sorted(
        {
            path.relative_to(root).with_suffix("").as_posix()
            for root in card_folders(name)
            for path in root.glob(pattern)
            if path.name not in _NO_CARDS and not (settings and path.resolve() in settings)
        }
    )


def card_file(name: str, key: str) -> Path:
    """Return the file of a card in `card_folders(name)`.

    One that is in none of them is the suite's. BenchError where two folders have it.
    """
    files = [path for root in card_folders(name) if (path := root / f"{key}.toml").is_file()]
    if len(files) > 1:
        known = ", ".join(display_path(path) for path in files[:-1])
        raise BenchError(
            "card.name-taken",
            f"{display_path(files[-1])}: there is {known} already: give the file another name",
        )
    return files[0] if files else card_folder(name) / f"{key}.toml"


def read_card(path: Path) -> dict[str, Any]:
    """Read a TOML card; a syntax error names file and line."""
    return text_files.read_toml(path, display_path(path))


def display_path(path: Path) -> str:
    """Return a card's path as a reader knows it.

    It is below the suite's folder of cards, or below the working folder.
    """
    for name in _PLACES:
        if path.is_relative_to(card_folder(name)):
            return f"{name}/{path.relative_to(card_folder(name))}"
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def validate_card(model: type[AnySpec], content: Mapping[str, Any], path: Path) -> AnySpec:
    """Return the card as a `model`; all its faults are in one error."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise BenchError(
            "card.invalid", "\n".join(explain_faults(error, display_path(path), model))
        ) from error
