"""What a figure that was rendered holds."""

from __future__ import annotations

import io
from unittest.mock import patch

import matplotlib.figure
import numpy as np
from matplotlib.image import imread


def drawn(draw, *arguments, **named):
    """Return the figure that `draw` renders as PNG, after a look at its pixels."""
    kept = []
    save = matplotlib.figure.Figure.savefig

    def keep(figure, *a, **k):
        kept.append(figure)
        return save(figure, *a, **k)

    with patch.object(matplotlib.figure.Figure, "savefig", keep):
        content = draw(*arguments, **named)
    assert len(np.unique(imread(io.BytesIO(content)))) > 10
    (figure,) = kept
    return figure


def whole_title(figure):
    """Return the figure's title as one line."""
    return " ".join(figure.get_suptitle().split())
