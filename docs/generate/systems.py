"""A page for each system: diagram, sizes, recipe, and where paper, code and suite differ."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any

from bench._io.markdown import format_prose, format_table
from bench._io.trees import iterate_leaves
from bench.cards import paper_cards, table_cards
from bench.specs.kinds import list_inner_parts
from bench.specs.run import Run
from bench.specs.table import Difference, Paper
from generate.diagrams import Box, draw_boxes
from generate.networks import NETWORKS, compose_boxes


def make_pages() -> dict[str, str]:
    """Return a page and a diagram for each system, and the list of them."""
    papers = _list_papers()
    pages = {f"systems/{paper.key}.md": _describe_system(paper) for paper in papers}
    pages |= {
        f"systems/{paper.key}.svg": draw_boxes(
            _find_boxes(paper), f"The parts of {paper.name} and how they connect"
        )
        for paper in papers
    }
    return pages | {"systems/index.md": _list_systems(papers)}


def _list_papers() -> list[Paper]:
    """Return the papers whose system has a page."""
    keys = dict.fromkeys(key.partition("/")[0] for key in table_cards.table_keys())
    return [paper for paper in map(table_cards.read_paper, keys) if paper.name]


def _find_rows(paper: Paper) -> dict[str, Run]:
    """Return the runs whose sizes and recipe a page shows, by `table:row`."""
    documented = paper.documented
    if not documented:
        card = table_cards.read_paper_tables(paper.key)[0]
        table = card.key.partition("/")[2]
        documented = tuple(f"{table}:{row}" for row in table_cards.runnable_rows(card))
    runs: dict[str, Run] = {}
    for name in documented:
        table, _, row = name.partition(":")
        card = table_cards.read_table(f"{paper.key}/{table}")
        runs[f"{card.key}:{row}"] = table_cards.resolve_row(card, row)
    return runs


def _find_boxes(paper: Paper) -> Sequence[Box]:
    """Return the system's own diagram; of a composed system the one that its settings give."""
    if paper.key in NETWORKS:
        return NETWORKS[paper.key]
    return compose_boxes(next(iter(_find_rows(paper).values())))


def _list_systems(papers: Sequence[Paper]) -> str:
    lines = ["# Systems", ""]
    for paper in papers:
        lines += [
            f"- [{paper.name}]({paper.key}.md): {paper.authors}, *{paper.title}*, {paper.venue}."
        ]
    keys = [paper.key for paper in papers]
    return "\n".join([*lines, "", "```{toctree}", ":hidden:", "", *keys, "```", ""])


def _describe_system(paper: Paper) -> str:
    key, runs = paper.key, _find_rows(paper)
    first = next(iter(runs.values()))
    tables = [name for name in table_cards.table_keys() if name.partition("/")[0] == key]
    row_names = {name.rpartition(":")[2]: run for name, run in runs.items()}
    table_key = next(iter(runs)).partition(":")[0]
    lines = [
        f"# {paper.name}",
        "",
        f"{paper.authors}: *{paper.title}*. {paper.venue}.",
        f"<{paper.url}>" if paper.url.startswith("http") else paper.url,
        "",
        f"- **Tables:** {', '.join(f'`{name}`' for name in tables)}",
        f"- **Code that was read:** {format_prose(paper.code)}",
        *_name_modules(first),
        "",
        f"![The parts of {paper.name}]({key}.svg)",
        "",
        "A dashed part exists in training only.",
        "",
        "## What it does",
        "",
        *(line for module in _list_modules(first) for line in _paragraphs(module)),
        "## Sizes",
        "",
        (
            "Trained and frozen weights of each part, counted on the published dimensions of the"
            " front-end."
        ),
        "",
    ]
    for row, run in runs.items():
        lines += [f"Row `{row}`:", "", *_sizes(run), ""]
    lines += ["## Recipe", ""]
    lines += [f"`bench show {table_key} --settings` prints every setting. The main ones:", ""]
    lines += [*_recipe(row_names), ""]
    lines += ["## Differences between paper, released code and this suite", ""]
    lines += [*_differences(paper), ""]
    return "\n".join(lines)


