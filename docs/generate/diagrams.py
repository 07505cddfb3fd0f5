"""Diagrams of the systems as SVG: boxes on a grid, and arrows between them."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

_WIDTH, _HEIGHT, _GAP_X, _GAP_Y, _MARGIN = 250, 50, 36, 30, 12
"""Of a box, between boxes, and around all of them, in pixels."""


class Box(NamedTuple):
    """A part of a system."""

    name: str
    row: int
    column: float
    title: str
    shape: str = ""
    """What leaves the part."""
    after: tuple[str, ...] = ()
    """Names of the boxes whose output it takes."""
    training_only: bool = False


def draw_boxes(boxes: Sequence[Box], label: str) -> str:
    """Return the SVG; `label` describes it to those who cannot see it."""
    width = _left(max(box.column for box in boxes) + 1) - _GAP_X + _MARGIN
    height = _top(max(box.row for box in boxes) + 1) - _GAP_Y + _MARGIN
    by_name = {box.name: box for box in boxes}
    arrows = [_draw_arrow(by_name[source], box) for box in boxes for source in box.after]
    return "\n".join(
        [
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}"'
                f' width="{width:g}" height="{height:g}" role="img" aria-label="{escape(label)}"'
                ' font-family="sans-serif" font-size="13">'
            ),
            (
                '<defs><marker id="head" markerWidth="8" markerHeight="8" refX="7" refY="4"'
                ' orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="#444"/></marker></defs>'
            ),
            '<rect width="100%" height="100%" rx="6" fill="white"/>',
            *arrows,
            *map(_draw_box, boxes),
            "</svg>",
            "",
        ]
    )


def _left(column: float) -> float:
    return _MARGIN + column * (_WIDTH + _GAP_X)


def _top(row: int) -> float:
    return _MARGIN + row * (_HEIGHT + _GAP_Y)


def _draw_box(box: Box) -> str:
    left, top, middle = _left(box.column), _top(box.row), _left(box.column) + _WIDTH / 2
    dashes = ' stroke-dasharray="5 4"' if box.training_only else ""
    title_y, shape_y = (top + 21, top + 39) if box.shape else (top + 30, 0)
    lines = [
        (
            f'<rect x="{left:g}" y="{top:g}" width="{_WIDTH}" height="{_HEIGHT}" rx="6"'
            f' fill="#eef3fa" stroke="#3b6ea5"{dashes}/>'
        ),
        (
            f'<text x="{middle:g}" y="{title_y:g}" text-anchor="middle" fill="#111">'
            f"{escape(box.title)}</text>"
        ),
    ]
    if box.shape:
        lines.append(
            f'<text x="{middle:g}" y="{shape_y:g}" text-anchor="middle" fill="#555"'
            f' font-size="11">{escape(box.shape)}</text>'
        )
    return "\n".join(lines)


def _draw_arrow(source: Box, target: Box) -> str:
    left, right = (_left(box.column) + _WIDTH / 2 for box in (source, target))
    start, end = _top(source.row) + _HEIGHT, _top(target.row) - 1
    middle = end - _GAP_Y / 2
    points = f"{left:g},{start:g} {left:g},{middle:g} {right:g},{middle:g} {right:g},{end:g}"
    return (
        f'<polyline points="{points}" fill="none" stroke="#444" stroke-width="1.3"'
        ' marker-end="url(#head)"/>'
    )
