"""Public score files from outside: `bench get`, `bench run` and reports, from a server here."""

from __future__ import annotations

import io
import json
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import tomlkit

from bench.cards import corpus_cards
from bench.cli import public_results
from bench.data.corpora import read_keys
from bench.downloads import addresses
from bench.evaluation.evaluator import EvaluationRequest
from bench.evaluation.reference import build_reference
from bench.metrics.det import eer_of
from bench.metrics.tally import count_scores
from tests.downloads.server import FileServer, run_server

COUNT = 200


@pytest.fixture(autouse=True)
def few_intervals(monkeypatch):
    """Draw 50 replicates: results and differences are without them what they are with 1000."""
    few = partial(EvaluationRequest, replicates=50)
    monkeypatch.setattr(public_results, "EvaluationRequest", few)


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(addresses, "BACKOFF_S", 0)
    with run_server() as files:
        yield files


@pytest.fixture
def wild(environment, tmp_path):
    """The keys of a made In-the-Wild; its scores, a higher one for bona fide."""
    spoof = np.arange(COUNT) % 3 > 0
    lines = [
        f"{i}.wav,Someone {i % 9},{'spoof' if s else 'bona-fide'}" for i, s in enumerate(spoof)
    ]
    (tmp_path / "itw").mkdir()
    (tmp_path / "itw/meta.csv").write_text("\n".join(["file,speaker,label", *lines]) + "\n")
    environment["BENCH_CORPORA_INTHEWILD"] = str(tmp_path / "itw")
    return np.random.default_rng(0).normal(size=COUNT) - 2 * spoof, spoof


def as_npy(array) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def write_card(folder: Path, **content) -> None:
    """Write the card `public/made` of an extension."""
    path = folder / "lab/experiments/public/made.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(tomlkit.dumps({"title": "Made", **content}))
    (folder / "bench.toml").write_text('extend = ["lab"]\n')


def entry(server: FileServer, name: str, content: bytes, **more) -> dict:
    about = {"system": name.partition(".")[0], "by": "authors", "page": "https://example.org"}
    address = {"file": name, "url": server.serve(name, content), "licence": "MIT"}
    return {**about, **address, **more}


def eer_percent(score, spoof) -> float:
    return 100 * eer_of(count_scores(score[~spoof], score[spoof])).eer


@pytest.fixture
def made(tmp_path, server, wild):
    """A card with the forms in which SLS and the IJCB audit publish: text, and two NumPy files."""
    score, spoof = wild
    text = "".join(f"{i}.wav {value!r}\n" for i, value in enumerate(score.tolist())).encode()
    ids = as_npy(np.array([f"{i}.wav" for i in range(COUNT)], dtype=object))
    printed = {"printed": {"eer": 7.46}, "printed_in": "its README"}
    files = {
        "SLS": entry(server, "SLS.txt", text, tables=["cross/detection"], **printed),
        "audit": entry(
            server,
            "audit.npy",
            as_npy(-score),
            ids={"file": "audit_ids.npy", "url": server.serve("audit_ids.npy", ids)},
            higher_is_spoof=True,
        )
        | {"by": "auditors"},
    }
    write_card(tmp_path, corpus="inthewild", split="eval", files=files)
    return eer_percent(score, spoof)


def content_of(done) -> dict:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.rows
def test_what_comes_is_evaluated_and_stands_beside_what_is_printed(bench, made, tmp_path):
    assert "sha256: not known" in bench("show", "public/made").stdout
    done = bench("get", "public/made")
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert "public/made: fetched" in done.stdout
    assert "weights" not in (tmp_path / "bench.toml").read_text()
    content = content_of(bench("run", "public/made", "--json"))
    for file in content["files"]:
        assert file["results"]["eer"]["value"] == pytest.approx(made)
        assert file["results"]["eer"]["low"] < made < file["results"]["eer"]["high"]
    sls, audit = content["files"]
    assert sls["differences"] == {"eer": pytest.approx(made - 7.46)}
    assert [one["table"] for one in sls["tracked"]] == ["cross/detection"]
    assert [one["table"] for one in audit["tracked"]] == ["scored/inthewild"]
    done = bench("run", "public/made", "--rows", "SLS")
    assert f"{made - 7.46:+.4f}" in done.stdout
    assert "next: bench report cross/detection" in done.stdout
    assert "audit" not in done.stdout


