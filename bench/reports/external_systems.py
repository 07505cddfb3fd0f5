"""What stands beside a table's own rows.

These are systems that were scored but not trained here, and what the evaluation corpora share with
the corpora that rows were trained on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from bench._io.markdown import fill_template, format_code, format_link, format_list
from bench.cards import corpus_cards
from bench.config import Form
from bench.data.overlap import from_cards
from bench.models import weights
from bench.reports import scored_rows
from bench.reports.table_model import format_report_table
from bench.smoke import smoke_prefix
from bench.specs.run import Run
from bench.tracking.scored_record import ScoredRecord, latest_records
from bench.tracking.stored_runs import read_moment


def list_scored_files(scored: Sequence[ScoredRecord], form: Form) -> str:
    """Return a section on other systems' score files, earlier ones counted; empty without any."""
    files = sorted(latest_records(scored).values(), key=lambda file: (file.system, file.split))
    if not files:
        return ""
    earlier = scored_rows.count_replaced_files(scored)
    lines = [
        [
            file.system,
            file.split,
            str(file.missing),
            format_code(file.scores[:8]),
            f"{read_moment(file.ended_ms):%Y-%m-%d}",
            format_code(file.run_id[:8]),
            str(earlier[file.system, file.evaluation]),
        ]
        for file in files
    ]
    headings = ["System", "Split", "Trials missing", "Score file", "Evaluated", "Run"]
    return (
        f"## {smoke_prefix(form)}{scored_rows.GROUP}\n\n"
        "Score files of other systems, evaluated by `bench score`. Of several files of a system on "
        "one split the latest counts; earlier ones are kept in the tracking store.\n\n"
        + format_report_table([*headings, "Earlier files"], lines, form)
        + _list_public_files(files)
    )


def _list_public_files(files: Sequence[ScoredRecord]) -> str:
    """Return where published score files are from; empty without any."""
    sources = [(file, source) for file in files if (source := json.loads(file.public))]
    if not sources:
        return ""
    return "\n\nPublished score files, and what is printed beside them:\n\n" + format_list(
        fill_template(
            "{}, {}: {} ({}, SHA-256 {}); {}",
            file.system,
            file.split,
            format_link(f"{source['card']}, {source['file']}", source["page"]),
            f"published by {source['by']}",
            format_code(source["sha256"][:16]),
            source["printed_in"] or "no result is printed beside it",
        )
        for file, source in sources
    )


def describe_zero_shot(runs: Mapping[str, Run]) -> str:
    """Return a line for each evaluation: what its corpus shares with the training corpora.

    The corpora's cards say it. An evaluation is zero-shot only where nothing is shared. Corpora
    that a front-end was pretrained on are named too.
    """
    rows_by_text: dict[tuple[str, str], list[str]] = {}
    for row, run in runs.items():
        learnt = list(dict.fromkeys((run.train.corpus, run.dev.corpus)))
        heard = weights.published_weights().get(getattr(run.frontend, "weights", ""))
        for name, data in run.evaluate.items():
            text = _describe_relation(learnt, data.corpus)
            card = corpus_cards.read_corpus_card(data.corpus)
            pretrained_on = heard.pretraining_corpora if heard else ()
            common = [source for source in card.sources if source in pretrained_on]
            if common:
                text += (
                    f"; the front-end was pretrained, without labels, on {', '.join(common)}, from "
                    f"which recordings of {card.short} come"
                )
            rows_by_text.setdefault((name, text), []).append(row)
    return format_list(
        fill_template(
            "{}: {}",
            format_code(name),
            text + ("" if len(rows) == len(runs) else f" ({', '.join(rows)})"),
        )
        for (name, text), rows in rows_by_text.items()
    )


def _describe_relation(learnt: list[str], evaluated: str) -> str:
    """Return what the corpora learnt from share with the one evaluated, in words."""
    test = corpus_cards.read_corpus_card(evaluated)
    if evaluated in learnt:
        return f"in domain: trained on {test.short}"
    shared = [
        f"{corpus_cards.read_corpus_card(key).short} shares {item.what} "
        f"({', '.join(item.examples)})"
        for key in learnt
        for item in from_cards(corpus_cards.read_corpus_card(key), test)
    ]
    names = ", ".join(corpus_cards.read_corpus_card(key).short for key in learnt)
    if not shared:
        return f"zero-shot: by their cards, {test.short} and {names} share nothing"
    return f"not zero-shot: {'; '.join(shared)}"
