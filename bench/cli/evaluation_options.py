"""The options that `bench score` and `bench compare` share: how scores are read and evaluated."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from bench.cards import corpus_cards
from bench.cli import completion, json_output, options
from bench.cli.cost_options import CostsParam
from bench.config import Config, Form
from bench.errors import BenchError
from bench.specs.corpus import CorpusCard

if TYPE_CHECKING:  # pandas and pyarrow take a second: only where scores are evaluated
    from bench.evaluation.evaluator import Evaluator
    from bench.evaluation.read_options import ReadOptions
    from bench.metrics.dcf import DcfCosts


@dataclass(frozen=True)
class EvaluationOptions:
    """What the shared options ask for; fields are described by the options' help."""

    corpus: str | None
    split: str | None
    keys: Path | None
    by: tuple[str, ...]
    metrics: str | None
    allow_missing: bool
    higher_is_spoof: bool
    allow_inverted: bool
    column: str | None
    id_column: str | None
    label_column: str | None
    labels: bool
    order: Literal["ids", "protocol"]
    resolution_s: float | None
    label_rule: Literal["any-spoof", "floor"]
    last_frame: Literal["keep", "drop", "round"]
    threshold: float | Literal["eer"] | None
    costs: DcfCosts | None
    bootstrap_unit: str
    replicates: int
    bootstrap_seed: int
    no_intervals: bool
    smoke: bool

    @property
    def form(self) -> Form:
        """The form of corpora that is meant."""
        return options.choose_form(self.smoke)

    def find_card(self) -> tuple[CorpusCard, str]:
        """Return the card of the corpus, which was named, and the split."""
        assert self.corpus is not None
        card = corpus_cards.read_corpus_card(self.corpus)
        return card, self.split or card.evaluation_split

    def build_reading(self) -> ReadOptions:
        """Return how score files are read that have no options of their own."""
        from bench.evaluation.read_options import ReadOptions

        return ReadOptions(
            column=self.column,
            id_column=self.id_column,
            label_column=self.label_column,
            labels=self.labels,
            resolution_s=self.resolution_s,
            negate=self.higher_is_spoof,
            order=self.order,
        )

    def read_keys(
        self, config: Config, scores: Path, *, all_eer_definitions: bool = False
    ) -> Evaluator:
        """Read the keys of the split that the file `scores` is evaluated on."""
        from bench.evaluation.evaluator import EvaluationRequest, Evaluator
        from bench.metrics.grid import FrameRules

        card, split = self.find_card()
        corpus_cards.check_split(card, split)
        # `attack,codec` is one breakdown by both.
        by = tuple(tuple(part.strip() for part in fields.split(",")) for fields in self.by)
        names = (name.strip() for name in (self.metrics or "").split(","))
        request = EvaluationRequest(
            card,
            split,
            self._find_keys(card, split, config, scores),
            by,
            tuple(name for name in names if name),
            formulas=all_eer_definitions,
            form=self.form,
            allow_missing=self.allow_missing,
            as_is=self.allow_inverted,
            reading=self.build_reading(),
            rules=FrameRules(self.label_rule, self.last_frame),
            threshold=self.threshold,
            costs=self.costs,
            resample=self.bootstrap_unit,
            replicates=0 if self.no_intervals else self.replicates,
            seed=self.bootstrap_seed,
        )
        return Evaluator(request)

    def _find_keys(self, card: CorpusCard, split: str, config: Config, scores: Path) -> Path:
        """Return where the keys are: as `--keys` says, beside the scores, or in the corpus."""
        from bench.data.broken_corpus import describe_keys_source
        from bench.data.file_search import find_beside

        keys = self.keys
        if keys is None and not self.smoke and card.key not in config.corpora:
            keys = find_beside(card, split, scores)
        if keys is not None:
            return keys
        try:
            return config.corpus_root(card.key, self.form)
        except BenchError as error:
            way_out = "or say where its protocol and keys are: --keys FOLDER, or --keys FILE"
            source = "" if self.smoke else f"\n- {describe_keys_source(card)}"
            raise BenchError(error.code, f"{error}; {way_out}{source}") from error


class ThresholdParam(click.ParamType):
    """The type of `--threshold`: a number, or `eer`."""

    name = "threshold"

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,  # noqa: ARG002
        ctx: click.Context | None,  # noqa: ARG002
    ) -> float | Literal["eer"]:
        """Return the threshold; BenchError for anything else."""
        if value == "eer":
            return "eer"
        try:
            return float(value)
        except ValueError:
            raise BenchError(
                "option.invalid", f"--threshold {value}: should be a score, as 0 or 0.5, or eer"
            ) from None


