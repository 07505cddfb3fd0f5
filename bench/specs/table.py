"""A paper's table as a card: rows that inherit, columns, published figures, and a smoke overlay."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, model_validator

from bench._io.trees import as_tree, iterate_leaves
from bench.errors import near_name
from bench.metrics import catalogue
from bench.specs.base import Spec
from bench.specs.illustration import Illustration
from bench.specs.matrix import Matrix, expand_matrix
from bench.specs.scope import Condition, Scope


class Column(Spec):
    """One column of results: of one evaluation, or of several that are combined."""

    heading: str
    """As the paper prints it, without the arrow."""
    group: str = ""
    """The heading above it, e.g. the corpus."""
    metric: str
    """`<evaluation>.<metric>`, e.g. `partialspoof.eer`. A column that combines others has a name of
    its own, e.g. `average.eer`."""
    combine: Literal["none", "mean", "difference"] = "none"
    """How `parts` are combined: their mean, or the absolute difference of two."""
    parts: tuple[str, ...] = Field(default=(), strict=False)
    """Metrics of other columns, each of a different evaluation, because the intervals assume
    independent parts."""
    decimals: Annotated[int, Field(ge=0)] | None = None
    """Number of decimals that the paper prints (default: the usual number for the metric)."""

    @property
    def metric_name(self) -> str:
        """The metric without the evaluation, e.g. `eer`."""
        return self.metric.rpartition(".")[2]

    @property
    def better_direction(self) -> Literal["lower", "higher"] | None:
        """Which way the figure is better, by the catalogue.

        None for how far two are apart: systems that are equally bad in both have the least.
        """
        declared = catalogue.find_metric(self.metric)
        return None if declared is None or self.combine == "difference" else declared.better

    @property
    def unit(self) -> Literal["%", "bits", "cost"]:
        """In what the figure is printed, by the catalogue."""
        return catalogue.printed_unit(self.metric) or "cost"

    @model_validator(mode="before")
    @classmethod
    def _no_direction(cls, content: Any) -> Any:
        """Refuse a key for what the catalogue alone says."""
        for key in ("better", "direction", "unit"):
            if key in (stated := as_tree(content) or {}):
                raise ValueError(
                    f"{key} = {stated[key]!r}: should be left out: bench.metrics.catalogue has it "
                    "for every metric"
                )
        return content

    @model_validator(mode="after")
    def _in_the_catalogue(self) -> Column:
        if catalogue.find_metric(self.metric) is None:
            raise ValueError(
                f"metric = {self.metric!r}: there is no metric {self.metric_name!r}"
                f"{near_name(self.metric_name, catalogue.describe_metrics())}"
            )
        return self

    @model_validator(mode="after")
    def _combines_alike(self) -> Column:
        n = len(self.parts)
        if self.combine == "none" and n:
            raise ValueError(f"parts = {self.parts}: should be left out where `combine` is 'none'")
        if (self.combine == "mean" and n < 2) or (self.combine == "difference" and n != 2):
            wanted = "two or more" if self.combine == "mean" else "two"
            raise ValueError(f"parts = {self.parts}: should be {wanted} metrics")
        others = [part for part in self.parts if part.rpartition(".")[2] != self.metric_name]
        if others:
            raise ValueError(
                f"parts = {self.parts}: should each be an {self.metric_name!r}, as `metric`"
            )
        if len({part.partition(".")[0] for part in self.parts}) < n:
            raise ValueError(f"parts = {self.parts}: should each be of another evaluation")
        return self


class PrintedElsewhere(Spec):
    """A result of the same system that others measured."""

    metric: str
    """A column of the table."""
    value: float
    """As printed, rates in per cent."""
    source: str
    """Who measured it, and what differs from the table."""
    date: str
    """Year, or year and month, of the source."""
    url: str = ""


class Row(Spec):
    """One row: the settings in which it differs from its parent, and the paper's results."""

    cells: tuple[str, ...] = Field(strict=False)
    """The row's text cells, one for each of the table's `text_columns`."""
    group: str = ""
    """The heading above the row if the paper groups rows. Other rows do not inherit it."""
    parent: str | None = Field(default=None, alias="from")
    published_only: bool = False
    """A row of another system: it has the published results and no settings, and cannot be run."""
    source: str = ""
    """Source of the results if they are not from this paper's own experiments."""
    cite: str = ""
    """The system's entry in `experiments/references.toml`. It gives the five keys below if the row
    does not have them."""
    url: str = ""
    """The system's paper."""
    code: str = ""
    """Address of its released code; or `none found`, and when it was looked for."""
    weights: str = ""
    """Where its released weights are."""
    licence: str = ""
    """Of code and weights."""
    trained_on: str = ""
    """Corpus that the published model was trained on."""
    elsewhere: tuple[PrintedElsewhere, ...] = Field(default=(), strict=False)
    seeds: tuple[int, ...] | None = Field(default=None, strict=False)
    paper: dict[str, float] = Field(default_factory=dict[str, float])
    """The results that the paper prints, by metric; rates in per cent."""
    digest: dict[str, float] = Field(default_factory=dict[str, float])
    """Second-hand results: known only from a summary (digest) of the paper. Reports mark them."""
    smoke: dict[str, Any] = Field(default_factory=dict[str, Any])
    """Smoke settings of the row, and of rows derived from it, beside the table's `[smoke]`."""
    settings: dict[str, Any] = Field(default_factory=dict[str, Any])
    """The row's own settings (every key that is not one of the above)."""

    @property
    def published_figures(self) -> dict[str, float]:
        """The paper's figures by metric, wherever they are from."""
        return {**self.paper, **self.digest}

    @model_validator(mode="after")
    def _one_source(self) -> Row:
        for metric in self.paper.keys() & self.digest.keys():
            raise ValueError(
                f"digest.{metric} = {self.digest[metric]}: should be left out, as `paper` has it"
            )
        return self


