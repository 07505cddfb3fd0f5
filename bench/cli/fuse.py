"""`bench fuse` and `bench calibrate`: log-likelihood ratios of the scores of systems."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cards import corpus_cards
from bench.cli import completion, configuration, json_output, options
from bench.cli.evaluation_options import EvaluationOptions, evaluation_options
from bench.cli.result_files import check_folder, make_folder, safe_name, write_results
from bench.cli.score_file_argument import ScoreFileArgument, ScoreFileParam
from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.cli.fusion_output import FusionResult
    from bench.evaluation.evaluator import Evaluator
    from bench.evaluation.matched_scores import MatchedScores

_TRAIN_SPLIT = "dev"


@dataclass(frozen=True)
class LearningOptions:
    """What the map is learnt from, and what is written."""

    train_scores: tuple[ScoreFileArgument, ...]
    train_split: str | None
    train_corpus: str | None
    train_keys: Path | None
    prior: float | None
    name: str | None
    output_dir: Path | None


_OPTIONS = (
    click.option(
        "--train-scores",
        type=ScoreFileParam(),
        multiple=True,
        metavar="FILE",
        help="Scores to learn from; given once for each FILE, in the same order (default: the "
        "files themselves, which then hold the scores of both splits).",
    ),
    click.option(
        "--train-split", help="Split to learn from (default: dev). It is never the evaluated one."
    ),
    click.option(
        "--train-corpus",
        shell_complete=completion.corpus_names,
        help="Corpus to learn from (default: the evaluated one).",
    ),
    click.option(
        "--train-keys",
        type=click.Path(path_type=Path, exists=True),
        help="Folder with the protocol and keys of the split to learn from, or its protocol file "
        "(default: as --keys).",
    ),
    click.option(
        "--prior",
        type=float,
        help="Effective prior of bona fide that the weights are best for (default: that of the "
        "corpus's organisers, 0.655 for ASVspoof 5; else 0.5).",
    ),
    click.option("--name", help="Name of the resulting system."),
    click.option(
        "--output-dir",
        type=click.Path(path_type=Path),
        help="Output folder for the scores, the report and plots (default: <work>/scored/<name>).",
    ),
)


def _learning_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that both commands have; the command gets them as one `LearningOptions`."""
    names = [*LearningOptions.__dataclass_fields__]

    @functools.wraps(command)
    def call_with_options(**given: Any) -> None:
        learning = LearningOptions(**{name: given.pop(name) for name in names})
        command(learning=learning, **given)

    wrapped = evaluation_options(call_with_options)
    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped


@click.command()
@click.argument("scores", type=ScoreFileParam(), nargs=-1, metavar="A B...")
@_learning_options
def fuse(
    scores: tuple[ScoreFileArgument, ...],
    learning: LearningOptions,
    evaluation: EvaluationOptions,
    as_json: bool,
) -> None:
    """Fuse the scores of several systems into one log-likelihood ratio for each trial.

    The weights are learnt by logistic regression on one split and applied to another, e.g. learnt
    on dev and applied to eval: fuse A.txt B.txt --corpus 19LA --train-scores A_dev.txt
    --train-scores B_dev.txt. Trials that were learnt from are never evaluated.

    Files are joined by id. The suite writes a score file, evaluates it like any other, and prints
    the EER, minDCF, actDCF and Cllr of each system before and of all together after. The costs are
    those of ASVspoof 5.
    """
    if len(scores) < 2:
        raise BenchError(
            "fusion.file-count", "name two or more score files; for one: `bench calibrate FILE`"
        )
    _make_ratios("fuse", scores, learning, evaluation, as_json=as_json)


@click.command()
@click.argument("scores", type=ScoreFileParam(), metavar="FILE")
@_learning_options
def calibrate(
    scores: ScoreFileArgument,
    learning: LearningOptions,
    evaluation: EvaluationOptions,
    as_json: bool,
) -> None:
    """Calibrate the scores of a system: make them log-likelihood ratios.

    A scale and an offset are learnt by logistic regression on one split and applied to another.
    Calibration never changes the EER; it changes Cllr and actDCF, which judge scores as
    log-likelihood ratios. Options and output are as for `bench fuse`.
    """
    _make_ratios("calibrate", (scores,), learning, evaluation, as_json=as_json)


