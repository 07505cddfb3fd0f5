"""What a run is known by and how it is described."""

from __future__ import annotations

from dataclasses import replace

from bench.metrics.measured import MetricResult
from bench.metrics.registry import describe_metrics
from bench.tracking.run_record import RunRecord, describe_run, per_cent


def test_identity_holds_what_changes_figures_and_nothing_else(entry: RunRecord):
    assert replace(entry, commit="other", device="cpu").identity == entry.identity
    assert (
        replace(entry, fingerprints=dict(reversed(entry.fingerprints.items()))).data_digest
        == entry.data_digest
    )
    longer = entry.run.model_copy(
        update={"training": entry.run.training.model_copy(update={"epochs": 3})}
    )
    for changed in (
        replace(entry, seed=1),
        replace(entry, row="S6"),
        replace(entry, table="sal/table1"),
        replace(entry, run=longer),
        replace(entry, fingerprints={**entry.fingerprints, "partialspoof/eval": "0"}),
    ):
        assert changed.identity != entry.identity


def test_rates_alone_are_turned_into_per_cent():
    for name, metric in describe_metrics().items():
        kept = 25.0 if metric.unit == "rate" else 0.25
        for full in (name, f"dev.{name}", f"a.{name}_160ms"):
            assert per_cent(full, 0.25) == kept
    for name in ("loss", "train.loss", "eer.loss", "learning_rate"):
        assert per_cent(name, 0.25) == 0.25


def test_description_sets_the_papers_figures_beside_ours(entry: RunRecord, smoke_entry: RunRecord):
    text = describe_run(entry, {"partialspoof.eer": MetricResult(0.0361, 0.035, 0.0372)})
    assert "| partialspoof.eer | 3.50 | 3.61 | 3.50 to 3.72 | +0.11 |" in text
    assert "| partialspoof.f1 | 96.62 | – | – | – |" in text
    assert "SMOKE" not in text
    costs = describe_run(
        replace(entry, paper_results={"a.min_tdcf": 0.0165}),
        {"a.min_tdcf": MetricResult(0.0308, 0.02, 0.04)},
    )
    assert "| a.min_tdcf | 0.0165 | 0.0308 | 0.0200 to 0.0400 | +0.0143 |" in costs
    assert "| utterance_eer | – | 1.00 |" in describe_run(
        entry, {"utterance_eer": MetricResult(0.01, 0, 1)}
    )
    per_attack = {f"partialspoof.A{i:02}.eer": MetricResult(0.02, 0, 1) for i in range(1, 4)}
    asked = replace(entry, paper_results={"partialspoof.A02.eer": 1.5})
    text = describe_run(asked, per_attack)
    assert "| partialspoof.A02.eer | 1.50 | 2.00 |" in text
    assert "A01" not in text, "a corpus may have a hundred attacks, and a note is short"
    assert describe_run(smoke_entry, {}).startswith("**SMOKE: not a result.**")


def test_description_names_the_weights_by_their_digest(entry: RunRecord):
    assert "weights" not in describe_run(replace(entry, made_from={}), {})
    assert "files 01234567" in describe_run(entry, {}), "of a folder"
    made_from = {"weights xlsr2_300m": "0" * 16, "audio a/train": "1" * 16}
    text = describe_run(replace(entry, made_from=made_from), {})
    assert "sha256 0000000000000000" in text
    assert "1111" not in text
