"""The reader that goes by the card alone: the detection corpora in their exact official form, real
protocols, and every kind of broken file.
"""

from __future__ import annotations

import gzip
import lzma
from pathlib import Path

import layouts
import pytest
from hypothesis import given
from hypothesis import strategies as st
from layouts import replace, write_lines

from bench.cards.corpus_cards import read_corpus_card
from bench.data import protocol_lines
from bench.data.broken_corpus import BrokenCorpus
from bench.data.check import check_corpus
from bench.data.corpora import read_keys
from bench.data.fingerprint import compute_fingerprint
from bench.data.readers.protocol import read_split
from bench.data.subset import TABLE_COLUMNS
from bench.issues import Issues
from bench.specs.corpus import Audio, Protocol
from tests.errors import raises_code

EVAL19 = "ASVspoof2019_LA_cm_protocols/ASVspoof2019.LA.cm.eval.trl.txt"


def silent(_done: int, _total: int) -> None:
    pass


@pytest.mark.parametrize("key", layouts.DETECTION)
def test_every_detection_corpus_is_read_and_sound(key: str, tmp_path: Path):
    root, found = layouts.DETECTION[key](tmp_path), read_corpus_card(key)
    for split in found.splits:
        subset = read_split(found, root, split, None)
        assert tuple(subset.table.columns[:6]) == TABLE_COLUMNS
        assert subset.timing is None
        assert all(subset.audio_path(i).is_file() for i in range(len(subset)))
        assert (subset.table["attack"][subset.table["label"] == "bonafide"] == "").all()
        for factor in found.factors:
            assert factor in subset.table
        report = check_corpus(found, root, split, silent, form="smoke")
        assert report.issues == ()
        assert report.counts["utterances"] == len(subset) > 0
        assert read_keys(found, split, root).table.equals(subset.table)


def test_enrolment_files_are_other_audio_files(tmp_path: Path):
    root = layouts.asvspoof2019la(tmp_path)
    report = check_corpus(read_corpus_card("19LA"), root, "eval", silent, form="smoke")
    assert report.counts["other audio files"] == 1
    (root / "ASVspoof2019_LA_eval/flac/LA_E_2834763.flac").write_bytes(b"fLaC")
    (root / "ASVspoof2019_LA_eval/flac/LA_E_8877452.flac").unlink()
    report = check_corpus(read_corpus_card("19LA"), root, "eval", silent, form="smoke")
    assert [issue.code for issue in report.issues] == ["corpus.audio-missing", "audio.damaged"]


def test_19la(tmp_path: Path):
    table = read_split(
        read_corpus_card("19LA"), layouts.asvspoof2019la(tmp_path), "eval", None
    ).table
    assert table["utterance"].tolist()[0] == "LA_E_2834763"
    assert table["path"].tolist()[0] == "ASVspoof2019_LA_eval/flac/LA_E_2834763.flac"
    assert table["speaker"].tolist() == ["LA_0039", "LA_0014", "LA_0001", "LA_0002"]
    assert table["attack"].tolist() == ["A11", "A14", "", "A19"]
    assert table["attack_type"].tolist() == ["TTS", "TTS+VC", "", "VC"]
    assert table["label"].tolist() == ["spoof", "spoof", "bonafide", "spoof"]
    assert table["duration_s"].isna().all()


def test_21la_splits_are_subsets_and_stage_1_calls_one_otherwise(tmp_path: Path):
    root, found = layouts.asvspoof2021la(tmp_path), read_corpus_card("21LA")
    assert found.evaluation_split == "eval"
    table = read_split(found, root, "eval", None).table
    assert table["utterance"].tolist() == ["LA_E_9332881", "LA_E_6866159"]
    assert table["codec"].tolist() == ["alaw", "none"]
    assert table["transmission"].tolist() == ["ita_tx", ""]
    assert table["attack"].tolist() == ["A07", ""]
    assert table["attack"].cat.categories.tolist() == ["", "A07"]
    assert len(read_split(found, root, "progress", None)) == 2
    hidden = read_split(found, root, "hidden", None)
    assert hidden.table["trim"].tolist() == ["only_speech"] * 2
    replace(root / "keys/LA/CM/trial_metadata.txt", " hidden", " hidden_track")
    assert compute_fingerprint(read_split(found, root, "hidden", None)) == compute_fingerprint(
        hidden
    )
    write_lines(root / "keys/LA/CM/trial_metadata.txt", layouts.LA21[2:])
    with pytest.raises(BrokenCorpus, match="no line has subset = eval; there are: hidden, prog"):
        read_split(found, root, "eval", None)


