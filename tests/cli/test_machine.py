"""Faulty settings and machines from outside: one message, and what is whole is shown."""

from __future__ import annotations

import importlib
import json
import os
from pathlib import Path

import pytest

from bench.config import Config
from bench.errors import BenchError
from bench.training import engine

LATIN = 'name = "Caf\xe9"\n'.encode("latin-1")
VERBS = [
    ["run", "table4", "--smoke"],
    ["run", "table4", "--smoke", "--dry-run"],
    ["show", "table4"],
    ["report", "table4", "--smoke"],
    ["sweep", "sal-lambda", "--smoke"],
    ["data", "show", "HAD"],
    ["data", "check", "HAD", "--smoke"],
    ["data", "mini", "--corpus", "HAD"],
    ["explain", "tca", "--row", "TCA", "--smoke"],
]


@pytest.mark.parametrize("arguments", VERBS, ids=" ".join)
def test_every_verb_tells_of_a_faulty_bench_toml(bench, arguments, tmp_path):
    (tmp_path / "bench.toml").write_bytes(LATIN)
    done = bench(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("error: bench.toml:1: not in UTF-8")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'[corpora]\nHADD = "x"\n', "corpora.HADD in bench.toml: 'HADD': there is no such corpus"),
        (b'[corpora]\nhad = "x"\nHAD = "y"\n', "corpora.HAD in bench.toml: had has a place alread"),
        (b'[weights]\nXLSR2-300m = "x"\n', "no such key; did you mean 'xlsr2_300m'?"),
        (b'[weight]\nx = "x"\n', "weight: no such key; did you mean 'weights'?"),
        (b'[noise]\nmusam = "x"\n', "noise.musam: no such key; did you mean 'musan'?"),
    ],
    ids=["corpus", "twice", "weights", "section", "noise"],
)
def test_an_unknown_key_of_bench_toml_is_a_mistake(bench, content, message, tmp_path):
    (tmp_path / "bench.toml").write_bytes(content)
    done = bench("show", "table4")
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert message in done.stderr


def test_corpora_may_be_given_by_their_short_names(bench, environment, miniatures, tmp_path):
    (tmp_path / "bench.toml").write_text(f'[corpora]\nHAD = "{miniatures}/mini/had"\n')
    environment["BENCH_CORPORA_ITW"] = f"{miniatures}/mini/inthewild"
    found = json.loads(bench("doctor", "--json").stdout)["findings"]
    places = {item["name"]: item["detail"] for item in found if item["area"] == "corpora"}
    assert places["had"] == f"{miniatures}/mini/had"
    assert places["inthewild"] == f"{miniatures}/mini/inthewild"
    environment["BENCH_CORPORA_INTHEWIDL"] = "x"
    done = bench("data", "show", "HAD")
    assert done.returncode == 2
    assert (
        "BENCH_CORPORA_INTHEWIDL: 'inthewidl': there is no such corpus; did you mean 'inthewild'?"
        in done.stderr
    )


def test_a_variable_goes_before_another_name_of_the_corpus_in_a_file(bench, environment, tmp_path):
    (tmp_path / "bench.toml").write_text('[corpora]\nPS = "file"\n')
    environment["BENCH_CORPORA_PARTIALSPOOF"] = "variable"
    found = json.loads(bench("doctor", "--json").stdout)["findings"]
    place = next(of["detail"] for of in found if of["name"] == "partialspoof")
    assert place.startswith("corpora.partialspoof = 'variable' in BENCH_CORPORA_PARTIALSPOOF: ")
    environment["BENCH_CORPORA_PS"] = "another"
    done = bench("data", "show", "HAD")
    assert done.returncode == 2
    assert "partialspoof has a place already" in done.stderr


@pytest.fixture
def bad_card(tmp_path):
    """A folder of cards of which one cannot be read."""
    (tmp_path / "own/datasets").mkdir(parents=True)
    (tmp_path / "own/datasets/bad.toml").write_bytes(LATIN)
    (tmp_path / "bench.toml").write_text('extend = ["own"]\n')
    return "own/datasets/bad.toml:1: not in UTF-8"


