"""Respiro-en rebuilt: its published layout, features, network and stretches; no real weights."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given
from hypothesis import strategies as st

from bench.config import Config
from bench.errors import BenchError
from bench.models.breath import build_marker, respiro
from bench.models.breath.marks import Intervals
from bench.specs.breath.respiro import Respiro
from bench.specs.corpus import Audio
from tests.errors import raises_code
from tests.models.breath import plain_respiro
from tests.models.breath.made_breaths import made, subset, write

SPEC = Respiro(kind="respiro")


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A machine with random weights in the published form, an optimiser's state beside them."""
    weights = tmp_path / "respiro-en.pt"
    state = plain_respiro.published(1)
    torch.save({"model": state, "optimizer": {"state": {}}, "epoch": 3}, weights)
    return Config(work=tmp_path / "work", weights={"respiro_en": weights}, device="cpu")


def wave(samples: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, samples).astype(np.float32)


def test_the_layout_is_the_published_one():
    """A third of the published file of 35,377,347 bytes is weights, the rest Adam's moments."""
    ours = {
        name: tuple(tensor.shape) for name, tensor in respiro.RespiroNetwork().state_dict().items()
    }
    published = plain_respiro.published(0)
    assert ours == {name: tuple(tensor.shape) for name, tensor in published.items()}
    size = sum(tensor.numel() for name, tensor in published.items() if "running" not in name)
    assert 3 * 4 * size == pytest.approx(35_377_347, rel=0.02)


def test_the_network_is_the_plain_reference(subtests):
    for frames in [4, 5, 6, 7, 8, 41, 60]:
        with subtests.test(frames=frames):
            state = plain_respiro.published(2)
            network = respiro.RespiroNetwork().eval()
            network.load_state_dict(state)
            # In double precision: with random weights, rounding grows from block to block.
            network, state = network.double(), {name: part.double() for name, part in state.items()}
            drawn = torch.Generator().manual_seed(frames)
            features = torch.randn(3, 128, frames, generator=drawn, dtype=torch.float64)
            with torch.inference_mode():
                found = network(features[None])[0]
            assert found.shape == (frames,)
            torch.testing.assert_close(found, plain_respiro.probability(state, features))
            assert found.std() > 1e-3


