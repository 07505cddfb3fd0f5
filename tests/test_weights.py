"""What is known of published weights."""

from __future__ import annotations

import hashlib
import re

import pytest

from bench.models import weights
from bench.specs.frontends.wav2vec2 import Wav2Vec2
from bench.specs.frontends.wavlm import WavLM


def test_digests_are_whole():
    known = [of.sha256 for of in weights.published_weights().values() if of.sha256]
    assert known
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in known)


@pytest.mark.parametrize("kind", [Wav2Vec2(kind="wav2vec2"), WavLM(kind="wavlm")])
def test_the_card_has_the_parameters_of_the_network(kind):
    network = kind.lay_out()
    card = weights.published_weights()[kind.weights]
    assert card.parameters == sum(weight.numel() for weight in network.parameters())


def test_a_file_is_said_to_be_published_another_or_unknown(tmp_path, monkeypatch):
    path = tmp_path / "WavLM-Large.pt"
    path.write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    assert weights.identify_weights("wavlm_large", path) == (
        f"sha256 {digest[:16]}: not the published WavLM-Large.pt"
    )
    assert weights.identify_weights("xlsr2_300m", path).endswith("not the published xlsr2_300m.pt")
    assert weights.identify_weights("own", path).endswith("published file is not known")
    folder = tmp_path / "wavlm-large"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    text = weights.identify_weights("wavlm_large", folder)
    of_run = weights.content_digest(folder)
    assert text == f"files {of_run}: whether it is a published folder is not known"
    (folder / "README.md").write_text("not read")
    assert weights.identify_weights("wavlm_large", folder) == text
    (folder / "config.json").write_text("{ }")
    assert weights.identify_weights("wavlm_large", folder) != text
    known = weights.PublishedWeights(file="WavLM-Large.pt", source="", repository="", sha256=digest)
    monkeypatch.setattr(weights, "published_weights", lambda: {"wavlm_large": known})
    assert weights.identify_weights("wavlm_large", path).endswith(": the published WavLM-Large.pt")
