"""The style that every figure is drawn in, and how it becomes a file: by Agg, never on a display.

Colours that stand beside each other differ in lightness, so that they can be told apart in grey and
by colour-blind readers; blue and orange are those of Okabe and Ito's palette.
"""

# The stubs of matplotlib and seaborn leave many types open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import seaborn as sns
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bench import writing
from bench.printable import visible
from bench.units import BONAFIDE, SPOOF

Kind = Literal["png", "svg"]

STYLE: Any = {
    **sns.axes_style("whitegrid"),
    "font.size": 8,
    "axes.titlesize": 9,
    "figure.titlesize": 9,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "axes.edgecolor": "#4d4d4d",
    "grid.linewidth": 0.5,
    # Without it the names of an SVG's parts, and so its bytes, are drawn anew each time.
    "svg.hashsalt": "bench",
}
SOURCES = {"paper": "#a6a6a6", "ours": "#0072b2", "ours, incomplete": "#cfe3f1"}
"""Colours of whose figure it is."""
CLASSES = {BONAFIDE: "#0072b2", SPOOF: "#e69f00"}
KINDS = (*CLASSES.values(), "#4d004b")
"""Colours of bona fide, text-to-speech (or any spoof) and voice conversion."""
LINES = ("#0072b2", "#e69f00", "#4d004b", "#56b4e9", "#7f7f7f")
"""Colours of lines in one panel; each has its marker of `MARKERS` as well."""
MARKERS = ("o", "s", "^", "D", "v")
_DPI = 150


def plain(text: str) -> str:
    """Return a text as it stands: Matplotlib takes what is between dollars for a formula."""
    return visible(text).replace("$", r"\$")


def wrapped(text: str, width_in: float) -> str:
    """Return a text as it stands, in lines that fit into so many inches as a title."""
    letters = max(20, int(width_in * 14.5))
    return "\n".join(
        textwrap.fill(plain(line), letters, break_long_words=False) for line in text.split("\n")
    )


def png(figure: Figure) -> bytes:
    """Return the figure as PNG."""
    return drawn(figure, "png")


def drawn(figure: Figure, kind: Kind) -> bytes:
    """Return the figure as PNG or SVG."""
    content = io.BytesIO()
    FigureCanvasAgg(figure)
    # Without version and date, which would change the file and not the figure.
    metadata = {"Software": None} if kind == "png" else {"Date": None}
    figure.savefig(content, format=kind, dpi=_DPI, metadata=metadata)
    return content.getvalue()


def write(folder: Path, name: str, draw: Callable[[Kind], bytes]) -> list[Path]:
    """Write what `draw` gives as PNG and as SVG into `folder`; return both paths, PNG first."""
    kinds: tuple[Kind, ...] = ("png", "svg")
    files = {f"{name}.{kind}": draw(kind) for kind in kinds}
    writing.write_all(folder, files)
    return [folder / file for file in files]
