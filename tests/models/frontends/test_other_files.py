"""A torch file that is no checkpoint of a front-end is named."""

from __future__ import annotations

import pytest
import torch

from bench.errors import BenchError

from . import small


def test_a_torch_file_of_something_else_is_named(tmp_path, subtests):
    cases = [
        (3, "no checkpoint of fairseq.*holds int"),
        ({"weights": torch.zeros(1)}, "holds weights"),
        ({"cfg": 3, "model": {}}, "holds cfg, model"),
        ({"cfg": {"a": 1}, "model": [1]}, "unilm checkpoint whose parts are not all dicts"),
        ({"cfg": {"model": 1}, "model": {}}, "fairseq checkpoint whose parts are not all dicts"),
        ({"task_cfg": {}, "model_cfg": {}, "model_weight": None}, "s3prl checkpoint whose parts"),
    ]
    for content, message in cases:
        with subtests.test(message=message):
            torch.save(content, tmp_path / "other.pt")
            with pytest.raises(BenchError, match=message):
                small.built("wav2vec2", tmp_path / "other.pt")
