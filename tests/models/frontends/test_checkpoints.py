"""Every published form of a checkpoint gives the same encoder; nothing in a file runs; faults are
named."""

from __future__ import annotations

import argparse
import enum
import json
import shutil
import warnings
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf

from bench.config import Config
from bench.errors import BenchError
from bench.models.frontends import torch_files
from bench.models.frontends.dimensions import convolution_list
from bench.models.weights import locate_weights
from bench.specs.frontends.wav2vec2 import Wav2Vec2
from tests.errors import raises_code

from . import small

FAMILIES = ["wav2vec2", "wavlm"]


class Kind(enum.Enum):
    """An enumeration in a checkpoint, as fairseq's are."""

    LAYER_NORM = "layer_norm"


class Evil:
    """Makes a folder when it is unpickled."""

    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self):
        return (shutil.copytree, (str(self.mark.parent / "empty"), str(self.mark)))


@pytest.fixture(scope="module", params=FAMILIES)
def drawn(request) -> small.Small:
    return small.draw(request.param)


@pytest.mark.parametrize("layout", small.LAYOUTS)
def test_every_layout_gives_the_same_tensors(drawn, layout, tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    if drawn.family == "wavlm" and layout == "torchaudio":
        # torchaudio's state dict does not hold the distance that its model was made with: 800 in
        # all of them.
        drawn = small.Small("wavlm", {**drawn.settings, "max_distance": 800}, drawn.state)
    expected = small.built(drawn.family, small.fairseq(drawn, here))
    found = small.built(drawn.family, small.LAYOUTS[layout](drawn, there))
    assert found.config == expected.config
    for name, tensor in expected.state_dict().items():
        assert torch.equal(found.state_dict()[name], tensor), name
    waves = small.waves(2, 8_000)
    assert all(map(torch.equal, found(waves), expected(waves)))


def test_converted_file_of_s3prl_gives_the_same_tensors(tmp_path):
    drawn = small.draw("wav2vec2")
    ours = small.built("wav2vec2", small.fairseq(drawn, tmp_path)).state_dict()
    converted = small.built("wav2vec2", small.s3prl_converted(drawn, tmp_path)).state_dict()
    assert all(torch.equal(converted[name], tensor) for name, tensor in ours.items())


@pytest.mark.parametrize("family", FAMILIES)
def test_states_equal_those_of_torchaudios_own_model(family, tmp_path):
    from torchaudio.models import wav2vec2_model, wavlm_model

    settings = {
        "extractor_mode": "layer_norm",
        "extractor_conv_layer_config": [(24, 10, 5)] + [(24, 3, 2)] * 4 + [(24, 2, 2)] * 2,
        "extractor_conv_bias": family == "wav2vec2",
        "encoder_embed_dim": 64,
        "encoder_projection_dropout": 0.0,
        "encoder_pos_conv_kernel": 16,
        "encoder_pos_conv_groups": 4,
        "encoder_num_layers": 3,
        "encoder_num_heads": 16 if family == "wav2vec2" else 4,
        "encoder_attention_dropout": 0.0,
        "encoder_ff_interm_features": 80,
        "encoder_ff_interm_dropout": 0.0,
        "encoder_dropout": 0.0,
        "encoder_layer_norm_first": True,
        "encoder_layer_drop": 0.0,
        "aux_num_out": 7,
    }
    torch.manual_seed(2)
    if family == "wavlm":
        model = wavlm_model(**settings, encoder_num_buckets=32, encoder_max_distance=800)
    else:
        model = wav2vec2_model(**settings)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    torch.save(model.state_dict(), tmp_path / "model.pth")
    ours = small.built(family, tmp_path / "model.pth", normalise="none", last_state="raw")
    waves = small.waves(2, 8_000)
    model.eval()
    with torch.no_grad():
        states, theirs = ours(waves), model.extract_features(waves)[0]
        last = model.encoder.transformer.layer_norm(theirs[-1])
        named = small.built(family, tmp_path / "model.pth", normalise="none")(waves)[-1]
    assert len(states) == len(theirs) + 1
    for mine, reference in zip(states[1:], theirs, strict=True):
        torch.testing.assert_close(mine, reference, atol=1e-4, rtol=0)
    torch.testing.assert_close(named, last, atol=1e-4, rtol=0)


@pytest.mark.slow  # importing transformers' models takes longer than all tests of the front-ends
@pytest.mark.parametrize("family", FAMILIES)
def test_states_equal_those_of_transformers_own_model(family, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import transformers

    shapes = small.hugging_face_config(small.draw(family, encoder_attention_heads=4))
    names = {"wav2vec2": "Wav2Vec2", "wavlm": "WavLM"}[family]
    config = getattr(transformers, f"{names}Config")(**shapes)
    torch.manual_seed(2)
    model = getattr(transformers, f"{names}Model")(config).eval()
    model.save_pretrained(tmp_path)
    waves = small.waves(2, 8_000)
    with torch.no_grad():
        theirs = model(waves, output_hidden_states=True)
        states = small.built(family, tmp_path, normalise="none", last_state="raw")(waves)
        last = small.built(family, tmp_path, normalise="none")(waves)[-1]
    torch.testing.assert_close(last, theirs.last_hidden_state, atol=1e-4, rtol=0)
    for mine, reference in zip(states, theirs.hidden_states, strict=True):
        torch.testing.assert_close(mine, reference, atol=1e-4, rtol=0)


def _fairseq_forms(drawn: small.Small) -> dict[str, object]:
    cfg = {"model": drawn.settings, "task": small.TASK}
    namespace = argparse.Namespace(**drawn.settings, **small.TASK, task="audio_pretraining")
    return {
        "omegaconf": {"cfg": OmegaConf.create(cfg), "model": drawn.state},
        "namespace": {"args": namespace, "model": drawn.state},
        "enumeration": {
            "cfg": {**cfg, "model": {**drawn.settings, "extractor_mode": Kind.LAYER_NORM}},
            "model": drawn.state,
        },
    }


@pytest.mark.parametrize("form", ["omegaconf", "namespace", "enumeration"])
@pytest.mark.parametrize("zipped", [True, False])
def test_fairseqs_objects_are_read_without_their_classes(form, zipped, tmp_path):
    drawn = small.draw("wav2vec2", encoder_attention_heads=4)
    path = tmp_path / "model.pt"
    torch.save(_fairseq_forms(drawn)[form], path, _use_new_zipfile_serialization=zipped)
    found = small.built("wav2vec2", path)
    assert found.config.heads == 4
    expected = small.built("wav2vec2", small.fairseq(drawn, tmp_path)).state_dict()
    assert all(torch.equal(tensor, expected[n]) for n, tensor in found.state_dict().items())


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("where", ["cfg", "model", "everything"])
def test_nothing_in_a_checkpoint_is_run(where, zipped, tmp_path):
    drawn, path = small.draw("wav2vec2"), tmp_path / "evil.pt"
    mark = tmp_path / "was-run"
    (tmp_path / "empty").mkdir()
    content = {
        "cfg": {
            "cfg": {"model": drawn.settings, "task": small.TASK, "common": Evil(mark)},
            "model": drawn.state,
        },
        "model": {"cfg": {"model": drawn.settings, "task": {}}, "model": {"a": Evil(mark)}},
        "everything": Evil(mark),
    }[where]
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    torch.load(path, weights_only=False)
    assert mark.exists(), "the payload works where checkpoints are read carelessly"
    mark.rmdir()
    if where == "cfg":
        small.built("wav2vec2", path)
    else:
        with raises_code("weights.layout-unknown"):
            small.built("wav2vec2", path)
    assert not mark.exists()


def test_modules_of_the_system_are_refused(tmp_path):
    path = tmp_path / "evil.pt"

    class System:
        def __reduce__(self):
            import os

            return (os.system, (f"touch {tmp_path / 'was-run'}",))

    torch.save({"cfg": System(), "model": {}}, path)
    with pytest.raises(BenchError, match="is blocked"):
        torch_files.read_torch_file(path)
    assert not (tmp_path / "was-run").exists()


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.99])
def test_a_truncated_file_is_named(zipped, kept, tmp_path):
    path = tmp_path / "model.pt"
    drawn = small.draw("wav2vec2")
    content = {"cfg": {"model": drawn.settings, "task": small.TASK}, "model": drawn.state}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))])
    with raises_code("weights.damaged") as error:
        small.built("wav2vec2", path)
    assert "model.pt" in str(error.value)


