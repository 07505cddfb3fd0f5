"""What is kept of a run comes back as columns."""

from __future__ import annotations

import pandas as pd
import pytest

from bench.metrics.measured import MetricResult
from bench.tracking.run_record import RunRecord
from bench.tracking.store import Store
from tests.tracked_frames import table_frame

WHOLE = MetricResult(0.01, 0.0046, 0.016, 0.0086, 0.0113, 12, 66, 7355, 63882, "speaker+attack")


def test_errors_trials_and_both_intervals_are_columns(store: Store, entry: RunRecord):
    by_attack = {"partialspoof.A07.eer": WHOLE._replace(plan="speaker")}
    with store.begin_run(entry) as tracked:
        tracked.finish_run({"partialspoof.eer": WHOLE, **by_attack})
    (run,) = table_frame(store, "sal/table4", "paper").to_dict("records")
    found = {name.removeprefix("partialspoof.eer."): of for name, of in run.items()}
    assert run["partialspoof.eer"] == pytest.approx(1.0)
    assert found["low"] == pytest.approx(0.46)
    assert found["utterance_high"] == pytest.approx(1.13)
    counts = ("missed", "accepted", "bonafide", "spoof")
    assert [found[of] for of in counts] == [12, 66, 7355, 63882]
    assert run["partialspoof.A07.eer.spoof"] == 63882
    assert run["plan.partialspoof"] == "speaker+attack"
    client = store.client
    path = client.download_artifacts(run["run_id"], "figures.csv")
    line = pd.read_csv(path).to_dict("records")[0]
    assert (line["figure"], line["plan"], line["missed"]) == (
        "partialspoof.eer", "speaker+attack", 12,
    )  # fmt: skip
    assert line["utterance_low"] == pytest.approx(0.86)


def test_what_is_said_of_a_run_in_text_is_a_column(store: Store, entry: RunRecord):
    with store.begin_run(entry) as tracked:
        tracked.set_tag("threads", "2")
        tracked.set_tag("breaths", "{}")
        tracked.set_tag("breaths", '{"train": {"bonafide": 0.05}}')
        tracked.finish_run({})
    (run,) = table_frame(store, "sal/table4", "paper").to_dict("records")
    assert run["threads"] == "2"
    assert run["breaths"] == '{"train": {"bonafide": 0.05}}'
