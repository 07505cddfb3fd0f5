"""A page for each system: diagram, sizes, recipe, and where paper, code and suite differ."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from bench._io.markdown import format_prose, format_table
from bench._io.trees import iterate_leaves
from bench.cards import paper_cards, table_cards
from bench.specs.run import Run
from bench.specs.table import Difference, Paper
from generate.diagrams import draw_boxes
from generate.networks import NETWORKS

_ROWS = {
    "sal": ("sal/table4", ("S0", "S7")),
    "tca": ("tca/table2", ("TCA",)),
    "breathnet": ("breathnet/table7", ("Default",)),
    "mfpt": ("mfpt/asvspoof5", ("MFPT",)),
    "aasist": ("aasist/asvspoof2019", ("AASIST", "AASIST-L")),
    "bam": ("bam/partialspoof", ("BAM-WavLM", "BAM-XLSR")),
}
"""The table and rows whose sizes and recipe a page shows."""
_NAMES = {
    "sal": "SAL",
    "tca": "TCA",
    "breathnet": "BreathNet",
    "mfpt": "MFPT",
    "aasist": "AASIST and AASIST-L",
    "bam": "BAM",
}


def make_pages() -> dict[str, str]:
    """Return a page and a diagram for each system, and the list of them."""
    pages = {f"systems/{key}.md": _describe_system(key) for key in _ROWS}
    pages |= {
        f"systems/{key}.svg": draw_boxes(boxes, f"The parts of {_NAMES[key]} and how they connect")
        for key, boxes in NETWORKS.items()
    }
    return pages | {"systems/index.md": _list_systems()}


def _list_systems() -> str:
    lines = ["# Systems", ""]
    for key in _ROWS:
        paper = table_cards.read_paper(key)
        lines += [f"- [{_NAMES[key]}]({key}.md): {paper.authors}, *{paper.title}*, {paper.venue}."]
    return "\n".join([*lines, "", "```{toctree}", ":hidden:", "", *_ROWS, "```", ""])


def _describe_system(key: str) -> str:
    paper, (table_key, rows) = table_cards.read_paper(key), _ROWS[key]
    card = table_cards.read_table(table_key)
    runs = {row: table_cards.resolve_row(card, row) for row in rows}
    module = import_module(f"bench.models.systems.{key}")
    tables = [name for name in table_cards.table_keys() if name.partition("/")[0] == key]
    lines = [
        f"# {_NAMES[key]}",
        "",
        f"{paper.authors}: *{paper.title}*. {paper.venue}.",
        f"<{paper.url}>" if paper.url.startswith("http") else paper.url,
        "",
        f"- **Tables:** {', '.join(f'`{name}`' for name in tables)}",
        f"- **Code that was read:** {format_prose(paper.code)}",
        f'- **Module:** `bench/models/systems/{key}.py`, settings `system.kind = "{key}"`',
        "",
        f"![The parts of {_NAMES[key]}]({key}.svg)",
        "",
        "A dashed part exists in training only.",
        "",
        "## What it does",
        "",
        *_paragraphs(module),
        "## Sizes",
        "",
        (
            "Trained and frozen weights of each part, counted on the published dimensions of the"
            " front-end."
        ),
        "",
    ]
    for row, run in runs.items():
        lines += [f"Row `{table_key}:{row}`:", "", *_sizes(run), ""]
    lines += ["## Recipe", ""]
    lines += [f"`bench show {table_key} --settings` prints every setting. The main ones:", ""]
    lines += [*_recipe(runs), ""]
    lines += ["## Differences between paper, released code and this suite", ""]
    lines += [*_differences(paper), ""]
    return "\n".join(lines)


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
