"""A few records of LAV-DF's list, in its exact form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from layouts import wav

ROWS: list[dict[str, Any]] = [
    {"file": "test/000000.mp4", "fake_periods": [], "modify_audio": False, "modify_video": False},
    {"file": "test/000001.mp4", "fake_periods": [[0.2, 0.52]], "modify_audio": True},
    {"file": "test/000002.mp4", "fake_periods": [[0.2, 0.52]], "modify_audio": False},
    {"file": "test/000003.mp4", "fake_periods": [[0, 0.25], [0.5, 1.3]], "modify_audio": True},
    {"file": "dev/000004.mp4", "fake_periods": [], "modify_audio": False, "split": "dev"},
]


def make_record(row: dict[str, Any]) -> dict[str, Any]:
    """Return a record with all that LAV-DF's have."""
    return {
        "n_fakes": len(row["fake_periods"]),
        "duration": 1.128,
        "original": None,
        "modify_video": True,
        "split": "test",
        "video_frames": 27,
        "audio_channels": 1,
        "audio_frames": 16_000,
        **row,
    }


def make_lavdf(root: Path) -> Path:
    """Write LAV-DF's list and, as if its videos were converted, their audio."""
    write_list(root)
    for row in ROWS:
        wav(root / row["file"].replace(".mp4", ".flac"), 1.0)
    return root


def write_list(root: Path) -> None:
    """Write LAV-DF's list."""
    (root / "metadata.min.json").write_text(json.dumps([make_record(row) for row in ROWS]))
