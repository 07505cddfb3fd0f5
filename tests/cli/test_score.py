"""`bench score` and `bench compare` from outside: the official digits, and what stands beside a
figure.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bench.config import Config
from bench.data import corpora
from bench.evaluation.score_file import write_scores
from bench.metrics.det import eer_by_class
from bench.tracking.store import Store
from tests.evaluation.made import scored, text
from tests.tracked_frames import scored_frame

RATES = (
    *(0.553447233, 0.203721550, 0.0, 1.001634642, 0.139206037, 0.692653269, 0.203721550),
    *(0.057717417, 0.570420339, 0.634935852, 1.914982568, 3.049025150, 0.709626376),
)
PER_ATTACK = {f"A{number:02}": rate for number, rate in enumerate(RATES, 7)} | {
    "Pooled": 0.990923080
}
FEW = ("--replicates", "20")


def framed(environment, folder: Path):
    """Frame scores of the miniature PartialSpoof, in `frames.npz` of the folder."""
    config = Config(work=Path(environment["BENCH_WORK"]))
    subset = corpora.read_corpus_split("PS", "eval", config, "smoke", 0.02)
    rng = np.random.default_rng(0)
    frames = {u: rng.normal(size=len(v)) + 1 - 2 * v for u, v in subset.timing.spoof.items()}
    np.savez(folder / "frames.npz", **frames)
    return subset, frames


@pytest.mark.rows
def test_aasist_l_on_2019_la_has_the_official_digits(bench, official):
    scores = official / "asvspoof2019_la/scores/AASIST-L_eval.txt"
    shown = bench("score", str(scores), "--corpus", "asvspoof2019la", *FEW)
    assert shown.returncode == 0, shown.stderr
    assert "0.990923 %" in shown.stdout
    assert "0.030806" in shown.stdout
    found = json.loads(
        bench("score", str(scores), "--corpus", "19LA", "--by", "attack", "--json", *FEW).stdout
    )
    assert round(found["results"]["min_tdcf"]["value"], 9) == 0.030805977
    (breakdown,) = found["breakdowns"]
    rates = {
        line["levels"]["attack"]: round(line["results"]["eer"]["value"], 9)
        for line in breakdown["lines"]
    }
    assert rates == PER_ATTACK


def test_a_verdict_holds_figures_checks_and_pictures(bench, trials, keys, tmp_path):
    scores, spoof = scored(trials)
    path = text(tmp_path / "mine.txt", trials["utterance"], scores)
    done = bench("score", str(path), *keys, "--by", "attack,attack_type")
    assert done.returncode == 0, done.stderr
    rate = eer_by_class(np.round(scores[~spoof], 6), np.round(scores[spoof], 6)).eer
    assert f"{100 * rate:.6f} %" in done.stdout
    assert "min t-DCF" in done.stdout
    assert "ids from column 1, scores from column 2" in done.stdout
    place = tmp_path / "work/scored/mine-asvspoof2019la-eval"
    assert sorted(file.name for file in place.iterdir()) == [
        *("det.png", "scores.png", "verdict.json", "verdict.md")
    ]
    assert json.loads((place / "verdict.json").read_text())["results"]["eer"]["value"] == 100 * rate
    assert (place / "verdict.md").read_text() == done.stdout.partition("\nwritten:")[0]


def test_missing_trials_are_an_error_until_allowed_and_then_stand_beside_every_figure(
    bench, trials, keys, tmp_path
):
    scores, _ = scored(trials)
    path = text(tmp_path / "part.txt", trials["utterance"][3:], scores[3:])
    order = ("score", str(path), *keys)
    refused = bench(*order)
    assert refused.returncode == 2
    assert "3" in refused.stderr
    assert trials["utterance"].iloc[0] in refused.stderr
    allowed = bench(*order, "--allow-missing")
    assert allowed.returncode == 0, allowed.stderr
    figures = [line for line in allowed.stdout.splitlines() if "%" in line and line[0] == "|"]
    assert figures
    assert all("3 missing" in line for line in figures if "interval" not in line)


def test_inverted_scores_are_refused_and_negated_on_demand(bench, trials, keys, tmp_path):
    scores, _ = scored(trials)
    path = text(tmp_path / "flipped.txt", trials["utterance"], -scores)
    order = ("score", str(path), "--json", *keys)
    refused = bench(*order)
    assert refused.returncode == 2
    assert "--higher-is-spoof" in refused.stderr
    turned = json.loads(bench(*order, "--higher-is-spoof").stdout)
    assert turned["negated"] is True
    assert turned["results"]["eer"]["value"] < 50
    assert json.loads(bench(*order, "--allow-inverted").stdout)["results"]["eer"]["value"] > 50


def test_frames_are_judged_at_every_resolution_and_by_ranges(bench, environment, tmp_path):
    subset, frames = framed(environment, tmp_path)
    order = ("score", str(tmp_path / "frames.npz"), "--corpus", "PS", "--smoke", "--json", *FEW)
    assert "--resolution" in bench(*order).stderr
    found = json.loads(bench(*order, "--resolution", "0.02").stdout)
    expected = {f"eer_{ms}ms" for ms in (10, 20, 40, 80, 160, 320, 640)}
    expected |= {"eer", "range_eer", "utterance_eer", "f1", "f1_spoof"}
    assert expected <= set(found["results"])
    score = np.concatenate(list(frames.values()))
    spoof = np.concatenate(list(subset.timing.spoof.values()))
    assert found["results"]["eer_20ms"] == found["results"]["eer"]
    assert found["results"]["eer"]["value"] == pytest.approx(
        100 * eer_by_class(score[~spoof], score[spoof]).eer, abs=0.2
    )
    by = [breakdown["by"] for breakdown in found["breakdowns"]]
    assert by == [["position in the segment"], ["distance to the boundary"]]


@pytest.mark.rows
def test_a_tracked_file_stands_in_its_tables_report(bench, environment, tmp_path):
    config = Config(work=Path(environment["BENCH_WORK"]))
    subset = corpora.read_corpus_split("LPS", "crossfade", config, "smoke")
    utterances = subset.table["utterance"].tolist()
    ends = {u: subset.timing.spans[u][-1].end_s for u in utterances}
    counts = {u: int(np.ceil(end / 0.02 - 1e-6)) for u, end in ends.items()}
    rng = np.random.default_rng(0)
    rows = [(u, 0.02 * i) for u, n in counts.items() for i in range(n)]
    write_scores(
        tmp_path / "theirs.parquet",
        {
            "utterance": [u for u, _ in rows],
            "speaker": [""] * len(rows),
            "attack": [""] * len(rows),
            "start_s": [at for _, at in rows],
            "end_s": [at + 0.02 for _, at in rows],
            "label": ["spoof"] * len(rows),
            "score": rng.normal(size=len(rows)),
        },
    )
    order = (
        "score",
        str(tmp_path / "theirs.parquet"),
        "--corpus",
        "LPS",
        "--smoke",
        "--allow-inverted",
    )
    refused = bench(*order, "--track", "table1", *FEW)
    assert refused.returncode == 2
    assert "does not evaluate llamapartialspoof" in refused.stderr
    ambiguous = bench(*order, "--track", *FEW)
    assert ambiguous.returncode == 2
    assert "--track cross/detection or multi-reso/partialspoof or sal/table3" in ambiguous.stderr
    # Its labels are wrong on purpose: a file's own labels must be those of the keys.
    conflict = bench(*order, "--track", "table4", *FEW)
    assert conflict.returncode == 2
    assert "label" in conflict.stderr
    (tmp_path / "theirs.txt").write_text(
        "".join(
            f"{u} {at:.2f} {s:.4f}\n"
            for (u, at), s in zip(rows, rng.normal(size=len(rows)), strict=True)
        )
    )
    order = (
        "score",
        str(tmp_path / "theirs.txt"),
        "--corpus",
        "LPS",
        "--smoke",
        "--allow-inverted",
    )
    done = bench(*order, "--track", "table4", "--name", "BAM", *FEW)
    assert done.returncode == 0, done.stderr
    assert "tracked: sal/table4" in done.stdout
    kept = scored_frame(Store(config), "sal/table4", "smoke")
    assert kept["system"].tolist() == ["BAM"]
    written = bench("report", "table4", "--smoke", "--output-dir", "made")
    assert written.returncode == 0, written.stderr
    report = (tmp_path / "made/sal-table4.smoke.md").read_text(encoding="utf-8")
    assert "Scored, not trained here" in report
    assert "| BAM |" in report


def test_compare_says_which_differences_hold(bench, trials, keys, tmp_path):
    good, _ = scored(trials, seed=1, apart=4.0)
    poor, _ = scored(trials, seed=2, apart=0.5)
    a = text(tmp_path / "a.txt", trials["utterance"], good)
    b = text(tmp_path / "b.txt", trials["utterance"], poor)
    order = keys
    done = bench("compare", str(a), str(b), *order)
    assert done.returncode == 0, done.stderr
    found = json.loads(bench("compare", str(a), str(b), *order, "--json").stdout)
    rate = next(line for line in found["compared"] if line["metric"] == "eer")
    assert rate["difference"]["high"] < 0
    assert rate["p_corrected"] < 0.05
    same = json.loads(bench("compare", str(a), str(a), *order, "--json").stdout)
    assert {line["p_corrected"] for line in same["compared"]} == {1.0}
    # No replicates can be too few for a p-value: it does not count them.
    crowded = json.loads(
        bench("compare", str(a), str(b), *order, "--by", "attack", "--json").stdout
    )
    assert all(
        line["p_corrected"] < 0.05 for line in crowded["compared"] if line["metric"] == "eer"
    )


def test_mistakes_are_one_message(bench, trials, tmp_path, subtests):
    cases = [
        (["--corpus", "19LB"], "did you mean 'asvspoof2019la'?"),
        (["--corpus", "19LA", "--split", "evil"], "did you mean 'eval'?"),
        (["--corpus", "21LA"], "say where its protocol and keys are: --keys FOLDER"),
        (["--corpus", "21LA"], "https://www.asvspoof.org/asvspoof2021/LA-keys-full.tar.gz"),
        (["--corpus", "PS"], "in database_protocols.tar.gz (https://zenodo.org/"),
        (["--corpus", "ITW"], "are in release_in_the_wild.zip (https://"),
        (["--corpus", "21LA", "--keys", "."], "are in LA-keys-full.tar.gz"),
        (["--corpus", "19LA", "--smoke", "--by", "atack"], "did you mean 'attack'?"),
        (["--corpus", "19LA", "--smoke", "--column", "9"], "column"),
        (["--corpus", "ITW", "--smoke"], "no metric can be computed"),
        (["--corpus", "ITW", "--smoke", "--bootstrap-unit", "speaker+attack"], "no metric"),
        (["--corpus", "19LA", "--smoke", "--track", "tabel4"], "did you mean 'table4'?"),
    ]
    scores, _ = scored(trials)
    # Keys are looked for two folders up: not where other tests have theirs.
    place = tmp_path / "some" / "folder"
    place.mkdir(parents=True)
    path = text(place / "mine.txt", trials["utterance"], scores)
    for arguments, message in cases:
        with subtests.test(message=message):
            done = bench("score", str(path), *arguments, *FEW)
            assert done.returncode == 2
            assert message in done.stderr
            assert "Traceback" not in done.stderr


def test_the_folder_of_the_verdict_is_named_after_the_system(bench, trials, keys, tmp_path):
    scores, _ = scored(trials)
    path = text(tmp_path / "epoch.12.txt", trials["utterance"], scores)
    place = tmp_path / "work/scored"
    for name, folder in (
        ([], "epoch.12"),
        (["--name", "../../evil $x_{"], "_.._evil_x__"),
    ):
        done = bench("score", str(path), *keys, *name)
        assert done.returncode == 0, done.stderr
        assert (place / f"{folder}-asvspoof2019la-eval/verdict.md").is_file()
    assert len(list(place.iterdir())) == 2
    (tmp_path / "taken").write_text("")
    refused = bench("score", str(path), *keys, "--output-dir", str(tmp_path / "taken"))
    assert refused.returncode == 2
    assert refused.code == "file.unwritable"
    assert "taken: " in refused.stderr


def test_files_of_one_name_do_not_overwrite_each_others_verdicts(bench, trials, keys, tmp_path):
    scores, _ = scored(trials)
    place = tmp_path / "work/scored"
    paths: list[Path] = []
    second, third = "RawNet2/score", "DF/RawNet2/score"
    folders = {"LA/LFCC": "score.txt", "LA/RawNet2": second, "DF/RawNet2": third}
    for n, (folder, name) in enumerate([*folders.items(), ("DF/RawNet2", third)]):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        paths.append(text(tmp_path / folder / "score.txt", trials["utterance"], scores + 0.01 * n))
        done = bench("score", str(paths[-1]), *keys)
        assert done.returncode == 0, done.stderr
        moved = f"score-asvspoof2019la-eval holds the verdict of {paths[0]}"
        assert (moved in done.stderr) == (n > 0)
        assert done.stdout.startswith(f"# {name} on ")
    ending = "-asvspoof2019la-eval"
    made = {"score": 0, "RawNet2_score": 1, "DF_RawNet2_score": 3}
    assert {folder.name.removesuffix(ending) for folder in place.iterdir()} == {*made}
    for name, n in made.items():
        found = json.loads((place / f"{name}{ending}/verdict.json").read_text())
        assert found["scores"] == str(paths[n])


@pytest.mark.rows
def test_the_same_file_elsewhere_and_a_name_given_twice(bench, trials, keys, tmp_path):
    scores, _ = scored(trials)
    one = text(tmp_path / "one.txt", trials["utterance"], scores)
    (tmp_path / "copy").mkdir()
    copy = text(tmp_path / "copy/one.txt", trials["utterance"], scores)
    other = text(tmp_path / "other.txt", trials["utterance"], 2 * scores)
    place = tmp_path / "work/scored"
    for path in (one, copy, one):
        assert bench("score", str(path), *keys).stderr == ""
    assert len([*place.iterdir()]) == 1
    assert bench("score", str(one), *keys, "--name", "X").stderr == ""
    done = bench("score", f"{other},name=X", *keys)
    assert f"X-asvspoof2019la-eval holds the verdict of {one}" in done.stderr
    assert len([*place.glob("X-*")]) == 2
    there = ("--output-dir", str(tmp_path / "there"))
    assert bench("score", str(one), *keys, *there).stderr == ""
    assert f"holds the verdict of {one}" in bench("score", str(other), *keys, *there).stderr
    found = json.loads((tmp_path / "there/verdict.json").read_text())
    assert found["scores"] == str(other)


@pytest.mark.rows
def test_standard_output_is_json_alone_whatever_is_not_defined(bench, trials, keys, tmp_path):
    """No NaN and no Infinity, which are no JSON: one class, one speaker, ties, nothing decided."""
    scores, spoof = scored(trials)
    part = text(tmp_path / "part.txt", trials["utterance"][spoof], scores[spoof])
    flat = text(tmp_path / "flat.txt", trials["utterance"], np.zeros(len(trials)))
    one = tmp_path / "one/ASVspoof2019.LA.cm.eval.trl.txt"
    one.parent.mkdir()
    lines = (tmp_path / f"keys/{one.name}").read_text().splitlines()
    one.write_text("".join(f"LA_0001 {line.partition(' ')[2]}\n" for line in lines))
    alone = ["--corpus", "19LA", "--keys", str(one), "--bootstrap-unit", "speaker"]
    for code, order in (
        (1, ("score", part, "--allow-missing", *keys)),
        (0, ("score", flat, "--allow-inverted", *keys)),
        (0, ("score", flat, "--allow-inverted", "--by", "attack", *alone)),
        (1, ("compare", part, flat, "--allow-missing", "--allow-inverted", *keys)),
        (0, ("compare", flat, flat, "--allow-inverted", *alone)),
    ):
        done = bench(*map(str, order), "--json")
        assert done.returncode == code, done.stderr
        why = "error: no metric is defined: t"
        assert done.stderr.startswith(why) if code else "error" not in done.stderr
        json.loads(done.stdout, parse_constant=lambda word: pytest.fail(word))
    shown = bench("score", str(flat), "--allow-inverted", *alone).stdout
    assert "there is one speaker" in shown


def test_no_figure_at_all_is_no_success_but_a_verdict(bench, environment, trials, keys, tmp_path):
    scores, spoof = scored(trials)
    part = text(tmp_path / "part.txt", trials["utterance"][spoof], scores[spoof])
    done = bench("score", str(part), "--allow-missing", *keys)
    assert done.returncode == 1
    assert done.stderr == "error: no metric is defined: there are trials of one class only\n"
    assert "No result." in done.stdout
    place = tmp_path / "work/scored/part-asvspoof2019la-eval"
    assert json.loads((place / "verdict.json").read_text())["results"] == {}
    subset, frames = framed(environment, tmp_path)
    bonafide = {u: frames[u] for u, v in subset.timing.spoof.items() if not v.any()}
    np.savez(tmp_path / "bonafide.npz", **bonafide)
    order = (str(tmp_path / "bonafide.npz"), "--corpus", "PS", "--smoke", "--resolution", "0.02")
    for verb in (("score",), ("compare", str(tmp_path / "bonafide.npz,resolution=0.02"))):
        done = bench(*verb, *order, "--allow-missing", *FEW)
        assert done.returncode == 1
        assert "error: no metric is defined" in done.stderr


def test_every_formula_in_use_is_there_for_whom_a_number_differs(bench, trials, keys, tmp_path):
    scores, _ = scored(trials)
    path = text(tmp_path / "rounded.txt", trials["utterance"], np.round(scores))
    done = bench("score", str(path), *keys, "--all-eer-definitions")
    assert done.returncode == 0, done.stderr
    assert "| sklearn_fpr " in done.stdout
    found = json.loads(bench("score", str(path), *keys, "--all-eer-definitions", "--json").stdout)
    formulas = {name: of["value"] for name, of in found["formulas"].items()}
    assert formulas["ours"] == found["results"]["eer"]["value"]
    assert formulas["official"] == found["results"]["eer_official"]["value"]
    assert len(set(formulas.values())) > 3, "tied scores tell the formulas apart"


def test_breakdowns_have_the_figures_asked_for_and_speakers(bench, trials, keys, tmp_path):
    scores, spoof = scored(trials)
    path = text(tmp_path / "mine.txt", trials["utterance"], scores)
    order = ("score", str(path), *keys, "--by", "speaker", "--metrics", "auc,eer", "--json")
    (breakdown,) = json.loads(bench(*order).stdout)["breakdowns"]
    lines = {line["levels"]["speaker"]: line for line in breakdown["lines"]}
    own = (trials["speaker"] == "LA_0003").to_numpy()
    assert lines["LA_0003"]["bonafide"] == (own & ~spoof).sum()
    assert lines["LA_0003"]["spoof"] == (own & spoof).sum()
    assert lines["LA_0003"]["results"].keys() == {"eer", "auc"}
    rounded = np.round(scores, 6)
    rate = eer_by_class(rounded[own & ~spoof], rounded[own & spoof]).eer
    assert lines["LA_0003"]["results"]["eer"]["value"] == 100 * rate
    wrong = bench("score", str(path), *keys, "--metrics", "cllr")
    assert wrong.returncode == 2
    assert "has no metric 'cllr'" in wrong.stderr


def test_frames_are_broken_down_by_fields_of_their_utterances(bench, environment, tmp_path):
    subset, frames = framed(environment, tmp_path)
    order = ("score", str(tmp_path / "frames.npz"), "--resolution", "0.02", "--corpus", "PS")
    done = bench(*order, "--smoke", "--by", "speaker", "--json", *FEW)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["form"] == "smoke"
    lines = found["breakdowns"][-1]["lines"]
    assert lines[-1]["levels"] == {"speaker": "Pooled"}
    for name in ("eer", "range_eer"):
        assert lines[-1]["results"][name]["value"] == found["results"][name]["value"]
    table = subset.table
    line = next(line for line in lines if line["results"])
    one = line["levels"]["speaker"]
    of_one = table.loc[(table["speaker"] == one) | (one == "Pooled"), "utterance"]
    score = np.concatenate([frames[u] for u in of_one])
    spoof = np.concatenate([subset.timing.spoof[u] for u in of_one])
    rate = eer_by_class(score[~spoof], score[spoof]).eer
    assert line["results"]["eer"]["value"] == pytest.approx(100 * rate, abs=1)
    assert "# SMOKE: frames.npz on partialspoof" in bench(*order, "--smoke", *FEW).stdout
