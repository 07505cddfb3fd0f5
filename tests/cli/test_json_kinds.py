"""Every command's `--json` is as bench/schema/output.schema.json describes it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd
import pytest
from jsonschema import Draft202012Validator

from bench import synthetic
from bench.analysis import trained_rows
from bench.cli import bench as group
from bench.config import Config
from bench.data import conversion, corpora
from bench.evaluation.evaluator import Evaluator
from bench.evaluation.published import find_published
from bench.metrics.measured import MetricResult
from bench.runner import local, step_profile, trained_models
from bench.runner.outcomes import JobOutcome
from bench.specs.sweep import Sweep
from bench.sweeps.trials import SweepRun
from bench.tracking import studies
from bench.tracking.store import Store
from bench.tracking.studies import StudyArtifacts
from bench.tracking.sync import Sent
from bench.training import engine
from bench.training.row import DatasetCache
from tests.cluster.fake_slurm import FakeSlurm
from tests.evaluation.made import add_dev, scored, text
from tests.output_schema import KINDS, PARTS, SCHEMA, validated
from tests.reports.stored import fill
from tests.runner.made_profile import MADE as MADE_PROFILE

KEPT = studies.read_studies
CHANGED = "training.epochs=1"
LEARNT = ("--train-split", "dev")
EXAMPLES = {
    "list": ["list"],
    "show": ["show", "table4", "--rows", "S5", "--smoke", "--other-settings"],
    "sweep card": ["show", "sweep/breathnet-lambda"],
    "table without training": ["run", "breathnet/table2"],
    "public scores": ["show", "public/itw"],
    "settings": ["settings", "system.auxiliary", "--table", "table4", "--row", "S5"],
    "status": ["status", "table4", "--smoke"],
    "run": ["run", "table4", "--rows", "S5", "--smoke", "--set", CHANGED],
    "dry run": ["run", "table4", "--rows", "S0", "--smoke", "--dry-run"],
    "profile": ["profile", "table4", "--row", "S0", "--smoke"],
    "sweep": ["sweep", "sal-lambda", "--smoke", "--trials", "1"],
    "sweep report": ["report", "sweep/sal-lambda", "--smoke"],
    "report": ["report", "table4", "--smoke"],
    "export": ["export", "table4", "--smoke"],
    "report check": ["report", "table4", "--smoke", "--check"],
    "score": [
        *(
            "score",
            "MyDet.txt",
            "JUDGED",
            "--by",
            "attack",
            "--all-eer-definitions",
            "--track",
            "cross",
        ),
        *("--expect", "auc=50"),
    ],
    "sasv": ["sasv", "SASV.txt", "--costs", "spoof_prior=0.1", "--expect", "sv_eer=50"],
    "detect": ["detect", "SPEECH", "--row", "S5", "--smoke", "--threshold", "eer@PS"],
    "compare": ["compare", "table4:S5", "table4:S4", "--smoke"],
    "fuse": ["fuse", "MyDet.txt", "Other.txt", "JUDGED", *LEARNT],
    "calibrate": ["calibrate", "MyDet.txt", "JUDGED", *LEARNT],
    "explain tca": ["explain", "tca", "--utterance", "SOME", "--smoke"],
    "explain gradcam": ["explain", "gradcam", "--row", "S0", "--against", "none", "--smoke"],
    "explain positions": ["explain", "positions", "--scores", "FRAMES", "--smoke"],
    "explain features": ["explain", "features", "--table", "tca/table2", "--row", "TCA", "--smoke"],
    "explain ranks": ["explain", "ranks"],
    "explain curves": ["explain", "curves", "breathnet-lambda", "--smoke", "--no-track"],
    "data show": ["data", "show", "PS"],
    "data list": ["data", "list", "HAD", "--smoke"],
    "data check": ["data", "check", "HAD", "--split", "test"],
    "data overlap": ["data", "overlap", "PS", "19LA", "--smoke", "--no-audio"],
    "data pack": ["data", "pack", "HAD", "--smoke", "--output-dir", "packed"],
    "data convert": ["data", "convert", "LAVDF"],
    "data mini": ["data", "mini", "--corpus", "HAD"],
    "new": ["new", "system", "mine", "--folder", "lab"],
    "extension check": ["check", "lab"],
    "get": ["get", "PS", "xlsr2_300m", "--dry-run"],
    "sync": ["sync"],
    "commands": ["run", "table4", "--rows", "S0", "--smoke", "--print-commands"],
    "submission": ["run", "table4", "--rows", "S0", "--smoke", "--on", "slurm"],
    "cluster status": ["run", "table4", "--rows", "S0", "--smoke", "--status"],
    "doctor": ["doctor", "table4", "--smoke"],
    "prune": ["prune", "--dry-run"],
    "error": ["show", "table44"],
}
"""A command for each kind of object."""


class Untrained(trained_rows.LoadedRow):
    """A row whose weights are those that training begins with."""

    def load_system(self, config: Config) -> Any:
        return engine.build_system(self.run, self.seed, config)


def untrained(order, seeds, config, say) -> list[Untrained]:
    library, runs = DatasetCache(config), order.resolve_runs().items()
    return [
        Untrained(
            order.table.key, row, order.row_seeds(row)[0], run, library.load_row(run), config.work
        )
        for row, run in runs
    ]


def untrained_model(order, seed, config, store) -> trained_models.TrainedModel:
    ((row, run),) = order.resolve_runs().items()
    seed = order.row_seeds(row)[0]
    return trained_models.TrainedModel(run, seed, engine.build_system(run, seed, config), "made")


def study(store: Store, card: Sweep) -> list[StudyArtifacts]:
    if card.key != "breathnet-lambda":
        return KEPT(store, card)
    lines = {"state": ["finished"], "system.refinement.weight": ["0.1"]}
    names = ("asvspoof2019la", "asvspoof2021la", "asvspoof2021df", "inthewild")
    trials = pd.DataFrame({**lines, **{f"{name}.eer": ["1.5"] for name in names}})
    return [StudyArtifacts("study", trials, {}, "FINISHED", "18096a9", "0123")]


@pytest.fixture
def examples(environment, trials, keys, tmp_path, monkeypatch) -> dict[str, list[str]]:
    """The commands, on a machine with a store, score files and corpora, where nothing is trained:
    what a training gives is made up.
    """
    work = Path(environment["BENCH_WORK"])
    environment |= FakeSlurm(tmp_path / "slurm").environment
    store = Store(Config(work=work))
    for rows, overrides in ((("S4", "S5"), ()), (("S5",), (CHANGED,))):
        fill(store, work, rows, (666,), "smoke", utterances=20, overrides=overrides)
    (work / ".scores.parquet.0123abcd.part").touch()
    for corpus in ("HAD", "LAVDF"):
        environment[f"BENCH_CORPORA_{corpus}"] = str(tmp_path)  # where nothing of it is
    converted = conversion.ConvertedCorpus(tmp_path / "audio", 1, 2)
    monkeypatch.setattr(conversion, "convert_corpus", lambda *_: converted)
    whole = find_published("asvspoof2019la", "eval", {"eer": MetricResult(0.1, 0.1, 0.1)})
    monkeypatch.setattr(Evaluator, "_find_published", lambda *_: whole)  # as of all trials
    of_set = JobOutcome("S5 · seed 666", "already finished")
    monkeypatch.setattr(local, "run_jobs", lambda *_: iter([of_set]))
    monkeypatch.setattr(step_profile, "profile_row", lambda *_: MADE_PROFILE)
    monkeypatch.setattr(SweepRun, "_train_trial", lambda *_: {"dev.eer": 0.1})
    monkeypatch.setattr(trained_rows, "load_trained_rows", untrained)
    monkeypatch.setattr(trained_models, "find_model", untrained_model)
    monkeypatch.setattr(studies, "read_studies", study)
    monkeypatch.setattr(synthetic, "write_miniatures", lambda place, *_, **__: [place / "had"])
    sent = [Sent("sal/table4: S0 · seed 666", "sent")]
    monkeypatch.setattr(Store, "send_waiting", lambda self, elsewhere: sent)
    text(tmp_path / "MyDet.txt", trials["utterance"], np.round(scored(trials)[0]))
    add_dev(tmp_path, trials, "MyDet.txt", "Other.txt")
    sasv_trials = ("S1 u1 2 target", "S1 u2 0 nontarget", "S2 u3 1 target", "S2 u4 1.5 spoof")
    (tmp_path / "SASV.txt").write_text("\n".join([*sasv_trials, ""]))
    config = Config(work=work)
    names = {
        "SOME": corpora.read_corpus_split("19LA", "eval", config, "smoke")
        .table["utterance"]
        .iloc[0],
        "SPEECH": str(next((work / "mini/partialspoof").rglob("*.wav"))),
        "FRAMES": str(work / "made" / "S4-666-partialspoof.parquet"),
    }
    return {
        kind: [names.get(word, word) for of in words for word in (keys if of == "JUDGED" else [of])]
        for kind, words in EXAMPLES.items()
    }


def parts_of(part: dict[str, Any], value: Any) -> Iterator[str]:
    """Yield the names of the definitions that a value, or anything in it, is of."""
    if "$ref" in part:
        name = part["$ref"].rpartition("/")[2]
        yield name
        yield from parts_of(PARTS[name], value)
    for each in part.get("anyOf", []) if value is not None else []:
        yield from parts_of(each, value)
    if isinstance(value, list):
        yield from (name for of in value for name in parts_of(part.get("items", {}), of))
    elif isinstance(value, dict):
        known, others = part.get("properties", {}), part.get("additionalProperties", {})
        for key, of in value.items():
            yield from parts_of(known.get(key, others), of)


@pytest.mark.rows
def test_every_kind_and_part_has_an_example_that_is_as_described(bench, examples):
    assert {*EXAMPLES} == {*KINDS}
    seen, others = set(), {}
    for kind, words in examples.items():
        found = validated(bench(*words, "--json").stdout)
        if found["kind"] != kind:
            others[kind] = found
        name = KINDS[kind]
        seen |= {name, *parts_of(PARTS[name], found)}
    assert others == {}
    assert {*PARTS} - seen == set()
    whole = Draft202012Validator(SCHEMA)
    assert whole.is_valid(found)
    assert not whole.is_valid({**found, "version": 1})


def test_every_verb_has_an_example():
    def verbs(command: click.Command, words: list[str]) -> Iterator[list[str]]:
        if isinstance(command, click.Group):
            for name, of in command.commands.items():
                yield from verbs(of, [*words, name])
        else:
            yield words

    shown = [" ".join(words) + " " for words in EXAMPLES.values()]
    without = [
        " ".join(words)
        for words in verbs(group, [])
        if not any(of.startswith(" ".join(words) + " ") for of in shown)
    ]
    assert without == ["ui"], "it serves pages until it is stopped"


def test_the_schema_is_one_and_describes_every_key():
    Draft202012Validator.check_schema(SCHEMA)
    undescribed = [
        f"{name}.{key}"
        for name, part in PARTS.items()
        for key, of in part.get("properties", {}).items()
        if not of.get("description") and "$ref" not in of
    ]
    undescribed += [name for name, part in PARTS.items() if not part.get("description")]
    assert undescribed == []


def test_a_key_that_is_not_described_is_a_mistake():
    error = {"code": "a.b", "message": "no", "exit_code": 2}
    head = '"schema": "speech-deepfake-bench", "version": 2'
    good = f'{{{head}, "kind": "error", "error": {json.dumps(error)}}}'
    assert validated(good)["error"] == error
    for bad in (
        good.replace('"kind": "error"', '"kind": "eror"'),
        good.replace('"exit_code": 2', '"exit_code": "2"'),
        good.replace('"exit_code": 2', '"exit_code": NaN'),
        good.replace('"message"', '"massage"'),
        good.replace('"version": 2', '"version": 1'),
    ):
        with pytest.raises(AssertionError):
            validated(bad)
