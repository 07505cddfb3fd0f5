"""`bench sasv`: evaluate a spoofing-aware speaker verification system."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bench.cli import expected_results, json_output
from bench.cli.cost_options import CostsParam
from bench.cli.expected_results import Expected, ExpectedParam

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.argument("scores", type=_FILE)
@click.option(
    "--keys",
    type=_FILE,
    metavar="FILE",
    help="List of the trials with their kinds, e.g. ASVspoof2019.LA.asv.eval.gi.trl.txt (default: "
    "the scores have them).",
)
@click.option(
    "--asv-scores", type=_FILE, metavar="FILE", help="Scores of the speaker verification alone."
)
@click.option(
    "--cm-scores",
    type=_FILE,
    metavar="FILE",
    help="Scores of the countermeasure alone: by trial, or `UTTERANCE SCORE`.",
)
@click.option(
    "--costs",
    type=CostsParam("ADcfCosts"),
    metavar="NAME=NUMBER,...",
    help="Priors and costs of a-DCF, of nontarget_prior, spoof_prior, miss, false_alarm and "
    "spoof_false_alarm (default: those of ASVspoof 5: 0.05, 0.05, 1, 10, 20).",
)
@click.option(
    "--bootstrap-unit",
    type=click.Choice(["auto", "utterance", "speaker"]),
    default="auto",
    show_default=True,
    help="What the bootstrap resamples as a whole; utterance: trials; auto: claimed speakers, of "
    "SPF-EER attacks too if the trials name them.",
)
@click.option(
    "--replicates",
    type=click.IntRange(min=1),
    default=1000,
    show_default=True,
    help="Number of bootstrap replicates.",
)
@click.option("--bootstrap-seed", default=0, show_default=True, help="Seed of the bootstrap.")
@click.option("--no-intervals", is_flag=True, help="Compute no confidence intervals (faster).")
@click.option(
    "--expect",
    type=ExpectedParam(),
    multiple=True,
    metavar="METRIC=NUMBER,...",
    help="Results you expect, e.g. sasv_eer=1.71,a_dcf=0.0459 (rates in per cent). Exits with 1 if "
    "one differs after rounding to the digits given.",
)
@json_output.json_flag
def sasv(
    scores: Path,
    keys: Path | None,
    asv_scores: Path | None,
    cm_scores: Path | None,
    costs: Any,
    bootstrap_unit: str,
    replicates: int,
    bootstrap_seed: int,
    no_intervals: bool,
    expect: tuple[tuple[Expected, ...], ...],
    as_json: bool,
) -> None:
    """Evaluate spoofing-aware speaker verification: SV-EER, SPF-EER, SASV-EER, a-DCF, t-EER.

    A line of SCORES is a trial: `SPEAKER UTTERANCE SCORE`, with its kind (target, nontarget or
    spoof) behind it or in --keys. ASVspoof 5's table `spk filename cm-score asv-score sasv-score`
    has all scores in one file. A higher score means target. t-EER needs the scores of both parts.
    """
    from bench.evaluation.sasv import SasvRequest, evaluate_sasv, render_sasv, sasv_as_dict
    from bench.metrics.sasv import ADcfCosts

    request = SasvRequest(
        scores,
        keys,
        asv_scores,
        cm_scores,
        costs or ADcfCosts(),
        bootstrap_unit,
        0 if no_intervals else replicates,
        bootstrap_seed,
    )
    report = evaluate_sasv(request)
    expected = tuple(one for several in expect for one in several)
    expected_results.check_names(expected, report.results)
    if as_json:
        content = sasv_as_dict(report)
        content["expected"] = expected_results.as_dicts(expected, report.results)
        json_output.print_json("sasv", content)
    else:
        click.echo(render_sasv(report))
    expected_results.end_where_different(expected, report.results)
