"""The miniature ASVspoof 2021 LA: official trees and lines, its ASV scores and coefficients."""

from __future__ import annotations

import math
import pickle
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from minis import heard, lines, names, rows

from bench.cards.corpus_cards import read_corpus_card
from bench.data.check import check_corpus
from bench.synthetic import Size, write_miniatures
from bench.synthetic import make as making

pytestmark = pytest.mark.rows

SIZE = Size(6, 6, 12, 2, 2, 1, 1, 3, 3, 3, 3, 2, shortest_s=0.8, longest_s=1.0)
CODECS = ["none", "alaw", "pstn", "g722", "ulaw", "gsm", "opus"]
EVAL_ATTACKS = [f"A{n:02d}" for n in range(7, 20)]


@pytest.fixture(scope="module")
def mini(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("la")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(making, "FEWEST_TO_SHARE", 1000)
        write_miniatures(folder, seed=3, size=SIZE, only=["asvspoof2019la", "asvspoof2021la"])
    return folder


def cm(mini: Path) -> list[list[str]]:
    folder = mini / "asvspoof2019la/ASVspoof2019_LA_cm_protocols"
    return rows(folder / "ASVspoof2019.LA.cm.eval.trl.txt")


@pytest.mark.slow
def test_the_reader_of_the_full_corpus_finds_no_fault(mini: Path):
    for split in read_corpus_card("asvspoof2021la").splits:
        root = mini / "asvspoof2021la"
        report = check_corpus(
            read_corpus_card("asvspoof2021la"), root, split, lambda *_: None, form="smoke"
        )
        assert report.issues == ()
        assert report.counts["bonafide"] > 0
        assert report.counts["spoof"] > 0


def test_all_audio_is_16_bit_mono_flac_at_16_khz(mini: Path):
    found = [soundfile.info(p) for p in (mini / "asvspoof2021la").rglob("*.flac")]
    assert {(i.samplerate, i.channels, i.subtype, i.format) for i in found} == {
        (16_000, 1, "PCM_16", "FLAC")
    }


def keys_2021la(mini: Path) -> list[list[str]]:
    return rows(mini / "asvspoof2021la/keys/LA/CM/trial_metadata.txt")


def test_2021la_tree_and_keys(mini: Path):
    root, metadata = mini / "asvspoof2021la", keys_2021la(mini)
    line = re.compile(
        r"LA_\d{4} LA_E_[1-9]\d{6} "
        r"(none -|pstn mad_tx|(alaw|g722|ulaw|gsm|opus) (ita|sin|loc)_tx) "
        r"(bonafide bonafide|A(0[7-9]|1[0-9]) spoof) "
        r"(notrim (eval|progress)|only_speech hidden)"
    )
    assert all(line.fullmatch(" ".join(row)) for row in metadata)
    ids = [row[1] for row in metadata]
    assert lines(root / "ASVspoof2021_LA_eval/ASVspoof2021.LA.cm.eval.trl.txt") == ids
    assert not {row[1] for row in cm(mini)} & set(ids)
    expected = {f"ASVspoof2021_LA_eval/flac/{name}.flac" for name in ids}
    expected |= {f"ASVspoof2021_LA_eval/{n}" for n in ("ASVspoof2021.LA.cm.eval.trl.txt",)}
    expected |= {"ASVspoof2021_LA_eval/README.LA.txt", "MINIATURE.toml"}
    expected |= {f"keys/LA/LA-C012-{subset}.npy" for subset in ("eval", "prog", "hidden")}
    expected |= {f"keys/LA/{kind}/trial_metadata.txt" for kind in ("CM", "ASV")}
    assert names(root) == expected | {"keys/LA/ASV/ASVTorch_Kaldi/score.txt"}
    for subset, codecs in (("eval", CODECS), ("progress", CODECS[:4]), ("hidden", CODECS)):
        counted = Counter((row[2], row[5]) for row in metadata if row[7] == subset)
        assert {codec for codec, _ in counted} == set(codecs)
        assert {label for _, label in counted} == {"bonafide", "spoof"}


def test_2021la_is_2019la_through_every_codec(mini: Path):
    """By the audio: what is not coded is 2019 LA's eval, sample for sample."""
    flac = "asvspoof2019la/ASVspoof2019_LA_eval/flac"
    before = {heard(mini / flac / f"{row[1]}.flac").tobytes(): row for row in cm(mini)}
    plain = [row for row in keys_2021la(mini) if row[2] == "none" and row[6] == "notrim"]
    folder = mini / "asvspoof2021la/ASVspoof2021_LA_eval/flac"
    for row in plain:
        speaker, _, _, attack, label = before[heard(folder / f"{row[1]}.flac").tobytes()]
        assert [row[0], row[4].replace("bonafide", "-"), row[5]] == [speaker, attack, label]
    originals: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for _, name, codec, *_ in set(map(tuple, asv_2021la(mini))):
        originals[name.split("-")[0 if name.startswith("LA_E") else 1]][codec] += 1
    assert set(originals) == {row[1] for row in before.values()}
    assert all(set(codecs) in (set(CODECS), set(CODECS[:4])) for codecs in originals.values())


def test_2021la_hidden_has_no_non_speech(mini: Path):
    folder = mini / "asvspoof2021la/ASVspoof2021_LA_eval/flac"
    hidden = [row for row in keys_2021la(mini) if row[7] == "hidden" and row[2] == "none"]
    for row in hidden:
        wave = heard(folder / f"{row[1]}.flac").astype(float)
        power = np.array([np.sum(wave[i : i + 160] ** 2) for i in range(0, len(wave) - 159, 160)])
        assert (power >= power.max() / 1001).all()


def asv_2021la(mini: Path) -> list[list[str]]:
    return rows(mini / "asvspoof2021la/keys/LA/ASV/trial_metadata.txt")


def test_2021la_asv(mini: Path):
    scores = rows(mini / "asvspoof2021la/keys/LA/ASV/ASVTorch_Kaldi/score.txt")
    trials = asv_2021la(mini)
    assert [row[:2] for row in scores] == [row[:2] for row in trials]
    assert all(re.fullmatch(r"-?\d+\.\d{6}", row[2]) for row in scores)
    for speaker, name, codec, route, attack, key, trim, subset in trials:
        assert re.fullmatch(rf"LA_\d{{4}}-{codec}-{route}", speaker)
        prefix = "LA2021-" if subset == "hidden" else ""
        assert re.fullmatch(rf"{prefix}LA_E_[1-9]\d{{6}}-{codec}-{route}", name)
        assert (codec == "none") == (route == "none")
        assert (attack == "bonafide") == (key in ("target", "nontarget"))
        assert (subset == "hidden") == (trim == "only_speech")
    channels = {(row[2], row[3].replace("-", "none"), row[4], row[7]) for row in keys_2021la(mini)}
    assert {(row[2], row[3], row[4], row[7]) for row in trials} <= channels
    assert {row[5] for row in trials} == {"target", "nontarget", "spoof"}


def c012(mini: Path, subset: str) -> Any:
    data = (mini / f"asvspoof2021la/keys/LA/LA-C012-{subset}.npy").read_bytes()
    assert data[:2] == b"\x80\x02"  # a bare pickle of protocol 2, as the official files are
    return pickle.loads(data)


@pytest.mark.parametrize("subset", ["eval", "prog", "hidden"])
def test_2021la_coefficients_have_the_official_structure(mini: Path, subset: str, official: Path):
    file = official / f"asvspoof2021_la/LA-C012-{subset}.npy"
    official, ours = np.load(file, allow_pickle=True), c012(mini, subset)
    assert (ours.dtype, ours.shape) == (official.dtype, official.shape)
    assert isinstance(ours.item(), dict)

    def keys(found: Any) -> list[tuple[str, str, str]]:
        return [(a, c, k) for a, row in found.items() for c, cell in row.items() for k in cell]

    def missing(found: Any) -> set[str]:
        return {c for c, cell in found["Pooled"].items() if math.isnan(cell["C0"])}

    assert keys(ours.item()) == keys(official.item())
    assert missing(ours.item()) == missing(official.item())


def official_threshold(target: np.ndarray, nontarget: np.ndarray) -> float:
    """The first trial's score up to which as many targets are rejected as nontargets not."""
    scores = sorted([*target, *nontarget])
    gaps = [abs(np.mean(target <= t) - np.mean(nontarget > t)) for t in [-1e9, *scores]]
    return [scores[0] - 0.001, *scores][int(np.argmin(gaps))]


@pytest.mark.parametrize(("name", "subset"), [("eval",) * 2, ("prog", "progress"), ("hidden",) * 2])
def test_2021la_coefficients_follow_from_the_scores(mini: Path, name: str, subset: str):
    """Against a plain reading of the text files: the evaluation package's formulas in a loop."""
    scores = rows(mini / "asvspoof2021la/keys/LA/ASV/ASVTorch_Kaldi/score.txt")
    trials = [
        (row[2], row[4], row[5], float(score[2]))
        for row, score in zip(asv_2021la(mini), scores, strict=True)
        if row[7] == subset
    ]
    found = c012(mini, name).item()
    assert list(found) == [*EVAL_ATTACKS, "Pooled"]
    seen = 0
    for attack, row in found.items():
        assert list(row) == [*CODECS, "Pooled"]
        for codec, cell in row.items():
            here = [t for t in trials if codec in (t[0], "Pooled")]
            target = [t[3] for t in here if t[2] == "target"]
            nontarget = [t[3] for t in here if t[2] == "nontarget"]
            spoof = [t[3] for t in here if t[2] == "spoof" and attack in (t[1], "Pooled")]
            if not (target and nontarget and spoof):
                assert all(math.isnan(value) for value in cell.values())
                continue
            seen += 1
            threshold = official_threshold(np.array(target), np.array(nontarget))
            miss = np.mean(np.array(target) < threshold)
            false_alarm = np.mean(np.array(nontarget) >= threshold)
            accepted = np.mean(np.array(spoof) >= threshold)
            assert cell["C0"] == pytest.approx(0.9405 * miss + 0.095 * false_alarm, abs=1e-12)
            assert cell["C2"] == pytest.approx(0.5 * accepted, abs=1e-12)
            assert cell["C0"] + cell["C1"] == pytest.approx(0.9405)
    assert seen > 10
