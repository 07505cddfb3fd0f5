"""Tables that no training has part in: look up what they say in the network or in the corpora's
protocols. Seconds, and no weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bench.cards import corpus_cards as corpus_cards
from bench.cards import table_cards
from bench.cards.checked_cards import card
from bench.config import Config
from bench.data import corpora
from bench.errors import BenchError, near
from bench.reports.checked import Found, Line, State
from bench.specs.checked import INPUT, CountedSet, Counts, Shapes, Stage
from bench.specs.corpus import CorpusCard
from bench.units import BONAFIDE, SPOOF, samples

_CLIPS = 3
"""How many clips N is while shapes are looked at; no other dimension has this size."""


def look_up(key: str, config: Config) -> Found:
    """Return the table with what the network's shapes or the corpora's counts are here.

    A faulty card, or a corpus that is on this machine and not sound, is a BenchError.
    """
    found = card(key)
    if isinstance(found, Counts):
        lines = tuple(_counted(one, config) for one in found.sets)
        return Found(found, ("Bona fide", "Spoofed", "Total"), "From", lines)
    known = shapes(found)
    lines = tuple(_shaped(stage, known, found) for stage in found.stages)
    return Found(found, ("Shape",), "Modules and what each gives", lines)


# --- counts ---------------------------------------------------------------------------------------


def _counted(one: CountedSet, config: Config) -> Line:
    known = corpus_cards.card(one.corpus)
    corpus_cards.check_split(known, one.split)
    place = config.corpora.get(one.corpus)
    counts = _of_card(known, one.split) if place is None else _of_protocol(known, one.split, place)
    equal = counts == [int(text.replace(",", "")) for text in one.printed]
    state: State = "equal" if equal else "not equal"
    source = f"protocol of {one.corpus} {one.split}"
    if place is None:
        state = "equal by the card" if equal else "not equal by the card"
        source = f"card of {one.corpus}"
    ours = tuple("–" if count is None else f"{count:,}" for count in counts)
    return Line(one.name, one.printed, ours, state, source)


def _of_card(card: CorpusCard, split: str) -> list[int | None]:
    known = card.splits[split]
    return [known.bonafide, known.spoof, known.utterances]


def _of_protocol(card: CorpusCard, split: str, place: Path) -> list[int | None]:
    labels = corpora.load_keys(card, split, place).table["label"]
    return [int((labels == BONAFIDE).sum()), int((labels == SPOOF).sum()), len(labels)]


# --- shapes ---------------------------------------------------------------------------------------


def shapes(found: Shapes) -> Mapping[str, tuple[int, ...]]:
    """Return the shape of what each part of the row's network gives for `_CLIPS` clips, by the
    part's dotted name; `input` are the clips.

    The network is the row's own at its front-end's published dimensions; the encoder, of 300
    million weights, is laid out without storage, and its states are zeros of the shapes it gives.
    """
    import torch

    from bench.analysis.unweighted_frontend import LaidOut
    from bench.models import systems

    table, _, row = found.row.partition(":")
    known = table_cards.table(table)
    table_cards.select(known, row)
    run = table_cards.resolve(known, row)
    if run.train.clip_s is None:
        raise BenchError(f"{found.key}: row = {found.row!r}: trains on no clips of one length")
    system = systems.build(run.system, LaidOut(run.frontend), run.train).eval()
    given: dict[str, tuple[int, ...]] = {}

    def keep(name: str, output: object) -> None:
        first = output[0] if isinstance(output, tuple) else output
        if isinstance(first, torch.Tensor):
            given[name] = tuple(first.shape)

    for name, module in system.named_modules():
        module.register_forward_hook(lambda _m, _i, out, name=name: keep(name, out))
    waves = torch.zeros(_CLIPS, samples(run.train.clip_s))
    with torch.inference_mode():
        hops = system.frontend(waves)[0].shape[1]
        system.answer(waves, torch.zeros(_CLIPS, hops, dtype=torch.bool), run.train.resolution_s)
    return {INPUT: tuple(waves.shape), **given}


def _shaped(stage: Stage, known: Mapping[str, tuple[int, ...]], found: Shapes) -> Line:
    for name in [stage.of, *(module.of for module in stage.modules if module.of)]:
        if name not in known:
            raise BenchError(
                f"{found.key}: stages.{stage.name}: of = {name!r}: {found.row} has no such part"
                f"{near(name, known)}"
            )
    ours, printed = _shown(known[stage.of]), _shown(stage.paper)
    modules = ", ".join(
        f"{module.name} {_shown(known[module.of])}" if module.of else module.name
        for module in stage.modules
    )
    state: State = "equal" if ours == printed else "not equal"
    return Line(stage.name, (printed,), (ours,), state, modules)


def _shown(shape: tuple[int | str, ...]) -> str:
    return " × ".join("N" if size == _CLIPS else str(size) for size in shape)