_OPTIONS = (
    click.option(
        "--corpus",
        shell_complete=completion.corpus_names,
        help="Corpus by key or short name, e.g. asvspoof2019la or PS. Without it, `score` finds "
        "the corpus by the ids, and `compare` takes every evaluation that both rows have.",
    ),
    click.option("--split", help="Split of the corpus (default: its evaluation split)."),
    click.option(
        "--keys",
        type=click.Path(path_type=Path, exists=True),
        help="Folder with the corpus's protocol and key files, or the protocol file (default: the "
        "corpus's folder in bench.toml, or the folder of the scores).",
    ),
    click.option(
        "--by",
        multiple=True,
        metavar="FIELD,...",
        help="Break results down by columns of the keys, e.g. attack; attack,codec for each pair "
        "of values. May be repeated.",
    ),
    click.option(
        "--metrics",
        metavar="NAME,...",
        help="Metrics in breakdowns, e.g. eer,eer_official,auc (default: the metrics of the "
        "organisers' tables); also metrics that are only given on request, e.g. accuracy, or of "
        "frames ap_iou75,add2023. eer_official counts ties as ASVspoof's packages do.",
    ),
    click.option(
        "--allow-missing",
        is_flag=True,
        help="Evaluate although trials are missing; the report gives their number.",
    ),
    click.option("--higher-is-spoof", is_flag=True, help="Higher scores mean spoof."),
    click.option(
        "--allow-inverted", is_flag=True, help="Evaluate the scores although they look inverted."
    ),
    click.option(
        "--column",
        help="Column of the score, by name or number. A-B is the difference of two columns; A@B is "
        "the confidence A of the class that column B predicts.",
    ),
    click.option("--id-column", help="Column of the id, by name or number."),
    click.option(
        "--label-column",
        help="Column of the file's own labels, by name or number; they must agree with the keys.",
    ),
    click.option(
        "--no-labels",
        "labels",
        is_flag=True,
        flag_value=False,
        default=True,
        help="The file has no labels, even if a column looks like labels.",
    ),
    click.option(
        "--order",
        type=click.Choice(["ids", "protocol"]),
        default="ids",
        show_default=True,
        help="How scores are matched with trials: by ids, or, for a file without ids, by the order "
        "of the protocol.",
    ),
    click.option(
        "--resolution",
        "resolution_s",
        type=float,
        help="Duration of a frame in seconds, if the file does not state it.",
    ),
    click.option(
        "--label-rule",
        type=click.Choice(["any-spoof", "floor"]),
        default="any-spoof",
        show_default=True,
        help="How labels in seconds become labels of frames. any-spoof: a frame that holds any "
        "spoofed sample is spoof; floor: bounds of segments are rounded down to whole frames.",
    ),
    click.option(
        "--last-frame",
        type=click.Choice(["keep", "drop", "round"]),
        default="keep",
        show_default=True,
        help="Whether the last frame counts if the utterance ends inside it; round: only if the "
        "utterance fills at least half of the frame.",
    ),
    click.option(
        "--threshold",
        type=ThresholdParam(),
        metavar="SCORE|eer",
        help="Frames or utterances with a higher score are classified as bona fide: a score, or "
        "eer for the threshold of the EER (default: 0 for frames, eer for utterances).",
    ),
    click.option(
        "--costs",
        type=CostsParam("DcfCosts"),
        metavar="NAME=NUMBER,...",
        help="Also minDCF and actDCF of utterances with these, of spoof_prior, miss and "
        "false_alarm (default: those of ASVspoof 5: 0.05, 1, 10).",
    ),
    click.option(
        "--bootstrap-unit",
        type=click.Choice(["auto", "utterance", "speaker", "attack", "speaker+attack"]),
        default="auto",
        show_default=True,
        help="What the bootstrap resamples as a whole; auto: speakers and attacks if the corpus "
        "names them.",
    ),
    click.option(
        "--replicates",
        type=click.IntRange(min=1),
        default=1000,
        show_default=True,
        help="Number of bootstrap replicates.",
    ),
    click.option("--bootstrap-seed", default=0, show_default=True, help="Seed of the bootstrap."),
    click.option("--no-intervals", is_flag=True, help="Compute no confidence intervals (faster)."),
)


def evaluation_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options, `--smoke` and `--json`; the command gets them as one `EvaluationOptions`.

    The parameter's name is `evaluation`; `--json` is a parameter of its own, `as_json`.
    """
    names = {field.name for field in fields(EvaluationOptions)}

    @functools.wraps(command)
    def call_with_request(**given: Any) -> None:
        shared = {name: value for name, value in given.items() if name in names}
        others = {name: value for name, value in given.items() if name not in names}
        command(evaluation=EvaluationOptions(**shared), **others)

    wrapped = json_output.json_flag(call_with_request)
    for option in (options.smoke, *reversed(_OPTIONS)):
        wrapped = option(wrapped)
    return wrapped
