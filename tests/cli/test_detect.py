"""`bench detect`: any recording through published weights, a trained row or one's own model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bench.evaluation import score_file

TABLE, ROW = "aasist/asvspoof2019", "AASIST-L-released"
FRAMES = """
def load(device):
    return lambda waves: waves.reshape(len(waves), -1, 3200).abs().mean(2)
"""


@pytest.fixture
def recording(official: Path) -> Path:
    return official / "asvspoof2019_la/audio/LA_E_6163791.flac"


@pytest.fixture
def with_weights(environment, official: Path) -> None:
    path = official / "asvspoof2019_la/weights/AASIST-L.pth"
    environment["BENCH_WEIGHTS_AASIST_L"] = str(path)


def published_score(official: Path, name: str) -> float:
    lines = (official / "asvspoof2019_la/scores/AASIST-L_eval.txt").read_text().splitlines()
    (score,) = (float(line.split()[-1]) for line in lines if line.split()[0] == name)
    return score


@pytest.mark.rows
def test_published_weights_give_the_published_score(bench, official, recording, with_weights):
    done = bench("detect", str(recording), "--weights", "official:aasist-l", "--json")
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    (file,) = content["recordings"]
    assert file["score"] == pytest.approx(published_score(official, recording.stem), abs=1e-3)
    assert (file["decision"], file["spans"], content["threshold"]) == (None, [], None)
    assert "no threshold is stated" in content["note"]
    assert content["trained_on"].startswith("by its authors on ASVspoof 2019 LA")


@pytest.mark.rows
def test_a_recording_of_any_form_is_heard(bench, recording, with_weights, tmp_path, environment):
    wave, rate = soundfile.read(recording)
    assert rate == 16_000
    stereo = np.repeat(np.stack([wave, wave], axis=1), 2, axis=0)  # 32 kHz, roughly
    long = np.concatenate([stereo] * 4)
    soundfile.write(tmp_path / "any.wav", long, 32_000)
    done = bench(
        *("detect", "any.wav", "--weights", "official:aasist-l", "--threshold", "0.5"),
        *("--output-dir", "made"),
    )
    assert done.returncode == 0, done.stderr
    assert "mean of 2 channels, resampled from 32,000 Hz" in done.stdout
    assert "heard: the first 4.04 s of" in done.stdout
    assert "threshold: 0.5000, a number that was given" in done.stdout
    assert "is no proof" in done.stdout
    names = sorted(path.name for path in (tmp_path / "made").iterdir())
    assert names == ["any.TextGrid", "any.png", "detect.csv", "detect.json", "detect.rttm"]
    assert (tmp_path / "made/detect.rttm").read_text().startswith("SPEAKER any 1 0.000 4.037 ")
    assert json.loads((tmp_path / "made/detect.json").read_text())["kind"] == "detect"
    assert not (Path(environment["BENCH_WORK"]) / "mlflow.db").exists(), "nothing is tracked"


@pytest.mark.rows
def test_a_row_decides_by_the_eer_threshold_of_its_evaluation(bench, environment, tmp_path):
    row = ("--table", TABLE, "--row", ROW, "--smoke")
    mini = Path(environment["BENCH_WORK"]) / "mini/asvspoof2019la"
    path = sorted(mini.rglob("LA_E_*.flac"))[0]
    detect = ("detect", str(path), *row, "--threshold", "eer@19LA", "--json")
    before = json.loads(bench(*detect).stdout)
    assert before["threshold"] is None
    assert "is not finished" in before["note"]
    assert bench("run", TABLE, "--rows", ROW, "--smoke").returncode == 0
    content = json.loads(bench(*detect).stdout)
    (scores,) = Path(environment["BENCH_WORK"]).glob("runs/*/seed-*/scores/*.parquet")
    table = score_file.read_scores(scores)
    own = dict(zip(table["utterance"].to_pylist(), table["score"].to_pylist(), strict=True))
    (file,) = content["recordings"]
    assert file["score"] == pytest.approx(own[path.stem], abs=1e-5)
    threshold = content["threshold"]
    assert threshold["source"].startswith("EER threshold on 19LA eval, run ")
    score, label = np.array(table["score"]), np.array(table["label"].to_pylist())
    missed = 100 * np.mean(score[label == "bonafide"] <= threshold["value"])
    assert threshold["rates"]["bonafide_missed_percent"] == pytest.approx(missed)
    decision = "bonafide" if file["score"] > threshold["value"] else "spoof"
    assert file["decision"] == decision
    other = bench("detect", str(path), *row, "--threshold", "eer@ITW")
    assert "is not evaluated on ITW" in other.stdout


def test_a_localizer_gives_spans_with_times(bench, tmp_path):
    (tmp_path / "mine.py").write_text(FRAMES)
    wave = np.concatenate([np.full(16_000, 0.5), np.full(9_600, 0.01), np.full(12_800, 0.5)])
    soundfile.write(tmp_path / "a.wav", wave, 16_000)
    done = bench(
        *("detect", "a.wav", "--model", "mine.py:load", "--resolution", "0.2"),
        *("--threshold", "0.3", "--json", "--output-dir", "made"),
    )
    assert done.returncode == 0, done.stderr
    (file,) = json.loads(done.stdout)["recordings"]
    spans = [(span["start_s"], span["end_s"], span["label"]) for span in file["spans"]]
    assert spans == [
        (0, pytest.approx(1.0), "bonafide"),
        (pytest.approx(1.0), pytest.approx(1.6), "spoof"),
        (pytest.approx(1.6), pytest.approx(2.4), "bonafide"),
    ]
    assert file["decision"] == "spoof"
    assert len(file["frame_scores"]) == 12
    lines = (tmp_path / "made/detect.csv").read_text().splitlines()
    assert [line.rpartition(",")[2] for line in lines[1:]] == ["bonafide", "spoof", "bonafide"]
    mine = ("--model", "mine.py", "--resolution", "0.2")
    text = bench("detect", "a.wav", *mine, "--threshold", "0.3")
    assert "1.00 s to     1.60 s: spoof" in text.stdout


def test_a_model_decides_by_its_own_scores_of_a_corpus(bench, environment, tmp_path):
    (tmp_path / "mine.py").write_text("def load(d):\n    return lambda w: -w.abs().mean(1)\n")
    mini = Path(environment["BENCH_WORK"]) / "mini/asvspoof2019la"
    environment["BENCH_CORPORA_ASVSPOOF2019LA"] = str(mini)
    path = sorted(mini.rglob("LA_E_*.flac"))[0]
    detect = ("detect", str(path), "--model", "mine.py", "--threshold", "eer@19LA", "--json")
    before = json.loads(bench(*detect).stdout)
    assert "`bench score --model mine.py:load --corpus 19LA` does it" in before["note"]
    scored = bench("score", "--model", "mine.py", "--corpus", "19LA", "--no-intervals", "--json")
    assert scored.returncode == 0, scored.stderr
    content = json.loads(bench(*detect).stdout)
    rates = content["threshold"]["rates"]
    mean = (rates["bonafide_missed_percent"] + rates["spoof_accepted_percent"]) / 2
    eer = json.loads(scored.stdout)["results"]["eer"]
    assert mean == pytest.approx(eer["value"])


@pytest.mark.rows
@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["a.wav"], "option.conflict", "--weights NAME"),
        (["a.wav", "--row", "S0", "--model", "x.py"], "option.conflict", "one of"),
        (["a.wav", "--row", "S0", "--clip", "4"], "option.not-applicable", "--model alone"),
        (["a.wav", "--row", "S0,S1"], "option.not-one-row", "sal/table4"),
        (["a.wav", "--row", "S0", "--threshold", "eer"], "option.invalid", "eer@19LA"),
        (["a.wav", "--row", "S0", "--threshold", "nan"], "option.invalid", "a number"),
        (["a.wav", "--row", "S0", "--threshold", "eer@19LO"], "corpus.unknown", "did you mean"),
        (["a.wav", "--row", "S0"], "row.not-trained", "bench run"),
        (
            ["a.wav", "--weights", "official:aasist-x"],
            "weights.not-official",
            "did you mean 'official:aasist-l'?",
        ),
        (["a.wav", "--weights", "official:aasist-l"], "weights.missing", "bench get aasist_l"),
    ],
)
def test_what_cannot_be_done_is_one_message(bench, arguments, code, message):
    done = bench("detect", *arguments)
    assert (done.returncode, done.code) == (2, code), done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_recordings_of_one_name_have_files_of_their_own(bench, tmp_path):
    (tmp_path / "mine.py").write_text("def load(d):\n    return lambda w: w.mean(1)\n")
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        soundfile.write(tmp_path / folder / "a.wav", np.full(16_000, 0.1), 16_000)
    done = bench("detect", "one/a.wav", "two/a.wav", "--model", "mine.py", "--output-dir", "made")
    assert done.returncode == 0, done.stderr
    names = sorted(path.name for path in (tmp_path / "made").iterdir())
    pictures = ["1-a.TextGrid", "1-a.png", "2-a.TextGrid", "2-a.png"]
    assert names == [*pictures, "detect.csv", "detect.json"]
    assert len((tmp_path / "made/detect.csv").read_text().splitlines()) == 3


def test_a_score_that_is_no_number_names_the_recording(bench, tmp_path):
    (tmp_path / "mine.py").write_text("def load(d):\n    return lambda w: w.mean(1) / 0 * 0\n")
    soundfile.write(tmp_path / "a.wav", np.full(16_000, 0.1), 16_000)
    done = bench("detect", "a.wav", "--model", "mine.py")
    assert (done.returncode, done.code) == (2, "foreign.not-finite")
    assert "the score of a.wav is not finite" in done.stderr


def test_a_missing_recording_is_named(bench, with_weights):
    done = bench("detect", "no.wav", "--weights", "official:aasist-l")
    assert (done.returncode, done.code) == (2, "file.missing")
