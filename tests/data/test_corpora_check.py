"""check() on whole and on broken trees: every problem is reported, none is raised."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path

import layouts
import numpy as np
import pytest
import soundfile
from layouts import PARTIALSPOOF, RATE, save_vectors, truncate, vector, wav

from bench.cards.corpus_cards import read_corpus_card
from bench.data.check import CheckReport, check_as_dict, check_corpus, list_issues, render_check
from bench.data.fingerprint import compute_fingerprint
from bench.data.readers.partialspoof import read_split
from bench.errors import BenchError
from bench.specs.corpus import CorpusCard, Split


def silent(_done: int, _total: int) -> None:
    pass


def errors(report: CheckReport) -> dict[str, tuple[int, str]]:
    return said(report, "error")


def warnings(report: CheckReport) -> dict[str, tuple[int, str]]:
    return said(report, "warning")


def said(report: CheckReport, severity: str) -> dict[str, tuple[int, str]]:
    issues = [issue for issue in report.issues if issue.severity == severity]
    return {issue.message: (issue.count, ", ".join(issue.examples)) for issue in issues}


def counted(card: CorpusCard, **counts: object) -> CorpusCard:
    """Return the card with other counts of `train`."""
    return card.model_copy(update={"splits": {"train": Split.model_validate(counts)}})


def test_a_sound_tree_is_sound(ps: Path, ps_card: CorpusCard):
    told: list[tuple[int, int]] = []
    report = check_corpus(ps_card, ps, "train", lambda *at: told.append(at), form="smoke")
    assert report.ok
    assert report.issues == ()
    assert report.counts == {
        "utterances": 4,
        "bonafide": 2,
        "spoof": 2,
        "speakers": 2,
        "attacks": 1,
        "other audio files": 0,
    }
    assert report.hours == pytest.approx((1.28 + 1.60 + 0.70 + 0.99) / 3600)
    assert report.fingerprint == compute_fingerprint(read_split(ps_card, ps, "train", None))
    assert told == [(4, 4)]


def test_had_and_llamapartialspoof_are_sound(
    had: Path, had_card: CorpusCard, lps: Path, lps_card: CorpusCard
):
    assert check_corpus(had_card, had, "train", silent, form="smoke").issues == ()
    for split in lps_card.splits:
        report = check_corpus(lps_card, lps, split, silent, form="smoke")
        assert report.issues == ()
        assert report.counts["attacks"] == (2 if split == "crossfade" else 1)


def test_counts_are_errors_where_verified_and_warnings_from_memory(ps: Path, ps_card: CorpusCard):
    card = counted(ps_card, utterances=5, bonafide=2, standing="verified")
    report = check_corpus(card, ps, "train", silent)
    assert list(errors(report)) == ["utterances: 4 where the card has 5 (verified)"]
    assert not report.ok
    card = counted(ps_card, utterances=5, spoof=7, standing="memory")
    report = check_corpus(card, ps, "train", silent)
    assert list(warnings(report)) == [
        "utterances: 4 where the card has 5 (memory)",
        "spoof: 2 where the card has 7 (memory)",
    ]
    assert report.ok
    assert check_corpus(counted(ps_card, utterances=4, bonafide=2, spoof=2), ps, "train", silent).ok


def test_every_fault_of_the_audio_is_reported_at_once(ps: Path, ps_card: CorpusCard):
    audio = ps / "train/con_wav"
    (audio / "LA_T_0000001.wav").unlink()
    truncate(audio / "CON_T_0000001.wav", 100)
    (audio / "CON_T_0000002.wav").write_bytes(b"")
    wav(audio / "LA_T_0000002.wav", 0.99, rate=44_100, channels=2)
    wav(audio / "LA_T_0000003.wav", 0.1)
    (audio / "notes.txt").touch()
    report = check_corpus(ps_card, ps, "train", silent, form="smoke")
    assert errors(report) == {
        "audio file missing": (1, "train/con_wav/LA_T_0000001.wav"),
        "audio file unreadable": (
            1,
            "train/con_wav/CON_T_0000002.wav: is empty (0 bytes): unpack or copy it again",
        ),
        "audio file truncated": (1, "train/con_wav/CON_T_0000001.wav: 100 bytes"),
        "not 1 channel(s)": (1, "train/con_wav/LA_T_0000002.wav: 2"),
        "not at 16000 Hz": (1, "train/con_wav/LA_T_0000002.wav: 44100 Hz"),
    }
    assert report.counts["other audio files"] == 1


@pytest.fixture
def la(tmp_path: Path) -> Path:
    """2019 LA, whose audio is FLAC as that of all ASVspoof corpora; four trials in eval."""
    return layouts.asvspoof2019la(tmp_path / "LA")


EVAL = "ASVspoof2019_LA_eval/flac"
VICTIM = f"{EVAL}/LA_E_8877452.flac"


def damaged(root: Path, how: str) -> None:
    """Damage or replace one file of the evaluation set."""
    path = root / VICTIM
    whole = path.read_bytes()
    wave = np.random.default_rng(0).uniform(-0.5, 0.5, 4800)
    match how:
        case "no length":
            path.write_bytes(whole[:21] + bytes([whole[21] & 0xF0]) + bytes(4) + whole[26:])
        case "header only":
            path.write_bytes(whole[:42])
        case "cut":
            path.write_bytes(whole[: len(whole) // 2])
        case "zero tail":
            path.write_bytes(whole[: len(whole) // 2] + bytes(len(whole) - len(whole) // 2))
        case "hole":
            soundfile.write(path, wave, RATE)
            whole = path.read_bytes()
            path.write_bytes(whole[:3000] + bytes(3000) + whole[6000:])
        case "block align":
            soundfile.write(path, wave, RATE, format="WAV", subtype="PCM_16")
            whole = path.read_bytes()
            path.write_bytes(whole[:32] + b"\4" + whole[33:])
        case "no number":
            wave[100] = np.nan
            soundfile.write(path, wave, RATE, format="WAV", subtype="FLOAT")
        case _:
            soundfile.write(path, 30_000 * wave, RATE, format="WAV", subtype="FLOAT")


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("no length", "its header does not say how many samples it holds"),
        ("header only", "cannot be decoded"),
        ("cut", "cannot be decoded"),
        ("zero tail", "cannot be decoded"),
        ("block align", "its header is broken: .* its block align says 4"),
    ],
)
def test_damaged_audio_is_named_without_decoding_it(la, how, said):
    damaged(la, how)
    report = check_corpus(read_corpus_card("19LA"), la, "eval", silent, form="smoke")
    assert list(errors(report)) == ["audio file unreadable"]
    assert re.match(f"{VICTIM}: {said}", errors(report)["audio file unreadable"][1])
    assert report.hours == pytest.approx(3 * 0.3 / 3600)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("hole", "cannot be decoded"),
        ("no number", "1 of 4,800 samples are not finite numbers"),
        ("too loud", r"reaches 1\d,\d\d\d where full scale is 1"),
    ],
)
def test_what_decoding_alone_shows_is_named_when_asked_for(la, how, said):
    damaged(la, how)
    assert check_corpus(read_corpus_card("19LA"), la, "eval", silent, form="smoke").ok
    told: list[tuple[int, int]] = []
    report = check_corpus(
        read_corpus_card("19LA"), la, "eval", lambda *at: told.append(at), "smoke", decode=0
    )
    assert list(errors(report)) == ["audio file unreadable"]
    assert re.match(f"{VICTIM}: {said}", errors(report)["audio file unreadable"][1])
    assert told == [(4, 4)]


def test_silence_is_remarked_on_when_decoded(la):
    wave = np.random.default_rng(0).uniform(-0.5, 0.5, 4800)
    names = [line.split()[1] for line in layouts.LA19["eval"]]
    for name, begin, end in zip(names, (0, 2400, 2401, 0), (4800, 4800, 4800, 2000), strict=True):
        quiet = wave.copy()
        quiet[begin:end] = 0
        soundfile.write(la / EVAL / f"{name}.flac", quiet, RATE)
    report = check_corpus(read_corpus_card("19LA"), la, "eval", silent, "smoke", decode=0)
    assert report.ok
    places = [f"{EVAL}/{name}.flac" for name in names[:2]]
    assert warnings(report) == {
        "half of the audio or more, up to its end, is zeros": (
            2,
            f"{places[0]}: every sample, {places[1]}: the last 2,400 of 4,800 samples",
        )
    }


@pytest.mark.parametrize("form", ["WAV", "OGG", "MP3"])
def test_another_format_than_the_name_says_is_a_warning(la, form):
    wave = np.random.default_rng(0).uniform(-0.5, 0.5, 4800)
    soundfile.write(la / VICTIM, wave, RATE, format=form)
    report = check_corpus(read_corpus_card("19LA"), la, "eval", silent, "smoke", decode=0)
    assert report.ok
    assert warnings(report) == {
        "another format than .flac says; read by its content": (1, f"{VICTIM}: {form}")
    }


def test_every_item_is_in_the_json_and_in_the_list(had: Path, had_card: CorpusCard):
    with (had / "HAD_train/HAD_train_label.txt").open("a", encoding="utf-8") as file:
        file.writelines(f"HAD_train_real_9000000{i} 0.00-1.00-T 1\n" for i in range(8))
    wav(had / "HAD_train/conbine/HAD_train_real_00000001.wav", 1.40)
    report = check_corpus(had_card, had, "train", silent, form="smoke")
    missing = [f"HAD_train/HAD_train_real_9000000{i}.wav" for i in range(8)]
    text = render_check(report)
    assert missing[4] in text
    assert missing[5] not in text
    assert text.endswith("\nOf each problem 5 are shown; `--problems-file FILE` writes all.\n")
    assert check_as_dict(report)["problems"][0] == {
        "severity": "error",
        "code": "corpus.audio-missing",
        "what": "audio file missing",
        "count": 8,
        "items": missing,
    }
    rows = [*csv.reader(list_issues([report]).splitlines())]
    assert rows[0] == ["finding", "id", "detail", "severity", "split", "code"]
    code = "corpus.audio-missing"
    assert rows[1:9] == [
        ["audio file missing", path, "", "error", "train", code] for path in missing
    ]
    what = "spans and audio differ by more than 0.05 s"
    off = [what, "HAD_train_real_00000001", "1.26 s and 1.40 s", "error", "train"]
    off.append("labels.duration-mismatch")
    assert rows[9:] == [off]


def test_a_problem_without_items_is_in_the_list_once(tmp_path: Path, ps_card: CorpusCard):
    report = check_corpus(ps_card, tmp_path, "train", silent)
    rows = [*csv.reader(list_issues([report]).splitlines())][1:]
    assert [row[0] for row in rows] == list(errors(report))
    assert all(row[1:5] == ["", "", "error", "train"] for row in rows)


def test_an_audio_file_without_samples_is_reported(ps: Path, ps_card: CorpusCard):
    wav(ps / "train/con_wav/LA_T_0000001.wav", 0.0)
    report = check_corpus(ps_card, ps, "train", silent, form="smoke")
    assert errors(report)["audio file without samples"] == (1, "train/con_wav/LA_T_0000001.wav")


def test_another_rate_is_a_warning_where_it_is_resampled(had: Path, had_card: CorpusCard):
    wav(had / "HAD_train/conbine/HAD_train_real_00000001.wav", 1.26, rate=44_100)
    report = check_corpus(had_card, had, "train", silent, form="smoke")
    assert report.ok
    assert list(warnings(report)) == ["not at 16000 Hz; will be resampled"]


def test_labels_of_another_length_than_the_audio(
    ps: Path, ps_card: CorpusCard, had: Path, had_card: CorpusCard
):
    vectors = {u: vector(s, spoofed, "0.16") for u, s, spoofed in PARTIALSPOOF}
    vectors["CON_T_0000001"] += ["1"] * 2
    vectors["LA_T_0000001"] += ["1"]  # one frame more is within the conventions
    save_vectors(ps / "segment_labels/train_seglab_0.16.npy", vectors)
    report = check_corpus(ps_card, ps, "train", silent, form="smoke")
    assert errors(report) == {
        "frame vectors at 0.16 s and audio differ by more than 0.16 s": (
            1,
            "CON_T_0000001: 1.92 s and 1.60 s",
        )
    }
    wav(had / "HAD_train/conbine/HAD_train_real_00000001.wav", 1.40)
    report = check_corpus(had_card, had, "train", silent, form="smoke")
    assert errors(report) == {
        "spans and audio differ by more than 0.05 s": (
            1,
            "HAD_train_real_00000001: 1.26 s and 1.40 s",
        )
    }


def test_broken_labels_at_one_resolution_leave_the_others_checked(ps: Path, ps_card: CorpusCard):
    (ps / "segment_labels/train_seglab_0.01.npy").write_bytes(b"not an array")
    (ps / "segment_labels/train_seglab_0.02.npy").unlink()
    report = check_corpus(ps_card, ps, "train", silent, form="smoke")
    found = list(errors(report))
    assert len(found) == 3
    assert "train_seglab_0.01.npy: refused" in found[0]
    assert found[1].startswith("segment_labels/train_seglab_0.02.npy is missing")
    assert report.counts["utterances"] == 4
    assert report.hours > 0


def test_a_fault_of_the_protocol_is_reported_once(ps: Path, ps_card: CorpusCard):
    with layouts.protocol_file(ps, "train").open("a", encoding="utf-8") as file:
        file.write("LA_0079 CON_T_0000001 - CON spoof\nsomething else\n")
    report = check_corpus(ps_card, ps, "train", silent, form="smoke")
    assert [count for count, _ in errors(report).values()] == [1, 1]
    assert report.counts["utterances"] == 4


def test_spoof_without_spoof_frame_is_a_warning(ps: Path, ps_card: CorpusCard):
    vectors = {u: vector(s, [] if u == "CON_T_0000001" else p, "0.64") for u, s, p in PARTIALSPOOF}
    save_vectors(ps / "segment_labels/train_seglab_0.64.npy", vectors)
    report = check_corpus(ps_card, ps, "train", silent, form="smoke")
    assert report.ok
    assert warnings(report) == {
        "spoof utterance without a spoof frame at 0.64 s": (1, "CON_T_0000001")
    }


def test_a_tree_that_is_not_there_raises_nothing(tmp_path: Path, ps_card: CorpusCard):
    for root in (tmp_path, tmp_path / "absent"):
        report = check_corpus(ps_card, root, "train", silent)
        assert not report.ok
        assert report.counts == {}
        assert report.fingerprint == ""
        assert "is missing: it is in database_train.tar.gz" in next(iter(errors(report)))


def test_an_unknown_split_is_the_callers_mistake(ps: Path, ps_card: CorpusCard):
    with pytest.raises(BenchError, match="did you mean 'train'"):
        check_corpus(ps_card, ps, "trian", silent)


def test_the_report_as_text_and_as_json(ps: Path, ps_card: CorpusCard):
    shutil.rmtree(ps / "train/con_wav")
    (ps / "train/con_wav").mkdir()
    report = check_corpus(ps_card, ps, "train", silent, form="smoke")
    text = render_check(report)
    assert text.startswith(f"# partialspoof, train: 1 error\n\n{ps}\n")
    text = " ".join(text.split())  # columns line up
    assert "| utterances | 4 |" in text
    assert f"| fingerprint | {report.fingerprint} |" in text
    assert "| error | audio file missing | 4 | train/con_wav/LA_T_0000001.wav; " in text
    content = json.loads(json.dumps(check_as_dict(report)))
    assert content["ok"] is False
    assert content["root"] == str(ps)
    assert content["problems"][0]["count"] == 4
    assert len(content["problems"][0]["items"]) == 4
    assert content["counts"]["utterances"] == 4


def test_a_bar_in_a_problem_does_not_break_the_table(had: Path, had_card: CorpusCard):
    layouts.replace(had / "HAD_train/HAD_train_label.txt", "0.00-1.26-T 1", "0.00-1.26-T")
    text = render_check(check_corpus(had_card, had, "train", silent, form="smoke"))
    row = next(line for line in text.splitlines() if "malformed" in line)
    assert row.replace("\\|", "").count("|") == 5
