"""A report as one HTML page that needs no other file and no network.

Its body is the report's Markdown. The page reads well without scripts; with them, a click on a
column's heading sorts by it.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from bench._io.markdown import is_address
from bench._io.printable import escape_invisible
from bench.cards import card_files

_IMAGE = re.compile(r"!\[(.*)\]\(([^()\s]+)\)")
_BARE = re.compile(r"(https?://[^\s<>)\"]*[^\s<>).,;\"])")
_BESIDE = re.compile(r"[\w@+%-][\w.@+%-]*")
"""The name of a file in the page's own folder: it has neither a scheme nor a folder."""
_OWN = re.compile(r"<(br|/?small)>")
"""The elements that a report's Markdown has of its own."""
_OWN_TYPE = "own_element"


def render_html_page(title: str, markdown: str, images: Mapping[str, bytes]) -> str:
    """Return the page.

    `images` are the PNGs that the Markdown names, and come into it; an empty one is left out, as by
    `without_images`.
    """
    return fill_html_template("page", title, _READER.render(markdown, {"images": images}))


def fill_html_template(name: str, title: str, body: str) -> str:
    """Return a page from the template `<name>.html`.

    A browser runs nothing but the template's own script, and loads nothing from elsewhere.
    """
    template = (card_files.card_folder("templates") / f"{name}.html").read_text(encoding="utf-8")
    parts = {
        "title": html.escape(escape_invisible(title)),
        "policy": _allow_sources(template),
        "body": body.rstrip("\n"),
    }
    return re.sub(rf"\$({'|'.join(parts)})\b", lambda match: parts[match[1]], template)


def _allow_sources(template: str) -> str:
    """Return what a browser is to allow: the template's script and style, pictures in the page."""
    allowed = {
        name: base64.b64encode(hashlib.sha256(content.encode()).digest()).decode("ascii")
        for name, content in re.findall(r"<(script|style)>(.*?)</\1>", template, re.DOTALL)
    }
    sources = "; ".join(f"{name}-src 'sha256-{digest}'" for name, digest in allowed.items())
    return f"default-src 'none'; img-src data:; {sources}; base-uri 'none'; form-action 'none'"


def without_images(text: str) -> str:
    """Return a page without the figures' content, which changes with the drawing library."""
    return re.sub(r'src="data:[^"]*"', 'src=""', text)


def _escape(text: str) -> str:
    return html.escape(text, quote=False)


def _open_paragraph(tokens: Sequence[Token], index: int, _: Any, env: Mapping[str, Any]) -> str:
    """Return the element, or a figure in place of a line that is an image in the page."""
    line = tokens[index + 1]
    match = _IMAGE.fullmatch(line.content)
    png = env["images"].get(unquote(match[2])) if match else None
    hidden = tokens[index].hidden
    if hidden or match is None or png is None:
        return "" if hidden else "<p>"
    source = f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}" if png else ""
    text = html.escape("".join(token.content for token in parse_inline(match[1])))
    line.children, tokens[index + 2].tag = [], "figure"
    return f'<figure><img alt="{text}" src="{source}">'


def _open_row(tokens: Sequence[Token], index: int, *_: Any) -> str:
    """Return the element; a row with text in nothing but its first cell heads a group."""
    end = next(n for n in range(index, len(tokens)) if tokens[n].type == "tr_close")
    opened, others = tokens[index + 1 : end : 3], tokens[index + 4 : end]
    if opened[0].type == "th_open" or not others or any(token.content for token in others):
        return "<tr>"
    opened[0].attrs = {"scope": "rowgroup", "colspan": len(opened)}
    opened[0].tag = tokens[index + 3].tag = "th"
    for token in others:
        token.hidden = True
    return '<tr class="group">'


def _close_row(tokens: Sequence[Token], index: int, *_: Any) -> str:
    """Return the end of the element; each row of the body is a line."""
    return "</tr>" if tokens[index + 1].type == "thead_close" else "</tr>\n"


def _render_cell(tokens: Sequence[Token], index: int, *_: Any) -> str:
    """Return the begin or end of a cell; nothing where it is hidden."""
    token = tokens[index]
    if token.hidden:
        return ""
    if token.nesting < 0:
        return f"</{token.tag}>"
    return f"<th{RendererHTML.renderAttrs(token)}>" if token.tag == "th" else "<td>"


def _render_text(tokens: Sequence[Token], index: int, *_: Any) -> str:
    """Return text, the addresses in it as links where it is not in one."""
    linked = sum(token.nesting for token in tokens[:index] if token.tag == "a")
    parts = _BARE.split(tokens[index].content)
    return "".join(
        f'<a href="{html.escape(part)}">{html.escape(part)}</a>'
        if n % 2 and not linked
        else _escape(part)
        for n, part in enumerate(parts)
    )


_RULES: dict[str, Any] = {
    "paragraph_open": _open_paragraph,
    "tr_open": _open_row,
    "tr_close": _close_row,
    "th_open": lambda *_: '<th scope="col">',
    **dict.fromkeys(("th_close", "td_open", "td_close"), _render_cell),
    "table_open": lambda *_: '<div class="scroll"><table>\n',
    "table_close": lambda *_: "</table></div>\n",
    "thead_open": lambda *_: "<thead>",
    "tbody_close": lambda *_: "</tbody>",
    "text": _render_text,
    "code_inline": lambda tokens, n, *_: f"<code>{_escape(tokens[n].content)}</code>",
    "fence": lambda tokens, n, *_: f"<pre>{_escape(tokens[n].content[:-1])}</pre>\n",
    "softbreak": lambda *_: " ",
    _OWN_TYPE: lambda tokens, n, *_: tokens[n].content,
}
"""How a page writes what it does not write as `RendererHTML` does."""


class _Renderer(RendererHTML):
    """Writes the elements of a page."""

    def __init__(self, parser: Any = None) -> None:
        super().__init__(parser)
        self.rules |= _RULES


def parse_inline(text: str) -> Sequence[Token]:
    """Return the parts of a line of Markdown: texts, and the begins and ends of what holds them."""
    (line,) = _READER.parseInline(text)
    return line.children or ()


def _own_element(state: StateInline, silent: bool) -> bool:
    """Take one of `_OWN` as the element that it is."""
    match = _OWN.match(state.src, state.pos)
    if match is None:
        return False
    if not silent:
        state.push(_OWN_TYPE, "", 0).content = match[0]
    state.pos = match.end()
    return True


class _Reader(MarkdownIt):
    """Reads a report: the part of CommonMark that reports have, and tables; HTML is text."""

    def validateLink(self, url: str) -> bool:
        """Whether a link may lead there: to an address of the web, or a file beside the page."""
        return is_address(url) or _BESIDE.fullmatch(url) is not None


_READER: Final = _Reader("zero", renderer_cls=_Renderer)
_READER.enable(["heading", "list", "table", "fence"])
_READER.enable(["emphasis", "backticks", "escape", "link", "entity", "newline"])
_READER.inline.ruler.push(_OWN_TYPE, _own_element)
