"""Folders of one's own: kinds, readers and metrics are found in them as in the suite."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest

from bench import extensions, versions
from bench.cards import card_files, corpus_cards, table_cards
from bench.config import Config
from bench.data import corpora
from bench.metrics.registry import describe_metrics
from bench.models.weights import locate_weights, published_weights
from bench.specs.systems import System
from tests.errors import raises_code

SYSTEM = '''
from typing import Literal
from bench.specs.kinds import SystemSettings
from bench.specs.systems.widths import WIDTH

class Probe(SystemSettings):
    """A probe."""
    kind: Literal["my-probe"]
    width: int = WIDTH

    def build(self, frontend, data):
        return "the probe"
'''
METRIC = """
from bench.metrics.measure import Ordered, ScoreMetric

METRICS = (
    ScoreMetric(
        name="my_share",
        label="share",
        unit="rate",
        better="lower",
        definition="share of bona fide trials",
        source="this test",
        needs="scores",
        trials=("utterances",),
        by_logit=False,
        measure=Ordered(lambda counts: 0.25),
    ),
)
"""
TABLE = """
title        = "Mine"
text_columns = ["System"]
seeds        = [1]
columns      = [{ heading = "PS EER", metric = "partialspoof.eer" }]

[base]
system    = { kind = "my-probe" }
frontend  = { kind = "wav2vec2" }
augment   = { kind = "none" }
mix       = { kind = "none" }
train     = { corpus = "partialspoof", split = "train", resolution_s = 0.16, clip_s = 4.0 }
dev       = { corpus = "partialspoof", split = "dev", resolution_s = 0.16 }
optimiser = { kind = "adam", learning_rate = 1e-5, weight_decay = 1e-4 }
schedule  = { kind = "constant" }
training  = { epochs = 50, batch_size = 32 }
evaluate.partialspoof = { corpus = "partialspoof", split = "eval", resolution_s = 0.16 }

[smoke]
frontend  = { kind = "tiny" }
training  = { epochs = 1 }

[rows.Probe]
cells = ["Probe"]
"""


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """An empty folder with a lab of one system, one metric and one table."""
    monkeypatch.chdir(tmp_path)
    for name, text in {
        "bench.toml": 'extend = ["lab"]\n',
        "lab/systems/my_probe.py": SYSTEM,
        "lab/systems/widths.py": "WIDTH = 8\n",
        "lab/metrics/my_share.py": METRIC,
        "lab/experiments/mine/table.toml": TABLE,
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path / "lab"


def resolve_probe():
    return table_cards.resolve_row(table_cards.read_table("mine/table"), "Probe")


def test_a_system_outside_is_a_kind_like_any_other(lab: Path):
    run = resolve_probe()
    assert type(run.system).__module__ == "bench.specs.systems.my_probe"
    assert run.system.build(None, run.train) == "the probe"
    assert run.system.width == 8
    assert "my-probe" in {
        member.model_fields["kind"].annotation.__args__[0] for member in System.list_members()
    }


def test_a_metric_outside_is_in_the_catalogue(lab: Path):
    card_files.card_folders("datasets")
    assert describe_metrics()["my_share"].label == "share"


def edit(path: Path, text: str) -> None:
    """Change a file, as between two commands."""
    path.write_text(text)
    extensions.activate_extensions(())
    table_cards._read_table_file.cache_clear()


@pytest.mark.parametrize("file", ["my_probe.py", "widths.py"])
def test_another_source_is_another_signature(lab: Path, file: str):
    def describe():
        run = resolve_probe()
        version = versions.list_training_versions(run)["system my-probe"]
        return run.signature, run.training_signature, versions.describe_version(version)

    before = describe()
    path = lab / "systems" / file
    edit(path, path.read_text() + "\n# a change\n")
    after = describe()
    assert not {*before} & {*after}
    assert after[2].startswith("source ")


def test_what_it_does_not_import_changes_nothing(lab: Path):
    before = resolve_probe().signature
    edit(lab / "systems" / "other.py", "# a note\n")
    assert resolve_probe().signature == before


def test_settings_can_be_read_back_as_they_are_written(lab: Path):
    run = resolve_probe()
    dumped = run.model_dump(mode="json")
    assert len(dumped["system"]["source_digest"]) == 8
    assert run.flat_settings()["system.source_digest"] == dumped["system"]["source_digest"]
    assert type(run).model_validate(dumped) == run


READER = """
import pandas as pd
from bench.data.subset import Subset

