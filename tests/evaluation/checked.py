"""Score files and keys made in tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from bench.evaluation.forms import ScoreFile


def scorefile(ids, scores, bonafide=None, binary=None) -> ScoreFile:
    """A score file as it is read."""
    encoded = pa.array(list(ids), pa.string()).dictionary_encode()
    return ScoreFile(
        Path("made.txt"),
        encoded.dictionary,
        encoded.indices.to_numpy().astype(np.int64),
        np.asarray(scores, dtype=np.float64),
        "made",
        bonafide=None if bonafide is None else np.asarray(bonafide),
        binary=None if binary is None else np.asarray(binary),
    )


def keys_of(ids, labels=("bonafide", "spoof"), **columns) -> pd.DataFrame:
    """Keys of these ids, their labels in turn, with further columns."""
    ids = list(ids)
    turns = [labels[i % len(labels)] for i in range(len(ids))]
    return pd.DataFrame({"utterance": ids, "label": turns, **columns})


def codes(checked, severity=None):
    """The codes of what was found."""
    return [f.code for f in checked.findings if severity in (None, f.severity)]


def only(checked):
    """The only thing that was found."""
    (finding,) = checked.findings
    return finding


def the(checked, code):
    """The only thing of that code that was found."""
    (finding,) = (finding for finding in checked.findings if finding.code == code)
    return finding
