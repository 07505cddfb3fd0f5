"""What two corpora share is found by cards, by lists and by samples, and only what they share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from bench.cards import corpus_cards
from bench.data.overlap import Side, compare_sides, from_audio, from_cards, render_overlap
from bench.data.subset import Subset
from tests.errors import raises_code


def names(found):
    return {item.what: item.number for item in found}


def side(key: str, root: Path, utterances: dict[str, tuple[str, np.ndarray]], suffix: str) -> Side:
    """A corpus of recordings, `(speaker, samples)` by id, written below `root`."""
    root.mkdir()
    for name, (_, wave) in utterances.items():
        soundfile.write(root / f"{name}{suffix}", wave, 16_000, subtype="PCM_16")
    table = pd.DataFrame(
        {
            "utterance": list(utterances),
            "path": [f"{name}{suffix}" for name in utterances],
            "label": "bonafide",
            "speaker": [speaker for speaker, _ in utterances.values()],
            "attack": "",
            "duration_s": np.nan,
        }
    )
    return Side(corpus_cards.read_corpus_card(key), (Subset(key, "train", root, table, None),))


def noise(seed: int, n: int = 16_000) -> np.ndarray:
    return np.random.default_rng(seed).integers(-3000, 3000, n, dtype=np.int16)


@pytest.fixture
def sides(tmp_path: Path) -> tuple[Side, Side]:
    opening = noise(3)
    other_end = np.concatenate([opening[:12_000], noise(4)[12_000:]])
    ps = side(
        "partialspoof",
        tmp_path / "ps",
        {"LA_1": ("a", noise(1)), "LA_2": ("b", noise(2)), "CON_3": ("c", opening)},
        ".wav",
    )
    la = side(
        "asvspoof2019la",
        tmp_path / "la",
        {
            "LA_1": ("a", noise(1)),  # the same samples in another kind of file
            "LA_2": ("b", noise(2, 12_000)),  # the same id, cut
            "LA_9": ("z", other_end),  # as long, and begins alike
        },
        ".flac",
    )
    return ps, la


def test_equal_recordings_are_found_by_their_samples_alone(sides):
    done: list[tuple[int, int]] = []
    (shared,) = from_audio(*sides, lambda *counts: done.append(counts))
    assert shared == ("recordings, sample for sample", 1, ("LA_1",))
    assert done[-1] == (6, 6)


def test_lists_share_ids_and_speakers_of_one_namespace(sides):
    found = compare_sides(*sides, None)
    assert found.looked_at == ("cards", "lists")
    assert names(found.shared) == {
        "source corpora of the recordings": 2,
        "speakers (ASVspoof LA)": 2,
        "utterance ids": 2,
    }
    assert render_overlap(found).endswith("trained on PS, tested on 19LA: not zero-shot")


def test_speakers_of_different_namespaces_are_not_compared(sides, tmp_path):
    had = side("had", tmp_path / "had", {"HAD_1": ("a", noise(7))}, ".wav")
    found = compare_sides(sides[0], had, lambda *_: None)
    assert found.shared == ()
    assert found.looked_at == ("cards", "lists", "recordings")
    assert "zero-shot" in render_overlap(found)
    assert "not zero-shot" not in render_overlap(found)


def test_a_corpus_that_is_not_here_is_compared_by_its_card_and_said_to_be(sides):
    found = compare_sides(
        sides[0], Side(corpus_cards.read_corpus_card("llamapartialspoof")), lambda *_: None
    )
    assert found.looked_at == ("cards",)
    assert found.absent_corpora == ("llamapartialspoof",)
    assert "llamapartialspoof is not on this machine" in render_overlap(found)


def test_unreadable_audio_is_no_answer(sides):
    ps, la = sides
    (ps.subsets[0].root / "LA_1.wav").write_bytes(b"RIFF")
    with raises_code("audio.damaged", "LA_1.wav"):
        from_audio(ps, la, lambda *_: None)


def test_cards_say_which_pairs_are_zero_shot(subtests):
    cases = [
        ("PS", "LPS", True),
        ("PS", "HAD", True),
        ("PS", "PS", False),
        ("PS", "19LA", False),
        ("19LA", "21LA", False),
        ("19LA", "21DF", False),
        ("19LA", "ITW", True),
        ("19LA", "ASV5", True),
        ("LPS", "ASV5", False),  # both read from LibriVox
    ]
    for trained, tested, zero_shot in cases:
        with subtests.test(trained=trained, tested=tested):
            a, b = corpus_cards.read_corpus_card(trained), corpus_cards.read_corpus_card(tested)
            assert (not from_cards(a, b)) == zero_shot
            assert bool(from_cards(a, b)) == bool(from_cards(b, a))
