"""The README's worked examples, which tests run as they are written there."""

from __future__ import annotations

import re
from pathlib import Path

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def blocks(heading: str) -> list[str]:
    """The fenced blocks below a heading, up to the next of its level."""
    section = README.partition(f"\n{heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^```\w*\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


(OWN_TABLE,) = blocks("## Your own table")
"""The card `lab/experiments/mine/rounds.toml`."""
