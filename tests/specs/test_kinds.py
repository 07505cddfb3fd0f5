"""A kind is one file of settings that builds what they describe; nothing else lists kinds."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module, invalidate_caches
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from bench.cards import table_cards
from bench.specs import augment as augment_settings
from bench.specs import breath as breath_settings
from bench.specs import frontends as frontend_settings
from bench.specs import heads as head_settings
from bench.specs import layers as layers_settings
from bench.specs import systems as system_settings
from bench.specs.base import Absent
from bench.specs.kinds import FrontEndSettings, KindSettings, kind_name, unite_kinds
from tests.errors import raises_code

PARTS = {
    "systems": (system_settings, [system_settings.System]),
    "frontends": (frontend_settings, [frontend_settings.FrontEnd]),
    "layers": (layers_settings, [layers_settings.Layers]),
    "heads": (head_settings, [head_settings.Head]),
    "breath": (breath_settings, [breath_settings.Breath]),
    "augment": (
        augment_settings,
        [augment_settings.Augment, augment_settings.Mix, augment_settings.Splice],
    ),
}
EVERY = {
    "systems": [
        "aasist",
        "bam",
        "breathnet",
        "cfprf",
        "composed",
        "mfpt",
        "multi_reso",
        "sal",
        "tca",
    ],
    "frontends": ["s3prl", "tiny", "wav2vec2", "waves", "wavlm"],
    "layers": ["all", "attentive", "last", "sensitive", "weighted"],
    "heads": ["aasist", "ecapa", "linear", "lstm", "mamba", "mhfa", "nes2net", "sls", "tcm"],
    "breath": ["dsp", "ones", "precomputed", "random", "respiro", "zeros"],
    "augment": ["csm", "mix_frame", "noise", "rawboost"],
}


def members(union: Any) -> list[type[KindSettings]]:
    return [settings for settings in union.list_members() if settings is not Absent]


@pytest.mark.parametrize("part", PARTS)
def test_the_kinds_of_a_card_are_the_files_of_the_folder(part):
    package, unions = PARTS[part]
    kinds = [settings for union in unions for settings in members(union)]
    assert sorted(kind_name(settings).replace("-", "_") for settings in kinds) == EVERY[part]
    for settings in kinds:
        file = settings.__module__.rpartition(".")[2]
        assert settings.__module__ == f"{package.__name__}.{file}"
        assert kind_name(settings).replace("-", "_") == file


FRONT_END = '''
from typing import Literal
from bench.specs.kinds import FrontEndSettings

class LinearProbe(FrontEndSettings):
    """A new one."""
    kind: Literal["linear-probe"]

    def build(self, config):
        return "built"

    def lay_out(self):
        return "laid out"
'''


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A folder of settings with one kind, as an import finds it."""
    (tmp_path / "made_settings").mkdir()
    (tmp_path / "made_settings" / "__init__.py").touch()
    (tmp_path / "made_settings" / "linear_probe.py").write_text(FRONT_END)
    monkeypatch.syspath_prepend(tmp_path)
    invalidate_caches()
    yield tmp_path / "made_settings"
    for name in [name for name in sys.modules if name.partition(".")[0] == "made_settings"]:
        del sys.modules[name]


def test_a_new_file_is_a_new_kind(package):
    union = TypeAdapter(unite_kinds("made_settings", FrontEndSettings, Absent))
    settings = union.validate_python({"kind": "linear-probe"})
    assert type(settings).__module__ == "made_settings.linear_probe"
    assert union.validate_python(settings) is settings
    assert union.dump_python(settings) == {"kind": "linear-probe"}
    assert union.validate_python({"kind": "none"}) == Absent(kind="none")


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ({"kind": "linear-prob"}, "union_tag_invalid"),
        ({"kind": 3}, "union_tag_invalid"),
        ({"kind": "../linear_probe"}, "union_tag_invalid"),
        ({}, "union_tag_not_found"),
        ("linear-probe", "model_attributes_type"),
        (None, "model_attributes_type"),
        ({"kind": "linear-probe", "wide": 1}, "extra_forbidden"),
    ],
)
def test_what_is_no_kind_is_refused(package, value, error):
    union = TypeAdapter(unite_kinds("made_settings", FrontEndSettings, Absent))
    with pytest.raises(ValidationError) as caught:
        union.validate_python(value)
    assert [each["type"] for each in caught.value.errors()] == [error]


def test_a_kind_with_another_name_than_its_file_is_refused(package):
    (package / "linear_probe.py").rename(package / "probe.py")
    with raises_code("extension.kind-name", "probe.py", "'linear-probe'"):
        unite_kinds("made_settings", FrontEndSettings, Absent).list_members()


def test_a_kind_that_lacks_a_method_is_refused(package):
    (package / "linear_probe.py").write_text(FRONT_END.replace("def lay_out", "def layout"))
    with raises_code("extension.kind-incomplete", "LinearProbe", "lay_out"):
        unite_kinds("made_settings", FrontEndSettings, Absent).find_member("linear-probe")


def test_settings_need_neither_torch_nor_the_code_of_a_kind():
    code = "import sys, bench.specs.run; print(sorted(m for m in sys.modules if m in {names}))"
    names = {
        "torch",
        "scipy",
        "bench.models.systems",
        "bench.models.frontends",
        "bench.models.augment",
        "bench.models.breath",
    }
    shown = subprocess.run(
        [sys.executable, "-c", code.format(names=names)], check=True, capture_output=True, text=True
    )
    assert shown.stdout == "[]\n"


def test_a_run_lists_its_parts_and_what_they_need():
    overrides = [
        "augment={kind='noise'}",
        "mix={kind='none'}",
        "frontend={kind='wavlm'}",
        "train.breath={kind='respiro'}",
        "dev.breath={kind='precomputed', intervals='mine'}",
    ]
    run = table_cards.resolve_row(table_cards.read_table("tca/table2"), "TCA", "paper", overrides)
    assert [part.kind for part in run.parts] == ["tca", "wavlm", "noise"]
    needed = [
        f"{need.what} {need.key}"
        for parts in (run.parts, run.train.parts, run.dev.parts)
        for part in parts
        for need in part.requirements()
    ]
    assert needed == [
        "weights wavlm_large",
        *("noise musan", "noise rirs"),
        *("weights respiro_en", "breaths mine"),
    ]


def test_s3prl_is_a_package_that_only_its_front_end_needs():
    packages = {
        kind_name(settings): settings.packages for settings in members(frontend_settings.FrontEnd)
    }
    assert packages == {
        "s3prl": ("s3prl",),
        "tiny": (),
        "wav2vec2": (),
        "waves": (),
        "wavlm": (),
    }
    assert import_module("bench.models.frontends.s3prl")
