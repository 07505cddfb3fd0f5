"""What a figure holds, after a look at the pixels that it renders to."""

from __future__ import annotations

import io

import numpy as np
from matplotlib.image import imread

from bench.reports import plot_style


def drawn(draw, *arguments, **named):
    """Return the figure that `draw` draws, after a look at its pixels."""
    figure = draw(*arguments, **named)
    content = plot_style.render_figure(figure, "png")
    assert len(np.unique(imread(io.BytesIO(content)))) > 10
    return figure


def whole_title(figure):
    """Return the figure's title as one line."""
    return " ".join(figure.get_suptitle().split())
