"""The organisers' ASV scores and t-DCF coefficients: real files, broken ones, forged ones."""

from __future__ import annotations

import gzip
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from bench.data.asv import read_asv_scores, read_tdcf_coefficients
from bench.errors import BenchError
from bench.metrics.breakdown import POOLED, split_breakdown
from bench.metrics.tally import count_scores
from bench.metrics.tdcf import Coefficients, asv_errors, coefficients_2019, minimum_tdcf
from tests.errors import raises_code

LINES = "bonafide target 7.5\nbonafide nontarget -3.25\nA07 spoof 1\nA08 spoof 2.5e0\n"


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "asv.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_reads_scores_by_kind(tmp_path, subtests):
    cases = [
        LINES,
        LINES.replace("\n", "\r\n"),
        "\ufeff" + LINES,
        LINES.replace(" ", "\t") + "\n\n",
        gzip.compress(LINES.encode(), mtime=0),
    ]
    for number, text in enumerate(cases):
        with subtests.test(number=number):
            found = read_asv_scores(write(tmp_path, text))
            assert [of.tolist() for of in found] == [[7.5], [-3.25], [1.0, 2.5], ["A07", "A08"]]
            assert found.select_attack("A08").spoof.tolist() == [2.5]
            assert found.select_attack("A08").target.tolist() == [7.5]
            with pytest.raises(BenchError, match="no attack 'A09'; did you mean 'A0"):
                found.select_attack("A09")


def test_says_where_a_line_is_malformed(tmp_path, subtests):
    cases = [
        "bonafide target",
        "bonafide target 1.0 2.0",
        "bonafide Target 1.0",
        "bonafide target nan",
        "bonafide target inf",
        "bonafide target 1_0",
        "bonafide target one",
        "LA_0007-alaw-ita_tx LA_E_5013670-alaw-ita_tx -9.836706",  # 2021's form
    ]
    for line in cases:
        with subtests.test(line=line):
            path = write(tmp_path, f"{LINES}{line}\n{LINES}")
            with raises_code("corpus.asv-scores", "asv.txt:5: ", "bonafide|ATTACK target"):
                read_asv_scores(path)


@pytest.mark.parametrize("kind", ["target", "nontarget", "spoof"])
def test_needs_trials_of_every_kind(tmp_path, kind):
    rest = [line for line in LINES.splitlines() if line.split()[1] != kind]
    with raises_code("corpus.asv-scores", f"no {kind} trial"):
        read_asv_scores(write(tmp_path, "\n".join(rest)))


def test_refuses_what_is_no_text(tmp_path):
    with raises_code("corpus.asv-scores", "no target trial"):
        read_asv_scores(write(tmp_path, ""))
    for content in (b"\x00\x01\x02", b"\x1f\x8b broken", b"\xff\xfe\x00"):
        with pytest.raises(BenchError, match=r"asv\.txt"):
            read_asv_scores(write(tmp_path, content))
    with raises_code("file.unreadable"):
        read_asv_scores(tmp_path / "absent.txt")


TABLE = {
    "A07": {
        "none": {"C0": 0.1, "C1": np.float64(0.8), "C2": np.float64(0.4)},
        "ulaw": dict.fromkeys(("C0", "C1", "C2"), float("nan")),
    },
    POOLED: {"none": {"C0": np.float64(0.2), "C1": 0.7, "C2": 0.3}},
}
COEFFICIENTS = {
    ("A07", "none"): Coefficients(0.1, 0.8, 0.4),
    ("A07", "ulaw"): None,
    (POOLED, "none"): Coefficients(0.2, 0.7, 0.3),
}


def boxed(content: object) -> np.ndarray:
    box = np.empty((), dtype=object)
    box[()] = content
    return box


def dump(folder: Path, content: object, protocol: int = 2) -> Path:
    """As the official files are: a pickle without a header, in spite of the name's end."""
    path = folder / "LA-C012-eval.npy"
    path.write_bytes(pickle.dumps(boxed(content), protocol=protocol))
    return path


def test_reads_coefficients_without_a_header(tmp_path, subtests):
    for protocol in [2, 3, 4, 5]:
        with subtests.test(protocol=protocol):
            path = dump(tmp_path, TABLE, protocol)
            assert read_tdcf_coefficients(path) == COEFFICIENTS
            if protocol == 2:  # as NumPy 1 wrote it
                old = path.read_bytes().replace(
                    b"cnumpy._core.multiarray", b"cnumpy.core.multiarray"
                )
                path.write_bytes(old)
                assert read_tdcf_coefficients(path) == COEFFICIENTS


def test_reads_coefficients_that_numpy_saved_anew(tmp_path):
    path = tmp_path / "LA-C012-eval.npy"
    np.save(path, boxed(TABLE), allow_pickle=True)
    assert read_tdcf_coefficients(path) == COEFFICIENTS