@pytest.mark.parametrize(
    "arguments",
    [
        ["data", "check", "HAD", "--smoke"],
        ["data", "show", "had"],
        ["run", "table4", "--smoke", "--dry-run"],
    ],
    ids=" ".join,
)
def test_a_bad_card_stands_in_the_way_of_no_other_corpus(bench, bad_card, arguments):
    done = bench(*arguments)
    assert done.returncode == 0, done.stderr


def test_a_bad_card_is_listed(bench, bad_card):
    listed = {of["name"]: of for of in json.loads(bench("list", "--json").stdout)["corpora"]}
    assert listed["bad"]["about"] == f"faulty: {listed['bad']['about'].removeprefix('faulty: ')}"
    assert bad_card in listed["bad"]["about"]
    assert "had" in listed
    assert bad_card in bench("list").stdout
    found = json.loads(bench("doctor", "--json").stdout)["findings"]
    (fault,) = [of["detail"] for of in found if of["area"] == "cards of corpora"]
    assert bad_card in fault
    unknown = bench("data", "show", "bade")
    assert unknown.returncode == 2
    assert bad_card in unknown.stderr
    asked = bench("data", "show", "bad")
    assert asked.returncode == 2
    assert bad_card in asked.stderr


def test_doctor_shows_the_rest_beside_a_faulty_configuration(bench, tmp_path):
    (tmp_path / "bench.toml").write_bytes(LATIN)
    done = bench("doctor")
    assert done.returncode == 2
    assert "not in UTF-8" in done.stdout
    assert "torch" in done.stdout


def test_doctor_shows_the_rest_beside_a_store_that_cannot_be_opened(bench, environment):
    (Path(environment["BENCH_WORK"]) / "mlflow.db").write_bytes(b"no database at all" * 100)
    done = bench("doctor", "--json")
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)["findings"]
    (store,) = [of for of in found if of["name"] == "mlflow" and of["area"] == "tracking store"]
    assert store["state"] == "broken"
    assert {"devices", "versions", "corpora", "weights"} <= {of["area"] for of in found}


def test_the_columns_of_a_listing_are_aligned(bench):
    parts = bench("list").stdout.strip().split("\n\n")
    sections = dict(part.split("\n", 1) for part in parts)
    assert set(sections) >= {"tables", "corpora", "sweeps"}
    listed = json.loads(bench("list", "--json").stdout)
    for heading, lines in sections.items():
        key = heading.replace(" ", "_").replace("-", "_")
        of = zip(lines.split("\n"), listed[key], strict=True)
        starts = {line.index(entry["about"]) for line, entry in of}
        assert len(starts) == 1, heading


GONE = [
    ["run", "tca/table1", "--smoke", "--rows", "TCA"],
    ["sweep", "sal-lambda", "--smoke"],
    ["score", "--row", "TCA", "--table", "tca/table1", "--smoke", "--corpus", "19LA"],
    ["explain", "tca", "--row", "TCA", "--smoke"],
]


@pytest.mark.parametrize("arguments", GONE, ids=" ".join)
def test_a_device_that_is_not_there_is_told_before_anything_is_trained(
    bench, environment, arguments, monkeypatch
):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    environment["BENCH_DEVICE"] = "cuda"
    done = bench(*arguments)
    assert done.returncode == 2
    assert "error: device = 'cuda': torch finds no such device here" in done.stderr
    assert "BENCH_DEVICE=cpu" in done.stderr
    assert not list(Path(environment["BENCH_WORK"]).rglob("*.pt"))


