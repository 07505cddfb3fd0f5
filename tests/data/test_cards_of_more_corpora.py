"""Corpora that are cards alone: a few lines and files in the exact official form of each."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
from layouts import wav, write_lines

from bench.cards import corpus_cards
from bench.data.check import check_corpus
from bench.data.readers import find_reader
from bench.synthetic import DEFAULT, write_miniatures

SMALL = replace(DEFAULT, inthewild=4, shortest_s=1.0, longest_s=1.2)


class Sample(NamedTuple):
    """A few utterances of a split."""

    key: str
    split: str
    lists: dict[str, list[str]]
    audio: list[str]
    rows: list[tuple[str, str, str]]
    """Id, class and attack."""


MLAAD_HEADER = (
    "path|original_file|language|is_original_language|duration|training_data|model_name"
    "|architecture|transcript"
)
SAMPLES = [
    Sample(
        "hqmpsd",
        "english",
        {},
        [
            *("English/Bonafide/1.flac", "English/Fully_Fake/1.flac"),
            *("English/Partial_Fake_Clean/1.flac", "English/Partial_Fake_Noisy/2.flac"),
            "Other/Bonafide/1.flac",
        ],
        [
            ("English/Bonafide/1", "bonafide", ""),
            ("English/Fully_Fake/1", "spoof", ""),
            ("English/Partial_Fake_Clean/1", "spoof", ""),
            ("English/Partial_Fake_Noisy/2", "spoof", ""),
        ],
    ),
    Sample(
        "spoofceleb",
        "development",
        {
            "metadata/development.csv": [
                "file,speaker,attack",
                "a00/id10318/YYsxcZ5saac-00002-006.flac,id10318,a00",
                "a06/id10318/YYsxcZ5saac-00002-006.flac,id10318,a06",
            ]
        },
        [
            f"flac/development/{attack}/id10318/YYsxcZ5saac-00002-006.flac"
            for attack in ("a00", "a06")
        ],
        [
            ("a00/id10318/YYsxcZ5saac-00002-006", "bonafide", ""),
            ("a06/id10318/YYsxcZ5saac-00002-006", "spoof", "a06"),
        ],
    ),
    Sample(
        "codecfake",
        "train",
        {
            "label/train.txt": [
                *("SSB13650058.wav real 0", "F01_SSB13650058.wav fake 1 "),
                "F02_SSB13650058.wav fake 2",
            ]
        },
        [f"train/{name}SSB13650058.wav" for name in ("", "F01_", "F02_")],
        [
            ("SSB13650058", "bonafide", ""),
            ("F01_SSB13650058", "spoof", "1"),
            ("F02_SSB13650058", "spoof", "2"),
        ],
    ),
    Sample(
        "codecfake",
        "C7",
        {"label/C7.txt": ["SSB18090341.wav real 0", "F07_SSB18090341.wav fake 7"]},
        ["C7/SSB18090341.wav", "C7/F07_SSB18090341.wav"],
        [("SSB18090341", "bonafide", ""), ("F07_SSB18090341", "spoof", "7")],
    ),
    Sample(
        "fakeorreal",
        "testing",
        {},
        [
            "for-norm/for-norm/testing/fake/file1.wav_16k.wav_norm.wav_mono.wav_silence.wav",
            "for-norm/for-norm/testing/real/file1.wav_16k.wav_norm.wav_mono.wav_silence.wav",
            "for-norm/for-norm/training/real/file2.wav",
        ],
        [
            ("fake/file1.wav_16k.wav_norm.wav_mono.wav_silence", "spoof", ""),
            ("real/file1.wav_16k.wav_norm.wav_mono.wav_silence", "bonafide", ""),
        ],
    ),
    Sample(
        "add2022",
        "train",
        {
            "ADD_train_dev/label/train_label.txt": [
                *("ADD_T_00000000.wav genuine", "ADD_T_00000001.wav fake")
            ]
        },
        [f"ADD_train_dev/train/ADD_T_0000000{number}.wav" for number in (0, 1)],
        [("ADD_T_00000000", "bonafide", ""), ("ADD_T_00000001", "spoof", "")],
    ),
    Sample(
        "add2022",
        "track3_r2",
        {
            "ADD2022track3.2_eval_R2/track3_R2_label.txt": [
                *("ADD_E3_00000000.wav fake 0", "ADD_E3_00000001.wav genuine 1")
            ]
        },
        [f"ADD2022track3.2_eval_R2/wav/ADD_E3_0000000{number}.wav" for number in (0, 1)],
        [("ADD_E3_00000000", "spoof", ""), ("ADD_E3_00000001", "bonafide", "")],
    ),
    Sample(
        "add2023",
        "testR2",
        {
            "Track1.2/testR2/label.txt": [
                *("ADD2023_T1.2R2_E_00000003.wav genuine", "ADD2023_T1.2R2_E_00000004.wav fake")
            ]
        },
        [f"Track1.2/testR2/wav/ADD2023_T1.2R2_E_0000000{number}.wav" for number in (3, 4)],
        [
            ("ADD2023_T1.2R2_E_00000003", "bonafide", ""),
            ("ADD2023_T1.2R2_E_00000004", "spoof", ""),
        ],
    ),
    Sample(
        "mlaad",
        "eval",
        {
            "fake/de/vits/meta.csv": [
                MLAAD_HEADER,
                './fake/de/vits/1.wav|de_DE/1.wav|de|True|3.2|thorsten|vits|VITS|"Ein ""Satz""."',
            ],
            "fake/en/xtts/meta.csv": [
                f"{MLAAD_HEADER}|reference_speaker",
                "./fake/en/xtts/1.wav|en_US/1.wav|en|True|2.1|multi|xtts|XTTS|A text.|en_US/2.wav",
            ],
        },
        ["fake/de/vits/1.wav", "fake/en/xtts/1.wav"],
        [("./fake/de/vits/1", "spoof", "vits"), ("./fake/en/xtts/1", "spoof", "xtts")],
    ),
    Sample(
        "dfadd",
        "test",
        {
            "DATASET_GradTTS/test.txt": [
                "p227 p227_001_GradTTS - - spoof",
                "p227 p227_001 - - bonafide",
            ]
        },
        [
            "DATASET_GradTTS/test/p227_001_GradTTS.flac",
            "DATASET_PflowTTS/test/p227_001_pflow.wav",
            "DATASET_VCTK_BONAFIDE/test/p227_001.wav",
            "DATASET_VCTK_BONAFIDE/train/p300_002.wav",
        ],
        [
            ("GradTTS/p227_001_GradTTS", "spoof", "GradTTS"),
            ("PflowTTS/p227_001_pflow", "spoof", "PflowTTS"),
            ("VCTK_BONAFIDE/p227_001", "bonafide", ""),
        ],
    ),
    Sample(
        "asvspoof2015",
        "dev",
        {"CM_protocol/cm_develop.ndx": ["D1 D1_1000001 human human", "D1 D1_1003749 S4 spoof"]},
        ["wav/D1/D1_1000001.wav", "wav/D1/D1_1003749.wav"],
        [("D1_1000001", "bonafide", ""), ("D1_1003749", "spoof", "S4")],
    ),
    Sample(
        "asvspoof2017",
        "train",
        {
            "protocol_V2/ASVspoof2017_V2_train.trn.txt": [
                *(
                    "T_1000001.wav genuine M0002 S05 - - -",
                    "T_1001508.wav spoof M0002 S05 E02 P01 R04",
                )
            ]
        },
        [f"ASVspoof2017_V2_train/ASVspoof2017_V2_train/T_100{n}.wav" for n in ("0001", "1508")],
        [("T_1000001", "bonafide", ""), ("T_1001508", "spoof", "")],
    ),
    Sample(
        "asvspoof2019pa",
        "train",
        {
            "ASVspoof2019_PA_cm_protocols/ASVspoof2019.PA.cm.train.trn.txt": [
                *("PA_0079 PA_T_0000001 aaa - bonafide", "PA_0079 PA_T_0005401 aaa AA spoof")
            ]
        },
        [f"ASVspoof2019_PA_train/flac/PA_T_000{number}.flac" for number in ("0001", "5401")],
        [("PA_T_0000001", "bonafide", ""), ("PA_T_0005401", "spoof", "AA")],
    ),
    Sample(
        "asvspoof2021pa",
        "eval",
        {
            "keys/PA/CM/trial_metadata.txt": [
                "PA_0010 PA_E_1000001 R3 M3 d4 r1 m1 s4 c4 spoof notrim eval",
                "PA_0010 PA_E_1000002 R3 M3 D4 - - - - bonafide notrim eval",
                "PA_0010 PA_E_1000003 R3 M3 D4 - - - - bonafide trim hidden",
            ]
        },
        [f"ASVspoof2021_PA_eval/flac/PA_E_100000{number}.flac" for number in (1, 2, 3)],
        [("PA_E_1000001", "spoof", ""), ("PA_E_1000002", "bonafide", "")],
    ),
    Sample(
        "decro",
        "ch_dev",
        {"ch_dev.txt": ["unknown 20032115 - baidu spoof", "unknown 10013 - - bonafide"]},
        ["ch_dev/20032115.wav", "ch_dev/10013.wav"],
        [("20032115", "spoof", "baidu"), ("10013", "bonafide", "")],
    ),
    Sample(
        "ctrsvdd",
        "dev",
        {
            "dev.txt": [
                "m4singer CtrSVDD_0110 CtrSVDD_0110_D_0015416 - - bonafide",
                "jvsmusic CtrSVDD_0097 CtrSVDD_0097_D_0010993 - A06 deepfake",
            ]
        },
        ["dev_set/CtrSVDD_0110_D_0015416.flac", "dev_set/CtrSVDD_0097_D_0010993.flac"],
        [("CtrSVDD_0110_D_0015416", "bonafide", ""), ("CtrSVDD_0097_D_0010993", "spoof", "A06")],
    ),
]


@pytest.mark.parametrize("sample", SAMPLES, ids=[f"{one.key}-{one.split}" for one in SAMPLES])
def test_lists_and_audio_in_the_official_form(tmp_path: Path, sample: Sample):
    for file, lines in sample.lists.items():
        write_lines(tmp_path / file, lines)
    for file in sample.audio:
        wav(tmp_path / file, 0.1)
    card = corpus_cards.read_corpus_card(sample.key)
    subset = find_reader(card)(card, tmp_path, sample.split, None)
    table = subset.table[["utterance", "label", "attack"]].astype("str")
    assert list(table.itertuples(index=False, name=None)) == sample.rows
    assert all(subset.audio_path(row).is_file() for row in range(len(subset)))
    # What the organisers count is not here; nothing else is wrong.
    found = check_corpus(card, tmp_path, sample.split, lambda *_: None).issues
    assert {issue.code for issue in found} <= {"corpus.count"}


@pytest.mark.rows
@pytest.mark.parametrize("key", sorted({sample.key for sample in SAMPLES} | {"partialedit"}))
def test_a_miniature_is_read_as_the_corpus_is(tmp_path: Path, key: str):
    card = corpus_cards.read_corpus_card(key)
    (written,) = write_miniatures(tmp_path, size=SMALL, only=[key], cards=[card])
    for split in card.splits:
        subset = find_reader(card)(card, written, split, None)
        assert len(subset) >= SMALL.inthewild
        assert all(subset.audio_path(row).is_file() for row in range(len(subset)))
