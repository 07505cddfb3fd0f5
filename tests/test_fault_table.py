"""The table of faults that docs/reliability.md shows."""

from tests.faults import __main__ as faults


def test_the_page_is_made_from_its_data():
    assert faults.PAGE.read_text(encoding="utf-8") == faults.format_table(faults.read_groups())


def test_a_group_says_what_was_lost_and_counts_no_skipped_fault():
    trials = [
        faults.Trial(faults.Fault("disk", "full", lambda lab: None), ""),
        faults.Trial(faults.Fault("disk", "read-only", lambda lab: None), "a score file"),
        faults.Trial(faults.Fault("disk", "slow", lambda lab: None), "", "needs root"),
    ]
    (group,) = faults.group_trials(trials).values()
    assert group[:4] == (2, 1, ["read-only"], ["full", "read-only"])


def test_a_renewed_group_leaves_the_others_as_they_were(tmp_path, monkeypatch):
    monkeypatch.setattr(faults, "DATA", tmp_path / "faults.json")
    monkeypatch.setattr(faults, "PAGE", tmp_path / "faults.md")
    old, new = (faults.Group(1, 1, [], [what], "2026-01-01") for what in ("a", "b"))
    faults.DATA.write_text("{}", encoding="utf-8")
    faults.write_groups({"disk": old, "files": old})
    faults.write_groups({"files": new})
    assert faults.read_groups() == {"disk": old, "files": new}
    assert "| files: b | 1 | 1 | none | 2026-01-01 |" in faults.PAGE.read_text(encoding="utf-8")
