"""The style of every plot, and the one place that writes plots: with Agg, never on a display.

Colours that stand beside each other differ in lightness, so that they can be told apart in grey and
by colour-blind readers; blue and orange are those of Okabe and Ito's palette.
"""

# The stubs of matplotlib and seaborn leave many types open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, get_args

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bench._io import atomic_files
from bench._io.printable import escape_invisible
from bench.units import BONAFIDE, SPOOF

Kind = Literal["png", "svg", "pdf"]
FILE_KINDS: tuple[Kind, ...] = get_args(Kind)
"""What each figure is written as: for pages, for editing, for pdfLaTeX."""

STYLE: Any = {
    # seaborn's "whitegrid", without importing it.
    "axes.axisbelow": True,
    "axes.facecolor": "white",
    "axes.grid": True,
    "axes.labelcolor": ".15",
    **{f"axes.spines.{side}": True for side in ("bottom", "left", "right", "top")},
    "figure.facecolor": "white",
    "font.family": ["sans-serif"],
    "font.sans-serif": [
        *("Arial", "DejaVu Sans", "Liberation Sans", "Bitstream Vera Sans", "sans-serif")
    ],
    "grid.color": ".8",
    "grid.linestyle": "-",
    "lines.solid_capstyle": "round",
    "patch.edgecolor": "w",
    "patch.force_edgecolor": True,
    "text.color": ".15",
    **{f"xtick.{side}": False for side in ("bottom", "top")},
    **{f"ytick.{side}": False for side in ("left", "right")},
    **{f"{axis}tick.color": ".15" for axis in "xy"},
    **{f"{axis}tick.direction": "out" for axis in "xy"},
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


def escape_mathtext(text: str) -> str:
    """Return a text as it stands: Matplotlib takes what is between dollars for a formula."""
    return escape_invisible(text).replace("$", r"\$")


def wrap_title(text: str, width_in: float) -> str:
    """Return a text as it stands, in lines that fit into so many inches as a title."""
    letters = max(20, int(width_in * 14.5))
    return "\n".join(
        textwrap.fill(escape_mathtext(line), letters, break_long_words=False)
        for line in text.split("\n")
    )


def add_panels(figure: Figure, count: int, across: int) -> Any:
    """Return the axes of `count` panels, `across` in a line; the last line may have fewer."""
    panels = figure.subplots(-(-count // across), across, squeeze=False).ravel()
    for axes in panels[count:]:
        axes.remove()
    return panels[:count]


def label_matrix(axes: Any, across: Iterable[str], down: Iterable[str]) -> None:
    """Name the columns and the lines of a heat map that is drawn."""
    axes.tick_params(length=0)
    names = [*map(escape_mathtext, across)]
    axes.set_xticks(axes.get_xticks(), names, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(axes.get_yticks(), [*map(escape_mathtext, down)])
    axes.tick_params(axis="y", labelrotation=0)


@contextmanager
def styled_figure(
    width: float, height: float, title: str, grid: Literal["both", "x", "none"] = "both"
) -> Iterator[Figure]:
    """Yield a figure of this size in inches with its title, to be drawn in the common style."""
    lines: Any = {"axes.grid": False} if grid == "none" else {"axes.grid.axis": grid}
    with mpl.rc_context({**STYLE, **lines}):
        figure = Figure(figsize=(width, height), layout="constrained")
        figure.suptitle(wrap_title(title, width))
        yield figure


def render_figure(figure: Figure, kind: Kind) -> bytes:
    """Return the content of the figure's file of this kind."""
    content = io.BytesIO()
    FigureCanvasAgg(figure)
    with mpl.rc_context(STYLE):
        figure.savefig(content, format=kind, dpi=_DPI, metadata=_UNDATED[kind])
    return content.getvalue()


def render_files(figure: Figure) -> dict[Kind, bytes]:
    """Return the figure as PNG, SVG and PDF, laid out once for all three."""
    files: dict[Kind, bytes] = {}
    for kind in FILE_KINDS:
        files[kind] = render_figure(figure, kind)
        figure.set_layout_engine("none")  # the second file is laid out like the first
    return files


def write_figure(folder: Path, name: str, figure: Figure) -> list[Path]:
    """Write the figure as PNG, SVG and PDF into `folder`; return the paths, PNG first."""
    files = {f"{name}.{kind}": content for kind, content in render_files(figure).items()}
    atomic_files.write_all(folder, files)
    return [folder / file for file in files]