@pytest.mark.parametrize(
    "content", [b"", b"<!DOCTYPE html>", b"version https://git-lfs.github.com"]
)
def test_a_file_that_is_no_checkpoint_is_named(content, tmp_path):
    path = tmp_path / "xlsr2_300m.pt"
    path.write_bytes(content)
    with raises_code("weights.damaged") as error:
        small.built("wav2vec2", path)
    assert "xlsr2_300m.pt" in str(error.value)


def test_a_damaged_safetensors_file_is_named(tmp_path):
    folder = small.hugging_face_bare(small.draw("wav2vec2"), tmp_path)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with raises_code("weights.damaged") as error:
        small.built("wav2vec2", folder)
    assert "model.safetensors" in str(error.value)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        (None, "", "no config.json"),
        ("config.json", "{", "not JSON"),
        ("config.json", "{}", "neither model.safetensors nor pytorch_model.bin"),
    ],
)
def test_an_incomplete_folder_is_named(file, content, message, tmp_path):
    if file:
        (tmp_path / file).write_text(content)
    with pytest.raises(BenchError, match=message):
        small.built("wav2vec2", tmp_path)


def test_weights_whose_place_is_not_set_are_asked_for_with_all_it_takes():
    config = Config(source=Path("bench.toml"), weights={"xlsr_300m": Path("x")})
    with pytest.raises(BenchError) as caught:
        Wav2Vec2(kind="wav2vec2").build(config)
    for part in (
        'add `xlsr2_300m = "/path/xlsr2_300m.pt"` under [weights] in bench.toml',
        "BENCH_WEIGHTS_XLSR2_300M",
        "did you mean 'xlsr_300m'?",
        "https://dl.fbaipublicfiles.com/fairseq/wav2vec/xlsr2_300m.pt",
        "facebook/wav2vec2-xls-r-300m",
    ):
        assert part in str(caught.value)


