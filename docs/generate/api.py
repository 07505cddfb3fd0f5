"""The page of the public Python API: what `bench.__all__` names."""

from __future__ import annotations

import inspect
from types import ModuleType

import bench

_HEAD = """# Python API

The names on this page are public: they keep their meaning within a version, or `CHANGELOG.md` says
so. Everything else in the package is internal and may change at any time.
"""


def make_pages() -> dict[str, str]:
    """Return the page, one entry a name."""
    lines = [_HEAD]
    for name in getattr(bench, "__all__", ()):
        value = getattr(bench, name)
        lines += [f"## bench.{name}", "", "```{eval-rst}", *_directive(f"bench.{name}", value)]
        lines += ["```", ""]
    return {"api.md": "\n".join(lines)}


def _directive(name: str, value: object) -> list[str]:
    if isinstance(value, ModuleType):
        return [f".. automodule:: {value.__name__}", "   :members:"]
    if inspect.isclass(value):
        return [f".. autoclass:: {name}", "   :members:"]
    return [f".. autofunction:: {name}"] if callable(value) else [f".. autodata:: {name}"]
