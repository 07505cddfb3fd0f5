"""The cards of the corpora: each is whole and consistent; their faults are said all at once."""

from __future__ import annotations

import re
from pathlib import Path

import layouts
import pytest

from bench.cards import corpus_cards
from bench.config import Config
from bench.data.corpora import read_corpus_split
from bench.data.readers import find_reader
from bench.data.subset import FrameVectors, Spans
from bench.errors import BenchError

SHORTS = {
    "add2022": "ADD22",
    "add2023": "ADD23",
    "asvspoof2015": "ASV15",
    "asvspoof2017": "ASV17",
    "asvspoof2019la": "19LA",
    "asvspoof2019pa": "19PA",
    "asvspoof2021df": "21DF",
    "asvspoof2021la": "21LA",
    "asvspoof2021pa": "21PA",
    "asvspoof5": "ASV5",
    "codecfake": "CF",
    "ctrsvdd": "CtrSVDD",
    "decro": "DECRO",
    "dfadd": "DFADD",
    "fakeorreal": "FoR",
    "had": "HAD",
    "hqmpsd": "HQ-MPSD",
    "inthewild": "ITW",
    "lavdf": "LAVDF",
    "llamapartialspoof": "LPS",
    "mlaad": "MLAAD",
    "partialedit": "PE",
    "partialspoof": "PS",
    "spoofceleb": "SC",
}
KEYS = list(SHORTS)
NOT_COUNTED = {
    *("add2022", "add2023", "asvspoof2015", "asvspoof2017", "codecfake", "ctrsvdd", "dfadd"),
    *("fakeorreal", "hqmpsd", "mlaad", "spoofceleb"),
}
"""Corpora of which some counts were not at hand."""
NO_CHECKSUMS = {"asvspoof2021pa", "codecfake", "ctrsvdd", "decro"}
NO_FILES = {"add2022", "add2023", "asvspoof2015", "dfadd"}
"""Open corpora the names of whose archives were not at hand."""
WHOLE = """
name = "X"
short = "X"
story = "s"
citation = "c"
licence = "l"
page = "p"
reader = "llamapartialspoof"
place = "here"
task = "localization"
[splits.train]
utterances = 3
bonafide = 1
spoof = 2
"""


def test_the_corpora_are_there():
    assert corpus_cards.list_corpora() == KEYS


def test_every_card_is_whole(subtests: pytest.Subtests):
    for key in KEYS:
        with subtests.test(key=key):
            card = corpus_cards.read_corpus_card(key)
            assert card.key == key
            assert card.short == SHORTS[key]
            assert card.reader in corpus_cards.reader_names()
            assert callable(find_reader(card))
            assert card.evaluation_split in card.splits
            assert bool(card.downloads) == (card.access == "open" and key not in NO_FILES)
            assert card.traps
            assert len({download.file for download in card.downloads}) == len(card.downloads)
            for download in card.downloads:
                if "zenodo" in download.url and key in NO_CHECKSUMS:
                    assert re.match(r"https://zenodo.org/records/\d+/files/", download.url)
                    assert download.url.endswith(f"/{download.file}")
                elif "zenodo" in download.url:
                    assert download.url == f"{card.page}/files/{download.file}"
                    assert download.md5 is not None
                if download.md5 is not None:
                    assert len(download.md5) == 32
                    int(download.md5, 16)


def test_counts_of_every_split_are_there_and_add_up(subtests: pytest.Subtests):
    for key in KEYS:
        with subtests.test(key=key):
            for name, split in corpus_cards.read_corpus_card(key).splits.items():
                assert split.utterances or key in NOT_COUNTED, name
                assert split.utterances is not None or split.spoof is None
                assert (split.bonafide is None) == (split.spoof is None)


def test_the_subsets_of_2021_are_all_of_the_list():
    totals = {"asvspoof2021la": (18_452, 163_114), "asvspoof2021df": (22_617, 589_212)}
    for key, (bonafide, spoof) in totals.items():
        splits = corpus_cards.read_corpus_card(key).splits.values()
        assert sum(split.bonafide or 0 for split in splits) == bonafide
        assert sum(split.spoof or 0 for split in splits) == spoof
        assert corpus_cards.read_corpus_card(key).evaluation_split == "eval"


def test_official_figures_have_what_they_need(subtests: pytest.Subtests):
    for key in KEYS:
        with subtests.test(key=key):
            card = corpus_cards.read_corpus_card(key)
            assert bool(card.tdcf) == any(name.startswith("min_tdcf") for name in card.official)
            assert not card.attack_types or card.factors["attack_type"] == "spoof"


