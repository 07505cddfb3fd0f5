"""Making miniature corpora: for `bench data mini`, and for smoke runs that lack them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

import click

from bench.cards import corpus_cards
from bench.config import Config
from bench.specs.run import Run


def write_wanted(
    folder: Path,
    keys: Collection[str] = (),
    speech: Path | None = None,
    seed: int = 0,
    size: str = "demo",
    *,
    replace: bool = True,
) -> list[Path]:
    """Write the miniatures of `keys`, or of the tables' corpora, and say which were written."""
    from bench.cli.progress_bars import show_progress_each
    from bench.synthetic import CORPORA, SIZES, write_miniatures

    modelled = {corpus.KEY for corpus in CORPORA}
    cards = [corpus_cards.read_corpus_card(key) for key in keys if key not in modelled]
    with show_progress_each("clips") as progress:
        return write_miniatures(
            folder,
            speech,
            seed,
            SIZES[size],
            progress,
            [*keys] or None,
            cards,
            ready=_print_written,
            replace=replace,
        )


def make_missing(runs: Iterable[Run], config: Config) -> None:
    """Write the miniatures that smoke runs need and that are not there; others are left alone."""
    keys = {key for run in runs for key in smoke_corpora(run)}
    missing = sorted(key for key in keys if not (config.mini_root / key).exists())
    if missing:
        write_wanted(config.mini_root, missing)


def smoke_corpora(run: Run) -> set[str]:
    """Return the corpora that a run, and the training it starts from, use."""
    stages = (run, run.earlier) if run.earlier else (run,)
    return {data.corpus for stage in stages for data in stage.data.values()}


def _print_written(path: Path, before: str) -> None:
    click.echo(f"written: {path}" + (f" (in place of {before})" if before else ""))