class Table(Spec):
    """The card of a table."""

    key: str
    """`<paper>/<file name>`, e.g. `sal/table4`."""
    title: str
    caption: str = ""
    text_columns: tuple[str, ...] = Field(strict=False)
    columns: tuple[Column, ...] = Field(strict=False)
    matrix: Matrix | None = None
    """Makes the columns if they cross two fields of a breakdown."""
    layout: Literal["rows", "matrix"] = "rows"
    """`matrix`: each row is a system with its own table, with the columns' `group` down and
    `heading` across."""
    seeds: tuple[int, ...] = Field(strict=False)
    notes: tuple[str, ...] = Field(default=(), strict=False)
    base: dict[str, Any] = Field(default_factory=dict[str, Any])
    rows: dict[str, Row]
    smoke: dict[str, Any] = Field(default_factory=dict[str, Any])
    figures: dict[str, Illustration] = Field(default_factory=dict[str, Illustration])
    """Figures of the paper that `bench explain` draws for these rows, by sub-command."""

    @model_validator(mode="before")
    @classmethod
    def _from_matrix(cls, content: Any) -> Any:
        card = as_tree(content) or {}
        return content if card.get("matrix") is None else expand_matrix(card)

    @model_validator(mode="after")
    def _figures_fit(self) -> Table:
        for name, figure in self.figures.items():
            for row in filter(None, (figure.row, figure.against)):
                if row not in self.rows:
                    raise ValueError(
                        f"figures.{name} = {row!r}: no such row{near_name(row, self.rows)}"
                    )
        return self

    @model_validator(mode="after")
    def _columns_fit(self) -> Table:
        for metric, count in Counter(column.metric for column in self.columns).items():
            if count > 1:
                raise ValueError(f"columns = {metric!r}: should be the metric of one column")
        for name, row in self.rows.items():
            for figure in row.elsewhere:
                if figure.metric not in (known := [column.metric for column in self.columns]):
                    raise ValueError(
                        f"rows.{name}.elsewhere = {figure.metric!r}: no column has this metric"
                        f"{near_name(figure.metric, known)}"
                    )
        plain = [column.metric for column in self.columns if column.combine == "none"]
        for part in (part for column in self.columns for part in column.parts):
            if part not in plain:
                raise ValueError(f"columns = {part!r}: should be a column{near_name(part, plain)}")
        if self.layout == "matrix":
            places = {(column.group, column.heading) for column in self.columns}
            if len(places) < len(self.columns):
                raise ValueError("columns: each should have a place of its own in the matrix")
            if len({column.metric_name for column in self.columns}) > 1:
                raise ValueError("columns: a matrix should hold one metric")
        return self


