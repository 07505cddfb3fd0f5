"""The words that mark everything made of smoke runs."""

from __future__ import annotations

from typing import LiteralString

SMOKE_FORM = "SMOKE form: tiny, on the miniature corpora; never a result"
_WARNING = (
    "**SMOKE: small models on miniature corpora, to see that everything works. "
    "None of these numbers is a result.**"
)


def smoke_prefix(form: str) -> LiteralString:
    """Return what stands before every title and heading of a smoke run's output, or nothing."""
    return "SMOKE: " if form == "smoke" else ""


def smoke_suffix(form: str) -> LiteralString:
    """Return what stands behind a smoke table's name while it runs, or nothing."""
    return " SMOKE" if form == "smoke" else ""


def smoke_option(form: str) -> LiteralString:
    """Return what the command for a smoke run ends with, or nothing."""
    return " --smoke" if form == "smoke" else ""


def smoke_note(form: str) -> LiteralString:
    """Return what a smoke run's description in the tracking store begins with, or nothing."""
    return "**SMOKE: not a result.** " if form == "smoke" else ""


def smoke_warning(form: str) -> LiteralString:
    """Return what a smoke report says first, or nothing."""
    return _WARNING if form == "smoke" else ""
