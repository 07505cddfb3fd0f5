"""`bench fuse` and `bench calibrate` from outside: learnt on dev, applied to eval."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from bench.cards import corpus_cards
from bench.evaluation.fusion import effective_prior
from tests.evaluation.made import add_dev, scored, text


@pytest.fixture
def files(tmp_path, trials):
    """Two systems, each in one file of eval and one of dev; A's scores are no likelihood ratios."""
    add_dev(tmp_path, trials)
    dev = trials.assign(utterance=trials["utterance"].str.replace("LA_E_", "LA_D_"))
    for seed, name in enumerate("AB"):
        for split, table, more in (("eval", trials, 0), ("dev", dev, 50)):
            values = 5 * scored(table, seed + more)[0] + 20
            text(tmp_path / f"{name}_{split}.txt", table["utterance"], values)
    return tmp_path


LEARN = {"fuse": ("A_dev.txt", "B_dev.txt"), "calibrate": ("A_dev.txt",)}


def order(verb, keys, *more):
    """The command on A, or on A and B, learnt from their files of dev."""
    given = [name.replace("dev", "eval") for name in LEARN[verb]]
    learnt = [word for name in LEARN[verb] for word in ("--train-scores", name)]
    return [verb, *given, *learnt, *keys, *more]


def read(path):
    """The scores of a file by id."""
    return dict(line.split() for line in Path(path).read_text().splitlines())