def test_21df(tmp_path: Path):
    table = read_split(
        read_corpus_card("21DF"), layouts.asvspoof2021df(tmp_path), "eval", None
    ).table
    assert table["attack"].tolist() == ["Task1-team20", "SPO-N16", ""]
    assert table["attack_type"].tolist() == ["VC", "VC", ""]
    assert table["vocoder"].tolist() == ["neural_vocoder_nonautoregressive", "unknown", ""]
    assert table["compression"].tolist() == ["low_m4a", "mp3m4a", "low_ogg"]
    assert table["source"].tolist() == ["vcc2020", "vcc2018", "asvspoof"]
    assert table["gender_pair"].tolist() == ["FF", "FM", ""]


def test_asvspoof5_with_ten_and_with_six_columns(tmp_path: Path):
    root = layouts.asvspoof5(tmp_path)
    table = read_split(read_corpus_card("ASV5"), root, "eval", None).table
    assert table["codec"].tolist() == ["C07", "C00", "C11"]
    assert table["codec_quality"].tolist() == ["3", "", "8"]
    assert table["adaptation"].tolist() == ["AC2", "", "AC1"]
    assert table["attack_type"].tolist() == ["VC", "", "TTS"]
    assert table["path"].tolist()[0] == "flac_E_eval/E_0000000001.flac"
    (root / "ASVspoof5.train.tsv").unlink()
    write_lines(root / "ASVspoof5.train.metadata.txt", layouts.ASV5_SIX)
    table = read_split(read_corpus_card("ASV5"), root, "train", None).table
    assert table["label"].tolist() == ["spoof", "bonafide"]
    assert table["attack"].tolist() == ["A05", ""]
    assert table["gender"].tolist() == ["F", "F"]
    assert "adaptation" not in table


@pytest.mark.parametrize(
    ("folder", "nested"),
    [("release_in_the_wild", ""), ("release_in_the_wild", "release_in_the_wild"), ("", "")],
)
def test_inthewild_in_every_copys_layout(tmp_path: Path, folder: str, nested: str):
    root = layouts.inthewild(tmp_path, folder, nested)
    subset = read_split(read_corpus_card("ITW"), root, "eval", None)
    assert subset.table["utterance"].tolist() == ["0", "2", "4"]
    assert subset.table["label"].tolist() == ["spoof", "spoof", "bonafide"]
    assert subset.table["speaker"].tolist()[0] == "Alec Guinness"
    assert all(subset.audio_path(i).is_file() for i in range(3))
    meta = root / folder / "meta.csv"
    write_lines(meta, layouts.ITW[1:])
    assert compute_fingerprint(
        read_split(read_corpus_card("ITW"), root, "eval", None)
    ) == compute_fingerprint(subset)
    write_lines(meta, ["file, speaker, label", '0.wav, "Guinness, Alec", spoof'])
    table = read_keys(read_corpus_card("ITW"), "eval", root).table
    assert table["speaker"].tolist() == ["Guinness, Alec"]


def test_without_audio_the_reader_says_where_it_should_be(tmp_path: Path):
    write_lines(tmp_path / EVAL19, layouts.LA19["eval"])
    with pytest.raises(BrokenCorpus, match=r"no audio at ASVspoof2019_LA_eval/flac/\{utterance\}"):
        read_split(read_corpus_card("19LA"), tmp_path, "eval", None)


def test_a_missing_protocol_is_named_with_its_archive_and_where_it_may_be(tmp_path: Path):
    root = layouts.asvspoof2019la(tmp_path / "LA")
    with pytest.raises(BrokenCorpus, match=r"is below .*/LA: set corpora.asvspoof2019la to it"):
        read_split(read_corpus_card("19LA"), tmp_path, "eval", None)
    (root / EVAL19).unlink()
    with pytest.raises(BrokenCorpus, match=r"eval.trl.txt is missing: it is in LA.zip \(https"):
        read_split(read_corpus_card("19LA"), root, "eval", None)


MALFORMED = "protocol.malformed-line"
LINES = "".join(f"{line}\n" for line in layouts.LA19["eval"]).encode()


