"""What is written has the umask's mode: the group that shares a work folder reads all of it."""

from __future__ import annotations

import os
import stat

import pytest

MASK = 0o007
"""The group may do what the owner may, others nothing."""
FOLDER = ["--output-dir", "made"]
S8 = ["table4", "--smoke", "--rows", "S8"]
TRAINED = [
    ["run", *S8],
    ["report", "table4", "--smoke", "--format", "html,latex,csv,md", *FOLDER],
]
SCORED = [
    ["score", "made.txt", "--track", "cross", "--name", "Made"],
    ["compare", "made.txt", "made.txt"],
    ["report", "cross", *FOLDER],
]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
@pytest.mark.parametrize(
    ("verbs", "expected"),
    [
        (SCORED, {"made.txt", "verdict.json", "mlflow.db", "cross-detection.md"}),
        pytest.param(TRAINED, {"kept.pt", "run.toml", "MLmodel"}, marks=pytest.mark.slow),
    ],
    ids=["scored", "trained"],
)
def test_a_group_reads_all_that_is_written(bench, tiny, keys, trials, tmp_path, verbs, expected):
    scores = tmp_path / "made.txt"
    scores.write_text("".join(f"{name} {i}.5\n" for i, name in enumerate(trials["utterance"])))
    scores.chmod(0o400)  # its owner's alone: the copy in the store is for all who read the store
    more = {"run": tiny, "score": keys, "compare": keys}
    before = os.umask(MASK)
    try:
        for verb in verbs:
            done = bench(*verb, *more.get(verb[0], []))
            assert done.returncode == 0, done.stderr
    finally:
        os.umask(before)
    places = [tmp_path / name for name in ("work", "made", "reports")]
    written = [path for place in places for path in place.rglob("*")]
    kept = [path for path in written if not path.is_symlink() and "mini" not in path.parts]
    assert expected <= {path.name for path in kept}
    modes = {path: stat.filemode(path.stat().st_mode)[1:] for path in kept}
    group = {path: "rwxrwx---" if path.is_dir() else "rw-rw----" for path in kept}
    assert {path: mode for path, mode in modes.items() if mode != group[path]} == {}
