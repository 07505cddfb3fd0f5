"""Which row is of which trial, however ids are written; and what is said of ids of no trial."""

from __future__ import annotations

import numpy as np
import pytest

from bench._io.printable import one_line
from bench.evaluation import ids
from bench.evaluation.checks import check_utterances
from tests.evaluation.checked import codes, keys_of, only, scorefile, the

TREE = ["real/1.wav", "fake/1.wav", "real/2.wav", "fake/2.wav"]


def test_ids_of_both_sides_are_reduced_alike(subtests):
    cases = [
        # Folders that tell files apart, written in full, in part, and in every way.
        (TREE, TREE),
        (["real/1", "fake/1"], ["real/1.wav", "fake/1.flac"]),
        (["test/real/1", "test/fake/1"], ["real/1.wav", "fake/1.wav"]),
        (["real/1", "fake/1"], ["/data/for/test/real/1.wav", "/data/for/test/fake/1.wav"]),
        (["real/1", "fake/1"], ["C:\\for\\real\\1.WAV", "C:\\for\\fake\\1.WAV"]),
        (["real/1", "fake/1"], ["./real/1.wav", "./fake//1.wav"]),
        (["./real/1.wav", "./fake/1.wav"], ["real/1", "fake/1"]),
        (["real/1", "fake/1"], ["real%2F1.wav", "fake%2f1.wav"]),
        (["/abs/real/1", "/abs/fake/1"], ["real/1", "fake/1"]),
        (["en/a/real/1", "de/a/real/1"], ["en/a/real/1.wav", "de/a/real/1.wav"]),
        # Files of one name that only the suffix tells apart.
        (["a.wav", "a.flac"], ["x/a.wav", "x/a.flac"]),
        (["f/a.wav", "f/a.flac"], ["f/a.wav", "f/a.flac"]),
        # Folders that tell nothing apart, on either side.
        (["1", "2"], ["a/1.wav", "b/2.wav"]),
        (["a/1.wav", "a/2.wav"], ["1", "2"]),
        (["eval/1", "eval/2"], ["flac/1.flac", "flac/2.flac"]),
        # Ids with dots and signs are whole; blanks and quotes around them are not theirs.
        (["u.1", "u.2"], ["u.1", "u.2.wav"]),
        (["u 1", "u 2"], [" u 1 ", '"u 2"']),
        (["u%201", "u 1"], ["u%201", "u 1"]),
        (["clip.v1.wav", "clip.v2.wav"], ["clip.v1", "clip.v2.mp3"]),
        (["u1", "u2"], ["u1.flac.wav", "u2.flac.wav"]),
        # One letter, two ways to store it.
        (["caf\u00e9/1", "b/1"], ["cafe\u0301/1", "b/1"]),
    ]
    for keys, names in cases:
        with subtests.test(keys=keys, names=names):
            score = np.arange(len(names))
            checked = check_utterances(scorefile(names[::-1], score[::-1]), keys_of(keys))
            assert checked.present.all()
            assert checked.score.tolist() == score.tolist()
            assert not {
                "scores.missing",
                "scores.unknown-ids",
                "scores.duplicated",
                "scores.other-split",
            } & set(codes(checked))


def test_what_was_cut_off_is_said():
    checked = check_utterances(scorefile(["x/1.wav", "2", "3"], range(3)), keys_of("123"))
    assert checked.notes == ("folders and suffixes were cut off ids: x/1.wav is 1",)
    checked = check_utterances(scorefile(["1.wav", "1", "2", "3"], [0, 0, 1, 2]), keys_of("123"))
    assert checked.notes[1] == "1 id differs from another one in folder or suffix only"


def test_a_folder_that_both_sides_have_counts():
    """`fake/1` is no `real/1`, though no other file of the split has its name."""
    keys = keys_of(["real/1", "real/2", "real/3", "fake/4"])
    names = ["real/1", "real/2", "fake/3", "fake/4"]
    checked = check_utterances(scorefile(names, range(4)), keys, allow_missing=True)
    assert checked.present.tolist() == [True, True, False, True]
    assert the(checked, "scores.unknown-ids").examples == ("fake/3",)


def test_the_same_names_in_another_split():
    """A tree that numbers its files in each folder: training/real/1 is not testing/real/1."""
    keys = keys_of([f"testing/{kind}/{i}" for i in range(3) for kind in ("real", "fake")])
    train = [name.replace("testing", "training") for name in keys["utterance"]]

    def others():
        return {"train": train}

    checked = check_utterances(scorefile(train, range(6)), keys, others)
    finding = only(checked)
    assert (finding.severity, finding.code, finding.count) == ("error", "scores.other-split", 6)
    assert "--split train" in finding.message
    beside = [name.removeprefix("training/") for name in train]
    checked = check_utterances(scorefile(beside, range(6)), keys, others)
    assert checked.present.all()


def test_speed_is_that_of_ids_without_anything_to_cut():
    """Such ids are not even copied."""
    plain = ids.to_array([f"E_{i:010d}" for i in range(9)])
    assert ids.clean_ids(plain) is plain
    assert ids.reduce_ids(plain, ids.IdForm(1, suffix=False)) is plain


