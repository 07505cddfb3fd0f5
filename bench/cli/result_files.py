"""Where the verdict of a score file is written, and what is written there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bench._io import atomic_files
from bench._io.digests import short_digest
from bench._io.json_objects import json_text
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
    earlier = _read_earlier(folder / "verdict.json", "scores", "digest")
    if earlier is None:
        return ResultFolder(folder, name)
    path, digest = earlier
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
    if _read_earlier(folder / "comparison.json", *sides) in (None, [*sides.values()]):
        return folder
    return folder.with_name(f"{folder.name}-{short_digest(sides)}")


def _read_earlier(path: Path, *keys: str) -> list[str] | None:
    """Return what earlier results say; None where there are none, or no whole ones to be lost."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return [str(content[key]) for key in keys]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_comparison(folder: Path, text: str, content: Mapping[str, Any]) -> list[Path]:
    """Write a comparison as Markdown and JSON; return the files."""
    make_folder(folder)
    as_json = json_text({"kind": "compare", **content})
    return _write_files(folder, {"comparison.md": text, "comparison.json": as_json})


def write_results(verdict: ScoreReport, judged: MatchedScores, target: ResultFolder) -> list[Path]:
    """Write the report, and plots if there are both classes; return the files."""
    from bench.evaluation import render
    from bench.metrics.det import eer_of
    from bench.metrics.tally import count_scores
    from bench.reports import plots
    from bench.reports.plot_style import render_figure

    as_json = json_text({"kind": "score", **render.report_as_dict(verdict)})
    content: dict[str, str | bytes] = {
        "verdict.md": render.render_report(verdict),
        "verdict.json": as_json,
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


def _write_files(folder: Path, files: Mapping[str, str | bytes]) -> list[Path]:
    try:
        atomic_files.write_all(folder, files)
    except OSError as error:
        raise BenchError("file.unwritable", f"{folder}: cannot be written: {error}") from error
    return [folder / name for name in files]
