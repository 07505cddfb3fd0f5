"""A user's own corpus from a card alone, in a folder that bench.toml names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from layouts import wav, write_lines

from bench import config
from bench.cards import corpus_cards
from bench.data.check import check_corpus
from bench.data.corpora import read_corpus_split, read_keys
from bench.data.subset import Span, Spans
from bench.errors import BenchError
from bench.synthetic import DEFAULT, write_miniatures
from bench.synthetic.card_corpus import CardCorpus
from tests.errors import raises_code

HEAD = """
name = "My deepfakes"
short = "MINE"
story = "s"
citation = "c"
licence = "l"
page = "p"
place = "Put the audio into the folder audio."
reader = "protocol"
"""
DETECTION = """
task = "detection"

[protocol]
file = "lists/{split}.csv"
separator = "comma"
header = "id,spk,system,noise,class"
columns = "utterance speaker attack noise label"
labels = { real = "bonafide", fake = "spoof" }
words = { attack = { none = "" } }
audio = "audio/{speaker}/{utterance}.wav"

[factors]
attack = "spoof"
noise = "channel"

[attack_types]
"vits*" = "TTS"
knnvc = "VC"

[splits.test]
utterances = 3
bonafide = 1
spoof = 2
"""
LISTED = ["id,spk,system,noise,class", "a,s1,none,clean,real", "b,s1,vits2,clean,fake"]
SPANS = """
task = "localization"

[protocol]
file = "{split}.tsv"
separator = "tab"
columns = "utterance duration_s label spans ..."
audio = "**/{utterance}.wav"
[protocol.spans]
labels = { b = "bonafide", s = "spoof" }

