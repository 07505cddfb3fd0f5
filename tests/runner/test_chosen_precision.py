"""Which precision a machine chooses, and that rows are found in whichever they were trained."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from bench.cards import table_cards
from bench.config import Config, read_config
from bench.models import devices
from bench.runner.precision import PrecisionChoice, choose_precision
from bench.runner.request import RunRequest
from tests.errors import raises_code


def order(choice, *overrides: str) -> RunRequest:
    return RunRequest(
        table_cards.read_table("table4"), ["S7"], None, "paper", overrides, precision=choice
    )


def test_what_is_asked_for_goes_before_bench_toml(tmp_path):
    path = tmp_path / "bench.toml"
    path.write_text('precision = "tf32"\n')
    config = read_config(path, {})
    assert choose_precision(config) == ("tf32", True)
    assert choose_precision(config, "fp32") == ("fp32", True)
    assert read_config(path, {"BENCH_PRECISION": "bf16-mixed"}).precision == "bf16-mixed"
    with raises_code("config.invalid", "precision = '32-true'", "now called 'fp32'"):
        read_config(path, {"BENCH_PRECISION": "32-true"})


@pytest.mark.parametrize(
    ("device", "there", "supported", "expected"),
    [
        ("cpu", True, True, "fp32"),
        ("auto", False, True, "fp32"),
        ("auto", True, False, "fp32"),
        ("auto", True, True, "bf16-mixed"),
        ("cuda", True, True, "bf16-mixed"),
    ],
)
def test_a_gpu_with_bfloat16_computes_in_it(monkeypatch, device, there, supported, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: supported)
    assert choose_precision(Config(device=device)) == (expected, False)


def test_without_a_driver_torch_is_not_imported(monkeypatch):
    monkeypatch.setattr(devices, "has_driver", lambda: False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: pytest.fail("torch was asked"))
    assert choose_precision(Config(device="auto")).name == "fp32"


def test_rows_are_run_in_the_choice_as_far_as_they_admit_it():
    (run,) = order(PrecisionChoice("bf16-mixed", True)).resolve_runs().values()
    assert run.training.precision == "bf16-mixed"
    of_card = order(None).resolve_runs()["S7"]
    only_fp32 = "training.admits=['fp32']"
    (left,) = order(PrecisionChoice("bf16-mixed", False), only_fp32).resolve_runs().values()
    assert left.signature == of_card.signature
    with raises_code("training.precision-not-admitted", "'fp32'"):
        order(PrecisionChoice("bf16-mixed", True), only_fp32).resolve_runs()
    with raises_code("training.precision-not-admitted", "'fp32' or 'tf32' or 'bf16-mixed'"):
        order(PrecisionChoice("fp16-mixed", True)).resolve_runs()


def test_a_request_without_a_choice_accepts_each_that_the_row_admits():
    every = {run.training.precision: run.signature for run in order(None).resolve_admitted("S7")}
    assert [*every] == ["fp32", "tf32", "bf16-mixed"]
    unstated = order(PrecisionChoice("bf16-mixed", False)).accepted_signatures("S7")
    assert unstated == (every["bf16-mixed"], every["fp32"], every["tf32"])
    stated = order(PrecisionChoice("tf32", True))
    assert stated.accepted_signatures("S7") == (every["tf32"],)
    assert dataclasses.replace(stated, precision=None).accepted_signatures("S7")[0] == every["fp32"]
