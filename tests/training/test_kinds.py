"""A system that learns kinds of spoofed speech is trained only where they are known."""

from __future__ import annotations

from bench.cards import corpus_cards as corpora
from bench.cards import table_cards
from bench.training import engine
from bench.training.callbacks import SilentCallback
from bench.training.row import DatasetCache
from tests.errors import raises_code

OTHER = ["train.corpus=partialspoof", "dev.corpus=partialspoof"]


def train(config, tmp_path, *overrides):
    small = [
        "training.epochs=1",
        "frontend={blocks=2, dim=16, heads=2, feed_forward=16, channels=8}",
        "system={hidden=8, dim=4}",
        *(f"{name}.clip_s=1.0" for name in ("train", "dev", "evaluate.asvspoof2019la")),
    ]
    run = table_cards.resolve_row(
        table_cards.read_table("tca/table2"), "TCA", "smoke", [*small, *overrides]
    )
    data = DatasetCache(config).load_row(run)
    audio = [corpora.read_corpus_card(part.corpus).audio for part in (run.train, run.dev)]
    material = engine.TrainingData(data.train.subset, data.dev.subset, *audio)
    fabric = engine.make_fabric(config, "fp32")
    return engine.train(fabric, run, 1, material, tmp_path / "run", config, SilentCallback())


def test_unknown_kinds_are_refused_before_training(config, tmp_path):
    with raises_code("model.attack-type-unknown") as error:
        train(config, tmp_path, *OTHER)
    assert "partialspoof train" in str(error.value)
    with raises_code("model.attack-type-unknown") as error:
        train(config, tmp_path, OTHER[1])
    assert "partialspoof dev" in str(error.value)


def test_two_classes_need_no_kinds(config, tmp_path):
    ended = train(config, tmp_path, *OTHER, "system.classes=binary")
    assert ended.progress.epoch == 1


def test_known_kinds_are_learnt(config, tmp_path):
    assert train(config, tmp_path).progress.epoch == 1