LA = [f"LA_E_{1000137 + 7 * i}" for i in range(60)]
ASV5 = [f"E_{i:010d}" for i in range(60)]
PATHS = [f"real/file{i}" for i in range(60)]


def test_ids_that_nearly_fit_are_said_how_and_not_changed(subtests):
    cases = [
        (LA, lambda i, u: f"ASV19LA-{u}", "without the prefix 'ASV19LA-' 60 of 60 fit"),
        (LA, lambda i, u: f"ASV19LA-{u}", "sed 's/ASV19LA-//'"),
        (LA, lambda i, u: f"{u}_16k.wav", "without the suffix '_16k' 60 of 60 fit"),
        (LA, lambda i, u: f"x.{u}-converted", "the prefix 'x.' and the suffix '-converted'"),
        (ASV5, lambda i, u: f"ASV5-A{i % 9:02d}-{u}", "what follows the second '-': 60 of 60 fit"),
        (LA, lambda i, u: u.lower(), "but for upper and lower case 60 of 60 fit"),
        (LA, lambda i, u: f"{u[:6]}\u200b{u[6:]}", "without characters that nobody sees 60 of 60"),
        (LA, lambda i, u: f"{u}\u00a0", "without characters that nobody sees 60 of 60"),
        (LA, lambda i, u: f"\ufeff{u}", "without characters that nobody sees 60 of 60"),
        (LA, lambda i, u: u.removeprefix("LA_E_"), "with the prefix 'LA_E_' 60 of 60 fit"),
        (LA, lambda i, u: u if i < 20 else f"{u}_16k", "the suffix '_16k' 40 of 40 fit"),
        (list(map(str, range(60))), lambda i, u: f"{i:05d}", "but for zeros in front of numbers"),
        (list(map(str, range(60))), lambda i, u: f"{i}.0", "without '.0' at their ends 60 of 60"),
        (list(map(str, range(60))), lambda i, u: f"ItW-{i}", "without the prefix 'ItW-' 60 of 60"),
        (PATHS, lambda i, u: u.replace("/", "_"), "but for what joins their parts"),
        (PATHS, lambda i, u: u.replace("/", "-"), "but for what joins their parts"),
    ]
    for keys, written, said in cases:
        with subtests.test(keys=keys, said=said):
            names = [written(i, u) for i, u in enumerate(keys)]
            checked = check_utterances(scorefile(names, range(60)), keys_of(keys))
            assert said in the(checked, "scores.unknown-ids").message
            fitting = sum(name in keys for name in names)
            assert checked.present.sum() == fitting


@pytest.mark.parametrize(
    "written",
    [
        lambda i, u: f"other{i}",
        lambda i, u: f"{i}",
        lambda i, u: u.replace("LA_E_1000", "u") + "x",
    ],
)
def test_ids_that_fit_in_no_way_have_no_hint(written):
    names = [written(i, u) for i, u in enumerate(LA)]
    message = check_utterances(scorefile(names, range(60)), keys_of(LA)).findings[0].message
    assert " fit" not in message


def test_nothing_is_said_to_fit_what_has_a_score_already():
    """Each file beside a copy at 16 kHz: the copies are too many, not wrongly named."""
    checked = check_utterances(scorefile([*LA, *(f"{u}_16k" for u in LA)], range(120)), keys_of(LA))
    assert " fit" not in the(checked, "scores.unknown-ids").message


def test_characters_that_nobody_sees_are_shown():
    checked = check_utterances(
        scorefile(["LA_E_1\u200b", "\ufeffLA_E_2", "\x1b[31m"], range(3)), keys_of(LA)
    )
    assert "LA_E_1\\u200b, \\ufeffLA_E_2, \\u001b[31m" in str(checked.findings[0])
    assert one_line("Ünïcode 名 is seen") == "Ünïcode 名 is seen"


def test_another_corpus_is_named_where_some_ids_are_known():
    names = [*LA[:20], *(u.replace("LA_", "DF_") for u in LA[20:])]
    finding = the(check_utterances(scorefile(names, range(60)), keys_of(LA)), "scores.unknown-ids")
    assert (finding.severity, finding.count) == ("warning", 40)
    assert finding.message.endswith("; ids of 21DF look so")


def test_a_corpus_that_the_keys_look_like_too_is_not_named():
    """19LA's ids are named as 21LA's and PartialSpoof's: that says nothing."""
    names = [*LA[:20], *(u.replace("E_1", "E_2") for u in LA[20:])]
    finding = the(check_utterances(scorefile(names, range(60)), keys_of(LA)), "scores.unknown-ids")
    assert finding.message.endswith("(left out)")


def test_a_list_that_is_mostly_another_corpus_is_named():
    names = ["a", "b", *(u.replace("LA_", "DF_") for u in LA)]
    finding = only(check_utterances(scorefile(names, range(62)), keys_of(LA)))
    assert finding.code == "scores.another-corpus"
    assert "ids of 21DF look so" in finding.message