def test_weights_that_are_not_in_their_place_are_named(tmp_path):
    config = Config(weights={"wavlm_large": tmp_path / "none.pt"})
    with raises_code("weights.missing") as error:
        locate_weights("wavlm_large", config)
    assert "none.pt" in str(error.value)


@pytest.mark.parametrize(
    ("family", "change", "message"),
    [
        ("wav2vec2", {"layer_norm_first": False}, "layer_norm_first = False"),
        ("wavlm", {"layer_norm_first": False}, "layer_norm_first = False"),
        ("wav2vec2", {"extractor_mode": "default"}, "extractor_mode = 'default'"),
        ("wav2vec2", {"activation_fn": "relu"}, "activation_fn = 'relu'"),
    ],
)
def test_an_unsupported_variant_is_said_to_be_one(family, change, message, tmp_path):
    path = small.fairseq(small.draw(family, **change), tmp_path)
    with raises_code("weights.unsupported") as error:
        small.built(family, path)
    assert message in str(error.value)


def test_a_hugging_face_config_that_does_not_say_is_a_base_model(tmp_path):
    folder = small.hugging_face_bare(small.draw("wav2vec2"), tmp_path)
    (folder / "config.json").write_text(json.dumps({"model_type": "wav2vec2"}))
    with pytest.raises(
        BenchError, match=r"do_stable_layer_norm = False, feat_extract_norm = 'group'"
    ):
        small.built("wav2vec2", folder)


def test_group_norm_shows_without_any_settings(tmp_path):
    path = small.torchaudio_state(small.draw("wav2vec2"), tmp_path)
    state = torch.load(path)
    torch.save({n: t for n, t in state.items() if ".1.layer_norm." not in n}, path)
    with raises_code("weights.unsupported") as error:
        small.built("wav2vec2", path)
    assert "LayerNorm" in str(error.value)


