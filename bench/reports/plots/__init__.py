"""Every plot, as a Matplotlib figure, from results, scores, labels and what analyses computed.

One module a family: the paper beside ours as points and as matrices, detection by scores, time
lines of utterances, errors by position, ranks, hidden features, curves over a setting.
`bench.reports.plot_style` has their common style and writes them.
"""

from bench.reports.plots.curves import draw_curves
from bench.reports.plots.detection import draw_det, draw_heat_map, draw_histogram, draw_level_bars
from bench.reports.plots.features import draw_features
from bench.reports.plots.gradcam import draw_gradcam
from bench.reports.plots.matrices import draw_matrices
from bench.reports.plots.points import draw_points
from bench.reports.plots.positions import draw_positions
from bench.reports.plots.ranks import draw_ranks
from bench.reports.plots.times import draw_activations, draw_recording, draw_strips

__all__ = [
    "draw_activations",
    "draw_curves",
    "draw_det",
    "draw_features",
    "draw_gradcam",
    "draw_heat_map",
    "draw_histogram",
    "draw_level_bars",
    "draw_matrices",
    "draw_points",
    "draw_positions",
    "draw_ranks",
    "draw_recording",
    "draw_strips",
]