@pytest.mark.parametrize("samples", [480, 16_000, 16_159, 16_160])
def test_features_are_those_of_loops(samples):
    heard = made(0, 2).wave[8000 : 8000 + samples]
    found = respiro.compute_features(torch.from_numpy(heard))
    assert found.mel_db.shape == (128, 1 + samples // 160)
    for ours, plain in zip(found, plain_respiro.features(heard), strict=True):
        np.testing.assert_allclose(ours, plain, rtol=1e-3, atol=2e-3)
    crossings = plain_respiro.features(heard)[2]
    np.testing.assert_allclose(found.zero_crossings, crossings, rtol=1e-6, atol=1e-8)


def test_zero_crossings_of_a_tone_are_counted():
    """A tone of 1 kHz changes its sign 2,000 times a second: 50 times in 25 ms, of 400 samples."""
    tone = np.sin(2 * np.pi * 1000 * (np.arange(16_000) + 0.5) / 16_000).astype(np.float32)
    found = respiro.compute_features(torch.from_numpy(tone)).zero_crossings
    assert found[5:-5].min() >= 49 / 400
    assert found[5:-5].max() <= 51 / 400


@pytest.mark.parametrize("gain", [0.01, 3.0])
def test_zero_crossings_do_not_depend_on_the_gain(gain):
    heard = torch.from_numpy(made(0, 2).wave)
    found, louder = respiro.compute_features(heard), respiro.compute_features(gain * heard)
    torch.testing.assert_close(louder.zero_crossings, found.zero_crossings)


def test_zero_crossings_of_real_speech(shared: Path):
    """Means over recordings measured with the released program: 0.07 to 0.21."""
    for path in sorted((shared / "speech" / "librispeech").rglob("*.flac"))[:12]:
        heard, rate = soundfile.read(path, dtype="float32")
        assert rate == 16_000
        mean = respiro.compute_features(torch.from_numpy(heard)).zero_crossings.mean()
        assert 0.06 < mean < 0.22


def test_silence_has_features():
    found = respiro.compute_features(torch.zeros(1600))
    assert all((part == 0).all() for part in found)


def test_features_are_stacked_as_the_network_takes_them():
    found = respiro.compute_features(torch.from_numpy(wave(1600)))
    x = respiro.stack_features(found)
    assert x.shape == (3, 128, 11)
    torch.testing.assert_close(x[0], found.mel_db)
    for row in (0, 127):
        torch.testing.assert_close(x[1, row], found.variance)
        torch.testing.assert_close(x[2, row], found.zero_crossings)


def plain_stretches(probability: list[float], spec: Respiro) -> list[list[float]]:
    runs: list[list[int]] = []
    for frame, value in enumerate(probability):
        if value > spec.threshold:
            if runs and runs[-1][-1] == frame - 1:
                runs[-1].append(frame)
            else:
                runs.append([frame])
    shortest = round(100 * spec.shortest_s)
    return [[run[0] / 100, run[-1] / 100] for run in runs if len(run) > shortest]


@given(st.lists(st.tuples(st.sampled_from([0.0, 0.064, 0.5]), st.integers(1, 40)), max_size=9))
def test_stretches_are_those_of_a_loop(parts):
    probability = [value for value, count in parts for _ in range(count)]
    found = respiro.threshold_breaths(np.array(probability), SPEC)
    wanted = np.reshape(plain_stretches(probability, SPEC), (-1, 2))
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_the_published_example_of_stretches():
    """README of Respiro-en: frames 229 to 281 and 811 to 836 are (2.29, 2.81) and (8.11, 8.36)."""
    probability = np.zeros(900)
    probability[229:282] = probability[811:837] = probability[100:120] = 0.9
    found = respiro.threshold_breaths(probability, SPEC)
    np.testing.assert_allclose(found, [[2.29, 2.81], [8.11, 8.36]], atol=1e-6)


def test_waveforms_are_heard_as_if_each_were_alone(config):
    detector = respiro.RespiroDetector(SPEC, Audio(), config)
    lengths = [8000, 12_345, 8010, 0, 479, 480, 12_345]
    waves = [wave(n, seed) for seed, n in enumerate(lengths)]
    together = detector.breath_probabilities(waves)
    assert [len(found) for found in together] == [51, 78, 51, 0, 0, 4, 78]
    for heard, found in zip(waves, together, strict=True):
        (single,) = detector.breath_probabilities([heard])
        np.testing.assert_allclose(found, single, atol=1e-3)
    features = respiro.stack_features(respiro.compute_features(torch.from_numpy(waves[1])))
    wanted = plain_respiro.probability(plain_respiro.published(1), features)
    np.testing.assert_allclose(together[1], wanted, atol=1e-3)


def test_marks_come_from_the_files(config, tmp_path):
    names = ["b", "a", "c"]
    write(tmp_path, names)
    own = subset(tmp_path, names)
    detector = respiro.RespiroDetector(SPEC, Audio(), config)
    heard = {name: soundfile.read(tmp_path / f"{name}.wav", dtype="float32")[0] for name in names}
    middle = float(np.median(np.concatenate(detector.breath_probabilities(list(heard.values())))))
    spec = Respiro(kind="respiro", threshold=middle, shortest_s=0.05)
    kept = build_marker(own, spec, Audio(), config)
    assert isinstance(kept, Intervals)
    for row, name in enumerate(names):
        (probability,) = detector.breath_probabilities([heard[name]])
        assert (
            kept.row_intervals(row).tolist()
            == respiro.threshold_breaths(probability, spec).tolist()
        )
    assert len(kept.times_s)


def test_other_weights_under_the_same_key_are_another_detector(config):
    first = respiro.RespiroDetector(SPEC, Audio(), config).cache_key
    other = config.work.with_name("other.pt")
    other.write_bytes(config.weights["respiro_en"].read_bytes())
    copied = dataclasses.replace(config, weights={"respiro_en": other})
    assert respiro.RespiroDetector(SPEC, Audio(), copied).cache_key == first
    torch.save({"model": plain_respiro.published(2)}, other)
    assert respiro.RespiroDetector(SPEC, Audio(), copied).cache_key != first


def test_kept_breaths_need_no_network(config, tmp_path, monkeypatch):
    write(tmp_path, ["a"])
    own = subset(tmp_path, ["a"])
    first = build_marker(own, SPEC, Audio(), config)
    assert isinstance(first, Intervals)
    monkeypatch.delattr(respiro, "_load_network")
    again = build_marker(own, SPEC, Audio(), config)
    assert isinstance(again, Intervals)
    assert again.times_s.tolist() == first.times_s.tolist()


def test_a_folder_of_the_weights_will_do(config):
    folder = dataclasses.replace(
        config, weights={"respiro_en": config.weights["respiro_en"].parent}
    )
    found = respiro.RespiroDetector(SPEC, Audio(), folder).cache_key
    assert found == respiro.RespiroDetector(SPEC, Audio(), config).cache_key


def test_missing_weights_say_what_to_get_and_where_it_goes(tmp_path):
    with pytest.raises(BenchError) as error:
        build_marker(subset(tmp_path, []), SPEC, Audio(), Config(work=tmp_path))
    assert str(error.value).startswith(
        "weights respiro_en are not configured: `bench get respiro_en` brings respiro-en.pt from "
        "https://github.com/ydqmkkx/Respiro-en; or take the folder of Hugging Face's "
        'DongYANG/Respiro-en; add `respiro_en = "/path/respiro-en.pt"` under [weights] in'
    )
    assert "our own detector wants no weights: --variant dsp, or --set" in str(error.value)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda state: state.pop("fc.bias"), 'Missing key.*"fc.bias"'),
        (lambda state: state.update(more=torch.zeros(1)), 'Unexpected key.*"more"'),
        (lambda state: state.update({"fc.bias": torch.zeros(2)}), "size mismatch for fc.bias"),
        (lambda state: state.update({"fc.bias": 1.0}), "fc.bias"),
    ],
)
def test_weights_that_do_not_fit_are_refused(config, change, complaint):
    state = plain_respiro.published(1)
    change(state)
    path = config.weights["respiro_en"]
    torch.save({"model": state}, path)
    with raises_code("weights.mismatch") as error:
        _ = respiro.RespiroDetector(SPEC, Audio(), config).network
    assert re.search(f"{path}.*{complaint}", str(error.value), re.DOTALL)


def test_weights_that_are_no_numbers_are_refused(config):
    state = plain_respiro.published(1)
    state["fc.bias"].fill_(float("nan"))
    path = config.weights["respiro_en"]
    torch.save({"model": state}, path)
    with raises_code("weights.damaged") as error:
        _ = respiro.RespiroDetector(SPEC, Audio(), config).network
    assert f"{path}: fc.bias" in str(error.value)


def test_what_holds_no_weights_is_refused(config):
    path = config.weights["respiro_en"]
    torch.save({"weights": {}}, path)
    with raises_code("weights.mismatch"):
        _ = respiro.RespiroDetector(SPEC, Audio(), config).network
    path.write_text("version https://git-lfs.github.com/spec/v1\n", encoding="utf-8")
    with raises_code("weights.damaged"):
        _ = respiro.RespiroDetector(SPEC, Audio(), config).network
    path.unlink()
    with raises_code("weights.missing"):
        respiro.RespiroDetector(SPEC, Audio(), config)
    folder = dataclasses.replace(config, weights={"respiro_en": path.parent})
    with raises_code("weights.missing") as error:
        respiro.RespiroDetector(SPEC, Audio(), folder)
    assert str(path) in str(error.value)
