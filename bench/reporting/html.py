"""A report as one HTML page that needs no other file and no network.

It is made of the report's Markdown, of which it knows what reports have: headings, paragraphs,
lists, tables, figures, fenced blocks, bold, italic, code and addresses. It reads well without
scripts; with them, a click on a column's heading sorts by it.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

from bench import cards

_IMAGE = re.compile(r"!\[(.*?)\]\((.*?)\)")
_CODE = re.compile(r"(`[^`]+`)")
_INLINE = (
    (re.compile(r"\[((?:[^\[\]]|\[[^\]]*\])+)\]\(([^)\s]+)\)"), r'<a href="\2">\1</a>'),
    (re.compile(r"\*\*(\S(?:.*?\S)?)\*\*"), r"<strong>\1</strong>"),
    (re.compile(r"\*([^*\s](?:[^*]*[^*\s])?)\*"), r"<em>\1</em>"),
    (re.compile(r"(?<!\")(https?://[^\s<>)]*[^\s<>).,;])"), r'<a href="\1">\1</a>'),
    (re.compile(r"&lt;br&gt;"), "<br>"),
    (re.compile(r"&lt;(/?small)&gt;"), r"<\1>"),
)
_BLOCKS = {"#": "heading", "|": "table", "!": "image", "": "gap"}


def page(title: str, markdown: str, images: Mapping[str, bytes]) -> str:
    """Return the page; `images` are the PNGs that the Markdown names, and come
    into it; an empty one is left out, as by `without_images`."""
    template = (cards.folder("templates") / "page.html").read_text(encoding="utf-8")
    body = "\n".join(_blocks(markdown.splitlines(), images))
    return template.replace("$title", html.escape(title)).replace("$body", body)


def without_images(text: str) -> str:
    """Return a page without the figures' content, which changes with the drawing library."""
    return re.sub(r'src="data:[^"]*"', 'src=""', text)


def _blocks(lines: Iterable[str], images: Mapping[str, bytes]) -> Iterator[str]:
    fenced: list[str] | None = None
    plain: list[str] = []
    for line in lines:
        if line.startswith("```"):
            if fenced is None:
                yield from _plain(plain, images)
                plain, fenced = [], []
            else:
                yield f"<pre>{html.escape(chr(10).join(fenced), quote=False)}</pre>"
                fenced = None
        elif fenced is not None:
            fenced.append(line)
        else:
            plain.append(line)
    yield from _plain(plain, images)


def _plain(lines: Iterable[str], images: Mapping[str, bytes]) -> Iterator[str]:
    for kind, group in groupby(lines, _kind):
        block = list(group)
        if kind == "heading":
            yield from (_heading(line) for line in block)
        elif kind == "table":
            yield _table(block)
        elif kind == "list":
            items: list[str] = []
            for line in block:  # a line that is indented goes on with the item before it
                if line.startswith("- "):
                    items.append(line[2:])
                else:
                    items[-1] += f" {line.strip()}"
            lines = "".join(f"<li>{_inline(item)}</li>\n" for item in items)
            yield f"<ul>\n{lines}</ul>"
        elif kind == "image":
            yield from (_figure(line, images) for line in block)
        elif kind == "text":
            yield f"<p>{_inline(' '.join(block))}</p>"


def _kind(line: str) -> str:
    if line.startswith(("- ", "  ")):
        return "list"
    return _BLOCKS.get(line[:1], "text")


def _heading(line: str) -> str:
    marks, _, text = line.partition(" ")
    return f"<h{len(marks)}>{_inline(text)}</h{len(marks)}>"


def _table(lines: list[str]) -> str:
    head, _, *rows = (_cells(line) for line in lines)
    top = "".join(f'<th scope="col">{_inline(cell)}</th>' for cell in head)
    body = "\n".join(_row(cells) for cells in rows)
    return (
        f'<div class="scroll"><table>\n<thead><tr>{top}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


def _row(cells: list[str]) -> str:
    """Return a line; one with nothing but its first cell heads a group."""
    if len(cells) > 1 and not any(cells[1:]):
        across = f'<th scope="rowgroup" colspan="{len(cells)}">{_inline(cells[0])}</th>'
        return f'<tr class="group">{across}</tr>'
    return f"<tr>{''.join(f'<td>{_inline(cell)}</td>' for cell in cells)}</tr>"


def _cells(line: str) -> list[str]:
    inner = line.strip().removeprefix("|").removesuffix("|")
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", inner)]


def _figure(line: str, images: Mapping[str, bytes]) -> str:
    found = _IMAGE.match(line)
    if found is None:
        return f"<p>{_inline(line)}</p>"
    png = images[found[2]]
    source = f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}" if png else ""
    alt = html.escape(found[1])
    return f'<figure><img alt="{alt}" src="{source}"></figure>'


def _inline(text: str) -> str:
    """Return a line's text; what stands between backticks is taken as it is."""
    made = ""
    for part in _CODE.split(html.escape(text, quote=False)):
        if _CODE.fullmatch(part):
            made += f"<code>{part[1:-1]}</code>"
            continue
        for pattern, new in _INLINE:
            part = pattern.sub(new, part)
        made += part
    return made
