"""Score files in the field's forms: the right columns are taken, or a question is asked."""

from __future__ import annotations

import bz2
import gzip
import lzma
import math

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.errors import BenchError
from bench.evaluation import score_file as scorefile
from bench.evaluation.ids import IdForm, clean_ids, reduce_ids
from tests.evaluation.listed import read

IDS = ["LA_E_1000001", "LA_E_1000002", "LA_E_1000003", "LA_E_1000004"]
SCORES = [1.5, -2.25, 3e-05, -4.0]

FORMS = {
    "blanks": "{u} {s}\n",
    "tabs": "{u}\t{s}\n",
    "several blanks": "{u}    {s}  \n",
    "blanks in front": "  {u} {s}\n",
    "commas": "{u},{s}\n",
    "commas and blanks": "{u}, {s} \n",
    "semicolons": "{u};{s}\n",
    "quotes": '"{u}","{s}"\n',
    "CRLF": "{u} {s}\r\n",
    "CR": "{u} {s}\r",
    "blank lines": "\n{u} {s}\n \n\t\n",
    "blank lines and commas": "\n{u},{s}\n \n\t\n",
    "comments": "# note\n{u} {s}\n#\n",
    "AASIST": "{u} A07 spoof {s}\n",
    "AASIST, bona fide": "{u} - bonafide {s}\n",
    "utterance key score": "{u} {k} {s}\n",
    "score first": "{s} {u}\n",
    "gender last": "{u} D_0461 A00 bonafide {s} male\n",
    "path": "/data/LA/flac/{u}.flac {s}\n",
    "path of Windows": "C:\\data\\{u}.WAV,{s}\n",
    "attack empty": "{u},,{s}\n",
}

HEADERS = {
    "ASVspoof 5": "filename\tcm-score\n{u}\t{s}\n",
    "commas": "file,score\n{u}.flac,{s}\n",
    "pandas' index": ",utterance,score\n{i},{u},{s}\n",
    "index and unknown names": ",fn,ours\n{i},{u},{s}\n",
    "unknown names": "fn ours\n{u} {s}\n",
    "score among numbers": "utt_id duration CM_Score epoch\n{u} 3.5 {s} 7\n",
    "label of digits": "filename,label,prob\n{u},1,{s}\n",
    "names in quotes": '"Utterance ID";"Score"\n"{u}";"{s}"\n',
    "after a comment": "# system X\nutt score\n{u} {s}\n",
}


def lines(form, rows=None):
    rows = list(zip(IDS, SCORES, strict=True)) if rows is None else rows
    keys = ("bonafide", "spoof")
    return "".join(form.format(u=u, s=s, i=i, k=keys[i % 2]) for i, (u, s) in enumerate(rows))


