"""The official detection metrics of a corpus, as functions of counted scores.

They are the EER, and what the organisers of this corpus report beside it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from bench.data.asv import AsvScores, read_asv_scores, read_tdcf_coefficients
from bench.data.file_search import find_file
from bench.errors import name_source
from bench.metrics.breakdown import BreakdownCell
from bench.metrics.dcf import DcfCosts
from bench.metrics.measure import CostMetric, Measure, ScoreMetric, TandemMetric
from bench.metrics.registry import describe_metrics, select_given, select_metrics
from bench.metrics.tdcf import Coefficients, asv_errors, coefficients_2019, coefficients_2021
from bench.specs.corpus import CorpusCard

_EVERYTHING = BreakdownCell({}, np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
"""The pooled cell, as far as coefficients go."""

PACKAGE = "eer_official"
"""The EER as ASVspoof's packages print it: no function of a tally, as it parts tied trials."""


@dataclass(frozen=True)
class TandemSource:
    """The files that the min t-DCF of one split is computed from."""

    form: Literal["2019", "2021"]
    path: Path
    scores: AsvScores | None = None
    """The organisers' ASV scores (2019)."""
    table: Mapping[tuple[str, str], Coefficients | None] = field(
        default_factory=dict[tuple[str, str], "Coefficients | None"]
    )
    """The organisers' coefficients by attack and codec (2021)."""

    def find_coefficients(
        self, cell: BreakdownCell, form: Literal["official", "2020"] = "official"
    ) -> Coefficients | None:
        """Return the coefficients that hold for the trials of `cell`; None where there are none.

        With the `form` 2020 they are those of the revised form, from the ASV scores of 2019.

        The 2019 form has coefficients for all attacks or for one. They are not defined for other
        cells, nor where speaker verification accepts no spoof: then spoofs cost nothing, and there
        is nothing to normalise by.
        """
        if self.scores is None:
            levels = cell.find_levels("attack", "codec")
            return None if levels is None else self.table.get((levels[0], levels[1]))
        levels = cell.find_levels("attack")
        if levels is None:
            return None
        narrowed = self.scores if "attack" not in cell.levels else self._select_attack(levels[0])
        if narrowed is None:
            return None
        errors = asv_errors(narrowed.target, narrowed.nontarget, narrowed.spoof)
        if not errors.spoof_false_alarm:
            return None
        return coefficients_2021(errors) if form == "2020" else coefficients_2019(errors)

    def _select_attack(self, attack: str) -> AsvScores | None:
        if self.scores is None or attack == "Pooled":
            return self.scores
        return self.scores.select_attack(attack) if attack in self.scores.attack else None


@dataclass(frozen=True)
class OfficialMetrics:
    """The official metrics of one split."""

    asked: tuple[str, ...]
    """As the card has them."""
    tandem: TandemSource | None
    lacking: str = ""
    """Why there is no min t-DCF where the corpus has one."""
    costs: DcfCosts | None = None
    """Priors and costs of one's own, where these are given."""

    @property
    def tdcf_note(self) -> str:
        """Which form of t-DCF is given, or why none is; "" where the corpus has none.

        The forms of 2019 and 2021 are not comparable.
        """
        if self.tandem is None:
            return self.lacking
        form = {
            "2019": "the legacy form of ASVspoof 2019, by the organisers' ASV scores",
            "2021": "the form of ASVspoof 2021, by the organisers' coefficients",
        }[self.tandem.form]
        return f"min t-DCF: {form}, {self.tandem.path}"

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all metrics (`bench.metrics.catalogue`)."""
        tandem = select_given(TandemMetric, "utterances") if self.tandem else {}
        custom = select_metrics(CostMetric) if self.costs else {}
        given = select_utterance_metrics(self.asked).keys() | tandem.keys() | custom.keys()
        return tuple(name for name in describe_metrics() if name in given)

    @property
    def names_on_request(self) -> tuple[str, ...]:
        """The names of metrics that are given only if they are asked for."""
        if self.tandem is None or self.tandem.form != "2019":
            return ()
        return tuple(name for name, each in select_metrics(TandemMetric).items() if each.on_request)

    def select_measures(self, cell: BreakdownCell, names: Collection[str]) -> dict[str, Measure]:
        """Return the metrics of `names` that are defined for the trials of `cell`.

        The min t-DCF is defined where its coefficients are known.
        """
        plain = select_utterance_metrics(self.asked).items()
        measures = {name: metric.measure for name, metric in plain}
        for name, metric in select_metrics(TandemMetric).items():
            coefficients = self.tandem and self.tandem.find_coefficients(cell, metric.form)
            if coefficients is not None:
                measures[name] = metric.make_measure(coefficients)
        if self.costs is not None:
            custom = select_metrics(CostMetric).items()
            measures |= {name: metric.make_measure(self.costs) for name, metric in custom}
        given = {*self.names, *self.names_on_request} & {*names} & measures.keys()
        return {name: measures[name] for name in describe_metrics() if name in given}


def select_utterance_metrics(official: Collection[str]) -> dict[str, ScoreMetric]:
    """Return the metrics of utterances that a corpus has whose card's `official` is given."""
    return {
        name: metric
        for name, metric in select_metrics(ScoreMetric).items()
        if "utterances" in metric.trials and metric.official in ("", *official)
    }


def list_broken_down() -> tuple[str, ...]:
    """Return the metrics that organisers break down by condition.

    A breakdown has these unless others are asked for.
    """
    return tuple(name for name, metric in describe_metrics().items() if metric.broken_down)


def find_official(card: CorpusCard, split: str, keys: Path) -> OfficialMetrics:
    """Return the official metrics of a split; `keys` is where its keys are.

    Where the file that min t-DCF needs is missing, that metric is left out and `lacking` says what
    to get. A broken file raises a BenchError.
    """
    forms = [name.removeprefix("min_tdcf_") for name in card.official if "tdcf" in name]
    if not forms:
        return OfficialMetrics(card.official, None)
    relative = card.tdcf.get(split)
    if relative is None:
        lacking = f"min t-DCF: {card.short} has none for split {split}"
        return OfficialMetrics(card.official, None, lacking)
    path = find_file(card, keys, relative)
    if path is None:
        lacking = f"min t-DCF: not computed; it needs {relative}, which is not at {keys}"
        return OfficialMetrics(card.official, None, lacking)
    if forms[0] == "2019":
        tandem = TandemSource("2019", path, scores=read_asv_scores(path))
        if tandem.find_coefficients(_EVERYTHING) is None:
            lacking = f"min t-DCF: not defined, since by {path.name} no spoof is accepted"
            return OfficialMetrics(card.official, None, lacking)
        return OfficialMetrics(card.official, tandem)
    with name_source(f"min t-DCF of {card.short}"):
        tandem = TandemSource("2021", path, table=read_tdcf_coefficients(path))
    return OfficialMetrics(card.official, tandem)
