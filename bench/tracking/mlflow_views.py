"""How MLflow's pages show a table: its description, and a saved view with the paper's columns.

MLflow has no default columns that a store could set (its issue 12764), but an experiment may carry
saved views, as tags: the runs page offers them under "Views", and opens the one that an address
names. Ours, `paper`, has the paper's text columns first, then whether it is a smoke run, then the
paper's numbers in its order, each with ours beside it, rounded; rows as the card has them; bars of
our results and curves of training as charts, all else folded away.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

from bench._io.markdown import escape_text, format_code, format_prose
from bench.specs.table import Table
from bench.tracking.client import NOTE
from bench.tracking.rounded_tags import our_tag, paper_tag

VIEW = "paper"
"""The saved view's key."""
LINE = "line"
"""Tag of a run: where its row stands in the card, with leading zeros, so that text sorts."""
_LETTER_PX, _LEAST_PX, _WIDEST_PX = 9, 90, 270
"""Width in pixels of a letter, and of the least and the widest column."""
_CURVES = ("train.loss", "dev.eer")


def view_address(experiment_id: str) -> str:
    """Return the part of an address after the server's that opens an experiment's view."""
    query = f"workflowType=machine_learning&viewStateShareKey={VIEW}"
    return f"/#/experiments/{experiment_id}/runs?{query}"


def column_tag(text_column: str) -> str:
    """Return the tag that holds a row's cell of a text column.

    >>> column_tag("Front-end (λ)")
    'Front-end'
    """
    return re.sub(r"[^\w /.-]", "", text_column, flags=re.ASCII).strip(" /.") or "Row"


def experiment_tags(table: Table, experiment_id: str) -> dict[str, str]:
    """Return the tags of the experiment that holds the runs of `table`."""
    return {
        NOTE: _experiment_note(table, experiment_id),
        # Without it MLflow's pages take the experiment for one of language models and their traces.
        "mlflow.experimentKind": "custom_model_development",
        "mlflow.experiment.primaryMetric.name": _own_metrics(table)[0],
        "mlflow.experiment.primaryMetric.greaterIsBetter": str(
            table.columns[0].better_direction == "higher"
        ).lower(),
        f"mlflow.sharedViewState.{VIEW}": json.dumps(
            {"name": "As in the paper", "createdAt": 0, "state": _pack_state(_page_state(table))}
        ),
    }


def _pack_state(state: Mapping[str, Any]) -> str:
    """Return a page's state as MLflow's pages write and read it: zlib in base64."""
    return "deflate;" + base64.b64encode(zlib.compress(json.dumps(state).encode(), 9)).decode()


def _experiment_note(table: Table, experiment_id: str) -> str:
    return (
        f"[**{escape_text(table.title)}**, rows and columns as in the paper]"
        f"({view_address(experiment_id)[1:]}): {format_prose(table.caption)}\n\n"
        "Rates in per cent, each with `.low` and `.high`, the bounds of its 95 % interval. A run "
        "whose `form` is `smoke` is never a result. The view is under *Views*, too.\n\n"
        f"{format_code(f'bench report {table.key}')} writes the table beside the paper's."
    )


def _own_metrics(table: Table) -> list[str]:
    """Return the metrics of the table's columns that a run holds, in the paper's order."""
    return [column.metric for column in table.columns if column.combine == "none"]


def _page_state(table: Table) -> dict[str, Any]:
    """Return the runs page's state, fields as in MLflow's `ExperimentPageUIState`."""
    names = [
        *(("tags", column_tag(name)) for name in table.text_columns),
        ("tags", "form"),
        *(("tags", tag(name)) for name in _own_metrics(table) for tag in (paper_tag, our_tag)),
        *(("tags", name) for name in ("seed", "signature")),
        ("metrics", "hours"),
    ]
    columns = [_column_key(*name) for name in names]
    first = [_column_key("attributes", "Run Name")]
    return {
        "selectedColumns": columns,
        "columnOrder": [*first, *columns],
        "columnWidths": {_column_key(*name): _column_width(*name, table) for name in names},
        "orderByKey": _column_key("tags", LINE),
        "orderByAsc": True,
        "runsHiddenMode": "SHOW_ALL",
        "compareRunSections": _chart_sections(),
        "compareRunCharts": list(_list_charts(table)),
        "isAccordionReordered": True,
    }


def _column_width(kind: str, name: str, table: Table) -> int:
    """Return a column's width in pixels, that its heading and the table's cells fit in."""
    texts = [name]
    for number, column in enumerate(table.text_columns):
        if (kind, name) == ("tags", column_tag(column)):
            texts += [row.cells[number] for row in table.rows.values()]
    return min(_WIDEST_PX, max(_LEAST_PX, _LETTER_PX * max(map(len, texts))))


def _chart_sections() -> list[dict[str, Any]]:
    shown = {"table": "The table's metrics", "training": "Training"}
    folded = {"rest": "Model metrics", "system": "System metrics"}
    return [
        {
            "uuid": key,
            "name": name,
            "display": key in shown,
            "isReordered": True,
            "deleted": False,
            "isGenerated": False,
        }
        for key, name in {**shown, **folded}.items()
    ]


def _list_charts(table: Table) -> Iterable[dict[str, Any]]:
    sort = {"deleted": False, "isGenerated": False, "runsCountToCompare": 20}
    for name in _own_metrics(table):
        yield {"type": "BAR", "uuid": name, "metricSectionId": "table", "metricKey": name, **sort}
    line = {"type": "LINE", "metricSectionId": "training", "xAxisKey": "step", **sort}
    scale = {"scaleType": "linear", "xAxisScaleType": "linear", "yAxisKey": "metric"}
    extent = {"range": {}, "yAxisExpressions": [], "selectedXAxisMetricKey": ""}
    for name in _CURVES:
        keys = {"uuid": name, "metricKey": name, "selectedMetricKeys": [name]}
        yield {**line, **scale, **extent, "lineSmoothness": 0, "useGlobalXaxisKey": True, **keys}


def _column_key(kind: str, name: str) -> str:
    return f"{kind}.`{name}`"
