"""What the shell offers when Tab is pressed: names of tables, rows, variants, sweeps and corpora.

A faulty card or `bench.toml` offers nothing: the command itself says what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from click import Context, Parameter
from click.shell_completion import BashComplete, CompletionItem, add_completion_class

from bench.cards import checked_cards, public_cards, sweep_cards, table_cards
from bench.cards import corpus_cards as corpora
from bench.errors import BenchError
from bench.specs.table import Table

_Completion = Callable[[Context, Parameter, str], list[str]]
_PREFIX = f"{table_cards.DEFAULT_PAPER}/"


def _complete_from(names: Callable[[Context], Iterable[str]]) -> _Completion:
    """Return a completion that offers those of `names` that begin with what is typed."""

    def complete(context: Context, _: Parameter, typed: str) -> list[str]:
        try:
            return [name for name in names(context) if name.startswith(typed)]
        except BenchError:
            return []

    return complete


def _table_names(_: Context) -> list[str]:
    keys = table_cards.table_keys()
    short = [key.removeprefix(_PREFIX) for key in keys if key.startswith(_PREFIX)]
    return [*short, *keys, *checked_cards.checked_table_keys()]


def _public_names(_: Context) -> list[str]:
    return public_cards.public_keys()


def _table_of(context: Context) -> Table:
    """Return the table that the command line names.

    Click leaves it among the arguments while the last option has no value yet.
    """
    return table_cards.read_table(context.params.get("table") or next(iter(context.args), "table4"))


def _row_names(context: Context) -> list[str]:
    return table_cards.runnable_rows(_table_of(context))


def _variant_names(context: Context) -> list[str]:
    table = _table_of(context)
    return [*table_cards.read_paper_of(table).variants]


def _corpus_names(_: Context) -> list[str]:
    corpora_cards = corpora.list_readable().cards
    return sorted([*(card.short for card in corpora_cards), *(card.key for card in corpora_cards)])


def _sweep_names(_: Context) -> list[str]:
    return sweep_cards.sweep_names()


def _download_names(context: Context) -> list[str]:
    from bench.models.weights import published_weights

    return [*_corpus_names(context), *published_weights(), *_public_names(context)]


def _official_names(_: Context) -> list[str]:
    from bench.runner.official_rows import list_official

    return list_official()


table_names = _complete_from(_table_names)
row_name = _complete_from(_row_names)
variant_names = _complete_from(_variant_names)
corpus_names = _complete_from(_corpus_names)
sweep_names = _complete_from(_sweep_names)
download_names = _complete_from(_download_names)
official_names = _complete_from(_official_names)
public_names = _complete_from(_public_names)


def table_or_public_names(context: Context, parameter: Parameter, typed: str) -> list[str]:
    """Offer tables, and cards of public score files."""
    return [*table_names(context, parameter, typed), *public_names(context, parameter, typed)]


def table_or_sweep_names(context: Context, parameter: Parameter, typed: str) -> list[str]:
    """Offer tables, cards of public score files, and sweeps as `sweep/NAME`."""
    sweeps = sweep_names(context, parameter, typed.removeprefix(sweep_cards.PREFIX))
    named = [f"{sweep_cards.PREFIX}{name}" for name in sweeps]
    tables = table_or_public_names(context, parameter, typed)
    return [*tables, *(name for name in named if name.startswith(typed))]


def row_names(context: Context, parameter: Parameter, typed: str) -> list[str]:
    """Offer the last row of `S0,S5-S8`: what stands before it is kept."""
    before, last = re.fullmatch(r"((?:.*[,-])?)(.*)", typed, re.DOTALL).groups()  # type: ignore[union-attr]
    whole = row_name(context, parameter, typed)
    return whole or [before + name for name in row_name(context, parameter, last)]


def model_files(_: Context, __: Parameter, typed: str) -> list[CompletionItem]:
    """Offer files."""
    return [CompletionItem(typed, type="file")]


def system_names(context: Context, parameter: Parameter, typed: str) -> list[CompletionItem]:
    """Offer files, and rows as `TABLE:ROW`.

    Tables come first and, where only one fits, its rows; after an @, the variants of its paper.
    """
    if ":" in typed:
        return [CompletionItem(name) for name in _rows_with_table(context, parameter, typed)]
    tables = table_names(context, parameter, typed)
    named = [f"{name}:" for name in tables if name not in checked_cards.checked_table_keys()]
    if len(named) == 1:
        named = _rows_with_table(context, parameter, named[0])
    return [*map(CompletionItem, named), CompletionItem(typed, type="file")]


def _rows_with_table(context: Context, parameter: Parameter, typed: str) -> list[str]:
    def names(_: Context) -> Iterable[str]:
        key, row = typed.split(":", 1)
        table = table_cards.read_table(key)
        rows = table_cards.runnable_rows(table)
        if "@" in row:
            variants = table_cards.read_paper_of(table).variants
            rows = [f"{name}@{variant}" for name in rows for variant in variants]
        return [f"{key}:{name}" for name in rows]

    return _complete_from(names)(context, parameter, typed)


class _Bash(BashComplete):
    """Completion in bash, which splits words at colons and replaces what follows the last one.

    A word is put together again before anything is offered for it, and an offer begins after the
    colon.
    """

    _before = ""
    """What of the last word bash does not replace."""

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words, and the last one, which is not whole."""
        before, last = super().get_completion_args()
        words: list[str] = []
        for word in (*before, last):
            if words and (word == ":" or words[-1].endswith(":")):
                words[-1] += word
            else:
                words.append(word)
        *args, typed = words
        self._before = "" if typed == last else typed[: typed.rindex(":") + 1]
        return args, typed

    def format_completion(self, item: CompletionItem) -> str:
        """Return an item as the script of the shell reads it."""
        return f"{item.type},{item.value.removeprefix(self._before)}"


add_completion_class(_Bash)