def _name_modules(run: Run) -> list[str]:
    """Return where the code is."""
    kind = run.system.kind
    own = f'`bench/models/systems/{kind.replace("-", "_")}.py`, settings `system.kind = "{kind}"`'
    lines = [f"- **Module:** {own}"]
    for part in list_inner_parts(run.system):
        file = f"{type(part).__module__.replace('.', '/')}.py"
        lines.append(f"- **{part.part.capitalize()}:** `{part.kind}`, settings `{file}`")
    return lines if kind == "composed" else lines[:1]


def _list_modules(run: Run) -> list[Any]:
    """Return the modules whose docstrings say what the system does, the head's first."""
    kind = run.system.kind.replace("-", "_")
    modules = [import_module(f"bench.models.systems.{kind}")]
    if kind == "composed":
        network = run.system.build(run.frontend.lay_out(), run.train)
        parts = (network.get_submodule(name) for name in ("head", "merge"))
        modules = [*dict.fromkeys(import_module(type(part).__module__) for part in parts), *modules]
    return modules


def _paragraphs(module: Any) -> Iterator[str]:
    for part in inspect.cleandoc(module.__doc__ or "").split("\n\n"):
        if part.startswith("* "):
            yield from (f"- {format_prose(' '.join(of.split()))}" for of in part[2:].split("\n* "))
        else:
            yield format_prose(" ".join(part.split()))
        yield ""


def _sizes(run: Run) -> list[str]:
    network = run.system.build(run.frontend.lay_out(), run.train)
    cells: list[list[str]] = []
    for name, part in network.named_children():
        counts = [(of.numel(), of.requires_grad) for of in part.parameters()]
        if counts:
            trained = sum(count for count, is_trained in counts if is_trained)
            frozen = sum(count for count, _ in counts) - trained
            cells.append([f"{name} ({type(part).__name__})", f"{trained:,}", f"{frozen:,}"])
    total = [sum(int(row[at].replace(",", "")) for row in cells) for at in (1, 2)]
    cells.append(["together", *(f"{count:,}" for count in total)])
    return format_table(("part", "trained", "frozen"), cells)


_RECIPE = (
    "frontend.kind",
    "frontend.normalise",
    "train.corpus",
    "train.clip_s",
    "train.crop",
    "train.resolution_s",
    "augment.kind",
    "mix.kind",
    "start.kind",
    "breath.kind",
    "optimiser.kind",
    "optimiser.learning_rate",
    "optimiser.weight_decay",
    "schedule.kind",
    "training.epochs",
    "training.patience",
    "training.select",
    "training.keep.kind",
    "training.batch_size",
)


def _recipe(runs: Mapping[str, Run]) -> list[str]:
    flat = {row: run.flat_settings() for row, run in runs.items()}
    cells = [[key, *(str(settings.get(key, "-")) for settings in flat.values())] for key in _RECIPE]
    return format_table(("setting", *runs), cells)


def _differences(paper: Paper) -> list[str]:
    heads = {
        "large": "Large expected effect",
        "medium": "Medium expected effect",
        "small": "Small expected effect",
        "none": "No expected effect",
    }
    differences = paper_cards.sort_differences(paper.differences)
    lines: list[str] = []
    for effect, heading in heads.items():
        points = [point for point in differences if point.effect == effect]
        if points:
            lines += [f"### {heading}", "", *(_describe_difference(point) for point in points), ""]
    return lines


def _describe_difference(point: Difference) -> str:
    parts = [
        f"- **{format_prose(point.item)}**",
        f"  - Paper: {format_prose(point.paper)}",
        f"  - Released code: {format_prose(point.released)}",
        f"  - This suite: {format_prose(point.ours)}",
    ]
    if point.consequence:
        parts.append(f"  - Consequence: {format_prose(point.consequence)}")
    if point.setting:
        parts.append(f"  - Settings of the released code: {_settings(point.setting)}")
    if point.others:
        parts.append(f"  - Other settings to try: {'; '.join(map(_settings, point.others))}")
    return "\n".join(parts)


def _settings(tree: Mapping[str, Any]) -> str:
    return ", ".join(f"`{'.'.join(key)} = {value}`" for key, value in iterate_leaves(tree))
