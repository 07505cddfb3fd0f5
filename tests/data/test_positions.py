"""Labels of the auxiliary tasks against plain loops, the paper's rule at the splice and the
released code's results."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import slow_labels as slow
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from bench.metrics.positions import POSITION_NAMES
from bench.models.segment_positions import (
    IGNORED,
    TransitionRule,
    compute_positions,
    compute_transitions,
)
from bench.units import CLASSES

START, MIDDLE, END, UNIT = range(4)
RULES: dict[TransitionRule, Callable[[Sequence[bool], int], list[int]]] = {
    "both-sides": slow.both_sides,
    "segment-edges": slow.segment_edges,
    "spoof-side": slow.spoof_side,
}


@st.composite
def batches(draw: st.DrawFn) -> tuple[list[list[bool]], list[int]]:
    """Labels of a batch and how many frames of each clip are valid; padding has any label."""
    frames = draw(st.integers(1, 25))
    rows = st.lists(st.booleans(), min_size=frames, max_size=frames)
    spoof = draw(st.lists(rows, min_size=1, max_size=5))
    n_valid = [draw(st.integers(0, frames)) for _ in spoof]
    return spoof, n_valid


def tensors(spoof: list[list[bool]], n_valid: list[int]) -> tuple[Tensor, Tensor]:
    labels = torch.tensor(spoof)
    return labels, torch.arange(labels.shape[1]) < torch.tensor(n_valid)[:, None]


@given(batches())
def test_positions_are_those_of_each_segment(batch: tuple[list[list[bool]], list[int]]) -> None:
    ours = compute_positions(*tensors(*batch))
    assert ours.dtype == torch.int64
    assert ours.tolist() == [slow.positions(*clip) for clip in zip(*batch, strict=True)]


@given(batches())
def test_transitions_by_each_rule(batch: tuple[list[list[bool]], list[int]]) -> None:
    for rule, plain in RULES.items():
        ours = compute_transitions(*tensors(*batch), rule)
        assert ours.dtype == torch.int64
        assert ours.tolist() == [plain(*clip) for clip in zip(*batch, strict=True)]


@given(batches())
def test_what_padding_is_labelled_does_not_matter(
    batch: tuple[list[list[bool]], list[int]],
) -> None:
    spoof, valid = tensors(*batch)
    flipped = torch.where(valid, spoof, ~spoof)
    assert compute_positions(spoof, valid).equal(compute_positions(flipped, valid))
    for rule in RULES:
        assert compute_transitions(spoof, valid, rule).equal(
            compute_transitions(flipped, valid, rule)
        )


def reassigned(first: list[bool], second: list[bool], cut: int) -> list[int]:
    """Label both utterances, join the labels at the cut, and re-assign the two frames there.

    A place is (the segment goes on to the left, it goes on to the right); at the splice it goes on
    where the classes on its two sides are the same; every other label stays what it was in its own
    utterance.
    """
    places = {START: (False, True), MIDDLE: (True, True), END: (True, False), UNIT: (False, False)}
    names = {sides: place for place, sides in places.items()}
    labels = slow.positions(first, len(first))[:cut] + slow.positions(second, len(second))[cut:]
    joined = first[cut - 1] == second[cut]
    left, right = labels[cut - 1], labels[cut]
    labels[cut - 1] = left // 4 * 4 + names[places[left % 4][0], joined]
    labels[cut] = right // 4 * 4 + names[joined, places[right % 4][1]]
    return labels


@given(st.data(), st.integers(2, 25))
def test_recomputing_after_a_splice_is_the_papers_reassignment(
    data: st.DataObject, frames: int
) -> None:
    clip = st.lists(st.booleans(), min_size=frames, max_size=frames)
    first, second = data.draw(clip), data.draw(clip)
    cut = data.draw(st.integers(1, frames - 1))
    mixed = torch.tensor([first[:cut] + second[cut:]])
    ours = compute_positions(mixed, torch.ones_like(mixed))[0].tolist()
    assert ours == reassigned(first, second, cut)


def test_a_splice_inside_one_class_is_labelled_middle() -> None:
    mixed = torch.tensor([[True] * 3 + [True] * 3])
    labels = compute_positions(mixed, torch.ones_like(mixed))[0].tolist()
    assert [POSITION_NAMES[i] for i in labels] == [
        "spoof-start", *["spoof-middle"] * 4, "spoof-end",
    ]  # fmt: skip


def bonafide(*frames: int) -> Tensor:
    """Labels written as SAL writes them: 1 is bona fide."""
    return ~torch.tensor([frames]).bool()


def test_names_are_in_the_order_of_the_classes() -> None:
    assert len(POSITION_NAMES) == 8
    for index, name in enumerate(POSITION_NAMES):
        label, place = name.split("-")
        assert label == CLASSES[index // 4]
        assert place == ("start", "middle", "end", "unit")[index % 4]


def test_a_clip_that_ends_in_spoof_ends_there_though_padding_follows() -> None:
    """Released SAL gives Middle to the fourth frame, as padding is spoof to it."""
    valid = torch.tensor([[True] * 4 + [False] * 2])
    labels = compute_positions(bonafide(1, 1, 0, 0, 0, 0), valid)
    assert labels.tolist() == [[START, END, 4 + START, 4 + END, IGNORED, IGNORED]]


def test_segment_edges_are_what_the_released_code_marks(subtests: pytest.Subtests) -> None:
    cases = [
        ((0, 0), [1, 1]),
        ((1, 1, 1), [0, 0, 0]),
        ((1,), [0]),
        ((0,), [1]),
        ((1, 0, 0, 1, 1), [0, 1, 1, 1, 0]),
        ((1, 1, 0, 0, 0, 1), [0, 1, 1, 0, 1, 1]),
    ]
    for frames, expected in cases:
        with subtests.test(frames=frames):
            spoof = bonafide(*frames)
            assert compute_transitions(spoof, torch.ones_like(spoof), "segment-edges").tolist() == [
                expected
            ]


def test_a_bona_fide_end_before_padding_is_no_transition() -> None:
    valid = torch.tensor([[True] * 4 + [False]])
    for rule in RULES:
        labels = compute_transitions(bonafide(1, 1, 1, 1, 0), valid, rule)
        assert labels.tolist() == [[0, 0, 0, 0, IGNORED]]
