"""`bench get` from a server on this machine: corpora in the organisers' archives, and weights."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import time
import tomllib
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest

from bench.cards import corpus_cards
from bench.config import read_config
from bench.data.corpora import read_corpus_split, read_keys
from bench.downloads import addresses
from bench.evaluation.score_file import read_scores
from bench.models import weights
from tests.downloads.lab_corpus import LabCorpus, card_content
from tests.downloads.official_archives import CORPORA
from tests.downloads.server import FileServer, run_server
from tests.output_schema import validated


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    monkeypatch.setattr(addresses, "BACKOFF_S", 0)
    with run_server() as files:
        yield files


@pytest.fixture
def lab(miniatures: Path, tmp_path: Path, server: FileServer) -> Callable[..., str]:
    return LabCorpus(server, miniatures, tmp_path).serve


def fetched(server: FileServer) -> list[str]:
    return sorted({path for method, path, _ in server.asked if method == "GET"})


@pytest.mark.parametrize("key", CORPORA)
def test_a_corpus_comes_in_the_layout_of_its_reader_and_only_once(
    bench, lab, server, tmp_path, key
):
    name = lab(key)
    done = bench("get", name)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    root = (tmp_path / "data/labcorpus" / card_content(key).get("folder", "")).resolve()
    config = tomllib.loads((tmp_path / "bench.toml").read_text())
    assert (tmp_path / config["corpora"]["labcorpus"]).resolve() == root
    assert "# ours" in (tmp_path / "bench.toml").read_text()
    assert len(fetched(server)) == len(CORPORA[key])
    left = [p.name for p in (tmp_path / "data").rglob("*") if p.suffix in (".zip", ".tgz", ".part")]
    assert left == []
    checked = bench("data", "check", name)
    assert checked.returncode == 0, checked.stdout
    server.asked.clear()
    again = bench("get", name)
    assert again.returncode == 0, again.stderr
    assert "already there" in again.stdout
    assert server.asked == []


TABLE = """
title        = "Lab"
text_columns = ["System"]
seeds        = [1]
columns      = [{ heading = "EER", metric = "labcorpus.eer" }]

[base]
system    = { kind = "aasist", filters = 24, first_channels = 8, channels = 8, graph_dim = 8 }
frontend  = { kind = "waves" }
augment   = { kind = "none" }
mix       = { kind = "none" }
train     = { corpus = "labcorpus", split = "train", resolution_s = "utterance", clip_s = 2.0375 }
dev       = { corpus = "labcorpus", split = "dev", resolution_s = "utterance", clip_s = 2.0375 }
optimiser = { kind = "adam", learning_rate = 1e-3, weight_decay = 1e-4 }
schedule  = { kind = "constant" }
training  = { epochs = 1, batch_size = 8 }

[base.evaluate.labcorpus]
corpus       = "labcorpus"
split        = "eval"
resolution_s = "utterance"
clip_s       = 2.0375

