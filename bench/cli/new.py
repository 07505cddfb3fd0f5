"""`bench new`: a starting point for a system, a table and so on, in a folder of your own."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

import click

from bench import extensions
from bench._io import atomic_files
from bench.cards import card_files
from bench.cli import json_output
from bench.config import Config, config_file
from bench.errors import BenchError

_TEMPLATES = Path(__file__).parents[1] / "schema" / "new"


class _Starting(NamedTuple):
    """What is begun with a command, and where it is put."""

    template: str
    path: str
    """In the extension; `{file}` is the name as a module has it."""
    next: str
    """What to do with it."""


_KINDS = {
    "corpus": _Starting("corpus.toml", "datasets/{name}.toml", "bench data mini --corpus {name}"),
    "system": _Starting("system.py", "systems/{file}.py", "bench new table {name}"),
    "frontend": _Starting("frontend.py", "frontends/{file}.py", "bench settings frontend"),
    "augmentation": _Starting("augmentation.py", "augment/{file}.py", "bench settings augment"),
    "metric": _Starting("metric.py", "metrics/{file}.py", "bench score FILE --metrics {file}"),
    "table": _Starting(
        "table.toml", "experiments/{name}/table.toml", "bench run {name}/table --smoke"
    ),
    "sweep": _Starting(
        "sweep.toml", "experiments/sweeps/{name}.toml", "bench sweep {name} --smoke"
    ),
}


@click.command()
@click.argument("kind", type=click.Choice([*_KINDS]))
@click.argument("name")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Your own folder (default: the first that `extend` of bench.toml names, else this one). "
    "It is added to `extend` if it is not there.",
)
@json_output.json_option("new")
def new(kind: str, name: str, folder: Path | None) -> None:
    """Begin a corpus, system, front-end, augmentation, metric, table or sweep of your own.

    Writes one file, which works as it stands: change it from there. A new table is of your system
    with the same name, else of any system of yours, else of rows of a paper's table.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*", name):
        raise BenchError(
            "option.invalid",
            f"{name!r}: should be a name of lower-case letters, digits, - and _, as a file has it",
        )
    here = card_files.load_extensions()
    root = folder or next(iter(here.extend), Path())
    starting = _KINDS[kind]
    module = name.replace("-", "_")
    target = root / starting.path.format(name=name, file=module)
    target.parent.mkdir(parents=True, exist_ok=True)
    _refuse_existing(kind, target, name)
    text = (_TEMPLATES / _choose_template(kind, root)).read_text(encoding="utf-8")
    _write_extend(here, root)
    atomic_files.write_text(target, _fill_in(text, _choose_system(root, name), name, kind))
    click.echo(f"written: {target}\nnext: {starting.next.format(name=name, file=module)}")
    json_output.add_content({"written": target})


def _refuse_existing(kind: str, target: Path, name: str) -> None:
    taken = [target] if target.exists() else []
    part = target.parent.name
    if part in extensions.CODE:
        taken += extensions.files_of_name(part, target.name)
    elif kind == "table":
        shipped = card_files.card_folder("experiments") / name
        taken += [shipped] if shipped.is_dir() else []
    else:
        card = "datasets" if kind == "corpus" else "experiments"
        key = name if kind == "corpus" else f"sweeps/{name}"
        taken += [path for path in _folders(card, f"{key}.toml") if path.is_file()]
    if taken:
        raise BenchError("card.name-taken", f"{taken[0]}: is there already: take another name")


def _folders(card: str, below: str) -> list[Path]:
    return [folder / below for folder in card_files.card_folders(card)]


def _choose_template(kind: str, root: Path) -> str:
    if kind == "table" and not [*(root / "systems").glob("*.py")]:
        return "table_of_rows.toml"
    return _KINDS[kind].template


def _choose_system(root: Path, name: str) -> str:
    """Return the system that a new table is of, by its kind."""
    files = sorted(path.stem for path in (root / "systems").glob("*.py"))
    own = name.replace("-", "_")
    return (own if own in files else next(iter(files), own)).replace("_", "-")


def _fill_in(text: str, system: str, name: str, kind: str) -> str:
    module = name.replace("-", "_")
    class_name = "".join(part.capitalize() for part in module.split("_"))
    word = system if kind == "table" else (module if kind == "metric" else name)
    for old, put in (
        ('"example"', f'"{word}"'),
        ("EXAMPLE", name),
        ("Example", class_name),
        ("example", module),
    ):
        text = text.replace(old, put)
    return text


def _write_extend(here: Config, root: Path) -> None:
    """Add the folder to `extend`, unless it is there."""
    if root.resolve() in (folder.resolve() for folder in here.extend):
        return
    file = config_file.find_written_file(here, dict(os.environ))
    config_file.write_extension(file, root)
    click.echo(f"{file}: extend has {config_file.state_path(root, file.resolve().parent)!r} now")
