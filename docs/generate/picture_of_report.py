"""The picture of the demo's report, docs/report.png: `python docs/generate/picture_of_report.py`.

Run it after `make demo`, where Chromium is installed. The pictures of MLflow (docs/runs.png and
docs/charts.png) are screenshots of `bench ui table4`, with the Assistant closed.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parents[2]
_PICTURE = ROOT / "docs/report.png"
_REPORT = ROOT / "reports/smoke/sal-table4.smoke.html"
_SIZE = (1180, 1184)
"""Pixels: the report's beginning up to the end of its table."""
_COLOURS = 64


def draw_report() -> None:
    """Write the report as HTML and save what Chromium shows of its beginning."""
    command = ["report", "table4", "--smoke", "--format", "html"]
    subprocess.run([sys.executable, "-m", "bench", *command], cwd=ROOT, check=True)
    browser = ["chromium", "--headless=new", "--no-sandbox", "--hide-scrollbars"]
    size = f"--window-size={_SIZE[0]},{_SIZE[1]}"
    picture = f"--screenshot={_PICTURE}"
    subprocess.run([*browser, size, picture, _REPORT.as_uri()], check=True, timeout=120)
    Image.open(_PICTURE).convert("RGB").quantize(_COLOURS).save(_PICTURE, optimize=True)


if __name__ == "__main__":
    draw_report()
