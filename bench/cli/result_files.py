"""Where the verdict of a score file is written, and what is written there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bench._io import atomic_files
from bench._io.digests import short_digest
from bench.cli import json_output
from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.evaluation.matched_scores import MatchedScores
    from bench.evaluation.score_report import ScoreReport


class ResultFolder(NamedTuple):
    """A folder for a verdict."""

    folder: Path
    system: str
    """What the system is called."""
    conflict: str = ""
    """Whose verdict is at the name that went first, or is written over; "" where there is none."""


def choose_folder(
    work: Path, names: Sequence[str], ending: str, judged: MatchedScores
) -> ResultFolder:
    """Return the folder `<name><ending>` in `work` for the results of a file.

    The name is the first of `names` whose folder holds no results of another file, which is one
    with another path and other contents; if there is none, the first name with the file's digest.
    """
    conflict = ""
    for name in names:
        candidate = check_folder(work / f"{safe_name(name)}{ending}", name, judged)
        if not candidate.conflict:
            return candidate._replace(conflict=conflict)
        conflict = conflict or candidate.conflict
    name = f"{names[0]}-{judged.digest[:8]}"
    return ResultFolder(work / f"{safe_name(name)}{ending}", name, conflict)


def check_folder(folder: Path, name: str, judged: MatchedScores) -> ResultFolder:
    """Return the folder that was asked for, with a note if it holds the results of another file."""
    try:
        content = json.loads((folder / "verdict.json").read_text(encoding="utf-8"))
        path, digest = str(content["scores"]), str(content["digest"])
    except (OSError, ValueError, KeyError, TypeError):
        return ResultFolder(folder, name)
    same = digest == judged.digest or path == str(judged.file.path.absolute())
    return ResultFolder(folder, name, "" if same else f"{folder} holds the verdict of {path}")


def safe_name(name: str) -> str:
    """Return a system's name as a folder may be called."""
    return atomic_files.portable_name(name[:100])


def make_folder(folder: Path) -> Path:
    """Make a folder for the verdict, before it is computed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BenchError(
            "file.unwritable", f"{folder}: cannot be made a folder for the verdict: {error}"
        ) from error
    return folder


def comparison_folder(work: Path, content: Mapping[str, Any]) -> Path:
    """Return the folder in `work` for a comparison, named after A and B.

    The name has a digest where a folder of that name holds a comparison of other files or rows.
    """
    a, b = content["names"]
    split = [str(content[key]) for key in ("corpus", "split") if key in content]
    smoke = ["smoke"] if content["form"] == "smoke" else []
    folder = work / "-".join((safe_name(a), "against", safe_name(b), *split, *smoke))
    sides = {key: str(content[key]) for key in ("a", "b")}
    try:
        earlier = json.loads((folder / "comparison.json").read_text(encoding="utf-8"))
        same = {key: str(earlier[key]) for key in sides} == sides
    except (OSError, ValueError, KeyError, TypeError):
        return folder
    return folder if same else folder.with_name(f"{folder.name}-{short_digest(sides)}")


def write_comparison(folder: Path, text: str, content: Mapping[str, Any]) -> list[Path]:
    """Write a comparison as Markdown and JSON; return the files."""
    make_folder(folder)
    as_json = json_output.json_text({"kind": "compare", **content})
    return _write_files(
        folder, {"comparison.md": text.encode(), "comparison.json": as_json.encode()}
    )


def write_results(verdict: ScoreReport, judged: MatchedScores, target: ResultFolder) -> list[Path]:
    """Write the report, and plots if there are both classes; return the files."""
    from bench.evaluation import render
    from bench.metrics.det import eer_of
    from bench.metrics.tally import count_scores
    from bench.reports import plots
    from bench.reports.plot_style import render_figure

    content = {
        "verdict.md": render.render_report(verdict).encode(),
        "verdict.json": json_output.json_text(
            {"kind": "score", **render.report_as_dict(verdict)}
        ).encode(),
    }
    bonafide, spoof = judged.split_classes()
    if len(bonafide) and len(spoof):
        title = f"{target.system}, {verdict.short} {verdict.split}"
        threshold = eer_of(count_scores(bonafide, spoof)).threshold
        det = plots.draw_det(bonafide, spoof, f"{title}:")
        histogram = plots.draw_histogram(bonafide, spoof, threshold, f"{title}: scores")
        content["det.png"] = render_figure(det, "png")
        content["scores.png"] = render_figure(histogram, "png")
    return _write_files(target.folder, content)


def _write_files(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    for name, data in files.items():
        try:
            atomic_files.write_bytes(folder / name, data)
        except OSError as error:
            raise BenchError(
                "file.unwritable", f"{folder / name}: cannot be written: {error}"
            ) from error
    return [folder / name for name in files]
