"""The kinds of metrics: how each is computed, and what its errors and intervals follow from.

A file of metrics declares a tuple `METRICS` of these (`bench.metrics.registry`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from bench.metrics.dcf import Cost, DcfCosts
    from bench.metrics.det import EerResult
    from bench.metrics.items import Items
    from bench.metrics.regions import RegionPairs
    from bench.metrics.sasv import ADcfCosts, SasvTrials
    from bench.metrics.tally import Floats, ScoreCounts
    from bench.metrics.tdcf import Coefficients
    from bench.metrics.timeline import LabelledStretches, ScoredFrames
    from bench.metrics.weighed import Weighed

Measure = Callable[["ScoreCounts"], float]

Unit = Literal["rate", "cost", "bits"]
"""`rate`: a fraction, shown in per cent. `cost`: 1 is what the better of accepting all and
rejecting all costs. `bits`: per trial."""
Needs = Literal["scores", "costs", "ASV scores", "frames", "decisions", "regions", "SASV scores"]
"""What a metric is computed from. `scores`: scores and classes of trials. `costs`: these, and the
costs that a corpus's organisers set. `ASV scores`: these, and the organisers' scores of speaker
verification. `frames`: scored frames with their times, and the stretches of each class.
`decisions`: trials that are decided by a threshold, frames by the larger logit unless another
threshold is stated. `regions`: runs of frames that are decided spoof, and those that are spoof.
`SASV scores`: scores of a spoofing-aware speaker verification system, or those of its two parts."""
Trials = Literal["utterances", "frames", "verification"]
"""`verification`: trials of speaker verification, a claimed speaker and an utterance each."""
Setting = Literal["", "iou", "n", "ms"]
"""A number that the name of a result can end in. `iou`: the IoU that a region has to exceed, in
hundredths (`event_f1_iou75`). `n`: regions of each utterance (`ar_n20`). `ms`: a tolerance in
milliseconds (`boundary_f1_40ms`)."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A metric, as it is declared in its file; subclasses say how it is computed."""

    name: str
    """As results and columns have it: `eer`, `min_tdcf`."""
    label: str
    """As tables head it."""
    unit: Unit
    better: Literal["lower", "higher"]
    definition: str
    """What it is, in a line."""
    source: str
    """Who defined it: paper, section, equation, or the organisers' package."""
    needs: Needs
    trials: tuple[Trials, ...]
    """What it is given for: whole utterances, frames of a resolution, or both."""
    official: str = ""
    """The entry of a corpus card's `official` that asks for it; "" where every corpus has it."""
    broken_down: bool = False
    """Whether organisers report it by attack or codec: a breakdown has it unless others are
    asked for."""
    by_logit: bool = True
    """Whether it is also given for the bona fide logit (`eer_bonafide_logit`)."""
    logged: bool = True
    """Whether runs log it."""
    on_request: tuple[Trials, ...] = ()
    """For which trials it is given only where it is asked for by name."""
    setting: Setting = ""
    """What the name of its results can end in."""
    at: int = 0
    """The setting of the result that has the metric's name alone."""
    order: int = 100
    """Its place among results: lower numbers come first."""


class CostLine(NamedTuple):
    """A cost at a threshold: `fixed` + `miss` · Pmiss + `false_alarm` · Pfa."""

    fixed: float
    miss: float
    false_alarm: float


ClassTerms = Callable[["Floats"], tuple["Floats", "Floats"]]
"""Returns what each score adds as bona fide and as spoof to a metric that is the mean of the first
over bona fide trials plus the mean of the second over spoof trials."""


@dataclass(frozen=True)
class Decided:
    """A measure that is reached at a threshold, at which its errors can be counted."""

    compute: Callable[[ScoreCounts], EerResult | Cost]
    _: KW_ONLY
    terms: ClassTerms | None = None
    """Given where the measure is a sum of means over each class: resampling is then fast."""

    def __call__(self, counts: ScoreCounts) -> float:
        """Return the metric."""
        return self.compute(counts)[0]


@dataclass(frozen=True)
class Least(Decided):
    """A measure at the threshold that is best for the very trials that it is computed from.

    It never falls where either error rate rises.
    """

    _: KW_ONLY
    line: CostLine | None = None
    """Given where the measure is the least of such costs: resampling is then fast."""


@dataclass(frozen=True)
class Averaged:
    """A measure that is a sum of means over each class, and rests on no errors."""

    compute: Measure
    terms: ClassTerms

    def __call__(self, counts: ScoreCounts) -> float:
        """Return the metric."""
        return self.compute(counts)


@dataclass(frozen=True)
class Ordered:
    """A measure without a threshold that follows from the ROC curve alone.

    The curve is the line through its corners. The measure is perfect where every bona fide trial
    scores above every spoof trial. The errors at the equal error rate stand for its errors.
    """

    compute: Measure
    least: bool = False
    """Whether it is a minimum over the very trials that it is computed from."""

    def __call__(self, counts: ScoreCounts) -> float:
        """Return the metric."""
        return self.compute(counts)