[splits.all]
utterances = 2
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with bench.toml, in which `lab/datasets` has room for cards."""
    monkeypatch.chdir(tmp_path)
    text = 'extend = ["lab"]\n[corpora]\nmine = "data"\n'
    (tmp_path / "bench.toml").write_text(text, encoding="utf-8")
    (tmp_path / "lab/datasets").mkdir(parents=True)
    return tmp_path


def card(own: Path, text: str) -> None:
    (own / "lab/datasets/mine.toml").write_text(text, encoding="utf-8")


def test_a_detection_corpus_from_a_card(own: Path):
    card(own, HEAD + DETECTION)
    write_lines(own / "data/lists/test.csv", [*LISTED, "c,s2,knnvc,street,fake"])
    for name in ("s1/a", "s1/b", "s2/c"):
        wav(own / f"data/audio/{name}.wav", 0.2)
    assert "mine" in corpus_cards.list_corpora()
    assert corpus_cards.read_corpus_card("Mine").evaluation_split == "test"
    subset = read_corpus_split("MINE", "test", config.read_config(), "paper")
    assert subset.table["path"].tolist()[2] == "audio/s2/c.wav"
    assert subset.table["attack"].tolist() == ["", "vits2", "knnvc"]
    assert subset.table["attack_type"].tolist() == ["", "TTS", "VC"]
    assert subset.table["noise"].tolist() == ["clean", "clean", "street"]
    report = check_corpus(
        corpus_cards.read_corpus_card("mine"), own / "data", "test", lambda *_: None
    )
    assert report.issues == ()


@pytest.mark.parametrize("audio", ["{utterance}", "**/{utterance}", "{utterance}.wav"])
@pytest.mark.parametrize("suffix", ["", ".wav"])
def test_ids_may_be_written_with_the_audios_suffix(own: Path, audio: str, suffix: str):
    """Paths as ids, as in Fake-or-Real's and SONAR's lists: `real/1.wav` and `fake/1.wav`."""
    folder = "x/" if "*" in audio else ""
    ids = ["r1", "f1", "f2"] if folder else ["real/1", "fake/1", "fake/2"]
    card(own, HEAD + DETECTION.replace("audio/{speaker}/{utterance}.wav", audio))
    lines = [f"{name}{suffix},s1,none,clean,real" for name in ids]
    write_lines(own / "data/lists/test.csv", [LISTED[0], *lines])
    for name in ids:
        wav(own / f"data/{folder}{name}.wav", 0.2)
    found = read_corpus_split("mine", "test", config.read_config(), "paper")
    assert found.table["utterance"].tolist() == ids
    assert [found.audio_path(i).is_file() for i in range(3)] == [True] * 3


def test_spans_in_further_columns(own: Path):
    card(own, HEAD + SPANS)
    lines = ["a\t1.0\tbonafide\t0-1.0-b", "b\t1.5\tspoof\t0-0.5-b\t0.5-1.5-s"]
    write_lines(own / "data/all.tsv", lines)
    for name, seconds in (("a", 1.0), ("b", 1.5)):
        wav(own / f"data/x/{name}.wav", seconds)
    subset = read_corpus_split("mine", "all", config.read_config(), "paper")
    assert isinstance(subset.timing, Spans)
    assert subset.timing.spans["b"] == (Span(0.0, 0.5, "bonafide"), Span(0.5, 1.5, "spoof"))
    assert subset.table["duration_s"].tolist() == [1.0, 1.5]
    write_lines(own / "data/all.tsv", [lines[0], lines[1].replace("1.5\t", "1.9\t", 1)])
    with raises_code("labels.duration-mismatch", "b: 1.5 s"):
        read_keys(corpus_cards.read_corpus_card("mine"), "all", own / "data")
    write_lines(own / "data/all.tsv", [lines[0], lines[1].replace("1.5\t", "long\t", 1)])
    with raises_code("protocol.invalid-duration", "all.tsv:2: 'long'"):
        read_keys(corpus_cards.read_corpus_card("mine"), "all", own / "data")


def test_a_type_that_the_card_lacks_is_a_warning(own: Path):
    card(own, HEAD + DETECTION.replace("knnvc = ", "other = "))
    write_lines(own / "data/lists/test.csv", [*LISTED, "c,s2,knnvc,street,fake"])
    for name in ("s1/a", "s1/b", "s2/c"):
        wav(own / f"data/audio/{name}.wav", 0.2)
    report = check_corpus(
        corpus_cards.read_corpus_card("mine"), own / "data", "test", lambda *_: None
    )
    assert [str(issue) for issue in report.issues] == ["attack without a type on the card: knnvc"]
    assert report.ok


def test_faults_of_a_card_are_said(own: Path, subtests: pytest.Subtests):
    cases = [
        ('speaker attack noise label"', 'speaker attack noise"', "has no label"),
        ("utterance speaker", "utterance utterance", "utterance is there twice"),
        ("attack noise label", "attack Noise label", "'Noise': should be lower-case"),
        ("/{speaker}/", "/{speakers}/", "protocol.audio: no column 'speakers'; did you mean 'sp"),
        ("/{speaker}/", "/{speaker/", "protocol.audio = "),
        ('noise = "channel"', 'nose = "channel"', "factors.nose: no column 'nose'; did you mean"),
        ("{ attack = {", "{ atack = {", "protocol.words.atack: no column 'atack'"),
        ("utterances = 3", "where = { x = 'y' }\nutterances = 3", "splits.test.where.x: no column"),
        ("[factors]", "ids = '('\n[factors]", r"protocol.ids = '\(': is no regular expression"),
        ("label", "label spans", r"a column `spans` and \[protocol.spans\] go together"),
        ("noise label", "noise label ...", "`...` stands after `spans` only"),
        ('"comma"', '"colon"', "should be 'space', 'tab', 'comma', 'semicolon' or 'pipe'"),
        ('"bonafide", fake', '"genuine", fake', "should be 'bonafide' or 'spoof'"),
        ("[splits.test]", "[splits.tdcf]", "evaluation = 'test': no such split"),
    ]
    for old, new, said in cases:
        with subtests.test(new=new):
            text = 'evaluation = "test"\n' + HEAD + DETECTION
            assert old in text
            card(own, text.replace(old, new, 1))
            with pytest.raises(BenchError, match=said):
                corpus_cards.read_corpus_card("mine")


def test_a_card_without_its_protocol(own: Path):
    card(own, HEAD + 'task = "detection"\n[splits.test]\n')
    with raises_code("corpus.invalid-card", "protocol: is missing"):
        corpus_cards.read_corpus_card("mine")


def test_the_folder_of_cards(own: Path, monkeypatch: pytest.MonkeyPatch):
    (own / "lab/datasets/had.toml").write_text(HEAD + DETECTION, encoding="utf-8")
    with pytest.raises(
        BenchError, match=r"lab/datasets/had.toml: there is datasets/had.toml already"
    ):
        corpus_cards.read_corpus_card("had")
    assert corpus_cards.read_corpus_card("PS").key == "partialspoof", (
        "of another corpus all is well"
    )
    monkeypatch.setenv("BENCH_EXTEND", "nowhere")
    with pytest.raises(BenchError, match="extend = 'nowhere': there is no such folder"):
        corpus_cards.list_corpora()
    monkeypatch.delenv("BENCH_EXTEND")
    (own / "lab/datasets/had.toml").rename(own / "lab/datasets/mine.toml")
    assert set(corpus_cards.list_corpora()) > {"had", "mine", "partialspoof"}


def test_files_that_are_no_cards_may_lie_beside_them(own: Path, monkeypatch: pytest.MonkeyPatch):
    (own / "cards").mkdir()
    (own / "cards/mine.toml").write_text(HEAD + DETECTION, encoding="utf-8")
    (own / "cards/pyproject.toml").write_text('[project]\nname = "x"\n', encoding="utf-8")
    for name in ("bench.toml", "lab.toml"):
        path = own / "cards" / name
        path.write_text('cards = "."\n', encoding="utf-8")
        monkeypatch.setenv("BENCH_CONFIG", str(path))
        assert set(corpus_cards.list_readable().faults) == set()
        assert {"mine", "had"} < set(corpus_cards.list_corpora())
        assert {"bench", "lab", "pyproject"}.isdisjoint(corpus_cards.list_corpora())
        path.rename(path.with_suffix(".old"))


SMALL = replace(DEFAULT, inthewild=8, shortest_s=1.0, longest_s=1.5)


@pytest.mark.rows
@pytest.mark.parametrize("text", [DETECTION, SPANS])
def test_a_miniature_is_made_from_the_card(own: Path, text: str):
    """Both classes, the card's own words, columns and paths; spans that cover each utterance."""
    text = text.replace("[splits.test]", '[splits.train]\nfile = "a.csv"\n\n[splits.test]')
    card(own, HEAD + text)
    mine = corpus_cards.read_corpus_card("mine")
    config_here = config.read_config()
    (written,) = write_miniatures(config_here.mini_root, size=SMALL, only=["mine"], cards=[mine])
    assert written == config_here.mini_root / "mine"
    for split in mine.splits:
        subset = read_corpus_split("mine", split, config_here, "smoke")
        assert subset.table["label"].value_counts().to_dict() == {"bonafide": 4, "spoof": 4}
        assert all(subset.audio_path(i).is_file() for i in range(8))
        if text == SPANS:
            assert isinstance(subset.timing, Spans)
            spans = [subset.timing.spans[name] for name in subset.table["utterance"]]
            labels = [{span.label for span in each} for each in spans]
            assert labels.count({"bonafide"}) == 4
            report = check_corpus(mine, written, split, lambda *_: None)
            assert not [issue for issue in report.issues if "audio" in issue.code]
        else:
            spoof = subset.table[subset.table["label"] == "spoof"]
            assert {*spoof["attack_type"]} == {"TTS", "VC"}
            assert {*subset.table["noise"]} == {"noise1", "noise2", "noise3"}
    again = write_miniatures(config_here.mini_root, size=SMALL, only=["mine"], cards=[mine])
    assert again == []
    changed = mine.model_copy(update={"story": "another"})
    assert write_miniatures(config_here.mini_root, size=SMALL, only=["mine"], cards=[changed])


def test_what_no_miniature_can_be_made_of_is_named(own: Path):
    card(own, HEAD + DETECTION.replace("[factors]", "ids = 'x[0-9]+'\n\n[factors]", 1))
    mine = corpus_cards.read_corpus_card("mine")
    with raises_code("mini.no-recipe", "x[0-9]+", "mini/mine"):
        write_miniatures(own / "mini", size=SMALL, only=["mine"], cards=[mine])
    with raises_code("mini.no-recipe", "mini/mine"):
        CardCorpus(mine.model_copy(update={"protocol": None}))