def read_split(card, root, split, resolution_s, keys_only=False):
    columns = dict(utterance=["a"], path=["a.wav"], label=["spoof"], speaker="", attack="")
    return Subset(card.key, split, root, pd.DataFrame(columns | {"duration_s": 1.0}), None)
"""
CORPUS = """
name = "Mine"
short = "MINE"
task = "detection"
story = "s"
citation = "c"
licence = "l"
page = "p"
place = "Anywhere."
reader = "my_list"

[splits.test]
"""


def test_a_corpus_can_have_a_reader_outside(lab: Path):
    for name, text in {"readers/my_list.py": READER, "datasets/mine.toml": CORPUS}.items():
        (lab / name).parent.mkdir()
        (lab / name).write_text(text)
    config = Config(corpora={"mine": lab})
    assert corpora.read_corpus_split("mine", "test", config, "paper").table["utterance"][0] == "a"
    assert "my_list" in corpus_cards.reader_names()
    (lab / "datasets/mine.toml").write_text(CORPUS.replace("my_list", "my_lists"))
    with raises_code("corpus.invalid-card", "did you mean 'my_list'"):
        corpus_cards.read_corpus_card("mine")


@pytest.mark.parametrize("file", ["systems/sal.py", "metrics/auc.py", "readers/protocol.py"])
def test_a_name_that_is_taken_is_refused(lab: Path, file: str):
    (lab / file).parent.mkdir(exist_ok=True)
    (lab / file).write_text("")
    with raises_code("card.name-taken", file, "give the file another name"):
        table_cards.table_keys()


def test_without_the_folder_nothing_is_left_of_it(lab: Path):
    resolve_probe()
    (lab.parent / "bench.toml").write_text("")
    assert "mine/table" not in table_cards.table_keys()
    assert System.find_member("my-probe") is None
    assert "bench.specs.systems.my_probe" not in sys.modules


def test_an_unknown_kind_has_a_near_name_outside(lab: Path):
    edit(lab / "experiments/mine/table.toml", TABLE.replace("my-probe", "my-prob"))
    with raises_code("card.invalid", "system.kind = 'my-prob'", "my-probe"):
        resolve_probe()


def test_an_installed_package_can_be_an_extension(lab: Path, monkeypatch: pytest.MonkeyPatch):
    (lab.parent / "bench.toml").write_text("")
    (lab / "__init__.py").touch()
    monkeypatch.syspath_prepend(lab.parent)
    points = EntryPoints([EntryPoint("lab", "lab", extensions.ENTRY_POINT)])
    monkeypatch.setattr(extensions, "entry_points", lambda group: points.select(group=group))
    extensions.installed_folders.cache_clear()
    assert resolve_probe().system.kind == "my-probe"
    points = EntryPoints([EntryPoint("lab", "no_such_package", extensions.ENTRY_POINT)])
    extensions.installed_folders.cache_clear()
    with raises_code("extension.entry-point", "no_such_package"):
        table_cards.table_keys()
    extensions.installed_folders.cache_clear()


def test_a_folder_with_nothing_of_an_extension_is_refused(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lab").mkdir()
    (tmp_path / "bench.toml").write_text('extend = ["lab"]\n')
    with raises_code("config.no-cards", "systems", "datasets"):
        table_cards.table_keys()


WEIGHTS = """
file = "mine.pt"
source = "https://example.org/mine"
repository = ""
url = "https://example.org/mine.pt"
licence = "MIT"
sha256 = "%s"
"""


def test_weights_outside_are_published_weights(lab: Path):
    card = lab / "weights/mine_base.toml"
    card.parent.mkdir()
    card.write_text(WEIGHTS % ("0" * 64))
    assert published_weights()["mine_base"].download.url == "https://example.org/mine.pt"
    with raises_code("weights.missing", "bench get mine_base", "mine.pt"):
        locate_weights("mine_base", Config())
    (lab / "weights/other.toml").write_text('file = "x"\nsorce = "y"\n')
    with raises_code("card.invalid", "other.toml", "sorce", "source"):
        published_weights()
    (lab / "weights/other.toml").unlink()
    (lab / "weights/xlsr2_300m.toml").write_text(WEIGHTS % ("1" * 64))
    with raises_code("card.name-taken", "xlsr2_300m.toml"):
        published_weights()
