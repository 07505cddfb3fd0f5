"""`bench data list`: the utterances of a split, to score them with a program of one's own."""

# The stubs of pandas leave many types open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cards import corpus_cards
from bench.cli import completion, configuration, json_output, options
from bench.config import Config, Form
from bench.data.corpora import read_keys
from bench.errors import BenchError
from bench.specs.corpus import CorpusCard

if TYPE_CHECKING:  # pandas takes half a second
    import pandas as pd

    from bench.data.subset import Subset

_HEAD = 10
"""Lines that are shown where no format is asked for."""
_CHUNK = 10_000
"""Utterances written at a time."""


@click.command("list")
@click.argument("name", shell_complete=completion.corpus_names)
@click.option("--split", help="Split of the corpus (default: its evaluation split).")
@click.option(
    "--keys",
    type=click.Path(path_type=Path, exists=True),
    help="Folder with the corpus's protocol and key files, or the protocol file, if the corpus "
    "itself is not here (default: the corpus's folder in bench.toml).",
)
@click.option("--csv", "as_csv", is_flag=True, help="Print every utterance as CSV.")
@options.smoke
@json_output.json_flag
def data_list(
    name: str, split: str | None, keys: Path | None, as_csv: bool, smoke: bool, as_json: bool
) -> None:
    """List the utterances of a split: id, audio file, label, and all factors of the keys.

    The audio need not be on this machine; paths are then those that the files will have. Without
    --csv or --json the command prints the first ten lines.
    """
    if as_csv and as_json:
        raise BenchError("option.conflict", "give either --csv or --json")
    card, form = corpus_cards.read_corpus_card(name), options.choose_form(smoke)
    here = configuration.load_configuration()
    split = split or card.evaluation_split
    corpus_cards.check_split(card, split)
    source = here.corpus_root(card.key, form) if keys is None else keys
    subset = read_keys(card, split, source)
    root = _find_root(card, here, form, subset, keys)
    if as_csv:
        for number, part in enumerate(_iterate_parts(subset, root)):
            click.echo(part.to_csv(index=False, header=not number, lineterminator="\n"), nl=False)
    elif as_json:
        parts = _iterate_parts(subset, root)
        listed = [record for part in parts for record in _build_records(part)]
        content = {"corpus": card.key, "split": split, "form": form, "utterances": listed}
        json_output.print_json("data list", content)
    else:
        head = next(_iterate_parts(subset, root)).head(_HEAD).fillna("")
        options.print_table([*head.columns], head.to_numpy().tolist())
        rest = "; --csv lists all" if len(subset) > _HEAD else ""
        click.echo(f"{card.key}, {split}: {len(subset):,} utterances{rest}")


def _find_root(
    card: CorpusCard, here: Config, form: Form, subset: Subset, keys: Path | None
) -> Path | None:
    """Return the folder that audio paths start from; None if the corpus is not configured.

    Paths are then those within the corpus.
    """
    if keys is None:
        return subset.root
    try:
        return here.corpus_root(card.key, form)
    except BenchError:
        return None


def _iterate_parts(subset: Subset, root: Path | None) -> Iterator[pd.DataFrame]:
    """Yield the utterances in the order of the protocol, some at a time, at least one part."""
    table = subset.table
    others = [name for name in table.columns if name not in ("utterance", "path", "label")]
    table = table[["utterance", "path", "label", *others]].rename(columns={"utterance": "id"})
    for first in range(0, max(len(table), 1), _CHUNK):
        part = table.iloc[first : first + _CHUNK].astype(object)
        if root is not None:
            part["path"] = [str(root / path) for path in part["path"]]
        yield part


def _build_records(part: pd.DataFrame) -> list[dict[str, object]]:
    return part.where(part.notna(), None).to_dict("records")  # pyright: ignore