def _make_ratios(
    verb: str,
    scores: Sequence[ScoreFileArgument],
    learning: LearningOptions,
    evaluation: EvaluationOptions,
    *,
    as_json: bool,
) -> None:
    """Learn the map, apply it, evaluate what comes, and print it beside what was given."""
    from bench.cli import fusion_output
    from bench.evaluation import fusion

    judge, learner, learnt_from = _read_both_keys(scores, learning, evaluation)
    fusion.require_other_trials(learner, judge)
    card = judge.request.card
    prior = fusion.effective_prior(card) if learning.prior is None else learning.prior
    systems = [_read_scores(judge, given) for given in scores]
    learnt = fusion.learn_map(
        learner, [_read_scores(learner, given) for given in learnt_from], prior
    )
    name, folder = _choose_place(verb, scores, learning, judge)
    path = folder / "scores.txt"
    left_out = fusion.write_ratios(path, learnt, systems)
    after = judge.read_scores(path, type(judge.request.reading)())
    report = replace(judge.evaluate_scores(after), name=name)
    target = check_folder(folder, name, after)
    written = [path, *write_results(report, after, target)]
    result: FusionResult = fusion_output.FusionResult(
        verb=verb,
        learnt=learnt,
        inputs=[
            fusion_output.FusedInput(
                given.name or str(given.shown.name),
                given.shown,
                source.shown,
                matched.digest,
                float(weight),
                fusion.compute_compared(judge, matched),
            )
            for given, source, matched, weight in zip(
                scores, learnt_from, systems, learnt.map.weights, strict=True
            )
        ],
        report=report,
        after=fusion.compute_compared(judge, after),
        left_out=left_out,
    )
    if as_json:
        json_output.print_json(verb, fusion_output.fusion_as_dict(result, written))
    else:
        click.echo(fusion_output.render_fusion(result))
        click.echo(f"written: {folder}: {', '.join(file.name for file in written)}")
    if not result.after:
        options.end_without_figures(report.notes)


def _read_both_keys(
    scores: Sequence[ScoreFileArgument], learning: LearningOptions, evaluation: EvaluationOptions
) -> tuple[Evaluator, Evaluator, Sequence[ScoreFileArgument]]:
    """Return who evaluates, who reads what is learnt from, and the files that these are."""
    if not evaluation.corpus:
        raise BenchError("option.missing", "name the corpus of the scores: --corpus NAME")
    if learning.train_scores and len(learning.train_scores) != len(scores):
        raise BenchError(
            "fusion.file-count",
            f"--train-scores: {len(learning.train_scores)} given for {len(scores)} files: give it "
            "once for each, in the same order",
        )
    corpus = learning.train_corpus or evaluation.corpus
    card = corpus_cards.read_corpus_card(corpus)
    split = learning.train_split or _TRAIN_SPLIT
    if not learning.train_split and split not in card.splits:
        raise BenchError(
            "fusion.split-unknown",
            f"{card.short} has no split {split}: name the one to learn from, --train-split "
            f"{' or '.join(card.splits)}, or another corpus, --train-corpus",
        )
    config = configuration.load_configuration()
    keys = learning.train_keys or (None if learning.train_corpus else evaluation.keys)
    plain = replace(
        evaluation, corpus=corpus, split=split, keys=keys, by=(), metrics=None, no_intervals=True
    )
    learnt_from = learning.train_scores or scores
    return (
        evaluation.read_keys(config, scores[0].shown),
        plain.read_keys(config, learnt_from[0].shown),
        learnt_from,
    )


def _read_scores(judge: Evaluator, given: ScoreFileArgument) -> MatchedScores:
    """Return the scores of a file; a mistake names the split that it was read for."""
    try:
        return given.read_scores(judge)
    except BenchError as error:
        asked = judge.request
        raise BenchError(error.code, f"{asked.card.short} {asked.split}: {error}") from error


def _choose_place(
    verb: str, scores: Sequence[ScoreFileArgument], learning: LearningOptions, judge: Evaluator
) -> tuple[str, Path]:
    """Return what the system is called, and the folder of its scores."""
    from bench.evaluation.file_names import file_stem

    stems = [given.name or file_stem(given.shown) for given in scores]
    ending = "fused" if verb == "fuse" else "calibrated"
    name = learning.name or f"{'+'.join(stems)} {ending}"
    asked = judge.request
    config = configuration.to_write(*filter(None, (learning.output_dir,)))
    form = ["smoke"] if asked.form == "smoke" else []
    parts = (safe_name(name), asked.card.key, asked.split, *form)
    folder = learning.output_dir or config.work / "scored" / "-".join(parts)
    return name, make_folder(folder)
