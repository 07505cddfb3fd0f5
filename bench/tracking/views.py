"""How MLflow's pages show a table: its description, and a saved view with the paper's columns.

MLflow has no default columns that a store could set (its issue 12764), but an experiment may carry
saved views, as tags: the runs page offers them under "Views", and opens the one that an address
names. Ours, `paper`, has the paper's text columns first, then its figures in the paper's order,
then seed and state; rows as the card has them; bars of the paper's figures and curves of training
as charts, all else folded away.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

from bench.specs.table import Table

VIEW = "paper"
"""The saved view's key."""
LINE = "line"
"""Tag of a run: where its row stands in the card, with leading zeros, so that text sorts."""
_CURVES = ("train.loss", "dev.eer")
_RUN_COLUMNS = ("seed", "form", "signature", "hours")


def address(experiment_id: str) -> str:
    """Return the part of an address after the server's that opens an experiment's view."""
    query = f"workflowType=machine_learning&viewStateShareKey={VIEW}"
    return f"/#/experiments/{experiment_id}/runs?{query}"


def tag(text_column: str) -> str:
    """Return the tag that holds a row's cell of a text column.

    >>> tag("Front-end (λ)")
    'Front-end'
    """
    return re.sub(r"[^\w /.-]", "", text_column, flags=re.ASCII).strip(" /.") or "Row"


def experiment_tags(table: Table, experiment_id: str) -> dict[str, str]:
    """Return the tags of the experiment that holds the runs of `table`."""
    return {
        "mlflow.note.content": _note(table, experiment_id),
        # Without it MLflow's pages take the experiment for one of language models and their traces.
        "mlflow.experimentKind": "custom_model_development",
        "mlflow.experiment.primaryMetric.name": _metrics(table)[0],
        "mlflow.experiment.primaryMetric.greaterIsBetter": str(
            table.columns[0].better == "higher"
        ).lower(),
        f"mlflow.sharedViewState.{VIEW}": json.dumps(
            {"name": "As in the paper", "createdAt": 0, "state": _packed(_state(table))}
        ),
    }


def _packed(state: Mapping[str, Any]) -> str:
    """Return a page's state as MLflow's pages write and read it: zlib in base64."""
    return "deflate;" + base64.b64encode(zlib.compress(json.dumps(state).encode(), 9)).decode()


def _note(table: Table, experiment_id: str) -> str:
    return (
        f"**{table.title}** {table.caption}\n\n"
        f"[The runs as the paper has its rows]({address(experiment_id)[1:]}), or choose the view "
        "*As in the paper* under *Views*. Rates in per cent, each with `.low` and `.high`, the "
        "bounds of its 95 % interval. A run whose tag `form` is `smoke` is never a result.\n\n"
        f"`bench report {table.key}` writes the table beside the paper's."
    )


def _metrics(table: Table) -> list[str]:
    """Return the metrics of the table's columns that a run holds, in the paper's order."""
    return [column.metric for column in table.columns if column.combine == "none"]


def _state(table: Table) -> dict[str, Any]:
    """Return the runs page's state, fields as in MLflow's `ExperimentPageUIState`."""
    columns = [
        *(_key("tags", tag(name)) for name in table.text_columns),
        *(_key("metrics", name) for name in _metrics(table)),
        *(_key("metrics" if name == "hours" else "tags", name) for name in _RUN_COLUMNS),
    ]
    first = [_key("attributes", "Run Name")]
    return {
        "selectedColumns": columns,
        "columnOrder": [*first, *columns],
        "columnWidths": {column: 130 for column in columns},
        "orderByKey": _key("tags", LINE),
        "orderByAsc": True,
        "runsHiddenMode": "SHOW_ALL",
        "compareRunSections": _sections(),
        "compareRunCharts": list(_charts(table)),
        "isAccordionReordered": True,
    }


def _sections() -> list[dict[str, Any]]:
    shown = {"table": "The table's figures", "training": "Training"}
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


def _charts(table: Table) -> Iterable[dict[str, Any]]:
    sort = {"deleted": False, "isGenerated": False, "runsCountToCompare": 20}
    for name in _metrics(table):
        yield {"type": "BAR", "uuid": name, "metricSectionId": "table", "metricKey": name, **sort}
    line = {"type": "LINE", "metricSectionId": "training", "xAxisKey": "step", **sort}
    scale = {"scaleType": "linear", "xAxisScaleType": "linear", "yAxisKey": "metric"}
    extent = {"range": {}, "yAxisExpressions": [], "selectedXAxisMetricKey": ""}
    for name in _CURVES:
        keys = {"uuid": name, "metricKey": name, "selectedMetricKeys": [name]}
        yield {**line, **scale, **extent, "lineSmoothness": 0, "useGlobalXaxisKey": True, **keys}


def _key(kind: str, name: str) -> str:
    return f"{kind}.`{name}`"