@pytest.mark.rows
def test_the_row_stands_in_the_tables_report(bench, made, tmp_path):
    for words in (("get", "public/made"), ("run", "public/made"), ("report", "cross")):
        done = bench(*words)
        assert done.returncode == 0, done.stderr
    (path,) = tmp_path.rglob("cross-detection.md")
    report = path.read_text()
    assert "Authors' scores, evaluated here" in report
    line = next(line for line in report.splitlines() if line.startswith("| SLS "))
    cell = f"7.46 / {made:.2f} / {made - 7.46:+.2f}"
    assert cell in line.replace("**", "")
    assert "one seed" not in line
    assert "[public/made, SLS](https://example.org)" in report
    assert "its README" in report
    records = content_of(bench("report", "cross", "--json"))["records"]
    (record,) = [of for of in records if of["row"] == "SLS" and of["value"] is not None]
    assert (record["paper"], record["scored"]) == (7.46, True)
    assert record["difference"] == pytest.approx(made - 7.46)


def test_a_file_comes_once_and_its_checksum_is_noted(bench, made, server, tmp_path):
    content_of(bench("get", "public/made", "--json"))
    asked = len(server.asked)
    target = content_of(bench("get", "public/made", "--json"))["targets"][0]
    assert (target["section"], target["state"], target["files"]) == ("public", "there", [])
    assert len(server.asked) == asked
    path = tmp_path / "work/public/made/SLS.txt"
    path.write_text(path.read_text().replace("-", "", 1))
    done = bench("run", "public/made", "--rows", "SLS")
    assert (done.returncode, done.code) == (1, None)
    assert "when it came it was" in done.stderr
    assert "failed: SLS" in done.stderr


