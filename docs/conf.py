"""How Sphinx builds the site (`make docs`). Generated pages are written before it reads any."""

from __future__ import annotations

import sys
from pathlib import Path

from sphinx.application import Sphinx

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from bench import __version__  # noqa: E402

project = "speech-deepfake-bench"
copyright = "the authors of speech-deepfake-bench, Apache-2.0"
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 4
exclude_patterns = ["_build"]
nitpicky = True
default_role = "code"  # our docstrings have code between single backticks
autodoc_typehints = "none"  # types are in the docstrings' words; there is no network to link them

html_theme = "furo"
html_title = f"{project} {version}"
html_theme_options = {"navigation_with_keys": True}


def _write_generated_pages(_: Sphinx) -> None:
    from generate import write_pages

    write_pages(HERE / "generated")


def setup(app: Sphinx) -> None:
    """Have the generated pages written first."""
    app.connect("builder-inited", _write_generated_pages)
