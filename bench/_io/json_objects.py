"""JSON objects for scripts: what each begins with, and values as JSON can hold them.

bench/schema/output.schema.json describes each kind of object.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import datetime
from pathlib import PurePath
from typing import Any, cast

HEAD = {"schema": "speech-deepfake-bench", "version": 2}
"""What each object begins with; the version is raised when a key changes its meaning or goes."""


def json_text(content: Mapping[str, Any], *, ascii_only: bool = True) -> str:
    """Return an object as text, with what each begins with."""
    whole = to_plain({**HEAD, **content})
    return json.dumps(whole, indent=2, ensure_ascii=ascii_only, allow_nan=False)


def to_plain(value: Any) -> Any:
    """Return a value as JSON can hold it.

    Numbers that are not finite become null, paths and times become text, and NumPy's numbers
    Python's.

    >>> to_plain({"eer": float("nan"), "path": PurePath("a/b"), "seeds": (1, 2)})
    {'eer': None, 'path': 'a/b', 'seeds': [1, 2]}
    """
    if isinstance(value, Mapping):
        pairs = cast("Mapping[Any, Any]", value).items()
        return {str(key): to_plain(item) for key, item in pairs}
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in cast("list[Any]", value)]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return to_plain(value.item()) if hasattr(value, "item") else value
