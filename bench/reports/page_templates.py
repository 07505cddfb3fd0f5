"""Reports' Markdown from the templates in `reports/templates`."""

from __future__ import annotations

import re
from string import Template

from bench.cards import card_files


def fill_page_template(name: str, **parts: str) -> str:
    """Return a page from the template of this name, without the gaps that empty parts leave."""
    text = (card_files.card_folder("templates") / f"{name}.md").read_text(encoding="utf-8")
    return re.sub(r"\n{3,}", "\n\n", Template(text).substitute(parts)).rstrip() + "\n"
