"""Tables without training: their contents are looked up in the network or in the protocols.

That takes seconds and no weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bench.cards import corpus_cards, table_cards
from bench.cards.checked_cards import read_checked_table
from bench.config import Config
from bench.data import corpora
from bench.errors import BenchError, near_name
from bench.reports.checked_report import CheckedLine, CheckedReport, LineState
from bench.specs.checked import INPUT, CountedSet, CountTable, ShapeStage, ShapeTable
from bench.specs.corpus import CorpusCard
from bench.units import BONAFIDE, SPOOF, to_samples

_CLIPS = 3
"""How many clips N is while shapes are looked at; no other dimension has this size."""


def look_up_table(key: str, config: Config) -> CheckedReport:
    """Return the table with what the network's shapes or the corpora's counts are here.

    A faulty card, or a corpus that is on this machine and not sound, is a BenchError.
    """
    table = read_checked_table(key)
    if isinstance(table, CountTable):
        lines = tuple(_count_line(one, config) for one in table.sets)
        return CheckedReport(table, ("Bona fide", "Spoofed", "Total"), "From", lines)
    shapes = part_shapes(table)
    lines = tuple(_shape_line(stage, shapes, table) for stage in table.stages)
    return CheckedReport(table, ("Shape",), "Modules and what each gives", lines)


# --- counts ---------------------------------------------------------------------------------------


def _count_line(one: CountedSet, config: Config) -> CheckedLine:
    corpus = corpus_cards.read_corpus_card(one.corpus)
    corpus_cards.check_split(corpus, one.split)
    root = config.corpora.get(one.corpus)
    counts = (
        _card_counts(corpus, one.split)
        if root is None
        else _protocol_counts(corpus, one.split, root)
    )
    equal = counts == [int(text.replace(",", "")) for text in one.printed_counts]
    state: LineState = "equal" if equal else "not equal"
    source = f"protocol of {one.corpus} {one.split}"
    if root is None:
        state = "equal by the card" if equal else "not equal by the card"
        source = f"card of {one.corpus}"
    ours = tuple("–" if count is None else f"{count:,}" for count in counts)
    return CheckedLine(one.name, one.printed_counts, ours, state, source)


def _card_counts(card: CorpusCard, split: str) -> list[int | None]:
    counts = card.splits[split]
    return [counts.bonafide, counts.spoof, counts.utterances]


def _protocol_counts(card: CorpusCard, split: str, root: Path) -> list[int | None]:
    labels = corpora.read_keys(card, split, root).table["label"]
    return [int((labels == BONAFIDE).sum()), int((labels == SPOOF).sum()), len(labels)]


# --- shapes ---------------------------------------------------------------------------------------


def part_shapes(checked: ShapeTable) -> Mapping[str, tuple[int, ...]]:
    """Return the output shape of each part of the row's network for `_CLIPS` clips, by its name.

    `input` are the clips. The network is the row's own at its front-end's published dimensions. The
    encoder, of 300 million weights, has no storage, and its states are zeros of the right shape.
    """
    import torch

    from bench.analysis.unweighted_frontend import UnweightedFrontEnd

    table, _, row = checked.row.partition(":")
    trained = table_cards.read_table(table)
    table_cards.select_rows(trained, row)
    run = table_cards.resolve_row(trained, row)
    if run.train.clip_s is None:
        raise BenchError(
            "analysis.no-clip-length",
            f"{checked.key}: row = {checked.row!r}: trains on no clips of one length",
        )
    system = run.system.build(UnweightedFrontEnd(run.frontend), run.train).eval()
    given: dict[str, tuple[int, ...]] = {}

    def keep(name: str, output: object) -> None:
        first = output[0] if isinstance(output, tuple) else output
        if isinstance(first, torch.Tensor):
            given[name] = tuple(first.shape)

    for name, module in system.named_modules():
        module.register_forward_hook(lambda _m, _i, out, name=name: keep(name, out))
    waves = torch.zeros(_CLIPS, to_samples(run.train.clip_s))
    with torch.inference_mode():
        hops = system.frontend(waves)[0].shape[1]
        system.predict(waves, torch.zeros(_CLIPS, hops, dtype=torch.bool), run.train.resolution_s)
    return {INPUT: tuple(waves.shape), **given}


def _shape_line(
    stage: ShapeStage, shapes: Mapping[str, tuple[int, ...]], table: ShapeTable
) -> CheckedLine:
    for name in [stage.of, *(module.of for module in stage.modules if module.of)]:
        if name not in shapes:
            raise BenchError(
                "analysis.no-such-part",
                f"{table.key}: stages.{stage.name}: of = {name!r}: {table.row} has no such part"
                f"{near_name(name, shapes)}",
            )
    ours, printed = _format_shape(shapes[stage.of]), _format_shape(stage.paper)
    modules = ", ".join(
        f"{module.name} {_format_shape(shapes[module.of])}" if module.of else module.name
        for module in stage.modules
    )
    state: LineState = "equal" if ours == printed else "not equal"
    return CheckedLine(stage.name, (printed,), (ours,), state, modules)


def _format_shape(shape: tuple[int | str, ...]) -> str:
    return " × ".join("N" if size == _CLIPS else str(size) for size in shape)
