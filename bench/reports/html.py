"""A report as one HTML page that needs no other file and no network.

It is made of the report's Markdown, of which it knows what reports have: headings, paragraphs,
lists, tables, figures, fenced blocks, bold, italic, code and addresses. It reads well without
scripts; with them, a click on a column's heading sorts by it.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from bench._io.markdown import is_address
from bench._io.printable import visible
from bench.cards import card_files

_IMAGE = re.compile(r"!\[(.*)\]\(([^()\s]+)\)")
_BARE = re.compile(r"(https?://[^\s<>)\"]*[^\s<>).,;\"])")
_BESIDE = re.compile(r"[\w@+%-][\w.@+%-]*")
"""The name of a file in the page's own folder: it has neither a scheme nor a folder."""
_OWN = re.compile(r"<(br|/?small)>")
"""The elements that a report's Markdown has of its own."""
_OWN_TYPE = "own_element"
_BLOCKS = {
    "heading": re.compile("#{1,6} "),
    "table": re.compile(r"\| "),
    "image": re.compile("!"),
    "list": re.compile("- |  "),
    "gap": re.compile("$"),
}


def page(title: str, markdown: str, images: Mapping[str, bytes]) -> str:
    """Return the page; `images` are the PNGs that the Markdown names, and come
    into it; an empty one is left out, as by `without_images`."""
    template = (card_files.folder("templates") / "page.html").read_text(encoding="utf-8")
    parts = {
        "title": html.escape(visible(title)),
        "policy": _policy(template),
        "body": "\n".join(_blocks(markdown.split("\n"), images)),
    }
    return re.sub(rf"\$({'|'.join(parts)})\b", lambda found: parts[found[1]], template)


def _policy(template: str) -> str:
    """Return what a browser is to allow: the template's own script and style, by their SHA-256,
    and pictures that are in the page."""
    allowed = {
        name: base64.b64encode(hashlib.sha256(content.encode()).digest()).decode("ascii")
        for name, content in re.findall(r"<(script|style)>(.*?)</\1>", template, re.DOTALL)
    }
    sources = "; ".join(f"{name}-src 'sha256-{digest}'" for name, digest in allowed.items())
    return f"default-src 'none'; img-src data:; {sources}; base-uri 'none'; form-action 'none'"


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
        elif kind == "table" and len(block) > 1:
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
        elif kind != "gap":
            yield f"<p>{_inline(' '.join(block))}</p>"


def _kind(line: str) -> str:
    return next((kind for kind, begins in _BLOCKS.items() if begins.match(line)), "text")


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
    found = _IMAGE.fullmatch(line)
    png = images.get(unquote(found[2])) if found else None
    if found is None or png is None:
        return f"<p>{_inline(line)}</p>"
    source = f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}" if png else ""
    said = "".join(token.content for token in _tokens(found[1]))
    return f'<figure><img alt="{html.escape(said)}" src="{source}"></figure>'


def _inline(text: str) -> str:
    """Return a line's text: bold, italic, code, links and `_OWN`; everything else is text."""
    made, linked = "", False
    for token in _tokens(text):
        content = html.escape(token.content, quote=False)
        linked = token.type == "link_open" or (linked and token.type != "link_close")
        if token.type == "link_open":
            made += f'<a href="{html.escape(str(token.attrs["href"]))}">'
        elif token.type == "code_inline":
            made += f"<code>{content}</code>"
        elif token.type == _OWN_TYPE:
            made += token.content
        elif token.nesting:
            made += f"<{'/' * (token.nesting < 0)}{token.tag}>"
        else:
            made += content if linked else _with_addresses(token.content)
    return made


def _with_addresses(text: str) -> str:
    """Return text, the addresses in it as links."""
    parts = (html.escape(part) if n % 2 else part for n, part in enumerate(_BARE.split(text)))
    return "".join(
        f'<a href="{part}">{part}</a>' if n % 2 else html.escape(part, quote=False)
        for n, part in enumerate(parts)
    )


def _tokens(text: str) -> Sequence[Token]:
    (line,) = _READER.parseInline(text)
    return line.children or ()


def _own_element(state: StateInline, silent: bool) -> bool:
    """Take one of `_OWN` as the element that it is."""
    found = _OWN.match(state.src, state.pos)
    if found is None:
        return False
    if not silent:
        state.push(_OWN_TYPE, "", 0).content = found[0]
    state.pos = found.end()
    return True


class _Reader(MarkdownIt):
    """Reads a line of a report: CommonMark without HTML and pictures."""

    def validateLink(self, url: str) -> bool:
        """Whether a link may lead there: to an address of the web, or a file beside the page."""
        return is_address(url) or _BESIDE.fullmatch(url) is not None


_READER: Final = _Reader("zero")
_READER.enable(["emphasis", "backticks", "escape", "link", "entity"])
_READER.inline.ruler.push(_OWN_TYPE, _own_element)
