"""What is to come of what was asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.cards import corpus_cards, table_cards
from bench.config import Config
from bench.downloads import receipts, targets
from bench.downloads.targets import plan_corpus, plan_targets, plan_weights, sum_sizes
from tests.errors import raises_code


def plan(key: str, splits: list[str], here: Config, base: Path, *, keys_only: bool = False):
    card = corpus_cards.read_corpus_card(key)
    return plan_corpus(card, splits, here, base, keys_only=keys_only)


def names(target: targets.Target) -> list[str]:
    return [item.file for item in target.files]


def test_splits_need_their_files_alone(tmp_path):
    eval_only = plan("ASV5", ["eval"], Config(), tmp_path)
    assert names(eval_only) == [
        *(f"flac_E_a{letter}.tar" for letter in "abcdefghij"),
        "ASVspoof5_protocols.tar.gz",
    ]
    assert len(names(plan("ASV5", ["train", "dev", "eval"], Config(), tmp_path))) == 19


NO_KEYS = {
    *("add2022", "add2023", "asvspoof2015", "dfadd", "fakeorreal", "hqmpsd", "lavdf", "mlaad"),
    "spoofceleb",
}
"""Corpora without lists, or whose lists no open archive has."""


@pytest.mark.parametrize("key", sorted(NO_KEYS))
def test_what_cannot_be_downloaded_is_said(key, tmp_path):
    card = corpus_cards.read_corpus_card(key)
    target = plan(key, list(card.splits), Config(), tmp_path, keys_only=True)
    assert target.state == "by hand"
    assert card.page in target.advice
    whole = plan(key, list(card.splits), Config(), tmp_path)
    assert names(whole) == [item.file for item in card.downloads]


@pytest.mark.parametrize("key", sorted({*corpus_cards.list_corpora()} - NO_KEYS))
def test_every_corpus_has_keys_apart_and_is_open(key, tmp_path):
    card = corpus_cards.read_corpus_card(key)
    target = plan(key, list(card.splits), Config(), tmp_path, keys_only=True)
    assert target.state == "to fetch"
    assert card.access == "open"
    whole = plan(key, list(card.splits), Config(), tmp_path)
    assert names(whole) == [item.file for item in card.downloads]


def test_parts_count_as_there(tmp_path):
    target = plan("19LA", ["eval"], Config(), tmp_path)
    whole = target.size.known_bytes
    assert whole == 7_640_952_520
    (tmp_path / "asvspoof2019la").mkdir()
    (tmp_path / "asvspoof2019la/LA.zip.part").write_bytes(b"x" * 1000)
    assert target.size.known_bytes == whole - 1000
    assert sum_sizes([target, target]).known_bytes == 2 * (whole - 1000)


def test_what_came_is_not_to_come_again_unless_the_card_means_another_file(tmp_path):
    card = corpus_cards.read_corpus_card("21LA")
    folder = tmp_path / card.key
    audio, keys = card.downloads
    receipts.write_receipt(folder, keys, whole=True)
    target = plan("21LA", ["eval"], Config(corpora={card.key: folder}), tmp_path / "other")
    assert (target.folder, names(target)) == (folder, [audio.file])
    assert not receipts.is_here(folder, keys.model_copy(update={"md5": "0" * 32}), False)
    receipts.write_receipt(folder, audio, whole=False)
    assert receipts.is_here(folder, audio, True)
    assert not receipts.is_here(folder, audio, False)


def test_a_damaged_receipt_counts_for_nothing(tmp_path):
    card = corpus_cards.read_corpus_card("21LA")
    receipts.write_receipt(tmp_path, card.downloads[0], whole=True)
    (note,) = (tmp_path / ".downloads").iterdir()
    for text in ("", "[]", "{}"):
        note.write_text(text)
        assert not receipts.is_here(tmp_path, card.downloads[0], False)


def test_the_folder_that_archives_are_unpacked_in_is_above_the_corpus(tmp_path):
    root = tmp_path / "ps/database"
    root.mkdir(parents=True)
    receipts.write_receipt(
        tmp_path / "ps", corpus_cards.read_corpus_card("PS").downloads[0], whole=True
    )
    target = plan("PS", ["train"], Config(corpora={"partialspoof": root}), tmp_path / "other")
    assert (target.folder, target.path) == (tmp_path / "ps", root)
    assert "database_train.tar.gz" not in names(target)


def test_a_place_that_is_not_there_is_not_replaced_by_a_download(tmp_path):
    gone = tmp_path / "drive/x"
    for target in (
        plan("PS", ["eval"], Config(corpora={"partialspoof": gone}), tmp_path / "data"),
        plan_weights("xlsr2_300m", Config(weights={"xlsr2_300m": gone}), tmp_path / "data"),
    ):
        assert target.state == "by hand"
        assert "mount its drive" in target.advice
    own = tmp_path / "data/partialspoof/database"
    again = plan("PS", ["eval"], Config(corpora={"partialspoof": own}), tmp_path / "data")
    assert again.state == "to fetch"


def test_weights_without_an_address_are_for_a_person(tmp_path, monkeypatch):
    from bench.models import weights

    entry = weights.PublishedWeights(
        file="w.pt", source="https://example.org/w", repository="own/w"
    )
    gated = weights.PublishedWeights(
        file="w.pt",
        source="https://example.org/w",
        repository="own/w",
        url="https://example.org/w.pt",
        access="terms",
    )
    monkeypatch.setattr(weights, "published_weights", lambda: {"a": entry, "b": gated})
    for key, words in (("a", "get it from"), ("b", "accept the terms on")):
        target = plan_weights(key, Config(), tmp_path)
        assert target.state == "by hand"
        assert words in target.advice
        assert "https://example.org/w" in target.advice


WITHOUT_DIGEST = {"bam_wavlm", "sal_w2v2", "w2v_large_lv_fsh_swbd_cv"}
"""Weights of which no digest was found."""


def test_published_weights_say_where_they_come_from():
    from bench.downloads.addresses import resolve_address
    from bench.models import weights

    for key, entry in weights.published_weights().items():
        assert entry.licence, key
        assert len(entry.sha256 or "") == (0 if key in WITHOUT_DIGEST else 64), key
        assert entry.size_bytes or key == "w2v_large_lv_fsh_swbd_cv", key
        for url in filter(None, (entry.url, *entry.mirrors)):
            assert resolve_address(url).url.startswith("https://"), key


def test_what_a_table_needs_beside_corpora_and_weights_is_for_a_person(monkeypatch, tmp_path):
    found = plan_targets([], ["breathnet/table3"], Config(), tmp_path, keys_only=False)
    assert {target.section for target in found} >= {"corpora", "weights"}
    assert len({target.key for target in found}) == len(found)
    assert "respiro_en" in [target.key for target in found]
    keys = plan_targets([], ["breathnet/table3"], Config(), tmp_path, keys_only=True)
    assert {target.section for target in keys} == {"corpora"}


def test_noise_is_for_a_person():
    card = table_cards.read_table("table4")
    run = table_cards.resolve_row(card, "S0", "paper", ["augment={kind='noise'}"])
    needed = [one for one in targets.list_requirements(run, Config()) if one.section == "noise"]
    assert [(one.key, one.state) for one in needed] == [("musan", "by hand"), ("rirs", "by hand")]
    assert all("openslr" in one.advice for one in needed)


def test_a_disk_that_is_too_small_is_said_before_anything_comes(tmp_path, monkeypatch):
    monkeypatch.setattr(targets.disk, "free_bytes", lambda path: 1_000_000_000)
    with raises_code("download.no-room", "1.0 GB are free", "--output-dir"):
        targets.require_room([plan("19LA", ["eval"], Config(), tmp_path)], tmp_path)
    targets.require_room([plan("19LA", ["eval"], Config(), tmp_path, keys_only=True)], tmp_path)


def test_sizes_that_no_card_has_are_learnt_from_the_server(monkeypatch, tmp_path):
    monkeypatch.setattr("bench.downloads.addresses.ask_size", lambda url: 1000)
    target = plan("PS", ["train"], Config(), tmp_path)
    assert target.size.unknown == 3
    (learnt,) = targets.learn_sizes([target])
    assert (learnt.size.unknown, learnt.size.known_bytes) == (0, 3000)