[rows.one]
cells = ["AASIST, small"]
"""


@pytest.mark.rows
def test_a_row_runs_on_a_corpus_that_came(bench, lab, tmp_path, monkeypatch):
    """From the server to the report: no smoke form, and no path is written by hand."""
    name = lab("asvspoof2019la")
    table = tmp_path / "lab/experiments/mine/table.toml"
    table.parent.mkdir(parents=True)
    table.write_text(TABLE, encoding="utf-8")
    before = bench("run", "mine/table")
    assert (before.returncode, before.code) == (2, "run.requirements-missing"), before.stderr
    for words in (("get", name), ("data", "check", name), ("run", "mine/table")):
        done = bench(*words)
        assert done.returncode == 0, done.stderr
    monkeypatch.chdir(tmp_path)
    content = json.loads(bench("report", "mine/table", "--json").stdout)
    (row,), (cell,) = content["rows"], content["records"]
    assert (row["trained_on"], row["evidence"]) == ("LAB", "measured here")
    assert cell["low"] <= cell["value"] <= cell["high"]
    (scores,) = (tmp_path / "work/runs").rglob("*.parquet")
    subset = read_corpus_split("labcorpus", "eval", read_config(), "paper")
    assert read_scores(scores)["utterance"].to_pylist() == subset.table["utterance"].tolist()
    assert subset.root.resolve() == tmp_path / "data/labcorpus/LA"


@pytest.mark.rows
@pytest.mark.parametrize("key", [key for key in CORPORA if key != "llamapartialspoof"])
def test_keys_alone_are_enough_to_judge_a_score_file(bench, lab, server, tmp_path, key):
    name = lab(key)
    done = bench("get", name, "--keys-only")
    assert done.returncode == 0, done.stderr
    assert "protocols and keys" in done.stdout
    audio = [p for p in (tmp_path / "data").rglob("*") if p.suffix in (".wav", ".flac", ".zip")]
    assert audio == []
    card = corpus_cards.read_corpus_card(key)
    root = tmp_path / "data/labcorpus"
    table = read_keys(card, card.evaluation_split, root).table
    scores = tmp_path / "scores.txt"
    scores.write_text("".join(f"{u} {i % 7}\n" for i, u in enumerate(table["utterance"])))
    judged = bench("score", str(scores), "--corpus", name, "--no-intervals", "--allow-inverted")
    assert f"{len(table)} trials" in judged.stdout, judged.stderr
    server.asked.clear()
    assert bench("get", name, "--keys-only").returncode == 0
    assert server.asked == []
    whole = bench("get", name)
    assert whole.returncode == 0, whole.stderr
    assert bench("data", "check", name).returncode == 0


def test_a_score_file_without_keys_is_told_which_command_brings_them(bench, tmp_path):
    (tmp_path / "scores.txt").write_text("0 1.5\n1 0.5\n")
    done = bench("score", "scores.txt", "--corpus", "ITW")
    assert done.code == "config.corpus-missing"
    assert "`bench get inthewild --keys-only`" in done.stderr


def test_what_is_planned_is_shown_and_nothing_comes(bench, lab, server):
    lab("partialspoof")
    done = bench("get", "LAB", "--dry-run", "--json")
    (target,) = validated(done.stdout)["targets"]
    assert target["state"] == "to fetch"
    assert [item["file"] for item in target["files"]] == list(CORPORA["partialspoof"])
    assert server.asked == []
    assert "database_eval.tar.gz" in done.stderr


def test_archives_stay_where_asked(bench, lab, tmp_path):
    lab("inthewild")
    assert bench("get", "LAB", "--keep-archives", "--output-dir", "big").returncode == 0
    assert (tmp_path / "big/labcorpus/release_in_the_wild.zip").is_file()


def test_the_results_are_told_as_json(bench, lab):
    lab("had")
    done = bench("get", "LAB", "--json")
    content = validated(done.stdout)
    (target,) = content["targets"]
    assert (target["state"], target["fetched"]) == ("fetched", ["HAD.zip"])
    assert content["written"] == "bench.toml"


def test_a_corpus_that_fails_does_not_stop_the_others_and_the_exit_status_says_so(
    bench, lab, server, tmp_path
):
    lab("partialspoof")
    dev = server.files.pop("/database_dev.tar.gz")
    done = bench("get", "LAB", "--json")
    assert done.returncode == 1
    (target,) = validated(done.stdout)["targets"]
    assert target["state"] == "failed"
    assert [error["code"] for error in target["errors"]] == ["download.not-found"]
    assert len(target["fetched"]) == 4
    assert "corpora" not in tomllib.loads((tmp_path / "bench.toml").read_text())
    server.files["/database_dev.tar.gz"] = dev
    server.asked.clear()
    assert bench("get", "LAB").returncode == 0
    assert fetched(server) == ["/database_dev.tar.gz"]


def test_an_unsound_corpus_is_said(bench, lab, tmp_path):
    lab("inthewild")
    card = tmp_path / "lab/datasets/labcorpus.toml"
    text = card.read_text()
    split = tomllib.loads(text)["splits"]["eval"]
    for name, more in (("utterances", 1), ("spoof", 1)):
        text = text.replace(f"{name} = {split[name]}\n", f"{name} = {split[name] + more}\n")
    card.write_text(text)
    done = bench("get", "LAB")
    assert done.returncode == 1
    assert "where the card has" in done.stderr


@pytest.mark.parametrize(
    ("access", "what"), [("terms", "accept the terms"), ("request", "fill in the form")]
)
def test_what_only_a_person_can_get_is_said_and_the_rest_goes_on(
    bench, lab, server, tmp_path, small_weights, access, what
):
    lab("inthewild", access=access)
    done = bench("get", "LAB", "tiny_one")
    assert done.returncode == 1
    assert what in done.stderr
    assert "https://deepfake-total.com/in_the_wild" in done.stderr
    assert "corpora.labcorpus" in done.stderr
    assert (tmp_path / "data/weights/tiny.pt").read_bytes() == b"tiny"
    assert fetched(server) == ["/tiny.pt"]


@pytest.fixture
def small_weights(server, monkeypatch) -> weights.PublishedWeights:
    """The published weights are one small file."""
    entry = weights.PublishedWeights(
        file="tiny.pt",
        source="https://example.org/tiny",
        repository="own/tiny",
        url=server.serve("tiny.pt", b"tiny"),
        licence="MIT",
        bytes=4,
        sha256=hashlib.sha256(b"tiny").hexdigest(),
    )
    monkeypatch.setattr(weights, "published_weights", lambda: {"tiny_one": entry})
    return entry


def test_an_archive_that_lies_there_is_taken_if_it_is_the_right_one(bench, lab, server, tmp_path):
    lab("had")
    path = tmp_path / "data/labcorpus/HAD.zip"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"another")
    done = bench("get", "LAB")
    assert done.returncode == 1
    assert f"{path.relative_to(tmp_path)}: it has 7 bytes" in done.stderr
    path.write_bytes(server.files["/HAD.zip"].content)
    assert bench("get", "LAB").returncode == 0
    assert fetched(server) == []


def test_weights_come_and_are_configured(bench, small_weights, server, tmp_path):
    done = bench("get", "tiny-one")
    assert done.returncode == 0, done.stderr
    assert "licence: MIT" in done.stdout
    config = tomllib.loads((tmp_path / "bench.toml").read_text())
    assert config["weights"] == {"tiny_one": "data/weights/tiny.pt"}
    server.asked.clear()
    again = bench("get", "tiny_one")
    assert (again.returncode, server.asked) == (0, [])
    assert "already there: data/weights/tiny.pt" in again.stdout
    refused = bench("get", "tiny_one", "--keys-only")
    assert refused.code == "option.conflict"


def test_replaced_weights_are_noticed(bench, small_weights, server, tmp_path):
    server.serve("tiny.pt", b"evil")
    done = bench("get", "tiny_one", "--json")
    assert done.returncode == 1
    (target,) = validated(done.stdout)["targets"]
    assert [error["code"] for error in target["errors"]] == ["download.checksum"]
    assert not (tmp_path / "data/weights/tiny.pt").exists()


def test_a_place_of_ones_own_is_left_alone(bench, lab, server, tmp_path):
    lab("inthewild")
    (tmp_path / "mine").mkdir()
    with (tmp_path / "bench.toml").open("a") as file:
        file.write('[corpora]\nLAB = "mine"\n')
    done = bench("get", "LAB")
    assert done.returncode == 0
    assert "already configured: mine" in done.stdout
    assert server.asked == []


def test_more_than_10_gb_are_confirmed(bench, lab, server, monkeypatch):
    lab("inthewild")
    monkeypatch.setattr(import_module("bench.cli.get"), "ASK_BYTES", 1000)
    done = bench("get", "LAB")
    assert done.code == "download.unconfirmed"
    assert fetched(server) == []
    assert bench("get", "LAB", "--yes").returncode == 0


def test_a_table_needs_its_corpora_and_weights(bench):
    done = bench("get", "--for", "table4", "--dry-run", "--json")
    targets = {target["key"]: target for target in validated(done.stdout)["targets"]}
    assert [*targets] == ["partialspoof", "llamapartialspoof", "xlsr2_300m"]
    files = [item["file"] for item in targets["llamapartialspoof"]["files"]]
    assert files == ["R01TTS.0.a.tgz", "label_R01TTS.0.a.txt"], "the row's split needs no others"


def test_names_are_asked_for_and_unknown_ones_have_a_near_one(bench):
    assert bench("get").code == "option.missing"
    done = bench("get", "xlsr2_300")
    assert done.code == "download.unknown"
    assert "did you mean 'xlsr2_300m'?" in done.stderr


@pytest.mark.rows
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("blow", ["SIGKILL", "SIGINT"])
def test_a_killed_download_is_continued(bench, start, lab, server, tmp_path, blow):
    lab("inthewild")
    path = "/release_in_the_wild.zip"
    server.files[path].pause_s = 0.02
    size = len(server.files[path].content)
    process = start("get", "LAB", stdout=subprocess.DEVNULL)
    part = tmp_path / f"data/labcorpus{path}.part"
    deadline = time.monotonic() + 60
    while not (part.exists() and part.stat().st_size > 20_000):
        assert time.monotonic() < deadline, "the download did not begin"
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.01)
    process.send_signal(getattr(signal, blow))
    _, said = process.communicate(timeout=30)
    assert process.returncode == (-signal.SIGKILL if blow == "SIGKILL" else 130), said
    if blow == "SIGINT":
        assert "the same command goes on from what is on the disk" in said
    there = part.stat().st_size
    assert 0 < there < size
    server.files[path].pause_s = 0
    server.asked.clear()
    done = bench("get", "LAB")
    assert done.returncode == 0, done.stderr
    assert server.ranges_of(path[1:]) == [f"bytes={there}-"]


def test_a_second_process_is_told_who_gets_it(bench, small_weights, tmp_path):
    from bench._io import file_locks

    (tmp_path / "data").mkdir()
    with file_locks.hold_file(tmp_path / "data/.tiny_one.lock"):
        done = bench("get", "tiny_one")
    assert done.code == "download.busy"
    assert f"process {os.getpid()}" in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_is_said(bench, small_weights, tmp_path):
    (tmp_path / "data/weights").mkdir(parents=True)
    (tmp_path / "data/weights/tiny.pt.part").symlink_to("/dev/full")
    done = bench("get", "tiny_one")
    assert (done.returncode, done.code) == (1, "machine.disk-full")
    assert "tiny.pt" in done.stderr
