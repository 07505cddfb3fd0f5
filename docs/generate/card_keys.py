"""The page of every key that a card can have, from the pydantic models in `bench/specs`."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from bench._io.markdown import format_prose
from bench.cards.references import Reference
from bench.specs.corpus import CorpusCard
from bench.specs.described import describe_model
from bench.specs.kinds import is_kind_union
from bench.specs.public_scores import PublicScores
from bench.specs.run import Run
from bench.specs.sweep import Sweep
from bench.specs.table import Paper, Table

_HEAD = """# Card keys

A card is a TOML file. This page lists every key that a card can have. It is made from the models
that read the cards, so it is complete. A key that is not listed here is an error, which names the
nearest key.

`bench settings KEY` prints the same for the settings of a run, and `bench show TABLE --settings`
prints their values for each row of a table.
"""
_GROUPS = (
    (
        "Table cards",
        (
            "`experiments/<paper>/<table>.toml`. `[base]` and each row hold the settings of a run"
            " ([below](#settings-of-a-run)) beside the keys listed here."
        ),
        (Table, Paper),
    ),
    ("Settings of a run", "What `[base]`, a row, a variant and `--set` can set.", (Run,)),
    ("Corpus cards", "`datasets/<corpus>.toml`.", (CorpusCard,)),
    ("Sweep cards", "`experiments/sweeps/<sweep>.toml`.", (Sweep,)),
    (
        "Cards of public score files",
        "`experiments/public/<name>.toml` ([Public score files](../public-scores.md)).",
        (PublicScores,),
    ),
    ("References", "`experiments/references.toml`: systems of other authors.", (Reference,)),
)
_NOT_IN_CARDS = {"key", "form"}
"""Fields that the reader fills in."""


def make_pages() -> dict[str, str]:
    """Return the page, one section a model."""
    lines, seen = [_HEAD], set[type[BaseModel]]()
    for heading, text, roots in _GROUPS:
        lines += [f"\n## {heading}\n", f"{text}\n"]
        for model in (model for root in roots for model in _walk_models(root)):
            if model not in seen:
                seen.add(model)
                lines += _describe_model(model)
    return {"cards.md": "\n".join(lines)}


def _walk_models(model: type[BaseModel], seen: tuple[Any, ...] = ()) -> Iterator[type[BaseModel]]:
    yield model
    for field in model.model_fields.values():
        for below in _find_models(field.annotation):
            if below not in (model, *seen):
                yield from _walk_models(below, (model, *seen))


def _find_models(annotation: Any) -> list[type[BaseModel]]:
    """Return the models that an annotation names, at any depth."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if is_kind_union(annotation):
        return list(annotation.list_members())
    return [model for part in typing.get_args(annotation) for model in _find_models(part)]


def _anchor(model: type[BaseModel]) -> str:
    return f"card-{model.__module__.rpartition('.')[2]}-{model.__name__}".lower().replace("_", "-")


def _title(model: type[BaseModel]) -> str:
    kind = model.model_fields.get("kind")
    kinds = typing.get_args(kind.annotation) if kind else ()
    named = ", ".join(f"`{of}`" for of in kinds)
    return f"{model.__name__}: kind {named}" if named else model.__name__


def _describe_model(model: type[BaseModel]) -> list[str]:
    doc = inspect.cleandoc(model.__doc__ or "")
    lines = [f"({_anchor(model)})=", f"### {_title(model)}", "", *_paragraphs(doc)]
    for (name, field), setting in zip(
        model.model_fields.items(), describe_model(model), strict=True
    ):
        if name in _NOT_IN_CARDS or (name == "kind" and setting.values.isidentifier()):
            continue
        lines += [
            f"`{field.alias or name}`",
            f": {_values(field, setting.values)}; {_describe_default(field, setting.default)}",
        ]
        lines += ["", f"  {format_prose(setting.doc)}"] if setting.doc else []
        lines.append("")
    return lines


def _describe_default(field: FieldInfo, default: str) -> str:
    if field.is_required():
        return "**required**"
    return f"default `{default}`" if default not in ("", "[]", "{}") else "may be left out"


def _values(field: FieldInfo, words: str) -> str:
    links = [f"[{model.__name__}](#{_anchor(model)})" for model in _find_models(field.annotation)]
    return f"{format_prose(words)} ({', '.join(links)})" if links else format_prose(words)


def _paragraphs(text: str) -> Iterator[str]:
    for part in text.split("\n\n"):
        yield from (format_prose(" ".join(part.split())), "")