def test_all_missing_left_over_and_misshapen_tensors_are_listed(tmp_path):
    drawn = small.draw("wav2vec2")
    state = dict(drawn.state)
    del state["encoder.layers.1.fc2.bias"], state["layer_norm.weight"]
    state["encoder.adapter.weight"] = torch.zeros(1)
    state["encoder.layers.2.fc1.bias"] = torch.zeros(81)
    path = small.fairseq(small.Small("wav2vec2", drawn.settings, state), tmp_path)
    with pytest.raises(BenchError) as caught:
        small.built("wav2vec2", path)
    for part in (
        "missing: blocks.1.fc2.bias, projection_norm.weight",
        "left over: encoder.adapter.weight",
        "blocks.2.fc1.bias: shape (81,) where (80,) is needed",
    ):
        assert part in str(caught.value)


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_weights_that_are_no_numbers_are_refused(value, dtype, tmp_path):
    drawn = small.draw("wav2vec2")
    state = {name: tensor.to(dtype, copy=True) for name, tensor in drawn.state.items()}
    state["encoder.layers.1.fc2.bias"][3] = float(value)
    path = small.fairseq(small.Small("wav2vec2", drawn.settings, state), tmp_path)
    message = rf"{path}: blocks\.1\.fc2\.bias: 1 of 64 weights are not finite.*get it again"
    with pytest.raises(BenchError, match=message):
        small.built("wav2vec2", path)


@pytest.mark.parametrize(
    "gone", ["feature_extractor.conv_layers.3.0.weight", "post_extract_proj.weight"]
)
def test_tensors_that_dimensions_are_read_from_are_missed_too(gone, tmp_path):
    drawn = small.draw("wav2vec2")
    state = {name: tensor for name, tensor in drawn.state.items() if name != gone}
    path = small.fairseq(small.Small("wav2vec2", drawn.settings, state), tmp_path)
    with raises_code("weights.mismatch"):
        small.built("wav2vec2", path)


@pytest.mark.parametrize(("family", "other"), [("wav2vec2", "wavlm"), ("wavlm", "wav2vec2")])
def test_weights_of_the_other_family_are_refused(family, other, tmp_path):
    path = small.fairseq(small.draw(other), tmp_path)
    with raises_code("weights.mismatch") as error:
        small.built(family, path)
    assert f"kind = {other!r}" in str(error.value)


def test_a_hugging_face_pickle_wants_its_folder(tmp_path):
    folder = small.hugging_face_pretraining(small.draw("wav2vec2"), tmp_path)
    with raises_code("weights.layout-unknown") as error:
        small.built("wav2vec2", folder / "pytorch_model.bin")
    assert "config.json" in str(error.value)


def test_parameters_do_not_live_in_the_file(tmp_path):
    path = small.fairseq(small.draw("wav2vec2"), tmp_path)
    encoder, waves = small.built("wav2vec2", path), small.waves(1, 4_000)
    before = encoder(waves)
    path.write_bytes(b"\0" * path.stat().st_size)
    assert all(map(torch.equal, encoder(waves), before))


def test_half_precision_files_become_float32(tmp_path):
    drawn = small.draw("wav2vec2")
    state = {name: tensor.half() for name, tensor in drawn.state.items()}
    path = small.fairseq(small.Small("wav2vec2", drawn.settings, state), tmp_path)
    encoder = small.built("wav2vec2", path)
    assert {p.dtype for p in encoder.parameters()} == {torch.float32}
    assert {p.is_leaf for p in encoder.parameters()} == {True}


def test_fairseqs_convolution_text_is_read_without_evaluating_it():
    assert (
        convolution_list(small.CONVOLUTIONS) == [(24, 10, 5)] + [(24, 3, 2)] * 4 + [(24, 2, 2)] * 2
    )
    for text in ("__import__('os')", "[(1, 2)", "[x]", "[(1, 2, 3)] - 1", "[1] + 2"):
        with pytest.raises(ValueError, match="not a list of convolutions"):
            convolution_list(text)
