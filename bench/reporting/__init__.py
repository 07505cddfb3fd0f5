"""A paper's table beside ours, as Markdown, CSV and figures, read from the tracking store alone."""

from __future__ import annotations

from bench.reporting.document import Report, report, stale, write

__all__ = ["Report", "report", "stale", "write"]