@dataclass(frozen=True, kw_only=True)
class ScoreMetric(Metric):
    """A metric of scored trials: of utterances, or of frames of one resolution."""

    measure: Measure


@dataclass(frozen=True, kw_only=True)
class PackageMetric(Metric):
    """A metric as an organisers' package prints it, which separates tied trials.

    It has no interval: a resample repeats trials, and repeated trials are ties.
    """

    compute: Callable[[ArrayLike, ArrayLike], EerResult]
    """Of the scores of bona fide and of spoof trials."""


@dataclass(frozen=True, kw_only=True)
class TandemMetric(Metric):
    """A metric of scored utterances in front of the organisers' speaker verification."""

    compute: Callable[[ScoreCounts, Coefficients], Cost]
    draw_line: Callable[[Coefficients], CostLine]
    """Returns the cost that it is the least of."""
    form: Literal["official", "2020"] = "official"
    """Which coefficients it takes: those that the organisers used, or those of the revised form of
    2020 where these are of another."""

    def make_measure(self, coefficients: Coefficients) -> Measure:
        """Return the metric under the coefficients of some trials."""
        line = self.draw_line(coefficients)
        return Least(lambda counts: self.compute(counts, coefficients), line=line)


@dataclass(frozen=True, kw_only=True)
class CostMetric(Metric):
    """A metric of scored utterances under priors and costs that somebody gives."""

    unit: Unit = "cost"
    better: Literal["lower", "higher"] = "lower"
    needs: Needs = "costs"
    trials: tuple[Trials, ...] = ("utterances",)
    by_logit: bool = False
    logged: bool = False
    on_request: tuple[Trials, ...] = ("utterances",)
    make_measure: Callable[[DcfCosts], Measure]


@dataclass(frozen=True, kw_only=True)
class FrameMetric(Metric):
    """A metric of scored frames that need not lie on a grid."""

    needs: Needs = "frames"
    trials: tuple[Trials, ...] = ("frames",)
    by_logit: bool = False
    items: Callable[[ScoredFrames, LabelledStretches], Items]
    """Returns what is evaluated; of one class alone where the metric is not defined."""
    measure: Measure
    by_time: bool = False
    """Whether errors are weighed by their duration, so that labels should be exact to the
    sample."""


class Confusion(NamedTuple):
    """Decisions on u utterances, or on their frames, by the positive class; (u,) each."""

    hits: Floats
    """Those of the positive class that are decided so."""
    misses: Floats
    """Those of the positive class that are not."""
    false_alarms: Floats
    """Those of the other class that are decided positive."""
    rejections: Floats
    """Those of the other class that are not."""


@dataclass(frozen=True, kw_only=True)
class DecisionMetric(Metric):
    """A metric of decisions: a sum over utterances divided by another."""

    unit: Unit = "rate"
    better: Literal["lower", "higher"] = "higher"
    needs: Needs = "decisions"
    trials: tuple[Trials, ...] = ("utterances", "frames")
    by_logit: bool = False
    on_request: tuple[Trials, ...] = ("utterances",)
    positive: Literal["bonafide", "spoof"]
    ratio: Callable[[Confusion], tuple[Floats, Floats]]
    """Returns what each utterance adds to the dividend and to the divisor."""


@dataclass(frozen=True, kw_only=True)
class RegionMetric(Metric):
    """A metric of the regions of frames that are decided spoof."""

    unit: Unit = "rate"
    better: Literal["lower", "higher"] = "higher"
    needs: Needs = "regions"
    trials: tuple[Trials, ...] = ("frames",)
    by_logit: bool = False
    logged: bool = False
    on_request: tuple[Trials, ...] = ("frames",)
    weigh: Callable[[RegionPairs, int], Weighed]
    """Returns the metric at a setting."""


@dataclass(frozen=True, kw_only=True)
class MixedMetric(Metric):
    """A metric that is a weighted sum of others, which are given for the same trials."""

    unit: Unit = "rate"
    better: Literal["lower", "higher"] = "higher"
    by_logit: bool = False
    logged: bool = False
    parts: tuple[tuple[str, float], ...]
    """Their names and weights."""


@dataclass(frozen=True, kw_only=True)
class SasvMetric(Metric):
    """A metric of trials of speaker verification, by one score of the whole system."""

    better: Literal["lower", "higher"] = "lower"
    needs: Needs = "SASV scores"
    trials: tuple[Trials, ...] = ("verification",)
    by_logit: bool = False
    logged: bool = False
    make_items: Callable[[SasvTrials, ADcfCosts], Items]
    """Returns what is evaluated: targets as bona fide, the trials to be rejected as spoof."""
    make_measure: Callable[[ADcfCosts], Measure]


@dataclass(frozen=True, kw_only=True)
class TwoScoreMetric(Metric):
    """A metric of trials of speaker verification, by the scores of both parts; without interval."""

    better: Literal["lower", "higher"] = "lower"
    needs: Needs = "SASV scores"
    trials: tuple[Trials, ...] = ("verification",)
    by_logit: bool = False
    logged: bool = False
    compute: Callable[[SasvTrials], float]
