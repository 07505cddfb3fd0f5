"""What everything costs before anything is run, from the cards alone."""

from __future__ import annotations

from pathlib import Path

from bench._io.disk import human_bytes
from bench._io.markdown import format_code, format_table
from bench.cards import corpus_cards, table_cards
from bench.config import Config
from bench.models import weights
from bench.runner import costs
from bench.runner.request import RunRequest

_NOWHERE = Config(work=Path("/nonexistent"))
"""A machine without corpora, so that counts are those of the cards."""

_HEAD = """# What it costs

This page is made from the cards. Sizes are in powers of 1,000. A size that no source states is
"unknown"; "about" means that the source rounds it.

The locked environment takes 5.8 GB. `make demo` leaves 0.2 GB in `work`. (Both were measured on
Linux, x86-64, in November 2026.)

GPU hours depend on the GPU, so this page has none. The command in the last column of the tables
below trains each row for some seconds on your device and prints the hours. After the first finished
runs, `bench run TABLE --dry-run` prints the hours that they took.
"""
_TABLES = """
## Tables

All rows that the table can train, with the card's seeds, in the paper's form.

- **trainings**: rows with the same training are trained once; an earlier stage counts as one more.
- **clips**: the largest number of clips in training; early stopping may end sooner.
- **disk, permanent**: the best weights, which are also the model in the tracking store. Score files
  are not counted.
- **disk, temporary**: more disk while the largest training runs: the last state of weights and
  optimiser (twice while it is written), and the checkpoints that will be averaged.
- **GPU memory** depends on the batch: `training.accumulate` and `training.precision` reduce it
  without a smaller batch.
"""


def make_pages() -> dict[str, str]:
    """Return the page."""
    lines = [_HEAD, *list_downloads(), _TABLES, *list_tables(table_cards.table_keys()), ""]
    return {"costs.md": "\n".join(lines)}


def list_downloads() -> list[str]:
    """Return the lines on corpora and weights."""
    cells: list[list[str]] = []
    for card in map(corpus_cards.read_corpus_card, corpus_cards.list_corpora()):
        name, files = f"{card.name} ({card.short})", str(len(card.downloads))
        cells.append([name, files, card.download_size.in_words])
    models = [
        [key, weight.file, weights.size_in_words(key)]
        for key, weight in weights.published_weights().items()
    ]
    return [
        *("## Downloads", ""),
        *format_table(("corpus", "files", "download"), cells),
        *("", *format_table(("weights", "file", "download"), models)),
    ]


def list_tables(keys: list[str]) -> list[str]:
    """Return the lines on tables."""
    heads = (
        "table",
        "rows",
        "trainings",
        "clips",
        "disk, permanent",
        "disk, temporary",
        "GPU hours",
    )
    return format_table(heads, [_describe_table(key) for key in keys])


def _describe_table(key: str) -> list[str]:
    card = table_cards.read_table(key)
    rows = table_cards.runnable_rows(card)
    trainings = costs.remaining_trainings(
        RunRequest(card, rows, None, "paper"), _NOWHERE, again=True
    )
    counts = [costs.count_clips(training.runs[0], _NOWHERE) for training in trainings]
    unknown = sum(count is None for count in counts)
    clips = f"{sum(count or 0 for count in counts) / 1e6:,.1f} million"
    space = costs.needed_space(trainings)
    return [
        key,
        str(len(rows)),
        str(len(trainings)),
        clips + (f" and those of {unknown}" if unknown else ""),
        human_bytes(space.stays),
        human_bytes(space.meanwhile),
        format_code(f"bench run {key} --measure"),
    ]
