"""What everything costs before anything is run: docs/costs.md, made from the cards alone.

`python -m bench.runner.cost_page` writes it.
"""

from __future__ import annotations

from pathlib import Path

from bench._io import atomic_files, disk
from bench._io.markdown import format_table
from bench.cards import corpus_cards as corpora
from bench.cards import table_cards
from bench.config import Config
from bench.models import weights
from bench.runner import costs
from bench.runner.request import RunRequest

FILE = Path("docs") / "costs.md"
_NOWHERE = Config(work=Path("/nonexistent"))
"""A machine that has nothing, so that counts are the cards'."""

_HEAD = """# What it costs

Made from the cards by `python -m bench.runner.cost_page`; a test compares. Sizes are in powers
of 1,000. A size that no source states is "unknown"; "about" is as a page rounds it. Times are not
measured here: `bench run TABLE --measure` measures them on your device in some seconds, and
`bench run TABLE --dry-run` then says the hours; without that it says those of finished runs in your
store that had the same front-end, data, epochs and device.

The locked environment takes 5.8 GB; `make demo` leaves 0.2 GB in `work` (both measured on Linux,
x86-64, November 2026).
"""
_TABLES = """
## Tables

Every row that the table can train, with the card's seeds, in the paper's form.

- **trainings**: rows that share a training train once; an earlier stage is one more.
- **clips**: seen in training at most; early stopping may end sooner.
- **stays**: kept weights, and the copy of them in a tracking store on the same disk (with a server
  elsewhere, half of it). Score files are not counted.
- **meanwhile**: beside that while the largest training runs: its last state, with the optimiser's,
  twice while it is written, and the checkpoints that are to be averaged.
"""


def render_cost_page() -> str:
    """Return the page."""
    return "\n".join(
        [_HEAD, *download_lines(), _TABLES, *table_lines(table_cards.table_keys()), ""]
    )


def download_lines() -> list[str]:
    """Return the lines on corpora and weights."""
    cells: list[list[str]] = []
    for key in corpora.list_corpora():
        card = corpora.read_corpus_card(key)
        name, files = f"{card.name} ({card.short})", str(len(card.downloads))
        cells.append([name, files, card.download_size.in_words])
    models = [
        [key, weight.file, weights.size_in_words(key)]
        for key, weight in weights.PUBLISHED_WEIGHTS.items()
    ]
    return [
        *("## Downloads", ""),
        *format_table(("corpus", "files", "download"), cells),
        *("", *format_table(("weights", "file", "download"), models)),
    ]


def table_lines(keys: list[str]) -> list[str]:
    """Return the lines on tables."""
    heads = ("table", "rows", "trainings", "clips", "stays", "meanwhile", "hours")
    return format_table(heads, [_table_cells(key) for key in keys])


def _table_cells(key: str) -> list[str]:
    card = table_cards.read_table(key)
    rows = table_cards.runnable_rows(card)
    trainings = costs.remaining_trainings(
        RunRequest(card, rows, None, "paper"), _NOWHERE, again=True
    )
    counts = [costs.count_clips(training.runs[0], _NOWHERE) for training in trainings]
    unknown = sum(count is None for count in counts)
    clips = f"{sum(count or 0 for count in counts) / 1e6:,.1f} million"
    room = costs.space_of_trainings(trainings, in_store=True)
    return [
        key,
        str(len(rows)),
        str(len(trainings)),
        clips + (f" and those of {unknown}" if unknown else ""),
        disk.human_bytes(room.stays),
        disk.human_bytes(room.meanwhile),
        "not measured here",
    ]


if __name__ == "__main__":
    atomic_files.write_text(Path(__file__).parents[2] / FILE, render_cost_page())