def test_a_checksum_of_the_card_is_compared(bench, server, wild, tmp_path):
    files = {"X": entry(server, "X.txt", b"0.wav 1\n", sha256="0" * 64)}
    write_card(tmp_path, corpus="inthewild", split="eval", files=files)
    done = bench("get", "public/made")
    assert done.returncode == 1
    assert "its sha256 is" in done.stderr
    place = tmp_path / "work/public/made"
    place.mkdir(parents=True, exist_ok=True)
    (place / "X.txt").write_text("0.wav 1\n")
    done = bench("run", "public/made", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["files"][0]["error"]["code"] == "public.changed"


@pytest.mark.rows
def test_a_missing_file_does_not_stop_the_others(bench, made, tmp_path):
    assert bench("get", "public/made").returncode == 0
    (tmp_path / "work/public/made/audit_ids.npy").unlink()
    done = bench("run", "public/made", "--json")
    assert done.returncode == 1
    sls, audit = json.loads(done.stdout)["files"]
    assert sls["results"]
    assert (audit["error"]["code"], audit["path"]) == ("public.not-here", None)
    np.save(tmp_path / "work/public/made/audit_ids.npy", np.array(["0.wav"]))
    done = bench("run", "public/made", "--json")
    assert json.loads(done.stdout)["files"][1]["error"]["code"] == "public.changed"
    shutil.rmtree(tmp_path / "work/public/made/.downloads")
    done = bench("run", "public/made", "--json")
    assert json.loads(done.stdout)["files"][1]["error"]["code"] == "public.lengths"


def test_mistakes_are_named(bench, made, subtests):
    cases = {
        "public.unknown": ["run", "public/mad"],
        "public.file-unknown": ["run", "public/made", "--rows", "SLSS"],
        "option.not-applicable": ["run", "public/made", "--seeds", "2"],
        "option.conflict": ["get", "public/made", "--keys-only"],
    }
    for code, words in cases.items():
        with subtests.test(code=code):
            done = bench(*words)
            assert (done.returncode, done.code) == (2, code), done.stderr
    assert bench("show", "public/made", "--smoke").code == "option.not-applicable"
    assert "did you mean 'public/made'" in bench("show", "public/mad").stderr
    assert "here: no" in bench("run", "public/made", "--dry-run").stdout


def test_without_keys_the_command_that_gets_them_is_named(bench, made, environment):
    del environment["BENCH_CORPORA_INTHEWILD"]
    done = bench("run", "public/made")
    assert done.returncode == 2
    assert "bench get ITW --keys-only" in done.stderr


def test_a_card_names_what_is_wrong_with_it(bench, server, wild, tmp_path, subtests):
    file = entry(server, "X.txt", b"")
    wrong = {
        "should be a name without folders": {"file": "a/X.txt"},
        "there is no such table": {"tables": ["cross/nothing"]},
        "should say where": {"printed": {"eer": 1.0}},
        "sha": {"sha": "0"},
    }
    for message, change in wrong.items():
        with subtests.test(message=message):
            write_card(tmp_path, corpus="inthewild", split="eval", files={"X": file | change})
            done = bench("show", "public/made")
            assert (done.returncode, done.code) == (2, "card.invalid")
            assert message in done.stderr


def test_frames_that_were_pooled_the_wrong_way_show(
    bench, server, environment, miniatures, tmp_path
):
    """As the IJCB audit: frames of 20 ms, a higher score for spoof, pooled to 160 ms by the lowest;
    here the highest of a longer frame decides, as its label does.
    """
    root = miniatures / "mini/partialspoof"
    environment["BENCH_CORPORA_PARTIALSPOOF"] = str(root)
    subset = read_keys(corpus_cards.read_corpus_card("PS"), "eval", root)
    truth = build_reference(subset)
    names, rng = subset.table["utterance"].tolist(), np.random.default_rng(1)
    vectors, pooled, labels = [], [], []
    for row in range(len(names)):
        of_row = truth.utterance == row
        ends, spoof = truth.end[of_row], truth.is_spoof[of_row]
        middle = np.arange(0, ends[-1], 320) + 160
        is_spoof = spoof[np.searchsorted(ends, np.minimum(middle, ends[-1] - 1), side="right")]
        vectors.append((rng.normal(size=len(middle)) + 2 * is_spoof).astype(np.float32))
        for start in range(0, len(middle), 8):
            pooled.append(vectors[-1][start : start + 8].min())
            labels.append(is_spoof[start : start + 8].any())
    objects = np.empty(len(vectors), dtype=object)
    objects[:] = vectors
    printed = eer_percent(-np.array(pooled, np.float64), np.array(labels))
    file = entry(
        server,
        "frames.npy",
        as_npy(objects),
        ids={
            "file": "ids.npy",
            "url": server.serve("ids.npy", as_npy(np.array(names, dtype=object))),
        },
        higher_is_spoof=True,
        resolution_s=0.02,
        printed={"eer_160ms": printed},
        printed_in="its results.json",
        tables=["sal/table1"],
    )
    write_card(tmp_path, corpus="partialspoof", split="eval", files={"MRM": file})
    assert bench("get", "public/made").returncode == 0
    (file,) = content_of(bench("run", "public/made", "--json"))["files"]
    here = file["results"]["eer_160ms"]["value"]
    assert here < printed - 5
    assert file["differences"] == {"eer_160ms": pytest.approx(here - printed)}
    records = content_of(bench("report", "table1", "--json"))["records"]
    (record,) = [
        of
        for of in records
        if of["text"].startswith("frames")
        and of["metric"].endswith(".eer")
        and of["value"] is not None
    ]
    assert record["paper"] == pytest.approx(printed)
    assert record["value"] == pytest.approx(here)


@pytest.mark.rows
def test_aasist_ls_published_scores_give_the_printed_results(bench, environment, shared, tmp_path):
    official = shared / "protocols/asvspoof2019_la"
    environment["BENCH_CORPORA_ASVSPOOF2019LA"] = str(official)
    folder = tmp_path / "work/public/19la"
    folder.mkdir(parents=True)
    shutil.copy(official / "scores/AASIST-L_eval.txt", folder / "AASIST-L.txt")
    (file,) = content_of(bench("run", "public/19la", "--json"))["files"]
    assert file["sha256"] is not None
    assert file["differences"] == {
        "eer": pytest.approx(0, abs=1e-8),
        "min_tdcf": pytest.approx(0, abs=1e-8),
    }
    assert len(file["tracked"]) == 2
