"""The page of the public Python API: what `__all__` of `bench` and of `bench.metrics` names."""

from __future__ import annotations

import inspect
from types import ModuleType

import bench
from bench import metrics

_HEAD = """# Python API

The names on this page are public: they keep their meaning within a version, or `CHANGELOG.md` says
so. Everything else in the package is internal and may change at any time.
"""


def make_pages() -> dict[str, str]:
    """Return the page, one section a package, one entry a name."""
    lines = [_HEAD]
    for package in (bench, metrics):
        names = [
            name
            for name in getattr(package, "__all__", ())
            if not isinstance(getattr(package, name), ModuleType)
        ]
        if names:
            lines += [f"## {package.__name__}", ""]
        for name in names:
            path = f"{package.__name__}.{name}"
            lines += ["```{eval-rst}", *_directive(path, getattr(package, name)), "```", ""]
    return {"api.md": "\n".join(lines)}


def _directive(name: str, value: object) -> list[str]:
    if inspect.isclass(value):
        return [f".. autoclass:: {name}", "   :members:"]
    return [f".. autofunction:: {name}"] if callable(value) else [f".. autodata:: {name}"]