def put(tmp_path, content, name="scores.txt"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def held(found):
    """The scores by id, without folders and suffixes."""
    names = reduce_ids(clean_ids(found.names), IdForm(1, False)).to_pylist()
    return {names[int(r)]: s for r, s in zip(found.row, found.score, strict=True)}


def test_forms_without_header(tmp_path, subtests):
    for name, form in FORMS.items():
        with subtests.test(name=name):
            found = read(put(tmp_path, lines(form)))
            assert held(found) == dict(zip(IDS, SCORES, strict=True))
            assert found.kind == "utterances"
            assert "no header" in found.taken


def test_forms_with_header(tmp_path, subtests):
    for name, form in HEADERS.items():
        with subtests.test(name=name):
            head, row = form.rsplit("\n", 2)[:2]
            found = read(put(tmp_path, f"{head}\n{lines(row + chr(10))}"))
            assert held(found) == dict(zip(IDS, SCORES, strict=True))
            assert "taken as header" in found.taken


@pytest.mark.parametrize(
    "pack",
    [gzip.compress, bz2.compress, lzma.compress, lambda b: b"\xef\xbb\xbf" + b],
    ids=["gz", "bz2", "xz", "BOM"],
)
def test_packed_and_marked(tmp_path, pack):
    """Known by their first bytes, whatever the file is called."""
    found = read(put(tmp_path, pack(lines("{u} {s}\n").encode())))
    assert held(found) == dict(zip(IDS, SCORES, strict=True))


def test_utf16(tmp_path, subtests):
    for encoding in ["utf-16", "utf-16-le", "utf-16-be"]:
        for end in ["\n", "\r\n"]:
            with subtests.test(encoding=encoding, end=end):
                mark = "" if encoding == "utf-16" else "\ufeff"
                text = mark + lines("{u}\t{s}\n").replace("\n", end)
                assert held(read(put(tmp_path, text.encode(encoding)))) == dict(
                    zip(IDS, SCORES, strict=True)
                )


def test_no_newline_at_the_end(tmp_path):
    assert len(read(put(tmp_path, lines("{u} {s}\n").rstrip("\n")))) == 4


def test_one_line(tmp_path):
    assert held(read(put(tmp_path, "LA_E_1 0.5"))) == {"LA_E_1": 0.5}


def test_blocks_join(tmp_path, monkeypatch):
    """Wherever blocks end: within a line, between CR and LF, within a character of two bytes."""
    rows = [(f"é{i}", i / 8) for i in range(40)]
    for encoding in ("utf-8", "utf-16"):
        path = put(tmp_path, lines("{u} {s}\r\n", rows).encode(encoding))
        for block in (1, 2, 3, 7, 64):
            monkeypatch.setattr("bench._io.text_files.BLOCK", block)
            assert read(path).names.to_pylist() == [name for name, _ in rows]


def test_words_and_exponents_are_numbers(tmp_path, subtests):
    cases = [("nan", math.nan), ("-Inf", -math.inf), ("Infinity", math.inf), ("+1.5E-3", 0.0015)]
    for text, value in cases:
        with subtests.test(text=text):
            found = read(put(tmp_path, lines("{u} {s}\n") + f"LA_E_5 {text}\n"))
            np.testing.assert_equal(found.score[-1], value)


def test_labels_of_the_file_are_kept(tmp_path):
    found = read(put(tmp_path, lines("{u} x {k} {s}\n")))
    assert found.bonafide.tolist() == [True, False, True, False]
    assert "labels from column 3" in found.taken


def test_labels_in_the_fields_spellings(tmp_path):
    found = read(put(tmp_path, "1.wav,bona-fide,0.5\n2.wav,Fake,0.25\n"))
    assert found.bonafide.tolist() == [True, False]


def test_in_the_wild_names(tmp_path):
    found = read(put(tmp_path, "0.wav 0.5\n1.wav -1\n"))
    assert held(found) == {"0": 0.5, "1": -1.0}
    assert held(read(put(tmp_path, "0 0.5\n1 -1\n"))) == {"0": 0.5, "1": -1.0}


def test_ids_are_kept_as_they_stand(tmp_path):
    """What of them tells utterances apart is for the keys to say."""
    found = read(put(tmp_path, "a/1.wav 0.5\nb/1.wav 0.25\na/1.wav 0.5\n"))
    assert found.names.to_pylist() == ["a/1.wav", "b/1.wav"]
    assert found.row.tolist() == [0, 1, 0]


class TestTwoScores:
    PAIR = "u1 -3 0.5\nu2 -0.25 -2\nu3 1 2\n"

    def test_without_a_header_it_asks(self, tmp_path):
        with pytest.raises(BenchError, match=r"which column is the score\?.*--column 2-3"):
            read(put(tmp_path, self.PAIR))

    def test_one_of_them(self, tmp_path):
        assert read(put(tmp_path, self.PAIR), column="3").score.tolist() == [0.5, -2, 2]

    def test_the_difference(self, tmp_path):
        found = read(put(tmp_path, self.PAIR), column="3-2")
        assert found.score.tolist() == [3.5, -1.75, 1]
        assert "the difference column 3 - column 2" in found.taken

    @pytest.mark.parametrize("names", ["spoof bonafide", "logit_spoof logit_bonafide", "fake real"])
    def test_by_the_header(self, tmp_path, names):
        found = read(put(tmp_path, f"utt {names}\n{self.PAIR}"))
        assert found.score.tolist() == [3.5, -1.75, 1]
        assert "the difference" in found.taken

    def test_difference_by_name(self, tmp_path):
        found = read(put(tmp_path, f"utt cm-a cm-b\n{self.PAIR}"), column="cm-b-cm-a")
        assert found.score.tolist() == [3.5, -1.75, 1]

    def test_spoof_alone_is_refused(self, tmp_path):
        path = put(tmp_path, "utt,spoof\nu1,0.5\nu2,0.25\n")
        with pytest.raises(BenchError, match="higher for spoof"):
            read(path)
        with pytest.raises(BenchError, match="say --higher-is-spoof"):
            read(path, column="spoof")
        assert read(path, negate=True).score.tolist() == [0.5, 0.25]

    def test_digits_beside_a_score(self, tmp_path):
        """Two whole numbers are a label or a decision, never the score."""
        found = read(put(tmp_path, "u1 1 0.5\nu2 0 0.75\nu3 1 1.5\n"))
        assert found.score.tolist() == [0.5, 0.75, 1.5]
        assert found.binary.tolist() == [1, 0, 1]


def test_columns_by_name_and_number(tmp_path):
    path = put(tmp_path, "a,b,c\nu1,v1,0.5\nu2,v2,0.25\n")
    assert read(path, id_column="b").names.to_pylist() == ["v1", "v2"]
    assert read(path, id_column="2", column="3").names.to_pylist() == ["v1", "v2"]
    with pytest.raises(BenchError, match=r"no column 'scroe'"):
        read(path, column="scroe")
    with pytest.raises(
        BenchError, match=r"'b' holds no scores but e\.g\. 'v1'; numbers are in 'c'"
    ):
        read(path, column="b")
    with pytest.raises(BenchError, match="there is no column '9'"):
        read(path, column="9")


BROKEN = {
    "": "is empty",
    "\n\n  \n": "only blank lines",
    "# only a note\n": "only blank lines",
    "filename\tcm-score\n": ":1: a header and nothing below it",
    "u1 0.5\nu2\n": r":2: 'u2': 1 column, not 2",
    "u1 0.5\nu2 0.5 7\n": r":2: 'u2 0.5 7': 3 columns, not 2",
    "u1 0.5\n\n# c\nu2 abc\nu3 1\n": r":4: 'u2 abc': 'abc' is no number",
    "LA_E_1 abc\nLA_E_2 1\nLA_E_3 2\n": r":1: 'LA_E_1 abc': 'abc' is no number",
    "u1 0,5\nu2 0,25\n": "decimal comma",
    "u1;0,5\nu2;0,25\n": "decimal comma",
    "u1,\nu2,0.5\nu3,1\n": "'' is no number",
    ",0.5\nu2,0.5\nu3,1\n": "the id is empty",
    "0.5\n0.25\n": "numbers without ids",
    "-0.5 0.25\n-1 2\n": "no column of utterance ids",
    "u1\nu2\n": "no columns",
    "u1 bonafide\nu2 spoof\n": "no column of scores",
    "<html></html>": "HTML",
    'a,1\nb,2\nc,3\n"u1,0.5\nu2,0.5\n"u3,0.5\n': ":4: .*1 column, not 2",
}


def test_broken_text(tmp_path, subtests):
    for text, message in BROKEN.items():
        with subtests.test(text=text):
            with pytest.raises(BenchError, match=message) as caught:
                read(put(tmp_path, text))
            assert str(caught.value).startswith(str(tmp_path))


def test_words_that_are_no_labels_are_just_another_column(tmp_path):
    found = read(put(tmp_path, "u1 bonafide 1\nu2 bona 1\nu3 spoof 1\n"))
    assert found.bonafide is None


def test_malformed_lines_are_counted_and_cut(tmp_path):
    text = lines("{u} {s}\n") * 3 + f"LA_E_1000005 {'x' * 500}\n" * 9
    with pytest.raises(BenchError) as caught:
        read(put(tmp_path, text))
    message = str(caught.value)
    assert "9 lines are malformed; each should be `ID NUMBER`" in message
    assert ":13: 'LA_E_1000005 xxx" in message
    assert message.count("\n") == 6
    assert max(map(len, message.split("\n"))) < 300


def test_one_malformed_line_is_one(tmp_path):
    with pytest.raises(BenchError, match="1 line is malformed"):
        read(put(tmp_path, lines("{u} {s}\n") * 3 + "LA_E_1000005 x\n"))


def test_malformed_lines_of_far_blocks_have_their_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr("bench._io.text_files.BLOCK", 64)
    text = lines("{u} {s}\n") * 10 + "oops\n" + lines("{u} {s}\n")
    with pytest.raises(BenchError, match=r":41: 'oops'"):
        read(put(tmp_path, text))


BINARY = {
    "png": b"\x89PNG\r\n\x1a\n" + bytes(50),
    "wav": b"RIFF\x00\x00\x00\x00WAVE" + bytes(50),
    "flac": b"fLaC" + bytes(50),
    "pickle": b"\x80\x04\x95\x00",
    "zeros": bytes(100),
    "Latin-1": "é 0.5\nü 1\n".encode("latin-1"),
    "gz of zeros": gzip.compress(bytes(100), mtime=0),
    "cut gz": gzip.compress(lines("{u} {s}\n").encode() * 99, mtime=0)[:-20],
    "cut xz": lzma.compress(lines("{u} {s}\n").encode() * 99)[:-20],
    "spoiled gz": gzip.compress(lines("{u} {s}\n").encode() * 99, mtime=0)[:40] + b"\xff" * 60,
    "cut Parquet": b"PAR1" + bytes(40),
    "cut zip": b"PK\x03\x04" + bytes(40),
    "cut npy": b"\x93NUMPY\x01\x00",
    "odd UTF-16": b"\xff\xfeu\x00 \x00\x00\xd8\n\x00",
    "zero in a line": b"u1 0.5\nu2 0.5\n" * 99 + b"u\x003 0\x00.5\n",
}


def test_other_files_are_refused(tmp_path, subtests):
    for name, content in BINARY.items():
        with subtests.test(name=name), pytest.raises(BenchError, match=r"scores\.bin"):
            read(put(tmp_path, content, "scores.bin"))


def test_folders_and_missing_files(tmp_path):
    with pytest.raises(BenchError, match="is a folder"):
        read(tmp_path)
    with pytest.raises(BenchError, match="no such score file"):
        read(tmp_path / "nowhere.txt")


def test_an_endless_line_does_not_fill_the_memory(tmp_path):
    """4 GB of one line, packed to 4 MB, are refused after one block."""
    path = tmp_path / "bomb.gz"
    member = gzip.compress(b"x" * (1 << 24), 9)
    path.write_bytes(member * 256)
    with pytest.raises(BenchError, match=r":1: a line of more than 65,536 bytes: 'xxx"):
        read(path)


class TestParquet:
    def test_ours_of_utterances(self, tmp_path):
        columns = {
            "utterance": IDS,
            "speaker": ["s"] * 4,
            "attack": [""] * 4,
            "start_s": [0.0] * 4,
            "end_s": [2.0] * 4,
            "label": ["bonafide", "spoof"] * 2,
            "score": np.array(SCORES, dtype=np.float32),
        }
        scorefile.write_scores(tmp_path / "s.parquet", columns)
        found = read(tmp_path / "s.parquet")
        assert found.kind == "utterances"
        assert held(found) == dict(zip(IDS, np.float32(SCORES).tolist(), strict=True))
        assert found.bonafide.tolist() == [True, False] * 2

    def test_any_with_ids_and_scores(self, tmp_path):
        path = tmp_path / "s.parquet"
        pq.write_table(pa.table({"file": ["a/1.wav", "2"], "cm_score": [1, 2]}), path)
        assert held(read(path)) == {"1": 1.0, "2": 2.0}

    def test_broken(self, tmp_path, subtests):
        cases = [
            (
                {"file": ["1", None], "score": [1.0, 2.0]},
                "1 of 2 cells are empty, the first in row 2",
            ),
            ({"file": ["1", "2", "3"], "score": [1.0, None, 2.0]}, "score: 1 of 3 cells are empty"),
            ({"file": ["1", ""], "score": [1.0, 2.0]}, "empty id"),
            ({"file": ["1", "2"], "score": [[1.0], [2.0]]}, "holds no scores"),
            ({"file": [], "score": []}, "holds no row"),
            ({"file": ["1", "2"], "label": ["spoof", "spoof"]}, "no column of scores"),
        ]
        for columns, message in cases:
            with subtests.test(columns=columns):
                path = tmp_path / "s.parquet"
                pq.write_table(pa.table(columns), path)
                with pytest.raises(BenchError, match=message):
                    read(path)

    def test_cut(self, tmp_path):
        path = tmp_path / "s.parquet"
        pq.write_table(pa.table({"file": IDS, "score": SCORES}), path)
        content = path.read_bytes()
        for end in range(4, len(content), 97):
            path.write_bytes(content[:end])
            with pytest.raises(BenchError):
                read(path)


@pytest.mark.parametrize("row", [0, 1500])
def test_parquet_text_that_is_not_utf8(tmp_path, row):
    """Within the sample that columns are told by, and past it."""
    ids = [b"u%d" % i for i in range(2000)]
    ids[row] = b"\x80\xff"
    raw = pa.array(ids, pa.binary())
    forged = pa.Array.from_buffers(pa.string(), len(raw), raw.buffers())
    path = tmp_path / "s.parquet"
    pq.write_table(pa.table({"file": forged, "score": [0.5] * len(raw)}), path)
    with pytest.raises(BenchError, match=r"s\.parquet: not a whole Parquet file"):
        read(path)


def test_the_scores_of_aasist_l(official):
    found = read(official / "asvspoof2019_la/scores/AASIST-L_eval.txt")
    assert len(found) == len(found.names) == 71_237
    assert found.bonafide.sum() == 7_355
    assert found.score[0] == -4.513984680175781
    assert "ids from column 1, scores from column 4, labels from column 3" in found.taken


def test_a_score_before_the_last_column(shared):
    found = read(shared / "protocols/asvspoof5/OCS_dev_bonafide_scores_gender.txt")
    assert len(found) == 31_334
    assert found.bonafide.all()
    assert "scores from column 5" in found.taken
