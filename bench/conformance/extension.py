"""All checks over the parts of one extension, or of the suite."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from bench import extensions
from bench.cards import corpus_cards, public_cards, sweep_cards, table_cards
from bench.conformance.faults import Check, make_fault, run_check
from bench.errors import BenchError
from bench.issues import Issue
from bench.models.weights import published_weights
from bench.specs import augment, breath, frontends, heads, layers, systems
from bench.specs.kinds import (
    BreathSettings,
    FrontEndSettings,
    HeadSettings,
    KindSettings,
    KindUnion,
    LayersSettings,
    kind_name,
    list_inner_parts,
)
from bench.specs.run import Run
from bench.specs.systems.composed import Composed


class CheckedPart(NamedTuple):
    """A card or a part of an extension, and what was found."""

    subject: str
    """`system mine`, `table mine/table`."""
    issues: tuple[Issue, ...]

    @property
    def is_sound(self) -> bool:
        """Whether nothing found is an error."""
        return all(issue.severity != "error" for issue in self.issues)


def check_extension(folder: Path) -> Iterator[CheckedPart]:
    """Yield each card and each part below `folder` with its issues, as they are checked."""
    tables = [key for key in table_cards.table_keys() if _is_below(folder, f"experiments/{key}")]
    for subject, check in _list_checks(folder, tables):
        yield CheckedPart(subject, run_check(check))


def _is_below(folder: Path, card: str) -> bool:
    return (folder / f"{card}.toml").is_file()


def _list_checks(folder: Path, tables: list[str]) -> Iterator[tuple[str, Check]]:
    for key in corpus_cards.list_corpora():
        if _is_below(folder, f"datasets/{key}"):
            yield f"corpus {key}", partial(_check_corpus, key)
    for key in public_cards.public_keys():
        if _is_below(folder, f"experiments/{key}"):
            yield f"public scores {key}", partial(_check_public, key)
    for path in _list_files(folder, "weights", "*.toml"):
        yield f"weights {path.stem}", _check_weights
    # The suite's own modules import torch; cards alone are checked without it.
    from bench.conformance.tables import check_sweep, check_table

    for key in tables:
        yield f"table {key}", partial(check_table, key)
    for name in sweep_cards.sweep_names():
        if _is_below(folder, f"experiments/sweeps/{name}"):
            yield f"sweep {name}", partial(check_sweep, name)
    for path in _list_files(folder, "metrics"):
        for name in _declared_metrics(path):
            yield f"metric {name}", partial(_check_metric, name)
    for path in _list_files(folder, "readers"):
        yield f"reader {path.stem}", partial(_check_reader, path)
    unions: dict[str, tuple[Any, ...]] = {
        "systems": (systems.System,),
        "frontends": (frontends.FrontEnd,),
        "layers": (layers.Layers,),
        "heads": (heads.Head,),
        "augment": (augment.Augment, augment.Mix, augment.Splice),
        "breath": (breath.Breath,),
    }
    for part, of_part in unions.items():
        for path in _list_files(folder, part):
            yield from _list_kind_checks(path, of_part, tables)


def _list_files(folder: Path, part: str, pattern: str = "*.py") -> list[Path]:
    return sorted((folder / part).glob(pattern))


def _list_kind_checks(
    path: Path, unions: tuple[type[KindUnion], ...], tables: list[str]
) -> Iterator[tuple[str, Check]]:
    """Yield the check of the kind that a file holds; a file that holds none is shared by kinds."""
    try:
        members = [union.import_kind(path.stem) for union in unions]
    except Exception as error:  # what an extension's file raises when it is imported
        raised = error

        def fail() -> Iterator[Issue]:
            raise raised

        yield f"file {path.name}", fail
        return
    for member in filter(None, members):
        kind = kind_name(member)
        check = partial(_check_kind, kind, member, tables)
        yield f"{path.parent.name.rstrip('s')} {kind}", check


def _check_kind(kind: str, member: type[KindSettings], tables: list[str]) -> Iterator[Issue]:
    """Check a kind in each way that rows build it, or with its defaults where no row has it."""
    from bench.conformance import breaths, networks

    runs = [run for run in _list_smoke_runs(tables) if any(_parts_of(run, member))]
    if not runs:
        yield Issue(
            "warning",
            "extension.part-unused",
            f"no row of your tables has kind = {kind!r}; it is tried with its defaults",
        )
    default = [] if runs else [_build_default(kind, member)]
    if issubclass(member, (systems.SystemSettings, LayersSettings, HeadSettings)):
        for run in runs or [_run_of(_as_system(part)) for part in default]:
            yield from networks.check_system(run)
        return
    parts = {repr(part): part for run in runs for part in _parts_of(run, member)}
    for part in [*parts.values(), *default]:
        if part.requirements():
            continue  # it needs files of this machine
        if isinstance(part, FrontEndSettings):
            yield from networks.check_frontend(part)
        elif isinstance(part, BreathSettings):
            yield from breaths.check_breath(part)
        else:
            yield from networks.check_augmentation(part)  # pyright: ignore[reportArgumentType]


def _parts_of(run: Run, member: type[KindSettings]) -> Iterator[KindSettings]:
    parts = (*run.parts, *run.train.parts, *list_inner_parts(run.system))
    return (part for part in parts if isinstance(part, member))


def _as_system(part: KindSettings) -> KindSettings:
    """Return a system; layers with a linear head, and a head over fitting layers."""
    if isinstance(part, LayersSettings):
        head = "mhfa" if part.gives_all else "linear"
        return Composed.model_validate({"kind": "composed", "layers": part, "head": {"kind": head}})
    if isinstance(part, HeadSettings):
        layers_kind = "all" if part.takes_all else "last"
        return Composed.model_validate(
            {"kind": "composed", "layers": {"kind": layers_kind}, "head": part}
        )
    return part


def _run_of(system: KindSettings) -> Run:
    """Return a smoke row of SAL, or for a head of whole clips of AASIST, with another system."""
    clips_only = isinstance(system, Composed) and not system.head.gives_frames
    key, row = ("aasist/asvspoof2019", "AASIST") if clips_only else ("sal/table4", "S0")
    sal = table_cards.resolve_row(table_cards.read_table("sal/table4"), "S0", "smoke")
    run = table_cards.resolve_row(table_cards.read_table(key), row, "smoke")
    return run.model_copy(update={"system": system, "frontend": sal.frontend})


def _build_default(kind: str, member: type[KindSettings]) -> KindSettings:
    try:
        return member.model_validate({"kind": kind})
    except ValueError as error:
        raise BenchError(
            "extension.part-unused",
            f"kind = {kind!r}: has settings without defaults, and no row of your tables has it",
        ) from error


def _list_smoke_runs(tables: list[str]) -> list[Run]:
    """Return the runs of your tables, and what they start from, in smoke form, each once."""
    runs: dict[str, Run] = {}
    for key in tables:
        table = table_cards.read_table(key)
        for row in table_cards.runnable_rows(table):
            run = table_cards.resolve_row(table, row, "smoke")
            for each in (run, run.earlier) if run.earlier else (run,):
                runs.setdefault(each.training_signature, each)
    return [*runs.values()]


def _check_corpus(key: str) -> Iterator[Issue]:
    """Check the card of a corpus by the miniature that is made from it."""
    card = corpus_cards.read_corpus_card(key)
    if card.reader != "protocol":
        return
    from bench.conformance.corpora import check_by_miniature

    yield from check_by_miniature(card)


def _check_public(key: str) -> Iterator[Issue]:
    """Check that the tables that a card of public scores names evaluate its split."""
    from bench.evaluation.table_placement import find_placement

    card = public_cards.read_public_card(key)
    corpus = corpus_cards.read_corpus_card(card.corpus)
    for public in card.files.values():
        for table in public.tables:
            try:
                find_placement(corpus.key, card.split, table, "paper")
            except BenchError as error:
                yield make_fault(error.code, f"{key}: {error}")


def _check_weights() -> Iterator[Issue]:
    published_weights()
    return iter(())


def _check_metric(name: str) -> Iterator[Issue]:
    from bench.conformance.measures import check_metric

    yield from check_metric(name)


def _declared_metrics(path: Path) -> list[str]:
    from bench.metrics.registry import describe_metrics, find_metric_file

    return [name for name in describe_metrics() if find_metric_file(name) == path]


def _check_reader(path: Path) -> Iterator[Issue]:
    from importlib import import_module

    module = import_module(f"{extensions.CODE['readers']}.{path.stem}")
    if not callable(getattr(module, "read_split", None)):
        yield make_fault("extension.reader-contract", f"{path}: should have a function read_split")
    cards = [corpus_cards.read_corpus_card(key) for key in corpus_cards.list_corpora()]
    if path.stem not in {card.reader for card in cards}:
        yield Issue("warning", "extension.part-unused", f"no corpus has reader = {path.stem!r}")
