"""Frames in the forms of the field's tools: by index, by time, or by the order of lines alone."""

from __future__ import annotations

import numpy as np
import pytest

from bench.errors import BenchError
from tests.errors import raises_code
from tests.evaluation.listed import read

COUNTS = {"utt1": 40, "utt2": 25, "utt3": 35}
RNG = np.random.default_rng(3)
BONA = np.round(RNG.normal(size=100), 5)
SPOOF = np.round(RNG.normal(size=100), 5)
LABEL = RNG.integers(0, 2, size=100)


def put(tmp_path, form, header="", name="f.score"):
    """Write a line a frame: `form` with u, i (index), t and e (start and end), a, b, l."""
    frames = [(u, i) for u, count in COUNTS.items() for i in range(count)]
    lines = [header] if header else []
    for (u, i), a, b, label in zip(frames, BONA, SPOOF, LABEL, strict=True):
        t, e = f"{i * 0.02:.2f}", f"{(i + 1) * 0.02:.2f}"
        lines.append(form.format(u=u, i=i, t=t, e=e, a=a, b=b, l=label))
    path = tmp_path / name
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


STARTS = [320 * i for count in COUNTS.values() for i in range(count)]


def test_two_scores(tmp_path, subtests):
    """LlamaPartialSpoof's authors' tools and WeDefense write bona fide first."""
    cases = [
        ("{u} {i} {a} {b}", ""),
        ("{u} {i} {a} {b} {l}", ""),
        ("{u}\t{i}\t{a}\t{b}", ""),
        ("{u} {a} {b}", ""),
        ("{u} {a} {b} {l}", ""),
        ("{u},{i},{a},{b}", "name,frame,bonafide,spoof"),
        ("{u},{b},{a},{l}", "utt,spoof_score,bona_score,label"),
    ]
    for form, header in cases:
        with subtests.test(form=form):
            found = read(put(tmp_path, form, header), resolution_s=0.02)
            assert found.kind == "frames"
            assert found.start.tolist() == STARTS
            np.testing.assert_allclose(found.score, BONA - SPOOF)
            assert [code for code, _ in found.warnings] == (
                [] if header else ["scores.column-order"]
            )
            if "{l}" in form:
                assert found.binary.tolist() == LABEL.tolist()


def test_one_score(tmp_path, subtests):
    for form in ["{u} {i} {a}", "{u} {a}", "{u} {a} {l}", "{u},{t},{a}"]:
        with subtests.test(form=form):
            found = read(put(tmp_path, form), resolution_s=0.02)
            assert found.start.tolist() == STARTS
            assert found.score.tolist() == BONA.tolist()


def test_starts_and_ends_are_known_by_what_they_hold(tmp_path):
    found = read(put(tmp_path, "{u} {t} {e} {a}"))
    assert found.start.tolist() == STARTS
    assert found.end.tolist() == [start + 320 for start in STARTS]
    assert found.score.tolist() == BONA.tolist()


@pytest.mark.parametrize("form", ["{u} {a}", "{u} {i} {a} {b}"])
def test_the_resolution_is_asked_for(tmp_path, form):
    with pytest.raises(BenchError, match="say --resolution"):
        read(put(tmp_path, form))


def test_two_scores_of_another_tool_are_a_question(tmp_path):
    """Without an index, and not called as the authors' files are."""
    path = put(tmp_path, "{u} {a} {b}", name="f.txt")
    with pytest.raises(BenchError, match="--column 2-3 if the first of them is bona fide"):
        read(path, resolution_s=0.02)
    found = read(path, resolution_s=0.02, column="2-3")
    assert found.start.tolist() == STARTS


@pytest.mark.parametrize("suffix", [".score", ".txt"])
def test_utterances(tmp_path, suffix):
    path = tmp_path / f"utt{suffix}"
    lines = [f"u{i} {a} {b}\n" for i, (a, b) in enumerate(zip(BONA, SPOOF, strict=True))]
    path.write_text("".join(lines))
    if suffix == ".txt":
        with raises_code("scores.which-column"):
            read(path)
        return
    found = read(path)
    assert found.kind == "utterances"
    np.testing.assert_allclose(found.score, BONA - SPOOF)
    assert "if spoof comes first" in found.warnings[0][1]


def test_frames_that_stand_apart_are_refused(tmp_path):
    path = put(tmp_path, "{u} {a}")
    path.write_text(path.read_text() + "utt1 0.5\n")
    with pytest.raises(BenchError, match="rows of utt1 stand in several places"):
        read(path, resolution_s=0.02)


def test_equal_repeats_are_no_frames(tmp_path):
    """Each line twice: said by the checks."""
    path = tmp_path / "s.txt"
    path.write_text("".join(f"u{i} {a}\n" * 2 for i, a in enumerate(BONA)))
    assert read(path).kind == "utterances"


def test_what_a_system_took_is_no_start(tmp_path, subtests):
    for name in ["time", "duration", "rtf", "inference_time", "elapsed_s"]:
        with subtests.test(name=name):
            path = tmp_path / "s.csv"
            took = np.round(np.abs(SPOOF) / 50, 4)
            rows = [f"u{i},{a},{t}\n" for i, (a, t) in enumerate(zip(BONA, took, strict=True))]
            path.write_text(f"file,score,{name}\n" + "".join(rows))
            found = read(path)
            assert found.kind == "utterances"
            assert found.score.tolist() == BONA.tolist()


def test_a_time_that_rises_within_utterances_is_a_start(tmp_path):
    found = read(put(tmp_path, "{u},{t},{a}", "file,time,score"))
    assert found.start.tolist() == STARTS


def test_a_label_column_of_frames_is_no_time(tmp_path):
    """0 and 1 do not rise."""
    found = read(put(tmp_path, "{u} {l} {a}"), resolution_s=0.02)
    assert found.start.tolist() == STARTS
    assert found.binary.tolist() == LABEL.tolist()
