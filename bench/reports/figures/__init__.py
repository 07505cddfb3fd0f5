"""Every figure, as PNG, SVG or PDF, from scores, labels and what a system shows of itself.

One module a family: the paper beside ours as points and as matrices, detection by scores, time
lines of utterances, errors by position, ranks, hidden features, curves over a setting. All are
drawn in `bench.reports.style`.
"""

from bench.reports.figures.compared import points
from bench.reports.figures.curves import Curve, curves, swept
from bench.reports.figures.detection import crossed, det, histogram, levels
from bench.reports.figures.features import Features, features
from bench.reports.figures.gradcam import Checkpoint, gradcam
from bench.reports.figures.matrices import heat
from bench.reports.figures.positions import Places, positions
from bench.reports.figures.ranks import ranked, ranks
from bench.reports.figures.times import Activation, Strip, activations, strips

__all__ = [
    "Activation",
    "Checkpoint",
    "Curve",
    "Features",
    "Places",
    "Strip",
    "activations",
    "crossed",
    "curves",
    "det",
    "features",
    "gradcam",
    "heat",
    "histogram",
    "levels",
    "points",
    "positions",
    "ranked",
    "ranks",
    "strips",
    "swept",
]
