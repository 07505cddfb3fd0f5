"""The miniatures of detection: official trees and lines, by parsing of this module's own.

2021 LA is in test_mini_asvspoof2021la.py.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

import pytest
import soundfile
from minis import heard, lines, names, rows

from bench.cards.corpus_cards import read_corpus_card
from bench.data.check import check_corpus
from bench.synthetic import Size, write_miniatures
from bench.synthetic import make as making

pytestmark = pytest.mark.rows

SIZE = Size(6, 6, 12, 2, 2, 1, 1, 9, 24, 12, 9, 8, shortest_s=0.8, longest_s=1.0)
SMALLER = Size(3, 3, 6, 2, 2, 1, 1, 3, 3, 3, 3, 2, shortest_s=0.5, longest_s=0.6)
KEYS = ["asvspoof2019la", "asvspoof2021la", "asvspoof2021df", "asvspoof5", "inthewild"]
HERE = [key for key in KEYS if key != "asvspoof2021la"]  # it has a module of its own
COMPRESSIONS = {
    *("nocodec", "low_mp3", "high_mp3", "low_m4a", "high_m4a", "low_ogg", "high_ogg"),
    *("mp3m4a", "oggm4a"),
}
SPLITS = [("train", "T", "train.trn"), ("dev", "D", "dev.trl"), ("eval", "E", "eval.trl")]


@pytest.fixture(scope="module")
def mini(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("detection")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(making, "FEWEST_TO_SHARE", 1000)
        write_miniatures(folder, seed=3, size=SIZE, only=["partialspoof", *HERE])
    return folder


@pytest.mark.slow
def test_all_audio_is_16_bit_mono_at_16_khz_in_the_official_container(mini: Path):
    for key in HERE:
        suffix = "WAV" if key == "inthewild" else "FLAC"
        found = [soundfile.info(p) for p in (mini / key).rglob(f"*.{suffix.lower()}")]
        assert {(i.samplerate, i.channels, i.subtype, i.format) for i in found} == {
            (16_000, 1, "PCM_16", suffix)
        }
        assert all(0.1 < i.duration <= 1.0 for i in found)


def test_the_reader_of_the_full_corpus_finds_no_fault(mini: Path, subtests: pytest.Subtests):
    for key in HERE:
        with subtests.test(key=key):
            for split in read_corpus_card(key).splits:
                report = check_corpus(
                    read_corpus_card(key), mini / key, split, lambda _done, _all: None, form="smoke"
                )
                assert report.issues == ()
                assert report.counts["bonafide"] > 0
                assert report.counts["spoof"] > 0


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes_whatever_else_is_made(tmp_path: Path):
    one, other = tmp_path / "one", tmp_path / "other"
    assert write_miniatures(one, seed=3, size=SMALLER, only=KEYS) == [one / key for key in KEYS]
    for key in reversed(KEYS):
        assert write_miniatures(other, seed=3, size=SMALLER, only=[key]) == [other / key]
    assert names(one) == names(other)
    for name in names(one):
        assert (one / name).read_bytes() == (other / name).read_bytes(), name


@pytest.mark.slow  # two fresh processes import torch
def test_two_processes_give_the_same_bytes_as_one(mini: Path, tmp_path: Path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(making, "FEWEST_TO_SHARE", 0)
        write_miniatures(tmp_path, seed=3, size=SIZE, only=HERE)
    for name in names(tmp_path):
        assert (tmp_path / name).read_bytes() == (mini / name).read_bytes(), name


# ASVspoof 2019 LA


def cm(mini: Path, name: str) -> list[list[str]]:
    folder = mini / "asvspoof2019la/ASVspoof2019_LA_cm_protocols"
    return rows(folder / f"ASVspoof2019.LA.cm.{name}.txt")


@pytest.mark.parametrize(("split", "letter", "name"), SPLITS)
def test_2019la_protocol(mini: Path, split: str, letter: str, name: str):
    spoof = "A(0[7-9]|1[0-9])" if split == "eval" else "A0[1-6]"
    line = re.compile(
        rf"LA_\d{{4}} LA_{letter}_[1-9]\d{{6}} - (- bonafide|{spoof} spoof)", re.ASCII
    )
    protocol = cm(mini, name)
    assert all(line.fullmatch(" ".join(row)) for row in protocol)
    assert len({row[1] for row in protocol}) == len(protocol)
    below = rows(
        mini / f"partialspoof/protocols/PartialSpoof_LA_cm_protocols/"
        f"PartialSpoof.LA.cm.{split}.trl.txt"
    )
    assert Counter(row[4] for row in protocol) == Counter(row[4] for row in below)
    genuine = {row[1]: row[0] for row in below if row[4] == "bonafide"}
    assert {row[1]: row[0] for row in protocol if row[4] == "bonafide"} == genuine
    for utterance in genuine:
        flac = mini / f"asvspoof2019la/ASVspoof2019_LA_{split}/flac/{utterance}.flac"
        wav = mini / f"partialspoof/{split}/con_wav/{utterance}.wav"
        assert (heard(flac) == heard(wav)).all()


def test_2019la_has_every_file_of_the_official_tree(mini: Path):
    expected = {"README.LA.txt", "MINIATURE.toml"}
    speakers: list[set[str]] = []
    for split, _, name in SPLITS:
        expected.add(f"ASVspoof2019_LA_cm_protocols/ASVspoof2019.LA.cm.{name}.txt")
        ids = [row[1] for row in cm(mini, name)]
        speakers.append({row[0] for row in cm(mini, name)})
        if split != "train":
            asv = f"ASVspoof2019_LA_asv_protocols/ASVspoof2019.LA.asv.{split}"
            expected |= {
                f"{asv}.{g}.{t}.txt" for g in ("male", "female", "gi") for t in ("trl", "trn")
            }
            expected.add(
                f"ASVspoof2019_LA_asv_scores/ASVspoof2019.LA.asv.{split}.gi.trl.scores.txt"
            )
            for _, enrolled in rows(mini / f"asvspoof2019la/{asv}.gi.trn.txt"):
                ids += enrolled.split(",")
        expected |= {f"ASVspoof2019_LA_{split}/flac/{name}.flac" for name in ids}
    assert names(mini / "asvspoof2019la") == expected
    assert len(set.union(*speakers)) == sum(map(len, speakers))


@pytest.mark.parametrize(("split", "letter", "name"), SPLITS[1:])
def test_2019la_asv(mini: Path, split: str, letter: str, name: str):
    root = mini / "asvspoof2019la"

    def asv(gender: str, kind: str) -> list[list[str]]:
        file = f"ASVspoof2019.LA.asv.{split}.{gender}.{kind}.txt"
        return rows(root / "ASVspoof2019_LA_asv_protocols" / file)

    for kind in ("trl", "trn"):
        assert asv("gi", kind) == asv("male", kind) + asv("female", kind)
    enrolled = dict(asv("gi", "trn"))
    everyone = [one for row in enrolled.values() for one in row.split(",")]
    assert all(re.fullmatch(rf"LA_{letter}_A[1-9]\d{{6}}", one) for one in everyone)
    assert len(set(everyone)) == len(everyone) == 2 * len(enrolled)
    assert not {row[0] for row in asv("male", "trn")} & {row[0] for row in asv("female", "trn")}
    truth = {row[1]: row for row in cm(mini, name)}
    trials = asv("gi", "trl")
    for claimed, utterance, attack, key in trials:
        speaker, _, _, system, label = truth[utterance]
        assert claimed in enrolled
        assert attack == ("bonafide" if label == "bonafide" else system)
        own = "target" if label == "bonafide" else "spoof"
        assert key == (own if claimed == speaker else "nontarget")
    assert {row[1] for row in trials} == set(truth)
    assert {row[3] for row in trials} == {"target", "nontarget", "spoof"}
    scores = rows(
        root / f"ASVspoof2019_LA_asv_scores/ASVspoof2019.LA.asv.{split}.gi.trl.scores.txt"
    )
    assert [row[:2] for row in scores] == [row[2:] for row in trials]
    assert all(re.fullmatch(r"-?\d+\.\d{6}", row[2]) for row in scores)


# ASVspoof 2021 DF


def test_2021df(mini: Path):
    root = mini / "asvspoof2021df"
    metadata = rows(root / "keys/DF/CM/trial_metadata.txt")
    vocoder = (
        "neural_vocoder_autoregressive|neural_vocoder_nonautoregressive|traditional_vocoder|"
        "waveform_concatenation|unknown"
    )
    line = re.compile(
        rf"(LA_\d{{4}}|VCC2T[FM]\d+|TE[FM]\d+) DF_E_[1-9]\d{{6}} ({'|'.join(COMPRESSIONS)}) "
        rf"(asvspoof|vcc2018|vcc2020) "
        rf"(- bonafide|(A\d\d|[A-Z][A-Za-z0-9]+-[A-Za-z0-9]+) spoof) "
        rf"(notrim (eval|progress)|trim hidden) (bonafide|{vocoder}) (- - - -|"
        r"\w+ \w+ [FM]{2} [-EFGM])"
    )
    for row in metadata:
        assert line.fullmatch(" ".join(row))
        assert len(row) == 13
        assert (row[5] == "bonafide") == (row[4] == "-") == (row[8] == "bonafide")
        start = {"asvspoof": "LA_", "vcc2018": "VCC2", "vcc2020": "TE"}[row[3]]
        assert row[0].startswith(start)
        converted = row[5] == "spoof" and row[3] != "asvspoof"
        assert converted == (row[9] != "-")
        assert not converted or row[4] == f"{row[9]}-{row[10]}"
    ids = [row[1] for row in metadata]
    assert lines(root / "ASVspoof2021_DF_eval/ASVspoof2021.DF.cm.eval.trl.txt") == ids
    assert len(set(ids)) == len(ids) == 9 * 9
    assert names(root) == {
        *(f"ASVspoof2021_DF_eval/flac/{name}.flac" for name in ids),
        *(
            f"ASVspoof2021_DF_eval/{n}"
            for n in ("ASVspoof2021.DF.cm.eval.trl.txt", "README.DF.txt")
        ),
        *("keys/DF/CM/trial_metadata.txt", "MINIATURE.toml"),
    }
    for subset in ("eval", "progress", "hidden"):
        counted = Counter((row[2], row[5]) for row in metadata if row[7] == subset)
        assert {compression for compression, _ in counted} == COMPRESSIONS
        for label in ("bonafide", "spoof"):
            assert len({counted[compression, label] for compression in COMPRESSIONS}) == 1
            assert counted["nocodec", label] >= 1


# ASVspoof 5


def asvspoof5(mini: Path, name: str) -> list[list[str]]:
    return rows(mini / f"asvspoof5/ASVspoof5.{name}.tsv")


def test_asvspoof5_protocols_and_tree(mini: Path):
    expected = {"ASVspoof5.codec.config.csv", "README.txt", "MINIATURE.toml"}
    speakers: dict[str, str] = {}
    for name, folder, first, last in (
        ("train", "flac_T", 1, 8),
        ("dev.track_1", "flac_D", 9, 16),
        ("eval.track_1", "flac_E_eval", 17, 32),
    ):
        letter = folder[5]
        codec = r"(C(0[1-9]|1[01]) [1-8] E_\d{10}|- 0 -)" if letter == "E" else "- - -"
        line = re.compile(
            rf"{letter}_\d{{4}} {letter}_\d{{10}} [FM] {codec} "
            r"(- bonafide bonafide|AC[123] A\d\d spoof) -"
        )
        protocol = asvspoof5(mini, name)
        assert all(line.fullmatch(" ".join(row)) for row in protocol)
        attacks = {int(row[7][1:]) for row in protocol if row[8] == "spoof"}
        assert attacks <= set(range(first, last + 1))
        assert letter == "E" or len(attacks) == 8
        expected |= {f"{folder}/{row[1]}.flac" for row in protocol} | {f"ASVspoof5.{name}.tsv"}
        assert len({row[1] for row in protocol}) == len(protocol)
        for row in protocol:
            assert speakers.setdefault(row[0], row[2]) == row[2]
    assert names(mini / "asvspoof5") == expected
    assert len({name[2:] for name in speakers}) == len(speakers)


def test_asvspoof5_codecs(mini: Path):
    protocol = asvspoof5(mini, "eval.track_1")
    plain = {row[1]: row for row in protocol if row[3] == "-"}
    coded = [row for row in protocol if row[3] != "-"]
    assert len(coded) == 3 * len(plain)
    assert {row[3] for row in coded} == {f"C{n:02d}" for n in range(1, 12)}
    for row in coded:
        seed = plain[row[5]]
        assert [row[i] for i in (0, 2, 6, 7, 8)] == [seed[i] for i in (0, 2, 6, 7, 8)]
        a, b = (heard(mini / f"asvspoof5/flac_E_eval/{r[1]}.flac") for r in (row, seed))
        assert len(a) == len(b)
        assert (a != b).any()
    table = (mini / "asvspoof5/ASVspoof5.codec.config.csv").read_text().split("\n,,,\n")[0]
    known = {
        (f"C{int(row['ID'][1:]):02d}", row["CODEC_Q"]) for row in csv.DictReader(table.splitlines())
    }
    assert {(row[3], row[4]) for row in coded} <= known


def test_asvspoof5_configuration_is_the_official_one_but_for_bit_rates(mini: Path, official: Path):
    official = (official / "asvspoof5/ASVspoof5.codec.config.csv").read_text()
    ours = (mini / "asvspoof5/ASVspoof5.codec.config.csv").read_text()
    end = official.index(",,,\n")
    assert [line.split(",")[:3] for line in ours[: ours.index(",,,\n")].splitlines()] == [
        line.split(",")[:3] for line in official[:end].splitlines()
    ]
    assert ours.splitlines()[0] == official.splitlines()[0]
    header, *below = official[end + 4 :].splitlines()
    ours_header, *ours_below = ours[ours.index(",,,\n") + 4 :].splitlines()
    assert ours_header == header
    assert [line[0] for line in ours_below] == list("12345")
    assert all(re.fullmatch(r"[1-5],[1-5],[1-5],", line) for line in [*below, *ours_below])


# In-the-Wild


def test_in_the_wild(mini: Path):
    root = mini / "inthewild/release_in_the_wild"
    with (root / "meta.csv").open(newline="") as file:
        header, *meta = csv.reader(file)
    assert header == ["file", "speaker", "label"]
    assert [row[0] for row in meta] == [f"{n}.wav" for n in range(8)]
    assert Counter(row[2] for row in meta) == {"bona-fide": 4, "spoof": 4}
    assert all(re.fullmatch(r"Speaker \d+", row[1]) for row in meta)
    files = {f"release_in_the_wild/{row[0]}" for row in meta}
    files |= {f"release_in_the_wild/{name}" for name in ("meta.csv", "attribution.txt")}
    assert names(mini / "inthewild") == files | {"MINIATURE.toml"}
