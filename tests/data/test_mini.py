"""The miniatures of localization: official trees, labels that agree with the audio.

Those of detection are in test_mini_detection.py, how any are written in test_mini_write.py.
"""

from __future__ import annotations

import itertools
import re
import tomllib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from minis import TINIEST, names, rows

from bench.cards.corpus_cards import read_corpus_card
from bench.data.check import check_corpus
from bench.synthetic import Size, had, llamapartialspoof, partialspoof, write_miniatures
from bench.synthetic import make as making
from bench.synthetic.clip import PlannedClip, SpeakerSplits, split_speakers
from bench.synthetic.source_filter import SourceFilter

pytestmark = pytest.mark.rows

TINY = Size(6, 6, 6, 4, 4, 2, 2, 6, 6, 6, 6, 6, shortest_s=2.0, longest_s=2.4)
KEYS = ["partialspoof", "had", "llamapartialspoof"]
RESOLUTIONS = ["0.01", "0.02", "0.04", "0.08", "0.16", "0.32", "0.64"]
SPLITS = {
    "partialspoof": ["train", "dev", "eval"],
    "had": ["train", "dev", "test"],
    "llamapartialspoof": ["crossfade", "cut-paste", "overlap-add"],
}


@pytest.fixture(scope="module")
def mini(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The miniatures from the built-in voice. Tests that change files copy them first."""
    folder = tmp_path_factory.mktemp("mini")
    write_miniatures(folder, seed=1, size=TINY, only=KEYS)
    return folder


def protocol(root: Path, split: str) -> list[list[str]]:
    folder = root / "partialspoof/protocols/PartialSpoof_LA_cm_protocols"
    return rows(folder / f"PartialSpoof.LA.cm.{split}.trl.txt")


# The official trees


def test_the_official_reader_finds_no_fault(mini: Path, subtests: pytest.Subtests):
    for key, split in [(k, s) for k in KEYS for s in SPLITS[k]]:
        with subtests.test(key=key, split=split):
            report = check_corpus(
                read_corpus_card(key), mini / key, split, lambda _done, _all: None, form="smoke"
            )
            assert report.issues == ()
            assert report.counts["utterances"] > 0


def test_partialspoof_has_every_file_of_the_official_tree(mini: Path):
    expected = {"MINIATURE.toml", "label2num/label2num_2cls_0sil"}
    for split in SPLITS["partialspoof"]:
        expected |= {f"segment_labels/{split}_seglab_{r}.npy" for r in RESOLUTIONS}
        cm = "protocols/PartialSpoof_LA_cm_protocols"
        expected |= {f"{split}/{split}.lst", f"{cm}/PartialSpoof.LA.cm.{split}.trl.txt"}
        lists = ("rttm_2cls_0sil", "rttm_2cls_0sil_spoof", "reco2dur", f"{split}.lst")
        expected |= {f"{split}/con_data/{name}" for name in lists}
        ids = [row[1] for row in protocol(mini, split)]
        expected |= {f"{split}/con_wav/{name}.wav" for name in ids}
        expected |= {f"vad/{split}/{name}.vad" for name in ids}
    asv = "protocols/PartialSpoof_LA_asv_scores/PartialSpoof.LA.asv"
    expected |= {f"{asv}.{split}.gi.trl.scores.txt" for split in ("dev", "eval")}
    assert names(mini / "partialspoof") == expected


@pytest.mark.parametrize(("split", "letter"), [("train", "T"), ("dev", "D"), ("eval", "E")])
def test_partialspoof_protocol_and_lists(mini: Path, split: str, letter: str):
    lines = protocol(mini, split)
    bonafide = rf"LA_\d{{4}} LA_{letter}_[1-9]\d{{6}} - - bonafide"
    spoof = rf"LA_\d{{4}} CON_{letter}_\d{{7}} - CON spoof"
    texts = [" ".join(row) for row in lines]
    assert Counter(bool(re.fullmatch(bonafide, text)) for text in texts) == {True: 2, False: 4}
    assert sum(bool(re.fullmatch(spoof, text)) for text in texts) == 4
    names = [[row[1]] for row in lines]
    assert rows(mini / f"partialspoof/{split}/{split}.lst") == names
    assert rows(mini / f"partialspoof/{split}/con_data/{split}.lst") == names
    assert rows(mini / "partialspoof/label2num/label2num_2cls_0sil") == [
        ["spoof", "0"],
        ["bonafide", "1"],
    ]


@pytest.mark.parametrize("split", SPLITS["partialspoof"])
def test_partialspoof_labels_follow_its_turns(mini: Path, split: str):
    """Every resolution and the vad files against a sample-by-sample reading of the RTTM file."""
    root = mini / "partialspoof"
    durations = dict(rows(root / split / "con_data/reco2dur"))
    spoofed: dict[str, np.ndarray] = {}
    turns = rows(root / split / "con_data/rttm_2cls_0sil")
    for kind, name, channel, start, duration, a, b, label, c, d in turns:
        assert (kind, channel, a, b, c, d) == ("SPEAKER", "1", *["<NA>"] * 4)
        info = soundfile.info(root / split / f"con_wav/{name}.wav")
        assert float(durations[name]) == pytest.approx(info.frames / 16_000, abs=1e-6)
        mask = spoofed.setdefault(name, np.full(info.frames, -1))
        first = round(float(start) * 16_000)
        last = round((float(start) + float(duration)) * 16_000)
        assert (mask[first:last] == -1).all()
        mask[first:last] = label == "spoof"
    assert set(spoofed) == set(durations) == {row[1] for row in protocol(mini, split)}
    assert all((mask >= 0).all() for mask in spoofed.values())
    assert all((mask.any()) == name.startswith("CON_") for name, mask in spoofed.items())
    only_spoof = rows(root / split / "con_data/rttm_2cls_0sil_spoof")
    assert only_spoof == [row for row in turns if row[7] == "spoof"]
    for resolution in RESOLUTIONS:
        labels = np.load(
            root / f"segment_labels/{split}_seglab_{resolution}.npy", allow_pickle=True
        ).item()
        frame = round(float(resolution) * 16_000)
        assert labels.keys() == spoofed.keys()
        for name, mask in spoofed.items():
            expected = [
                "0" if mask[i : i + frame].any() else "1" for i in range(0, len(mask), frame)
            ]
            assert labels[name].tolist() == expected
            assert labels[name].dtype == np.dtype("<U21")
    for name, mask in spoofed.items():
        check_vad(rows(root / f"vad/{split}/{name}.vad"), mask)


def check_vad(lines: list[list[str]], spoofed: np.ndarray) -> None:
    edges = [round(float(row[0]) * 16_000) for row in lines] + [len(spoofed)]
    assert [round(float(row[1]) * 16_000) for row in lines] == edges[1:]
    for first, last, (_, _, kind) in zip(edges, edges[1:], lines, strict=False):
        assert kind in {"0", "1", "2"}
        if kind != "2":
            assert (spoofed[first:last] == (kind == "0")).all()
    assert {"0", "1"} & {row[2] for row in lines}


@pytest.mark.parametrize("split", ["dev", "eval"])
def test_partialspoof_asv_scores(mini: Path, split: str):
    folder = mini / "partialspoof/protocols/PartialSpoof_LA_asv_scores"
    trials = rows(folder / f"PartialSpoof.LA.asv.{split}.gi.trl.scores.txt")
    assert {tuple(row[:2]) for row in trials} <= {
        ("bonafide", "target"),
        ("bonafide", "nontarget"),
        ("CON", "spoof"),
    }
    assert all(np.isfinite(float(row[2])) and len(row) == 3 for row in trials)
    assert any(row[1] == "nontarget" for row in trials)


def test_had_tree_and_lines(mini: Path):
    root = mini / "had"
    expected = {"MINIATURE.toml"}
    for split, folder in (("train", "conbine"), ("dev", "conbine"), ("test", "test")):
        lines = rows(root / f"HAD_{split}/HAD_{split}_label.txt")
        expected |= {f"HAD_{split}/HAD_{split}_label.txt"}
        expected |= {f"HAD_{split}/{folder}/{row[0]}.wav" for row in lines}
        infix = "(real|fake)_" if split != "test" else ""
        keys = Counter(row[2] for row in lines)
        assert keys == ({"0": 2} if split == "test" else {"0": 2, "1": 2})
        for name, segments, key in lines:
            assert re.fullmatch(rf"HAD_{split}_{infix}\d{{8}}", name)
            assert split == "test" or ("real" in name) == (key == "1")
            found = re.findall(r"(\d+\.\d\d)-(\d+\.\d\d)-([TF])(?:/|$)", segments)
            assert "/".join("-".join(f) for f in found) == segments
            assert [f[2] for f in found] == (["T"] if key == "1" else ["T", "F", "T"])
            assert [f[1] for f in found[:-1]] == [f[0] for f in found[1:]]
            info = soundfile.info(root / f"HAD_{split}/{folder}/{name}.wav")
            assert f"{info.frames / 16_000:.4f}" == f"{float(found[-1][1]):.4f}"
    assert names(root) == expected


def test_llamapartialspoof_tree_and_lines(mini: Path):
    root = mini / "llamapartialspoof"
    plain = ("metadata_crossfade.csv", "README.txt", "LICENSE.txt", "MINIATURE.toml")
    expected = {*plain, "label_R01TTS.0.a.txt", "label_R01TTS.0.b.txt"}
    kinds: Counter[str] = Counter()
    tts = "cosyvoice|elevenlab|gptsovits|ljjets|xttsv2|yourtts"
    ids = re.compile(
        rf"(dev-clean|test-clean|dev01)(?:-({tts})-(full|partial-c[fp]|partial-oa))?"
        r"_\d+_\d+_\d{6}_\d{6}"
    )
    for part in ("R01TTS.0.a", "R01TTS.0.b"):
        for name, duration, label, *spans in rows(root / f"label_{part}.txt"):
            expected.add(f"{part}/{name}.wav")
            found = ids.fullmatch(name)
            assert found
            assert (found[1] == "dev01") == (found[2] is not None) == (label == "spoof")
            kinds[f"{part} {found[3] or found[1]}"] += 1
            parts = [span.split("-") for span in spans]
            assert parts[0][0] == "0.0000"
            assert parts[-1][1] == duration
            assert [p[1] for p in parts[:-1]] == [p[0] for p in parts[1:]]
            assert all(a[2] != b[2] for a, b in itertools.pairwise(parts))
            assert all(re.fullmatch(r"\d+\.\d{4}", t) for p in parts for t in p[:2])
            frames = soundfile.info(root / part / f"{name}.wav").frames
            assert round(float(duration) * 16_000) == frames
            assert (label == "spoof") == any(p[2] == "spoof" for p in parts)
            assert found[3] != "full" or [p[2] for p in parts] == ["spoof"]
    assert kinds == {
        "R01TTS.0.a dev-clean": 2,
        "R01TTS.0.a test-clean": 2,
        "R01TTS.0.a full": 2,
        "R01TTS.0.a partial-cf": 2,
        "R01TTS.0.b partial-cp": 2,
        "R01TTS.0.b partial-oa": 2,
    }
    assert names(root) == expected
    fades = [line.split(",") for line in (root / plain[0]).read_text().splitlines()]
    crossfaded = [row[0] for row in rows(root / "label_R01TTS.0.a.txt") if "partial-cf" in row[0]]
    assert [row[0] for row in fades] == crossfaded
    assert {row[1] for row in fades} <= set("hqt")


def test_all_audio_is_16_bit_mono_at_16_khz(mini: Path):
    found = [soundfile.info(p) for p in mini.rglob("*.wav")]
    assert {(i.samplerate, i.channels, i.subtype, i.format) for i in found} == {
        (16_000, 1, "PCM_16", "WAV")
    }
    assert all(1.99 <= i.duration <= 2.4 for i in found)


def test_the_splits_share_no_speaker(mini: Path):
    marker = tomllib.loads((mini / "partialspoof/MINIATURE.toml").read_text())
    speakers = {split: set(map(int, named)) for split, named in marker["speakers"].items()}
    assert sum(map(len, speakers.values())) == len(set.union(*speakers.values())) == 20
    for split in SPLITS["partialspoof"]:
        used = {int(row[0].removeprefix("LA_")) for row in protocol(mini, split)}
        assert used <= speakers[split]
    subsets: dict[str, set[int]] = {}
    for file in (mini / "llamapartialspoof").glob("R01TTS.0.?/*.wav"):
        subset, number, *_ = file.stem.split("_")
        subsets.setdefault(subset.split("-")[0], set()).add(int(number))
    assert subsets["dev01"] <= subsets["dev"]
    assert not subsets["dev"] & subsets["test"]
    assert subsets["dev"] | subsets["test"] <= speakers["eval"]
    assert speakers == {
        split: {speaker.number for speaker in members}
        for split, members in split_speakers([SourceFilter(i + 1, 1) for i in range(20)], 1)
        ._asdict()
        .items()
    }


# Labels and audio


Plan = Callable[[SpeakerSplits, Size, int], list[PlannedClip]]
PLANS = [partialspoof.plan, had.plan, llamapartialspoof.plan]


@pytest.mark.parametrize("plan", PLANS, ids=KEYS)
def test_outside_the_spoofed_pieces_every_sample_is_the_speakers(tmp_path: Path, plan: Plan):
    speakers = split_speakers([SourceFilter(i + 1, 2) for i in range(6)], 2)
    clips = plan(speakers, TINIEST, 2)
    spoofed = 0
    for clip in clips:
        (tmp_path / clip.path).parent.mkdir(parents=True, exist_ok=True)
        (done,) = making.make_recording([clip], tmp_path, TINIEST, 2)
        heard, _ = soundfile.read(tmp_path / clip.path, dtype="int16")
        below = making.make_speech(clip, TINIEST, 2)
        assert len(heard) == len(below) == done.n_samples
        for piece in done.pieces:
            same = heard[piece.start : piece.end] == below[piece.start : piece.end]
            if piece.label == "bonafide":
                assert same.all()
            else:
                spoofed += 1
                assert same.mean() < 0.2
    assert spoofed
    assert len({clip.utterance for clip in clips}) == len(clips)