@pytest.mark.parametrize(
    ("device", "devices", "there", "message"),
    [
        ("mps", "1", 0, "device = 'mps': torch finds no such device here"),
        ("cuda", "1", 0, "device = 'cuda': torch finds no such device here"),
        ("cuda", "4", 2, "devices = 4, device = 'cuda': torch finds 2 here: set devices = 2"),
        ("auto", "4", 2, "devices = 4, device = 'auto': torch finds 2 here"),
        ("auto", "4", 0, ""),
        ("cuda", "2", 2, ""),
        ("cpu", "2", 0, ""),
    ],
)
def test_a_dry_run_and_doctor_tell_of_a_device(
    bench, environment, monkeypatch, device, devices, there, message
):
    monkeypatch.setattr("torch.cuda.is_available", lambda: there > 0)
    monkeypatch.setattr("torch.cuda.device_count", lambda: there)
    monkeypatch.setattr("torch.cuda.get_device_name", lambda i: "GPU")
    monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda **_: False)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    environment |= {"BENCH_DEVICE": device, "BENCH_DEVICES": devices}
    said = bench("run", "table4", "--smoke", "--dry-run").stdout
    found = json.loads(bench("doctor", "--json").stdout)["findings"]
    told = [of["detail"] for of in found if of["name"] == "configured"]
    assert len(told) == (message != "")
    assert ("missing: device" in said) == (message != "")
    assert message in said
    assert all(message in text for text in told)


@pytest.mark.filterwarnings("error")
def test_variables_of_slurm_change_nothing(tmp_path, monkeypatch):
    """`sbatch --ntasks=4` without `srun` sets them, and a login node has `srun` alone."""
    srun = tmp_path / "srun"
    srun.write_text("#!/bin/sh\n")
    srun.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    for variables in ({}, *({**SLURM, "SLURM_JOB_NAME": name} for name in ("bash", "x"))):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        fabric = engine.make_fabric(Config(device="cpu"), "fp32")
        assert (fabric.world_size, fabric.global_rank, fabric.device.type) == (1, 0, "cpu")


SLURM = {
    "SLURM_JOB_ID": "77",
    "SLURM_JOB_NUM_NODES": "2",
    "SLURM_LOCALID": "1",
    "SLURM_NODEID": "1",
    "SLURM_NTASKS": "4",
    "SLURM_NTASKS_PER_NODE": "2",
    "SLURM_PROCID": "3",
}


@pytest.mark.rows
@pytest.mark.parametrize(
    "variables",
    [
        pytest.param(
            {"SLURM_JOB_NAME": "interactive", "SLURM_JOB_ID": "77"}, marks=pytest.mark.slow
        ),
        {"SLURM_JOB_NAME": "train", **SLURM},
    ],
    ids=["interactive", "job"],
)
def test_a_row_trains_where_slurm_is_installed(bench, environment, tiny, tmp_path, variables):
    """Warnings are errors here, so that Lightning's advice to use `srun` would fail the row."""
    srun = tmp_path / "srun"
    srun.write_text("#!/bin/sh\nexit 1\n")
    srun.chmod(0o755)
    environment |= {"PATH": f"{tmp_path}{os.pathsep}{environment['PATH']}", **variables}
    rows = ["--rows", "S0", *tiny, "--set", "training.epochs=1"]
    done = bench("run", "table4", "--smoke", *rows)
    assert done.returncode == 0, done.stderr
    assert "finished" in done.stderr
    assert "srun" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("read", "heading", "name"),
    [
        ("bench.cards.table_cards.read_table", "tables", "sal/table4"),
        (
            "bench.cards.checked_cards.read_checked_table",
            "tables_without_training",
            "breathnet/table1",
        ),
        ("bench.cards.sweep_cards.read_sweep", "sweeps", "sal-csm"),
    ],
)
def test_a_bad_card_of_a_table_is_listed_beside_the_others(bench, monkeypatch, read, heading, name):
    module, function = read.rsplit(".", 1)
    own = getattr(importlib.import_module(module), function)

    def broken(key, *rest):
        if key == name:
            raise BenchError(
                "card.invalid", "x.toml: base.a: is missing\nx.toml: base.b: is missing"
            )
        return own(key, *rest)

    monkeypatch.setattr(read, broken)
    whole = json.loads(bench("list", "--json").stdout)[heading]
    found = {of["name"]: of["about"] for of in whole}
    assert found.pop(name).startswith("faulty: x.toml: base.a")
    assert found
    assert not any("faulty" in about for about in found.values())
    assert "faulty: x.toml: base.a: is missing x.toml: base.b" in bench("list").stdout
