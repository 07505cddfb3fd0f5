"""Cross-attention: BreathNet's equations 7 and 8."""

from __future__ import annotations

import torch

from bench.models.systems.blocks.fusion import CrossAttention
from bench.specs.systems.breathnet import Fusion as Spec
from tests.errors import raises_code
from tests.models.systems import plain_breathnet as plain


def fusion(**settings: object) -> CrossAttention:
    torch.manual_seed(0)
    return CrossAttention(12, Spec.model_validate({"heads": 3, **settings}))


def test_equations_7_and_8(subtests):
    for output in ["projected", "concatenated"]:
        for residual in ["none", "queries"]:
            for heads in [1, 3]:
                with subtests.test(output=output, residual=residual, heads=heads):
                    part = fusion(heads=heads, output=output, residual=residual)
                    asking, asked = 3 * torch.randn(2, 4, 12), 3 * torch.randn(2, 7, 12)
                    w = plain.numbers(part)
                    found = part(asking, asked)
                    assert found.shape == (2, 4, 12)
                    for clip in range(2):
                        queries, hops = asking[clip].double().numpy(), asked[clip].double().numpy()
                        expected = plain.attention(
                            queries,
                            hops,
                            w["query.weight"],
                            w["key.weight"],
                            w["value.weight"],
                            heads,
                        )
                        if output == "projected":
                            expected = expected @ w["out.weight"].T
                        if residual == "queries":
                            expected = queries + expected
                        torch.testing.assert_close(
                            found[clip].double(), torch.tensor(expected), rtol=1e-4, atol=1e-5
                        )


def test_the_order_of_what_is_asked_does_not_matter():
    part, asking, asked = fusion(), torch.randn(2, 4, 12), torch.randn(2, 7, 12)
    torch.testing.assert_close(part(asking, asked.flip(1)), part(asking, asked))


def test_heads_that_do_not_divide_the_width_are_refused():
    with raises_code("model.sizes") as error:
        fusion(heads=5)
    assert "system.fusion.heads = 5" in str(error.value)
