"""Every sweep's card: whole, its whole space resolvable, and never mistaken for a paper's row."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.cards import card_files, sweep_cards, table_cards
from bench.config import Config
from bench.conformance.tables import check_sweep, list_corners
from bench.runner.requirements import missing_requirements

NAMES = sweep_cards.sweep_names()
FORMS = ("paper", "smoke")
SHIPPED = (
    *("sal-lambda", "sal-csm", "sal-loss", "tca-loss"),
    *("breathnet-lambda", "breathnet-alpha", "breathnet-beta"),
    *("breathnet-noise", "breathnet-delta", "breathnet-duration", "mfpt-ratio", "mfpt-rank"),
)


def test_every_sweep_that_should_be_there_is():
    assert set(SHIPPED) <= set(NAMES)


@pytest.mark.rows
def test_every_corner_of_a_space_is_a_run_of_its_own(subtests):
    for name in NAMES:
        with subtests.test(name=name):
            assert [str(issue) for issue in check_sweep(name)] == []


def test_the_row_that_a_sweep_starts_from_lies_in_its_space(subtests):
    """Else the best of a sweep could be worse than the row, and nobody would see it."""
    for name in NAMES:
        with subtests.test(name=name):
            card = sweep_cards.read_sweep(name)
            settings = sweep_cards.base_run(card).model_dump(mode="json")
            for key, dimension in card.space.items():
                found = settings
                for part in (dimension.keys or (key,))[0].split("."):
                    found = found[part]
                values = dimension.all_values()
                if dimension.kind == "categories":
                    assert any(_is(found, value) for value in values), (key, found)
                elif values is not None:
                    assert any(found == pytest.approx(value) for value in values), (key, found)
                else:
                    assert dimension.low <= found <= dimension.high, (key, found)


def _is(settings: object, value: object) -> bool:
    if isinstance(value, dict):
        return isinstance(settings, dict) and value.items() <= settings.items()
    return settings == value


def test_smoke_is_short_and_never_the_papers_study(subtests):
    for name in NAMES:
        with subtests.test(name=name):
            paper, smoke = (sweep_cards.read_sweep(name, form) for form in FORMS)
            assert sweep_cards.base_run(smoke).frontend.kind == "tiny"
            assert sweep_cards.base_run(paper).frontend.kind != "tiny"
            assert sweep_cards.study_signature(smoke) != sweep_cards.study_signature(paper)
            assert smoke.trial_count <= 6
            assert sweep_cards.base_run(smoke).training.epochs <= 3


@pytest.mark.rows
def test_every_corner_as_a_row_of_its_table_is_that_trial(
    tmp_path: Path, subtests: pytest.Subtests
):
    """As a report gives it; where the trial is scored as the row is, in every setting."""
    for name in NAMES:
        with subtests.test(name=name):
            cards = {form: sweep_cards.read_sweep(name, form) for form in FORMS}
            table, _ = sweep_cards.start_row(cards["paper"])
            path = card_files.card_folder("experiments") / f"{table.key}.toml"
            points = [
                (form, point) for form, card in cards.items() for point in list_corners(card)[:4]
            ]
            for form, point in points:
                card = cards[form]
                lines = sweep_cards.as_row(card, point, "swept", "swept")
                pasted = f"{path.read_text(encoding='utf-8')}\n{lines}\n"
                (tmp_path / "table.toml").write_text(pasted, encoding="utf-8")
                content = table_cards.parse_table(table.key, tmp_path / "table.toml")
                run, trial = (
                    table_cards.resolve_row(content, "swept", form),
                    sweep_cards.trial_run(card, point),
                )
                assert run.training_signature == trial.training_signature, (form, point)
                assert card.evaluate == "nothing" or run.signature == trial.signature


def test_what_a_sweep_lacks_can_be_said_before_it_begins(tmp_path: Path, subtests: pytest.Subtests):
    for name in NAMES:
        with subtests.test(name=name):
            run = sweep_cards.base_run(sweep_cards.read_sweep(name))
            assert any(
                re.match(r"corpus \w+ is not configured: add", text)
                for text in missing_requirements(run, Config(work=tmp_path))
            )


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_trial_of_every_sweep_runs(name, miniatures: Path, tmp_path: Path):
    from bench.cli.display import Display
    from bench.sweeps.trials import SweepRun
    from bench.tracking.store import Store

    (tmp_path / "mini").symlink_to(miniatures / "mini")
    config = Config(work=tmp_path, device="cpu")
    card = sweep_cards.read_sweep(name, "smoke")
    with Display(name, 2) as display:
        sweeping = SweepRun(card, config, Store(config), display, None)
        ended = list(sweeping.run_trials(2))
    assert [end.ending for end in ended] == ["finished"] * 2, ended
    assert not sweeping.close_study(3) or card.trial_count == 2
