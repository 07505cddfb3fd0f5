"""s3prl's upstream as a front-end: what it takes, and what it leaves frozen."""

from __future__ import annotations

import pytest
import torch

from bench.config import Config
from bench.errors import BenchError
from bench.models.frontends.s3prl import S3prlFrontEnd
from bench.specs.frontends.s3prl import S3prl
from tests.errors import raises_code

from . import small


@pytest.mark.parametrize("family", ["wav2vec2", "wavlm"])
def test_its_last_state_alone_is_normalised(family, tmp_path):
    frontend = small.reference(family, small.fairseq(small.draw(family), tmp_path))
    waves = small.waves(2, 8_000)
    states = frontend(waves)
    assert type(frontend) is S3prlFrontEnd
    assert [tuple(s.shape) for s in states] == [(2, 24, frontend.dim)] * frontend.n_states
    model = frontend.upstream.model
    last = model.encoder.layer_norm.weight
    assert torch.equal(states[-1], frontend(waves)[-1])
    with torch.no_grad():
        last.zero_()
    changed = frontend(waves)
    assert torch.equal(changed[-1], model.encoder.layer_norm.bias.expand_as(changed[-1]))
    assert all(map(torch.equal, changed[:-1], states[:-1]))


def test_fairseqs_file_and_s3prls_converted_one_are_the_same(tmp_path):
    drawn, waves = small.draw("wav2vec2"), small.waves(1, 8_000)
    first = small.reference("wav2vec2", small.fairseq(drawn, tmp_path))(waves)
    second = small.reference("wav2vec2", small.s3prl_converted(drawn, tmp_path))(waves)
    assert all(map(torch.equal, first, second))


@pytest.mark.parametrize("family", ["wav2vec2", "wavlm"])
def test_what_learns_is_what_a_gradient_reaches(family, tmp_path):
    frontend = small.reference(family, small.fairseq(small.draw(family), tmp_path))
    generator = torch.Generator().manual_seed(0)
    states = frontend.train()(small.waves(1, 8_000))
    sum((s * torch.randn(s.shape, generator=generator)).sum() for s in states).backward()
    for name, parameter in frontend.named_parameters():
        assert parameter.requires_grad == (parameter.grad is not None), name
    learning = [n for n, p in frontend.named_parameters() if p.requires_grad]
    assert learning
    assert not any("feature_extractor" in name for name in learning)


@pytest.mark.parametrize(
    ("family", "write", "message"),
    [
        ("wav2vec2", small.torchaudio_state, "torchaudio checkpoint; s3prl's wav2vec2 takes"),
        ("wavlm", small.hugging_face_bare, "takes those of unilm"),
    ],
)
def test_layouts_that_s3prl_cannot_take_are_refused(family, write, message, tmp_path):
    path = write(small.draw(family), tmp_path)
    with pytest.raises(BenchError, match=message):
        small.reference(family, path)


def test_missing_weights_are_asked_for():
    spec = S3prl(kind="s3prl", upstream="wav2vec2", weights="xlsr2_300m")
    with raises_code("weights.missing") as error:
        spec.build(Config())
    assert "BENCH_WEIGHTS_XLSR2_300M" in str(error.value)
