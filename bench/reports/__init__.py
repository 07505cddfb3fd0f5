"""A paper's table beside ours, as Markdown, CSV, HTML, LaTeX and plots.

Results come from the tracking store, and from what its runs keep.

What draws is imported only when it is needed: Matplotlib and seaborn take two seconds to import,
and the table on a terminal needs neither.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.reports.document import (
        ExtraFormat,
        Report,
        build_report,
        find_stale_files,
        write_report,
    )
    from bench.reports.stored_results import StoredResults

__all__ = [
    "ExtraFormat",
    "Report",
    "StoredResults",
    "build_report",
    "find_stale_files",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(
        f"{__name__}.{'stored_results' if name == 'StoredResults' else 'document'}"
    )
    return getattr(module, name)