def test_every_attack_of_the_asvspoof_corpora_has_a_type():
    types = {key: corpus_cards.read_corpus_card(key).attack_types for key in KEYS}
    assert list(types["asvspoof2019la"]) == [f"A{i:02d}" for i in range(1, 20)]
    assert list(types["asvspoof5"]) == [f"A{i:02d}" for i in range(1, 33)]
    for key in ("asvspoof2021la", "asvspoof2021df"):
        of_2019 = types["asvspoof2019la"].items()
        assert dict(of_2019).items() >= {a: types[key][a] for a in list(types[key])[:13]}.items()
        assert list(types[key])[:13] == [f"A{i:02d}" for i in range(7, 20)]


def test_the_downloads_of_asvspoof_5_are_those_of_its_readme(official: Path):
    readme = (official / "asvspoof5/README.txt").read_text(encoding="utf-8")
    for download in corpus_cards.read_corpus_card("ASV5").downloads:
        (line,) = (line for line in readme.splitlines() if f"{download.md5} " in line)
        assert download.file in line


def test_corpora_that_share_recordings_or_speakers_say_so():
    found = {key: corpus_cards.read_corpus_card(key) for key in KEYS}
    vctk = {key for key, card in found.items() if "VCTK" in card.sources}
    same = {key for key, card in found.items() if card.speakers == "ASVspoof LA"}
    assert (
        vctk - {"asvspoof2019pa", "asvspoof2021pa", "codecfake", "decro", "dfadd", "partialedit"}
        == same
        == {"asvspoof2019la", "asvspoof2021df", "asvspoof2021la", "partialspoof"}
    )
    assert "LibriVox" in found["asvspoof5"].sources
    assert "LibriVox" in found["llamapartialspoof"].sources


def test_an_unknown_corpus_has_a_near_name():
    with pytest.raises(BenchError, match="'partialspof': there is no such corpus; did you mean 'p"):
        corpus_cards.read_corpus_card("partialspof")


def written(folder: Path, text: str) -> Path:
    path = folder / "x.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_whole_card_is_read(tmp_path: Path):
    assert corpus_cards.parse_corpus_card(written(tmp_path, WHOLE)).key == "x"


def test_all_faults_of_a_card_are_in_one_error(tmp_path: Path):
    text = WHOLE.replace("licence", "license").replace("utterances = 3", 'utterances = "3"')
    text = text.replace('"localization"', '"localisation"')
    path = written(tmp_path, text)
    with pytest.raises(BenchError) as caught:
        corpus_cards.parse_corpus_card(path)
    lines = str(caught.value).splitlines()
    assert len(lines) == 4
    assert all(line.startswith(f"{path}: ") for line in lines)
    text = "\n".join(lines)
    assert "license: no such key; did you mean 'licence'?" in text
    assert "licence: is missing" in text
    assert "splits.train.utterances = '3'" in text
    assert "task = 'localisation'" in text


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            'reader = "llamapartialspoof"',
            'reader = "lamapartialspoof"',
            "reader = 'lamapartialspoof': no such reader; did you mean 'llama",
        ),
        ("spoof = 2", "spoof = 3", "splits.train: 1 bona fide and 3 spoof utterances are not 3"),
        ("name =", 'key = "y"\nname =', "key: a card's key is its file's name"),
        ("name =", "name", "not TOML"),
    ],
)
def test_other_faults(tmp_path: Path, old: str, new: str, said: str):
    with pytest.raises(BenchError, match=said):
        corpus_cards.parse_corpus_card(written(tmp_path, WHOLE.replace(old, new, 1)))


def test_load_reads_from_where_the_configuration_says(ps: Path, had: Path, tmp_path: Path):
    config = Config(corpora={"partialspoof": ps, "had": had}, work=tmp_path / "work")
    subset = read_corpus_split("PS", "train", config, "paper", 0.16)
    assert isinstance(subset.timing, FrameVectors)
    assert subset.timing.resolution_s == 0.16
    assert subset.root == ps
    assert isinstance(read_corpus_split("had", "train", config, "paper").timing, Spans)
    with pytest.raises(BenchError, match="llamapartialspoof"):
        read_corpus_split("LPS", "crossfade", config, "paper")
    with pytest.raises(BenchError, match="partialspoof has no split 'tran'; did you mean 'train'"):
        read_corpus_split("PS", "tran", config, "paper")


def test_load_reads_the_miniature_for_smoke(tmp_path: Path):
    config = Config(work=tmp_path)
    layouts.partialspoof(config.mini_root / "partialspoof")
    assert len(read_corpus_split("ps", "train", config, "smoke")) == 4