ScopeT = TypeVar("ScopeT", bound=Scope)

_NOTHING = ("no code", "no switch", "not ", "-")
"""What `released` begins with where nothing was."""
Effect = Literal["large", "medium", "small", "none"]


class Difference(Scope):
    """Something that the paper, the authors' released code and this suite do differently."""

    item: str
    paper: str
    """What the paper says, or `not stated`."""
    released: str
    """What the released code does, or `no code`."""
    ours: str
    setting: dict[str, Any] = Field(default_factory=dict[str, Any])
    """Settings that reproduce the released code, if ours differs from it."""
    others: tuple[dict[str, Any], ...] = Field(default=(), strict=False)
    """Alternative settings, each to be tried alone."""
    effect: Effect
    """How much it is expected to change results. Reports sort by it."""
    consequence: str = ""

    @model_validator(mode="after")
    def _settings_mean_something(self) -> Difference:
        others = [("others", other) for other in self.others]
        for name, settings in [("setting", self.setting), *others]:
            keys = [*iterate_leaves(settings)]
            if (settings or name == "others") and not keys:
                raise ValueError(f"{name} = {settings}: should name a setting and its value")
            if quoted := [part for key, _ in keys for part in key if "." in part]:
                raise ValueError(f"{name} = {quoted[0]!r}: should be written without quotes")
        if not self.setting:
            return self
        if self.ours.startswith("as released"):
            raise ValueError("setting: should be left out where `ours` is as released (`others`?)")
        if self.released.startswith(_NOTHING):
            raise ValueError("setting: should be left out where nothing was released (`others`?)")
        return self


class Variant(Scope):
    """Rows of a paper's tables with other settings, run and reported beside the paper's rows."""

    title: str
    """What stands behind a row's text, e.g. `as released`."""
    says: str
    """What it is, in a sentence."""
    released: bool = False
    """Whether it has the released setting of every `Difference` that concerns a row."""
    settings: dict[str, Any] = Field(default_factory=dict[str, Any])
    """Its own settings; the key `*` stands for every key that is there: `evaluate."*".clip_s`."""
    smoke: dict[str, Any] = Field(default_factory=dict[str, Any])
    """What its smoke form says beyond the row's."""


class Paper(Spec):
    """What a paper's folder of tables shares."""

    key: str
    title: str
    name: str = ""
    """What its system is called for short. With a name it has a page in the documentation."""
    documented: tuple[str, ...] = Field(default=(), strict=False)
    """Rows whose sizes and recipe that page shows, `table7:Default`; else those of its first table.
    """
    authors: str = ""
    venue: str = ""
    """Where it was published; empty for tables of no paper."""
    url: str = ""
    code: str = ""
    applies: dict[str, Condition] = Field(default_factory=dict[str, Condition])
    """Conditions of each of `differences` and `variants`, but for those that it states itself: rows
    of other systems have lists of their own."""
    differences: tuple[Difference, ...] = Field(default=(), strict=False)
    variants: dict[str, Variant] = Field(default_factory=dict[str, Variant])
    """By name: the row `S7@released` is S7 in the variant `released`."""

    @model_validator(mode="after")
    def _spread_scope(self) -> Paper:
        if not self.applies:
            return self

        def narrow(part: ScopeT) -> ScopeT:
            return part.model_copy(update={"applies": {**self.applies, **part.applies}})

        differences = tuple(narrow(point) for point in self.differences)
        variants = {name: narrow(variant) for name, variant in self.variants.items()}
        return self.model_copy(
            update={"applies": {}, "differences": differences, "variants": variants}
        )
