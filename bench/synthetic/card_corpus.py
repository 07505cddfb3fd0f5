"""The miniature of any corpus whose lists the reader of all cards reads: its card has all it needs.

The corpora of the papers have modules of their own, which know more of each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.data.protocol_lines import SEPARATORS
from bench.data.record_lists import make_row, write_records
from bench.errors import BenchError
from bench.specs.base import digest
from bench.specs.corpus import CorpusCard, Protocol
from bench.synthetic.clip import (
    Fade,
    PlannedClip,
    Size,
    Speaker,
    SpeakerSplits,
    SpoofRecipe,
    WrittenClip,
    deal_items,
    make_generator,
)
from bench.synthetic.layout import write_lines
from bench.synthetic.vocoders import LLAMAPARTIALSPOOF
from bench.units import BONAFIDE, CLASSES, SAMPLE_RATE_HZ, SPOOF

_OF_EVERY_CLIP = ("utterance", "label", "speaker", "name", "duration_s", "samples", "spans")
"""Columns that are not dealt."""
_LEVELS = 3
"""How many values a column has of which the card says none."""


class CardCorpus:
    """The miniature of a corpus with `reader = "protocol"`."""

    def __init__(self, card: CorpusCard) -> None:
        is_written = card.audio.suffix[0] in (".wav", ".flac")
        if card.protocol is None or not is_written or card.audio.sample_rate_hz != SAMPLE_RATE_HZ:
            raise BenchError(
                "mini.no-recipe",
                f'no miniature is made of {card.key}: only of a corpus with reader = "protocol" '
                f"and audio of {SAMPLE_RATE_HZ:,} Hz in .wav or .flac; put a small copy of it at "
                f"<work>/mini/{card.key}",
            )
        self.KEY = card.key
        self.card = card
        self.protocol: Protocol = card.protocol

    @property
    def recipe(self) -> str:
        """What MINIATURE.toml says of the card, so that a changed one makes another miniature."""
        return f'\n[card]\ndigest = "{digest(self.card)}"\n'

    def plan(self, cast: SpeakerSplits, size: Size, seed: int) -> list[PlannedClip]:
        """Return the clips: half of each class in every split."""
        return [
            clip for split in self.card.splits for clip in self._plan_split(split, cast, size, seed)
        ]

    def _plan_split(
        self, split: str, cast: SpeakerSplits, size: Size, seed: int
    ) -> Iterator[PlannedClip]:
        rng = make_generator(seed, self.KEY, split)
        count = size.inthewild
        vocoders = [*LLAMAPARTIALSPOOF.values()]
        only = self.protocol.label
        dealt = zip(
            deal_items(rng, (only,) if only in CLASSES else CLASSES, count),
            deal_items(rng, _split_speakers(split, cast), count),
            deal_items(rng, range(len(vocoders)), count),
            *(deal_items(rng, self._levels(name, split), count) for name in self._names()),
            strict=True,
        )
        localized = self.protocol.spans is not None
        for number, (label, speaker, vocoder, *values) in enumerate(dealt):
            fields = dict(zip(self._names(), values, strict=True))
            fields |= {"split": split, "speaker": f"speaker-{speaker.number}"}
            if "attack" in fields:
                fields["attack"] = "" if label == BONAFIDE else fields["attack"]
            name = self._name_utterance(split, number)
            fields |= {"name": name, "label": _word_of(label, self.protocol.labels)}
            if self.protocol.label in fields:
                fields[self.protocol.label] = fields["label"]
            named = self.card.splits[split].where.get("utterance", ("*",))[0].replace("*", name)
            utterance = self.protocol.utterance.format_map(fields) or named
            if self.protocol.ids and not re.fullmatch(self.protocol.ids, utterance):
                raise BenchError(
                    "mini.no-recipe",
                    f"no miniature is made of {self.KEY}: its ids should be {self.protocol.ids}, "
                    f"and a miniature's are as {utterance}; put a small copy of the corpus at "
                    f"<work>/mini/{self.KEY}",
                )
            fields["utterance"] = utterance
            forged = SpoofRecipe(vocoders[vocoder], Fade("linear", 0), pieces=(2, 3))
            whole = SpoofRecipe.for_whole_clip(vocoders[vocoder])
            forgery = (forged if localized else whole) if label == SPOOF else None
            path = self._audio_path(split, fields)
            source = f"{self.KEY}/{split}/{number}"
            # Spans have two decimals, which whole hundredths of a second keep exact.
            grid = SAMPLE_RATE_HZ // 100 if localized else 1
            yield PlannedClip(
                utterance, path, speaker, source, forgery, grid, length=0.5, fields=fields
            )

    def _name_utterance(self, split: str, number: int) -> str:
        """Return an id as the card's regular expression of ids has them, where it is a simple one.

        Sets of characters stand for their first, and `\\d{7}` for seven digits.
        """
        unique = 100_000 * [*self.card.splits].index(split) + number
        name = re.sub(r"\[(.).*?\]", r"\1", self.protocol.ids)
        name = re.sub(r"\\d\{(\d+)\}", lambda digits: f"{unique:0{digits[1]}d}", name)
        return name or f"{self.KEY}-{split}-{number}"

    def _names(self) -> list[str]:
        """Return the columns of the list but for those that every clip has anyway."""
        names = self.protocol.forms[0].replace(" ...", "").split()
        return [name for name in names if name not in ("-", *_OF_EVERY_CLIP)]

    def _levels(self, name: str, split: str) -> Sequence[str]:
        """Return the values that a column may have in a split."""
        if name in self.card.splits[split].where:
            return self.card.splits[split].where[name]
        if name == "attack" and self.card.attack_types:
            return [attack.replace("*", "1") for attack in self.card.attack_types]
        words = self.protocol.words.get(name, {})
        listed = [value for value in words.values() if value]
        return listed or [f"{name}{number}" for number in range(1, 1 + _LEVELS)]

    def _audio_path(self, split: str, fields: dict[str, str]) -> str:
        pattern = (self.card.splits[split].audio or self.protocol.audio)[0]
        path = pattern.replace("**/", "").format_map(fields)
        suffixes = self.card.audio.suffix
        return path if path.endswith(suffixes) else f"{path}{suffixes[0]}"

    def annotate(self, root: Path, made: Sequence[WrittenClip]) -> None:
        """Write the list of each split, or of those that one file holds."""
        lists: dict[str, list[WrittenClip]] = {}
        for clip in made if self.protocol.file else ():
            split = clip.clip.fields["split"]
            file = (self.card.splits[split].file or self.protocol.file)[0].format(split=split)
            lists.setdefault(file.replace("*", "1"), []).append(clip)
        header = [self.protocol.header] if self.protocol.header else []
        for file, clips in lists.items():
            if self.protocol.fields:
                write_records(root / file, [self._make_record(clip) for clip in clips])
            else:
                write_lines(root / file, [*header, *map(self._format_line, clips)])

    def _make_record(self, made: WrittenClip) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for column in self.protocol.fields:
            match column:
                case "samples":
                    values[column] = made.n_samples
                case "duration_s":
                    values[column] = made.n_samples / SAMPLE_RATE_HZ
                case "spans":
                    regions = self.protocol.spans.regions if self.protocol.spans else ""
                    edges = self._list_edges(made, regions or "")
                    values[column] = [[float(at), float(next(edges))] for at in edges]
                case _:
                    word = made.clip.fields[column]
                    word = _word_of(word, self.protocol.words.get(column, {}))
                    values[column] = {"true": True, "false": False}.get(word, word or None)
        return make_row(self.protocol.fields, values)

    def _format_line(self, made: WrittenClip) -> str:
        cells: list[str] = []
        columns = self.protocol.columns[0].split()
        separator = SEPARATORS[self.protocol.separator]
        for name in (name for name in columns if name != "..."):
            match name:
                case "label" | "name":
                    cells.append(made.clip.fields[name])
                case "duration_s":
                    cells.append(f"{made.n_samples / SAMPLE_RATE_HZ:.4f}")
                case "spans" if self.protocol.spans and self.protocol.spans.regions:
                    cells += self._list_edges(made, self.protocol.spans.regions)
                case "spans":
                    between = separator if columns[-1] == "..." else self._span_separator()
                    cells.append(between.join(self._format_spans(made)))
                case "-":
                    cells.append("-")
                case _:
                    words = self.protocol.words.get(name, {})
                    cells.append(_word_of(made.clip.fields[name], words) or self.protocol.none)
        return separator.join(cells)

    def _list_edges(self, made: WrittenClip, label: str) -> Iterator[str]:
        for piece in made.pieces:
            if piece.label == label:
                yield from (f"{at / SAMPLE_RATE_HZ:.2f}" for at in (piece.start, piece.end))

    def _span_separator(self) -> str:
        return self.protocol.spans.separator if self.protocol.spans else "/"

    def _format_spans(self, made: WrittenClip) -> Iterator[str]:
        labels = self.protocol.spans.labels if self.protocol.spans else {}
        for piece in made.pieces:
            start, end = (sample / SAMPLE_RATE_HZ for sample in (piece.start, piece.end))
            yield f"{start:.2f}-{end:.2f}-{_word_of(piece.label, labels)}"


def _split_speakers(split: str, cast: SpeakerSplits) -> Sequence[Speaker]:
    """Return who speaks in a split, by its name."""
    parts = {"train": cast.train, "dev": cast.dev, "val": cast.dev}
    return next((part for name, part in parts.items() if name in split.lower()), cast.eval)


def _word_of(value: str, words: Mapping[str, str]) -> str:
    """Return the word of a list that stands for `value`; in a pattern, 1 for any characters."""
    fitting = (word.replace("*", "1") for word, meaning in words.items() if meaning == value)
    return next(fitting, value)