def found(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_calibration_lowers_cllr_and_leaves_the_eer(bench, files, keys):
    content = found(bench(*order("calibrate", keys, "--json")))
    (before,), after = content["inputs"], content["results"]
    assert before["results"]["eer"]["value"] == after["eer"]["value"]
    assert before["results"]["min_cllr"]["value"] == pytest.approx(after["min_cllr"]["value"])
    assert before["results"]["cllr"]["value"] > 5 > 1 > after["cllr"]["value"]
    assert after["act_dcf"]["value"] < before["results"]["act_dcf"]["value"]
    assert after["cllr"]["value"] < after["min_cllr"]["value"] + 0.1
    assert content["learnt_from"] == {
        "corpus": "asvspoof2019la",
        "split": "dev",
        "bonafide": 100,
        "spoof": 300,
    }
    assert content["prior"] == 0.5
    assert {name for name in map(lambda path: path.rpartition("/")[2], content["files"])} == {
        *("scores.txt", "verdict.md", "verdict.json", "det.png", "scores.png")
    }


def test_the_written_file_is_evaluated_like_any_file(bench, files, keys):
    content = found(bench(*order("fuse", keys, "--json")))
    alone = found(bench("score", content["scores"], *keys, "--json"))
    assert alone["results"]["eer"] == content["results"]["eer"]
    assert content["results"]["eer"]["value"] < min(
        given["results"]["eer"]["value"] for given in content["inputs"]
    )
    written = read(content["scores"])
    given = [read(files / name) for name in ("A_eval.txt", "B_eval.txt")]
    weights = [each["weight"] for each in content["inputs"]]
    for name in ("LA_E_0000003", "LA_E_0000396"):
        total = sum(w * float(of[name]) for w, of in zip(weights, given, strict=True))
        assert float(written[name]) == pytest.approx(total + content["offset"])


def test_text_says_what_was_learnt_where(bench, files, keys):
    done = bench(*order("fuse", keys))
    assert done.returncode == 0, done.stderr
    for words in (
        "# A_eval+B_eval fused on asvspoof2019la, eval",
        "learnt from asvspoof2019la, dev: 100 bona fide and 300 spoof trials",
        "| Fused ",
        "× B_eval.txt",
    ):
        assert words in done.stdout


def test_one_file_may_hold_both_splits(bench, files, keys):
    for name in "AB":
        parts = [(files / f"{name}_{split}.txt").read_text() for split in ("eval", "dev")]
        (files / f"{name}.txt").write_text("".join(parts))
    both = found(bench("fuse", "A.txt", "B.txt", *keys, "--json"))
    apart = found(bench(*order("fuse", keys, "--json")))
    assert both["results"] == apart["results"]


@pytest.mark.parametrize("verb", LEARN)
def test_nothing_is_learnt_from_trials_that_are_evaluated(bench, files, keys, verb):
    done = bench(*order(verb, keys, "--train-split", "eval"))
    assert (done.returncode, done.code) == (2, "fusion.same-trials")
    assert "19LA eval" in done.stderr
    protocol = files / "keys/ASVspoof2019.LA.cm.dev.trl.txt"
    lines = protocol.read_text().splitlines()
    protocol.write_text("\n".join([*lines, lines[0].replace("LA_D_", "LA_E_")]) + "\n")
    done = bench(*order(verb, keys))
    assert (done.returncode, done.code) == (2, "fusion.same-trials")
    assert "LA_E_0000000" in done.stderr


def test_another_corpus_may_be_learnt_from(bench, files, keys):
    learnt = ("--train-corpus", "19LA", "--train-split", "dev", "--train-keys", str(files / "keys"))
    assert (
        found(bench(*order("calibrate", keys, *learnt, "--json")))["learnt_from"]["split"] == "dev"
    )
    done = bench(*order("calibrate", keys, "--train-corpus", "ITW"))
    assert (done.returncode, done.code) == (2, "fusion.split-unknown")
    assert "--train-split eval" in done.stderr


def test_missing_and_unknown_ids_are_named(bench, files, keys):
    lines = (files / "B_dev.txt").read_text().splitlines()
    (files / "B_dev.txt").write_text("\n".join([*lines[1:], "LA_X_1 0.5"]) + "\n")
    done = bench(*order("fuse", keys))
    assert (done.returncode, done.code) == (2, "scores.missing")
    for words in ("19LA dev", "B_dev.txt", "LA_D_0000000", "LA_X_1"):
        assert words in done.stderr
    content = found(bench(*order("fuse", keys, "--allow-missing", "--json")))
    assert content["learnt_from"]["bonafide"] == 99
    lines = (files / "A_eval.txt").read_text().splitlines()
    (files / "A_eval.txt").write_text("\n".join(lines[2:]) + "\n")
    content = found(bench(*order("fuse", keys, "--allow-missing", "--json")))
    assert (content["left_out"], content["bonafide"], content["spoof"]) == (2, 99, 299)


def test_what_cannot_be_learnt_is_refused(bench, files, keys, subtests):
    dev = read(files / "A_dev.txt")
    made = {
        "apart.txt": [
            f"{name} {(int(name[-7:]) % 4 == 0) + i / 1e4}" for i, name in enumerate(dev)
        ],
        "same.txt": [f"{name} 1" for name in dev],
        "frames.csv": [
            "utterance,start,end,score",
            *(f"{u},{i / 50},{(i + 1) / 50},{score}" for u, score in dev.items() for i in (0, 1)),
        ],
    }
    for name, lines in made.items():
        (files / name).write_text("\n".join(lines) + "\n")
    learnt = {name: ["calibrate", "A_eval.txt", "--train-scores", name, *keys] for name in made}
    cases = {
        "fusion.separable": learnt["apart.txt"],
        "fusion.constant": [*learnt["same.txt"], "--allow-inverted"],
        "fusion.frames": learnt["frames.csv"],
        "fusion.file-count": ["fuse", "A_eval.txt", *keys],
        "fusion.prior": order("calibrate", keys, "--prior", "1"),
        "option.missing": ["calibrate", "A_eval.txt"],
    }
    for code, words in cases.items():
        with subtests.test(code=code):
            done = bench(*words)
            assert (done.returncode, done.code) == (2, code), done.stderr
    done = bench("fuse", "A_eval.txt", "B_eval.txt", "--train-scores", "A_dev.txt", *keys)
    assert (done.returncode, done.code) == (2, "fusion.file-count")


def test_the_organisers_prior_is_that_of_their_costs():
    prior = effective_prior(corpus_cards.read_corpus_card("asvspoof5"))
    # The log odds are those of the threshold that the package prints, with the other sign.
    assert math.log(prior / (1 - prior)) == pytest.approx(0.6419, abs=5e-5)
    assert effective_prior(corpus_cards.read_corpus_card("ITW")) == 0.5
    assert np.isclose(prior, 0.95 / 1.45)
