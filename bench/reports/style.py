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
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Literal, get_args

import seaborn as sns
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bench._io import atomic_files
from bench._io.printable import visible
from bench.units import BONAFIDE, SPOOF

Kind = Literal["png", "svg", "pdf"]
FILE_KINDS: tuple[Kind, ...] = get_args(Kind)
"""What each figure is written as: for pages, for editing, for pdfLaTeX."""

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
    # As text that can be searched and that publishers take: TrueType, not Type 3.
    "pdf.fonttype": 42,
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
_UNDATED: dict[Kind, dict[str, None]] = {
    "png": {"Software": None},
    "svg": {"Date": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
"""Without version and date, which would change the file and not the figure."""
_KEPT: ContextVar[dict[Kind, bytes] | None] = ContextVar("_KEPT", default=None)
"""Where `every_kind` is at work, what is drawn."""


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
    """Return the figure as a file of this kind."""
    kept = _KEPT.get()
    if kept is None:
        return _saved(figure, kind)
    for each in FILE_KINDS:
        kept[each] = _saved(figure, each)
        figure.set_layout_engine("none")  # what is placed stays so
    return kept[kind]


def every_kind(draw: Callable[[Kind], bytes]) -> dict[Kind, bytes]:
    """Return what `draw` draws, which ends in `drawn`, as PNG, SVG and PDF: made and laid out once,
    saved three times.
    """
    kept: dict[Kind, bytes] = {}
    token = _KEPT.set(kept)
    try:
        draw("png")
    finally:
        _KEPT.reset(token)
    assert kept, "`draw` should end in `drawn`"
    return kept


def write(folder: Path, name: str, draw: Callable[[Kind], bytes]) -> list[Path]:
    """Write what `draw` draws as PNG, SVG and PDF into `folder`; return the paths, PNG first."""
    files = {f"{name}.{kind}": content for kind, content in every_kind(draw).items()}
    atomic_files.write_all(folder, files)
    return [folder / file for file in files]


def _saved(figure: Figure, kind: Kind) -> bytes:
    content = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(content, format=kind, dpi=_DPI, metadata=_UNDATED[kind])
    return content.getvalue()
