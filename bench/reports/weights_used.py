"""The pretrained weights that runs were made from, by their digests."""

# The stubs of pandas leave many types open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import json

import pandas as pd

from bench._io.markdown import fill_template, format_code, join_texts
from bench.models.weights import compare_published, name_digest

_WEIGHTS = "weights "


def list_weights(runs: pd.DataFrame) -> list[str]:
    """Return a line that names all weights of runs, none where none are known of."""
    digests: dict[tuple[str, str], None] = {}
    for text in runs["made_from"].drop_duplicates() if "made_from" in runs else ():
        made_from: dict[str, str] = json.loads(text or "{}")
        for name, digest in made_from.items():
            if name.startswith(_WEIGHTS):
                digests[name.removeprefix(_WEIGHTS), digest] = None
    if not digests:
        return []
    parts = [
        fill_template(
            "{}: sha256 {} ({})", name, format_code(digest), compare_published(name, digest)
        )
        if name_digest(digest) == "sha256"
        else fill_template("{}: files {}", name, format_code(digest))
        for name, digest in sorted(digests)
    ]
    return [fill_template("Weights: {}", join_texts(", ", parts))]
