"""Published checkpoints of whole systems: every tensor in its place, or the error names those that
are not.
"""

from __future__ import annotations

import functools

import pytest
import torch

from bench.cards import table_cards
from bench.cards.paper_cards import add_variant
from bench.config import Config
from bench.models.official_names import exchange_classes, rename_tensors
from bench.models.official_weights import load_official
from bench.models.systems.blocks.pooling import pool_states
from bench.specs.run import PublishedStart
from bench.training import engine
from tests.errors import raises_code
from tests.models.frontends import small
from tests.models.systems.plain_sal import Released

VARIANTS = {
    "official-w2v2": ("wav2vec2", ["table1:SAL-XLSR", "table3:SAL-XLSR", "table4:S7"]),
    "official-wavlm": ("wavlm", ["table1:SAL-WavLM", "table3:SAL-WavLM"]),
}


def released_row(variant: str, place: str):
    name, _, row = place.partition(":")
    table, paper = table_cards.read_table(f"sal/{name}"), table_cards.read_paper("sal")
    table, (made,) = add_variant(table, paper, variant, table_cards.runnable_rows(table))
    assert made == f"{row}@{variant}"
    return table_cards.resolve_row(table, made)


@pytest.fixture(params=VARIANTS)
def released(request, tmp_path):
    """The released system over a small front-end, randomly filled, and ours without its weights."""
    family, places = VARIANTS[request.param]
    path = small.fairseq(small.draw(family), tmp_path)
    reference = small.reference(family, path)
    torch.manual_seed(3)
    model = Released(reference.upstream, reference.dim, reference.n_states)
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for tensor in model.net.seq_model.state_dict().values():
            if tensor.is_floating_point():
                tensor += 0.1 * torch.rand(tensor.shape, generator=generator)
    run = released_row(request.param, places[0])
    frontend = small.built(family, path)
    for weight in frontend.parameters():
        weight.detach().zero_()
    ours = run.system.build(frontend, run.train)
    return model.eval(), ours, run.system


def lightning(model: Released, path):
    """Write what Lightning writes: the state beside objects that must not be looked up."""
    held = {"optimizer": functools.partial(torch.optim.Adam, lr=1e-5)}
    content = {"state_dict": model.state_dict(), "epoch": 30, "hyper_parameters": held}
    torch.save(content, path)
    return path


# s3prl's WavLM gives torch's attention a bool padding mask beside its float bias.
@pytest.mark.filterwarnings("ignore:Support for mismatched key_padding_mask:UserWarning")
def test_a_randomly_filled_checkpoint_of_sal_scores_alike(released, tmp_path):
    model, ours, spec = released
    load_official(ours, spec, lightning(model, tmp_path / "SAL.ckpt"))
    ours.eval()
    waves = small.waves(2, 16_000 * 32 // 25)  # 8 frames of 160 ms
    with torch.inference_mode():
        positions, binary = model(waves, 8)
        answer = ours.predict(waves, torch.zeros(2, 64, dtype=torch.bool), 0.16)
        pooled = pool_states(ours.context_states(waves), 8)
        labels = ours.auxiliary(pooled)
    assert binary.abs().max() > 0.01
    torch.testing.assert_close(answer.logits, binary.flip(-1), atol=2e-5, rtol=1e-4)
    difference = binary[..., 1] - binary[..., 0]
    torch.testing.assert_close(answer.score, difference, atol=4e-5, rtol=1e-4)
    torch.testing.assert_close(labels, positions.roll(4, -1), atol=2e-5, rtol=1e-4)


def test_what_is_missing_left_over_or_misshapen_is_named(released, tmp_path):
    model, ours, spec = released
    path = lightning(model, tmp_path / "SAL.ckpt")
    content = torch.load(path, weights_only=False)
    state = content["state_dict"]
    del state["net.out_layer2.3.bias"]
    state["net.seq_model.conformer_layer.7.ffn3.w_1.weight"] = torch.zeros(2)
    state["net.weight_layer"] = torch.zeros(3)
    torch.save(content, path)
    before = ours.binary[1].weight.clone()
    with raises_code(
        "weights.mismatch", str(path), "missing: binary.3.bias", "context.7.ffn3", "layers.weights"
    ):
        load_official(ours, spec, path)
    assert torch.equal(ours.binary[1].weight, before)


def test_weights_that_are_no_numbers_are_refused(released, tmp_path):
    model, ours, spec = released
    with torch.no_grad():
        model.net.weight_layer[1] = float("nan")
    with raises_code("weights.damaged", "layers.weights"):
        load_official(ours, spec, lightning(model, tmp_path / "SAL.ckpt"))


@pytest.mark.parametrize("content", [{"state_dict": {}}, [torch.zeros(1)], {"a": "b"}])
def test_a_file_without_tensors_by_name_is_refused(content, tmp_path):
    path = tmp_path / "own.pt"
    torch.save(content, path)
    run = table_cards.resolve_row(
        table_cards.read_table("aasist/asvspoof2019"), "AASIST-L-released"
    )
    with raises_code("weights.layout-unknown", str(path), "state_dict"):
        engine.build_system(run, 1, Config(weights={"aasist_l": path}))


def test_a_system_without_a_key_map_says_so(tmp_path):
    run = table_cards.resolve_row(table_cards.read_table("tca/table2"), "TCA", "smoke")
    system = engine.build_system(run, 1, Config())
    with raises_code("weights.no-key-map", "'tca'", "official_names"):
        load_official(system, run.system, tmp_path / "x.pt")


def test_missing_weights_are_asked_for_with_where_to_get_them():
    run = table_cards.resolve_row(table_cards.read_table("aasist/asvspoof2019"), "AASIST-released")
    with raises_code("weights.missing", "AASIST.pth", "clovaai/aasist"):
        engine.build_system(run, 1, Config())


@pytest.mark.parametrize(
    ("variant", "place"), [(name, place) for name in VARIANTS for place in VARIANTS[name][1]]
)
def test_sals_checkpoints_stand_as_rows_of_its_tables(variant, place):
    run = released_row(variant, place)
    assert isinstance(run.start, PublishedStart)
    assert not run.is_trained
    assert [needed.key for needed in run.requirements()] == [run.start.weights]
    assert (run.system.padding, run.system.score) == (256, "logit-difference")


def test_a_tensor_whose_new_name_is_taken_keeps_its_own():
    tensors = {"a.x": torch.zeros(1), "b.x": torch.ones(1)}
    assert list(rename_tensors(tensors, ((r"[ab]\.", "c."),))) == ["c.x", "b.x"]


def test_classes_are_exchanged_half_by_half():
    tensors = {"head.weight": torch.arange(8), "body.weight": torch.arange(8)}
    changed = exchange_classes(tensors, ("head.",))
    assert changed["head.weight"].tolist() == [4, 5, 6, 7, 0, 1, 2, 3]
    assert changed["body.weight"].tolist() == list(range(8))
