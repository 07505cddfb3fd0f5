"""A share of a training split: who is drawn, and what is too little."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.cards import table_cards
from bench.data.subset import Subset
from bench.errors import BenchError
from bench.training import shares
from bench.training.row import DatasetCache
from tests.training.runs import Log, run_to_end

PINNED = ["LA_T_0000004", "LA_T_0000014", "LA_T_0000018", "LA_T_0000022"]


def split(bonafide: int, spoof: int) -> Subset:
    """A split whose classes are mixed in the protocol."""
    labels = np.array(["bonafide"] * bonafide + ["spoof"] * spoof)
    order = np.random.default_rng(0).permutation(len(labels))
    table = pd.DataFrame(
        {"utterance": [f"LA_T_{i:07}" for i in range(len(labels))], "label": labels[order]}
    )
    return Subset("c", "train", Path(), table, None)


def names(subset: Subset) -> set[str]:
    return set(subset.table["utterance"])


@pytest.mark.rows
@given(st.integers(0, 9), st.floats(0.01, 1), st.floats(0.01, 1))
def test_a_smaller_share_is_a_part_of_a_greater_one(seed, one, other):
    less, more = sorted((one, other))
    whole = split(60, 540)
    assert names(shares.draw_share(whole, less, seed)) <= names(
        shares.draw_share(whole, more, seed)
    )


def test_each_class_gives_its_share_and_the_protocols_order_stays():
    whole = split(2_580, 22_800)
    found = shares.draw_share(whole, 0.2, 1234)
    assert found.table["label"].value_counts().to_dict() == {"bonafide": 516, "spoof": 4_560}
    assert found.table["utterance"].is_monotonic_increasing
    assert found.table.index.tolist() == list(range(5_076))
    assert shares.draw_share(whole, 1.0, 1234) is whole


def test_the_draw_depends_on_the_seed_and_the_names_alone():
    whole = split(300, 300)
    found = names(shares.draw_share(whole, 0.5, 1))
    shuffled = whole.table.sample(frac=1, random_state=3).reset_index(drop=True)
    assert names(shares.draw_share(Subset("d", "dev", Path("x"), shuffled, None), 0.5, 1)) == found
    other = names(shares.draw_share(whole, 0.5, 2))
    # By chance, two draws of a half share a half.
    assert 0.35 < len(found & other) / 300 < 0.65


def test_the_draw_is_as_it_always_was():
    """A changed draw changes results: it must be seen in a diff and agreed to."""
    found = shares.draw_share(split(20, 20), 0.1, 666).table["utterance"].tolist()
    assert found == PINNED


def test_a_run_trains_on_its_share_and_says_so(detection, config, tmp_path):
    run = detection("training.epochs=1", "training.batch_size=2", "train.share=0.5")
    data = DatasetCache(config).load_row(run)
    whole = data.train.subset
    counts = whole.table["label"].value_counts()
    expected = sum(shares.count_drawn(int(n), 0.5) for n in counts)
    assert len(shares.draw_share(whole, 0.5, 7)) == expected < len(whole)
    steps: list[int] = []

    class Steps(Log):
        def on_step(self, epoch, step, steps_, losses):
            steps.append(steps_)

    run_to_end(run, config, tmp_path / "run", Steps())
    assert steps[-1] == -(-expected // 2)
    text = shares.describe_share(whole, 0.5, 7)
    assert text.startswith(f"trained on {expected} of {len(whole)} utterances of asvspoof2019la")
    assert text.endswith("drawn by seed 7")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["train.share=0.01"], r"train.share = 0.01: of asvspoof2019la train draws none of"),
        (["train.share=0.5", "training.batch_size=64"], r"less than training.batch_size = 64"),
        (["train.share=0"], "train.share = 0.*should be greater than 0"),
        (["train.share=1.5"], "train.share = 1.5.*should be less than or equal to 1"),
    ],
)
def test_too_little_is_a_mistake_before_anything_is_trained(detection, config, overrides, message):
    with pytest.raises(BenchError, match=message):
        DatasetCache(config).load_row(detection(*overrides))


def test_the_share_is_in_the_signature_of_what_is_trained(detection):
    one, other = detection("train.share=0.2"), detection("train.share=0.4")
    assert one.training_signature != other.training_signature


@pytest.mark.parametrize("form", ["paper", "smoke"])
def test_mfpts_rows_of_little_data_share_the_fine_tuning_alone(form):
    runs = {
        row: table_cards.resolve_row(table_cards.read_table("mfpt/lowresource"), row, form)
        for row in ("none-20", "MFPT-20", "none-100", "MFPT-100")
    }
    little = 0.2 if form == "paper" else 0.5
    assert [run.train.share for run in runs.values()] == [little, little, 1.0, 1.0]
    for row in ("none", "MFPT"):
        whole = table_cards.resolve_row(table_cards.read_table("mfpt/asvspoof2021"), row, form)
        assert runs[f"{row}-100"].training_signature == whole.training_signature
        assert runs[f"{row}-20"].training_signature != whole.training_signature
    stages = [runs[row].start.stage for row in ("MFPT-20", "MFPT-100")]
    assert stages[0] == stages[1], "post-trained once"