def test_refuses_other_contents_than_coefficients(tmp_path, subtests):
    cases = [
        {},
        "text",
        [1.0],
        {"A07": 1.0},
        {"A07": {"none": 0.5}},
        {"A07": {"none": (0.1, 0.8, 0.4)}},
        {"A07": {"none": {"C0": 0.1, "C1": 0.8}}},
        {"A07": {"none": {"C0": 0.1, "C1": 0.8, "C2": 0.4, "C3": 0.0}}},
        {"A07": {"none": {"C0": 0.1, "C1": 0.8, "C2": "0.4"}}},
        {"A07": {"none": {"C0": 0.1, "C1": 0.8, "C2": np.int64(1)}}},
        {"A07": {"none": {"C0": 0.1, "C1": 0.8, "C2": np.array([0.4])}}},
        {"A07": {"none": {"C0": 0.1, "C1": 0.8, "C2": float("nan")}}},
    ]
    for number, content in enumerate(cases):
        with subtests.test(number=number), pytest.raises(BenchError, match=r"LA-C012-eval\.npy"):
            read_tdcf_coefficients(dump(tmp_path, content))


class Forged:
    def __init__(self, *call: object):
        self.call = call

    def __reduce__(self):
        return self.call[0], self.call[1:]


@pytest.mark.parametrize("header", [False, True])
@pytest.mark.parametrize("depth", range(4))
def test_runs_nothing_that_a_forged_file_asks_for(tmp_path, monkeypatch, depth, header):
    monkeypatch.chdir(tmp_path)
    content: object = Forged(os.system, "touch MARK")
    for key in ("C0", "none", "A07")[:depth]:
        content = {key: content}
    path = dump(tmp_path, content)
    if header:
        np.save(path, boxed(content), allow_pickle=True)
    with raises_code("labels.vector-file", "system"):
        read_tdcf_coefficients(path)
    assert not (tmp_path / "MARK").exists()


def test_refuses_files_of_another_kind(tmp_path, subtests):
    for number, payload in enumerate([b"", b"\x80", b"garbage", b"PK\x03\x04", LINES.encode()]):
        with subtests.test(number=number):
            path = tmp_path / "LA-C012-eval.npy"
            path.write_bytes(payload)
            with raises_code("labels.vector-file"):
                read_tdcf_coefficients(path)


@pytest.fixture(scope="module")
def protocols(official: Path) -> Path:
    return official


def test_the_organisers_coefficients_of_2021_la(protocols):
    found = {
        name: read_tdcf_coefficients(protocols / f"asvspoof2021_la/LA-C012-{name}.npy")
        for name in ("eval", "prog", "hidden")
    }
    for table in found.values():
        assert len(table) == (13 + 1) * (7 + 1)
        # C0 + C1 is what rejecting every target costs, whatever the ASV system.
        assert all(c is None or abs(c.c0 + c.c1 - 0.9405) < 1e-9 for c in table.values())
    expected = {
        ("eval", POOLED, POOLED): (0.0788910525, 0.8616089475, 0.3482101348),
        ("prog", POOLED, POOLED): (0.0660870599, 0.8744129402, 0.3501623157),
        ("eval", "A07", "none"): (0.0305113180, 0.9099886820, 0.4694403535),
    }
    for (name, *at), numbers in expected.items():
        assert found[name][tuple(at)] == pytest.approx(numbers, abs=1e-10)
    absent = {codec for (_, codec), c in found["prog"].items() if c is None}
    assert absent == {"ulaw", "gsm", "opus"}
    assert None not in found["eval"].values()


def test_every_cell_of_a_breakdown_finds_its_coefficients(protocols):
    table = read_tdcf_coefficients(protocols / "asvspoof2021_la/LA-C012-prog.npy")
    codecs = ["none", "alaw", "pstn", "g722"]
    attacks = [f"A{n:02}" for n in range(7, 20)]
    rows = [("", codec) for codec in codecs] + [(a, c) for a in attacks for c in codecs]
    fields = {"attack": [a for a, _ in rows], "codec": [c for _, c in rows]}
    is_spoof = np.array([a != "" for a, _ in rows])
    roles = {"attack": "spoof", "codec": "channel"}
    score = np.where(is_spoof, -1.0, 1.0)
    found = list(split_breakdown(is_spoof, fields, roles, ["attack", "codec"]))
    assert len(found) == 14 * 5
    for cell in found:
        c = table[cell.find_levels("attack", "codec")]
        least = minimum_tdcf(count_scores(score[cell.bonafide], score[cell.spoof]), c).cost
        assert least == pytest.approx(c.c0 / (c.c0 + min(c.c1, c.c2)))


@pytest.mark.parametrize(
    ("split", "n"), [("dev", (1484, 5768, 22296)), ("eval", (5370, 33327, 63882))]
)
def test_the_organisers_scores_of_2019_la(protocols, split, n):
    name = f"asvspoof2019_la/asv_scores/ASVspoof2019.LA.asv.{split}.gi.trl.scores.txt"
    found = read_asv_scores(protocols / name)
    assert tuple(len(of) for of in found[:3]) == n
    attacks = range(1, 7) if split == "dev" else range(7, 20)
    assert set(found.attack) == {f"A{a:02}" for a in attacks}
    errors = asv_errors(*found[:3])
    by_attack = [asv_errors(*found.select_attack(a)[:3]) for a in sorted(set(found.attack))]
    assert {(e.miss, e.false_alarm, e.threshold) for e in by_attack} == {
        (errors.miss, errors.false_alarm, errors.threshold)
    }
    mean = np.mean([e.spoof_false_alarm for e in by_attack])  # all attacks have equally many
    assert mean == pytest.approx(errors.spoof_false_alarm)
    assert coefficients_2019(errors).c2 == pytest.approx(0.5 * errors.spoof_false_alarm)
    if split == "eval":
        assert 100 * errors.eer == pytest.approx(2.458, abs=5e-4)
