"""A paper's table beside ours, as Markdown, CSV, HTML, LaTeX and figures, read from the tracking
store and what its runs keep.
"""

from __future__ import annotations

from bench.reporting.document import Extra, Report, report, stale, write
from bench.reporting.kept import KeptInStore

__all__ = ["Extra", "KeptInStore", "Report", "report", "stale", "write"]