def test_harmless_oddities_are_read_right(
    tmp_path_factory: pytest.TempPathFactory, subtests: pytest.Subtests
):
    cases = {
        "as-is": LINES,
        "no-end": LINES.rstrip(b"\n"),
        "crlf": LINES.replace(b"\n", b"\r\n"),
        "cr": LINES.replace(b"\n", b"\r"),
        "bom": b"\xef\xbb\xbf" + LINES,
        "blank": b"\n\n" + LINES.replace(b"\n", b"\n\n"),
        "tabs": LINES.replace(b" ", b"\t"),
        "runs": LINES.replace(b" ", b"   "),
        "trail": LINES.replace(b"\n", b" \n"),
        "lead": b"  " + LINES,
        "gz": gzip.compress(LINES, mtime=0),
        "xz": lzma.compress(LINES),
        "utf-16": LINES.decode().encode("utf-16"),
        "gz of utf-16": gzip.compress(
            LINES.decode().replace("\n", "\r\n").encode("utf-16"), mtime=0
        ),
    }
    for name, content in cases.items():
        with subtests.test(name=name):
            tmp_path = tmp_path_factory.mktemp("case")
            (tmp_path / "whole.txt").write_bytes(LINES)
            (tmp_path / "odd.txt").write_bytes(content)
            found = [
                read_keys(read_corpus_card("19LA"), "eval", tmp_path / file)
                for file in ("whole.txt", "odd.txt")
            ]
            assert found[0].table.equals(found[1].table)
            assert len(found[0]) == 4


@pytest.mark.rows
def test_broken_files_are_named_never_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, subtests: pytest.Subtests
):
    cases = {
        "empty": (b"", "protocol.empty", "x.txt"),
        "blank": (b"\n \n", "protocol.empty", "x.txt"),
        "zeros": (b"\x00\x01\x02", "file.encoding", "x.txt:1: holds a zero byte"),
        "png": (b"\x89PNG\r\n\xff\xfe", "file.encoding", "x.txt:1: not in UTF-8"),
        "utf-16": (
            "LA_0039 LA_E_2834763\n".encode("utf-16")[:-1],
            "file.encoding",
            "x.txt:1: not in UTF-8",
        ),
        "cut-gz": (gzip.compress(LINES, mtime=0)[:-12], "file.unreadable", "x.txt: "),
        "four": (LINES + b"LA_0039 LA_E_1 A11 spoof\n", MALFORMED, "x.txt:5: 'LA_0039 LA_E_1 A11"),
        "seven": (LINES + b"LA_0039 LA_E_1 - A11 spoof 1\n", MALFORMED, "x.txt:5"),
        "twice": (LINES + LINES, "protocol.repeated-utterance", "(4): LA_E_2834763 (x.txt:5)"),
        "two": (
            LINES + LINES.replace(b"A11 spoof", b"- bonafide"),
            "protocol.two-labels",
            "LA_E_2834763 (spoof x.txt:1, bonafide x.txt:5)",
        ),
        "label": (
            LINES.replace(b"bonafide", b"bona-fide"),
            "protocol.unknown-label",
            "mean 'bonafide'",
        ),
        "attack": (LINES.replace(b"- - bona", b"- A07 bona"), "protocol.contradiction", "x.txt:3"),
        "endless": (b"a" * 10_000_000, "protocol.uneven-columns", "x.txt"),
        "endless-field": (
            LINES + b"LA_0039 " + b"E" * 9_000_000 + b" - A11\n",
            MALFORMED,
            "x.txt:5",
        ),
    }
    for name, (content, code, part) in cases.items():
        with subtests.test(name=name):
            tmp_path = tmp_path_factory.mktemp("case")
            path = tmp_path / "x.txt"
            path.write_bytes(content)
            with raises_code(code, part):
                read_keys(read_corpus_card("19LA"), "eval", path)
            (tmp_path / EVAL19).parent.mkdir()
            path.rename(tmp_path / EVAL19)
            report = check_corpus(read_corpus_card("19LA"), tmp_path, "eval", silent)
            assert not report.ok


def test_a_line_longer_than_a_block_is_read(tmp_path: Path):
    path = tmp_path / "x.txt"
    path.write_bytes(LINES + b"LA_0039 " + b"E" * 9_000_000 + b" - A11 spoof\n")
    assert len(read_keys(read_corpus_card("19LA"), "eval", path)) == 5


words = st.text("ab01-é.", min_size=1, max_size=4)
gaps = st.sampled_from([" ", " ", " ", "  ", "\t", " \t "])


