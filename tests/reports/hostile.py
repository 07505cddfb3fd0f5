"""Reports in which every word from outside is hostile, and a reader of pages that says what in them
is alive.
"""

from __future__ import annotations

import json
from functools import lru_cache
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import pandas as pd

from bench.evaluation import render
from bench.evaluation.score_report import Breakdown, ScoreReport
from bench.evaluation.score_report import BreakdownLine as Level
from bench.issues import Issue
from bench.reports import checked_report
from bench.reports.checked_report import CheckedLine, CheckedReport
from bench.reports.document import build_report
from bench.reports.grid_page import render_grid_page
from bench.reports.overview import render_overview
from bench.reports.render_html import render_html_page
from bench.specs.checked import CountTable
from bench.specs.table import Paper, Table
from tests.reports.judged_files import judged
from tests.tracked_frames import as_files, as_runs

from .made import BOTH, PAPER, TABLE, Kept, finished, settings, tracked

NAMES = (
    "[t](javascript:document.title=1)",
    "![t](https://evil.example/x.png)",
    "[t]: javascript:document.title=1",
    "<javascript:document.title=1>",
    "javascript:document.title=1",
    'x" autofocus onfocus=document.title=1 y="',
    "x' onmouseover='document.title=1",
    "<img src=x onerror=document.title=1>",
    "'\"><svg/onload=document.title=1>",
    "</script><script>document.title=1</script>",
    "</title><iframe src=javascript:document.title=1>",
    'https://e.example/"onmouseover=document.title=1 <b>',
    "http:javascript:document.title=1) [u](data:text/html,<script>document.title=1</script>",
    "a|b\\|c",
    "`code` ``two",
    "**bold** _x_ ~~y~~ \\*z\\*",
    "# heading #",
    "- item",
    "1. one",
    "> quote",
    "---",
    "``` fence",
    "&lt;b&gt; &#60;script&#62;",
    "a\nb\r\n\n# c\n| d |",
    "\x1b]0;t\x07\x1b[31mred\x9b2J",
    "abc\u202etxt.exe\u2066",
    "$body $title $x_1$ {0} {} %s",
    "\\input{/etc/passwd} \\write18{ls} 100% #1 ~^&{}_",
    '=HYPERLINK("https://e.example")',
    "-1+1",
    "@SUM(A1)",
    "\tx",
    "../../x",
)
ELEMENTS = {
    *("html", "head", "meta", "title", "style", "body", "script"),
    *("h1", "h2", "h3", "p", "ul", "li", "pre", "div", "table", "thead", "tbody", "tr", "th", "td"),
    *("strong", "em", "code", "small", "br", "a", "figure", "img", "button"),
}
"""Those that a page has; `button` is what its own script adds."""


