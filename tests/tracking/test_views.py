"""How MLflow's pages are told to show a table: by what they themselves write as a saved view."""

from __future__ import annotations

import base64
import json
import zlib

from bench.cards import table_cards
from bench.specs.table import Table
from bench.tracking import mlflow_views
from bench.tracking.run_record import RunRecord
from bench.tracking.store import Store

LONGEST_TAG = 5000
"""MLflow's limit of an experiment's tag."""


def state(table: Table):
    kept = json.loads(mlflow_views.experiment_tags(table, "7")["mlflow.sharedViewState.paper"])
    assert kept["name"] == "As in the paper"
    assert isinstance(kept["createdAt"], int)
    packed = kept["state"].removeprefix("deflate;")
    assert packed != kept["state"]
    return json.loads(zlib.decompress(base64.b64decode(packed)))


def test_columns_and_charts_are_the_papers_in_its_order():
    table = table_cards.read_table("sal/table4")
    shown = state(table)
    figures = ["partialspoof.eer", "partialspoof.f1", "llamapartialspoof.eer"]
    assert shown["selectedColumns"][:9] == [
        *("tags.`System`", "tags.`Configuration`", "tags.`form`"),
        *(f"tags.`{name} {of}`" for name in figures for of in ("paper", "ours")),
    ]
    assert shown["columnOrder"][1:] == shown["selectedColumns"]
    assert set(shown["columnWidths"]) == set(shown["selectedColumns"])
    charts = {chart["metricKey"]: chart["type"] for chart in shown["compareRunCharts"]}
    assert list(charts)[:3] == figures
    assert charts["train.loss"] == charts["dev.eer"] == "LINE"
    sections = {section["uuid"]: section["display"] for section in shown["compareRunSections"]}
    assert {chart["metricSectionId"] for chart in shown["compareRunCharts"]} <= sections.keys()
    assert not sections["rest"]
    assert not sections["system"]
    assert shown["orderByKey"] == f"tags.`{mlflow_views.LINE}`"


def test_every_table_has_a_view_that_mlflow_takes(subtests):
    for key in table_cards.table_keys():
        with subtests.test(key=key):
            tags = mlflow_views.experiment_tags(table_cards.read_table(key), "7")
            assert all(0 < len(value) <= LONGEST_TAG for value in tags.values())
            assert mlflow_views.view_address("7")[1:] in tags["mlflow.note.content"]
            state(table_cards.read_table(key))


def test_columns_that_no_run_holds_are_left_out():
    """Means and differences of other columns are a report's."""
    table = table_cards.read_table("sal/table4")
    first = table.columns[0]
    mean = first.model_copy(update={"metric": "average.eer", "combine": "mean"})
    shown = state(table.model_copy(update={"columns": (first, mean)}))
    assert not [name for name in shown["selectedColumns"] if "average.eer" in name]


def test_a_table_is_presented_once_and_again_where_its_card_changed(store: Store):
    table = table_cards.read_table("sal/table4")
    store.present_table(table)
    (experiment,) = store.client.search_experiments()
    assert experiment.tags["mlflow.experimentKind"] == "custom_model_development"
    assert experiment.tags["mlflow.experiment.primaryMetric.name"] == "partialspoof.eer"
    store.present_table(table.model_copy(update={"caption": "Another."}))
    (again,) = store.client.search_experiments()
    assert "Another." in again.tags["mlflow.note.content"]
    assert store.page_addresses() == {
        "sal/table4": mlflow_views.view_address(experiment.experiment_id)
    }


def test_a_run_carries_the_papers_cells_and_what_was_changed(store: Store, entry: RunRecord):
    from dataclasses import replace

    cells = {"System": "S5", "Front-end (λ)": "XLS-R"}
    shown = replace(entry, cells=cells, line=5, overrides=("training.epochs=3",))
    with store.begin_run(shown) as tracked:
        tracked.finish_run({})
    run = store.client.get_run(tracked.run_id)
    assert run.info.run_name == "S5 · seed 666 · training.epochs=3"
    wanted = {"System": "S5", "Front-end": "XLS-R", mlflow_views.LINE: "005"}
    assert run.data.tags.items() >= wanted.items()
    assert run.data.tags["mlflow.source.name"] == "bench run"