@pytest.mark.rows
@given(
    st.lists(st.tuples(st.lists(words, min_size=1, max_size=5), gaps), max_size=8),
    st.sampled_from(["\n", "\n", "\r\n", "\n\n"]),
    st.booleans(),
)
def test_reads_what_a_plain_reader_reads(
    tmp_path_factory: pytest.TempPathFactory,
    content: list[tuple[list[str], str]],
    newline: str,
    ended: bool,
):
    """Against a line-by-line reader: the same rows, numbers and faults, whatever the spacing."""
    text = newline.join(gap.join(fields) for fields, gap in content) + (newline if ended else "")
    path = tmp_path_factory.mktemp("lines") / "x.txt"
    path.write_bytes(text.encode())
    rows: dict[str, tuple[int, list[str]]] = {}
    wrong = again = 0
    for number, line in enumerate(text.replace("\r", "").split("\n"), 1):
        fields = line.split()
        if len(fields) == 3 and fields[1] in rows:
            again += 1
        elif len(fields) == 3:
            rows[fields[1]] = (number, fields)
        elif fields:
            wrong += 1
    issues = Issues()
    protocol = Protocol(file=("x",), columns=("speaker utterance label",), audio=("x",))
    found = protocol_lines.read_protocol(path, protocol, Audio(), issues)
    assert found.table.to_numpy().tolist() == [fields for _, fields in rows.values()]
    assert found.numbers.tolist() == [number for number, _ in rows.values()]
    counts = {issue.message.partition(",")[0]: issue.count for issue in issues}
    assert counts.get("malformed line", 0) == wrong
    twice = counts.get("utterance listed more than once", 0)
    assert twice + counts.get("utterance listed with two labels", 0) == again


def test_words_that_look_like_numbers_stay_words(tmp_path: Path):
    path = tmp_path / "x.csv"
    path.write_text("0079,001,NA\n7,1e3,nan\n", encoding="utf-8")
    protocol = Protocol(
        file=("x",), columns=("speaker utterance label",), separator="comma", audio=("x",)
    )
    found = protocol_lines.read_protocol(path, protocol, Audio(), Issues())
    assert found.table.to_numpy().tolist() == [["0079", "001", "NA"], ["7", "1e3", "nan"]]


# --- the real files -------------------------------------------------------------------------------


def test_real_19la_protocols(official: Path):
    found = read_corpus_card("19LA")
    per_attack = {"train": (6, 3_800), "dev": (6, 3_716), "eval": (13, 4_914)}
    speakers = {"train": (20, 20), "dev": (20, 10), "eval": (67, 48)}
    for split, (attacks, each) in per_attack.items():
        table = read_keys(found, split, official / "asvspoof2019_la").table
        counts = table["label"].value_counts()
        expected = found.splits[split]
        assert (len(table), counts["bonafide"], counts["spoof"]) == (
            expected.utterances,
            expected.bonafide,
            expected.spoof,
        )
        sizes = table["attack"].value_counts().drop("")
        assert len(sizes) == attacks
        assert (sizes == each).all()
        by_class = table.groupby("label", observed=True)["speaker"].nunique()
        assert (by_class["bonafide"], by_class["spoof"]) == speakers[split]
        assert (table["attack_type"] != "").sum() == expected.spoof


def test_real_21la_ids_are_those_of_the_card(official: Path, tmp_path: Path):
    """Every real id in a list of the official form, and none of them an id of 19LA eval."""
    listed = official / "asvspoof2021_la/ASVspoof2021.LA.cm.eval.trl.txt"
    ids = listed.read_text(encoding="utf-8").split()
    assert len(ids) == 181_566
    lines = [f"LA_0009 {name} alaw ita_tx A07 spoof notrim eval" for name in ids]
    write_lines(tmp_path / "trial_metadata.txt", lines)
    table = read_keys(read_corpus_card("21LA"), "eval", tmp_path).table
    assert table["utterance"].tolist() == ids
    assert table["utterance"].str.fullmatch(read_corpus_card("21LA").protocol.ids).all()
    other = read_keys(read_corpus_card("19LA"), "eval", official / "asvspoof2019_la").table
    assert not set(ids) & set(other["utterance"])


def test_real_asvspoof5_ids_and_genders(shared: Path, tmp_path: Path):
    """All bona fide dev utterances, as a protocol of ten columns."""
    listed = shared / "protocols/asvspoof5/OCS_dev_bonafide_scores_gender.txt"
    rows = [line.split() for line in listed.read_text(encoding="utf-8").splitlines()]
    lines = [
        f"{speaker} {name} {gender[0].upper()} - - - - bonafide bonafide -"
        for name, speaker, _, _, _, gender in rows
    ]
    write_lines(tmp_path / "ASVspoof5.dev.track_1.tsv", lines)
    table = read_keys(read_corpus_card("ASV5"), "dev", tmp_path).table
    assert len(table) == read_corpus_card("ASV5").splits["dev"].bonafide
    assert table["utterance"].str.fullmatch(read_corpus_card("ASV5").protocol.ids).all()
    assert table["gender"].cat.categories.tolist() == ["F", "M"]
    assert (table["attack"] == "").all()
