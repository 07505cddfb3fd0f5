"""Who runs the suite, as MLflow's pages show it under "Created by"."""

from __future__ import annotations

import getpass
import os

USER = "mlflow.user"
"""Tag of a run: who made it."""


def user_name() -> str:
    """Return the user's name; where the system knows none, as in a container, the number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        number = getattr(os, "getuid", None)  # Windows has none
        return f"user {number()}" if number else "unknown"
