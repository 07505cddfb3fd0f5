"""Score files that were judged, as the tracking store lists them."""

from __future__ import annotations

import json

import pandas as pd


def judged(system, run_id, **changes):
    """One line of the tracking store's frame of judged score files."""
    line = {
        "run_id": f"{run_id:032x}",
        "system": system,
        "split": "partialspoof/eval",
        "evaluation": "a",
        "scores": "feedbeef01",
        "status": "FINISHED",
        "ended": pd.Timestamp(f"2026-02-{run_id:02} 12:30", tz="UTC"),
        "fingerprints": json.dumps({"partialspoof/eval": "0b"}),
        "missing": 0,
        "reading": "{}",
        "a.eer": 3.58,
        "a.eer.low": 3.4,
        "a.eer.high": 3.7,
    }
    return line | changes


def scored():
    return pd.DataFrame(
        [
            judged("Theirs", 1, **{"a.eer": 9.9}),
            judged("Theirs", 2),
            judged("Broken", 3, status="FAILED"),
            judged("Part", 4, missing=12),
        ]
    )


def scored_line(run_id):
    lines = scored()
    return lines[lines["run_id"] == run_id].to_dict("records")