class Alive(HTMLParser):
    """Gathers what no page may have, the addresses, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.addresses: set[str] = set()
        self.scripts = 0
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.scripts += tag == "script"
        if tag not in ELEMENTS:
            self.faults.append(f"<{tag}>")
        for name, value in attrs:
            if name.startswith("on") or name in ("style", "srcdoc", "autofocus", "formaction"):
                self.faults.append(f"<{tag} {name}={value!r}>")
            if name in ("href", "src"):
                self.addresses.add(value)
                allowed = ("http://", "https://") if name == "href" else ("data:image/png;base64,",)
                beside = name == "href" and not {*value} & {*":/\\"}
                if value and not value.startswith(allowed) and not beside:
                    self.faults.append(f"<{tag} {name}={value!r}>")

    def handle_data(self, data):
        self.text += data


@lru_cache
def hostile_report(name: str):
    """A table's report whose cards, settings, runs and judged files say `name` everywhere."""
    row = name.replace("@", " at ")  # what follows the sign names a variant of a card
    table = Table.model_validate(
        {
            **TABLE.model_dump(by_alias=True, exclude={"rows", "columns"}),
            "title": name,
            "caption": name,
            "notes": [name],
            "text_columns": [name, "B"],
            "columns": [
                {"group": name, "heading": name, "metric": "a.eer"},
                {"group": "B", "heading": name, "metric": "b.f1"},
            ],
            "smoke": {"key": name},
            "rows": {
                "Old": {
                    "cells": [name, name],
                    "group": name,
                    "published_only": True,
                    "source": name,
                    "url": name,
                    "code": name,
                    "weights": name,
                    "licence": name,
                    "trained_on": name,
                    "digest": {"a.eer": 9.5},
                    "elsewhere": [
                        {"metric": "a.eer", "value": 1.0, "source": name, "date": name, "url": name}
                    ],
                },
                row: {"cells": ["Both", name], "group": f"{name} 2", "paper": BOTH},
                f"{row} 2": {"cells": [f"{name} 2", "x"], "from": row, "paper": BOTH},
            },
        }
    )
    point = {
        "item": name,
        "paper": name,
        "released": f"r {name}",
        "ours": name,
        "consequence": name,
        "effect": "large",
        "setting": {"mix": {"partner": name}},
    }
    paper = Paper.model_validate(
        {
            **PAPER.model_dump(include={"key"}),
            "title": name,
            "authors": name,
            "venue": name,
            "url": name,
            "code": name,
            "differences": [point],
        }
    )
    runs = {row: settings(place) for place, row in enumerate((row, f"{row} 2"))}
    for run in runs.values():
        run.evaluate[name] = SimpleNamespace(corpus="llamapartialspoof", resolution_s=0.16)
        for data in run.evaluate.values():
            data.split = name
        run.evaluate["b"].resolution_s = None
    words = {
        "kept_epoch": name,
        "why_ended": name,
        "epochs": name,
        "threads": name,
        "determinism": name,
        "commit": name,
        "lock": name,
        "device": name,
        "kept_dev": json.dumps({name: 0.01}),
        "fingerprints": json.dumps({name: name}),
        "breaths": json.dumps({name: {"bonafide": 0.1}}),
        "plan.a": "speaker",
        f"plan.{name}": "attack",
    }
    lines = [
        {**tracked("Both", seed, finished(5.0 + seed, 91.0)), **words, "row": row}
        | {"signature": run.signature, "run_id": f"{number}{seed}" * 16}
        for number, (row, run) in enumerate(runs.items())
        for seed in (7, 3)
    ]
    failed = {**tracked("Both", 1), **words, "failure": name, "signature": "x"}
    lines += [{**failed, "row": f"{row} gone"}, {**lines[0], "run_id": "e" * 32, "signature": "y"}]
    frame = pd.DataFrame(lines)
    own = judged(name, 1, split=name, scores=name)
    return build_report(
        table, paper, runs, as_runs(frame), as_files(pd.DataFrame([own])), "paper", [], Kept(frame)
    )


def hostile_verdict(name: str) -> str:
    """A verdict of a score file of that name, with that attack."""
    found = Issue("warning", "unknown", name, 9, (name, name))
    return render.render_report(
        ScoreReport(
            form="paper",
            corpus=name,
            short=name,
            split=name,
            digest=name,
            scores=Path(name),
            keys=Path(name),
            fingerprint=name,
            taken=name,
            findings=(found,),
            notes=(name,),
            trials=2,
            missing=0,
            bonafide=1,
            spoof=1,
            negated=True,
            resampling=name,
            otherwise=name,
            results={},
            breakdowns=(Breakdown((name,), (Level((name,), 1, 1, {}),)),),
        )
    )


@lru_cache
def hostile_pages(name: str) -> dict[str, str]:
    """Every Markdown that the suite writes, made of `name`, as a page each; `checked` is a table
    without training."""
    made = hostile_report(name)
    card = CountTable.model_construct(key="tca/table1", title=name, caption=name, notes=(name,))
    found = CheckedReport(
        card, (name,), name, (CheckedLine(name, (name,), (name,), "equal", name),)
    )
    others = {
        "differences": made.text_files["made-differences.md"],
        "overview": render_overview([made], "paper", [card]),
        "verdict": hostile_verdict(name),
        "checked": checked_report.render_checked_files(found)[f"{found.stem}.md"],
    }
    return {
        "report": made.render_extra("html", b"png"),
        "grid": render_grid_page([made], "paper"),
        **{kind: render_html_page("t", text, {}) for kind, text in others.items()},
    }
