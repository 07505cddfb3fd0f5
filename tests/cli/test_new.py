"""`bench new` begins parts that keep what `bench check` asks for; what does not is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.extensions import activate_extensions
from bench.metrics.registry import forget_metrics

CODE = {
    "system": "systems/my_part.py",
    "frontend": "frontends/my_part.py",
    "augmentation": "augment/my_part.py",
    "metric": "metrics/my_part.py",
}
CARDS = {
    "corpus": "datasets/my-part.toml",
    "table": "experiments/my-part/table.toml",
    "sweep": "experiments/sweeps/my-part.toml",
}


@pytest.fixture
def begin(bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Begin a part in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def begin_part(kind: str, *more: str, name: str = "my-part") -> Path:
        done = bench("new", kind, name, *more)
        assert done.returncode == 0, done.stderr
        # The next command is another process for a person.
        activate_extensions(())
        forget_metrics()
        return Path(done.stdout.split("written: ")[1].splitlines()[0])

    return begin_part


def check(bench, folder: str = ".") -> dict[str, list[dict]]:
    """Return the issues of each part of an extension."""
    done = bench("check", folder, "--json")
    parts = json.loads(done.stdout)["parts"]
    issues = {part["subject"]: part["issues"] for part in parts}
    errors = [issue for each in issues.values() for issue in each if issue["severity"] == "error"]
    assert done.returncode == (1 if errors else 0)
    return issues


def codes(issues: list[dict]) -> list[str]:
    return [issue["code"] for issue in issues]


@pytest.mark.rows
def test_each_part_is_begun_where_it_belongs_and_keeps_the_checks(begin, bench):
    paths = {kind: begin(kind) for kind in (*CODE, *CARDS)}
    assert {kind: path.as_posix() for kind, path in paths.items()} == {**CODE, **CARDS}
    assert Path("bench.toml").read_text() == 'extend = ["."]\n'
    issues = check(bench)
    assert [*issues] == [
        *("corpus my-part", "table my-part/table", "sweep my-part", "metric my_part"),
        *("system my-part", "frontend my-part", "augment my-part"),
    ]
    unused = ["extension.part-unused"]
    assert {subject: codes(each) for subject, each in issues.items() if each} == {
        "frontend my-part": unused,
        "augment my-part": unused,
    }


@pytest.mark.rows
def test_a_new_table_is_of_the_system_that_is_there(begin, bench):
    begin("table")
    assert 'from  = "sal/table4:S5"' in Path(CARDS["table"]).read_text()
    begin("system", name="probe")
    assert 'kind = "probe"' in begin("table", name="other").read_text()
    begin("system", name="a-first")
    assert 'kind = "a-first"' in begin("table", name="third").read_text()
    assert set(check(bench)) >= {"table other/table", "table third/table", "system probe"}


def test_a_folder_is_added_to_what_the_file_says(begin, bench):
    Path("bench.toml").write_text("# mine\nwork = 'w'\n")
    begin("system", "--folder", "lab")
    text = Path("bench.toml").read_text()
    assert text.startswith("# mine\nwork = 'w'\n")
    assert 'extend = ["lab"]' in text
    assert begin("metric").as_posix() == "lab/metrics/my_part.py"
    assert Path("bench.toml").read_text() == text
    begin("metric", "--folder", "other", name="second")
    assert 'extend = ["lab", "other"]' in Path("bench.toml").read_text()


@pytest.mark.parametrize(
    ("kind", "name", "code"),
    [
        ("system", "sal", "card.name-taken"),
        ("metric", "auc", "card.name-taken"),
        ("corpus", "had", "card.name-taken"),
        ("table", "tca", "card.name-taken"),
        ("sweep", "sal-csm", "card.name-taken"),
        ("system", "My System", "option.invalid"),
        ("system", "../up", "option.invalid"),
    ],
)
def test_a_name_that_cannot_be_taken_is_refused(bench, tmp_path, monkeypatch, kind, name, code):
    monkeypatch.chdir(tmp_path)
    done = bench("new", kind, name)
    assert (done.returncode, done.code) == (2, code)
    assert not [path for path in tmp_path.rglob("*") if path.suffix in (".py", ".toml")]


def test_what_is_begun_twice_stays_as_it_is(begin, bench):
    path = begin("system")
    path.write_text("# changed\n")
    assert bench("new", "system", "my-part").code == "card.name-taken"
    assert path.read_text() == "# changed\n"


BREAKS = [
    ("system", 'return {"loss":', 'return {"lose":', "extension.system-contract"),
    ("system", "bonafide - spoof, logits", "bonafide[:, 0], logits", "extension.system-contract"),
    ("system", "self.linear(pooled).float()", "self.liner(pooled)", "extension.part-fails"),
    (
        "system",
        "-> Prediction:",
        "-> Prediction:\n        waves = waves - waves.mean(0)",
        "extension.system-contract",
    ),
    ("system", 'Literal["my-part"]', 'Literal["mine"]', "extension.kind-name"),
    ("system", "def build(", "def make(", "extension.kind-incomplete"),
    (
        "frontend",
        "self.dim, self.n_states = spec.dim, 1",
        "self.dim, self.n_states = spec.dim, 2",
        "extension.frontend-contract",
    ),
    (
        "frontend",
        "waves.unfold(1, RECEPTIVE_FIELD_SAMPLES, HOP_SAMPLES)",
        "waves.unfold(1, 400, 160)",
        "extension.frontend-contract",
    ),
    ("augmentation", ".astype(np.float32)", ".astype(np.float64)", "extension.augment-contract"),
    (
        "augmentation",
        "rng.uniform(-most_db, most_db)",
        "np.random.default_rng().uniform(-6, 6)",
        "extension.augment-contract",
    ),
    ("metric", 'better="lower"', 'better="higher"', "extension.metric-contract"),
    ("metric", "return float(", "return float('nan') * float(", "extension.metric-contract"),
    ("table", 'split = "dev"', 'split = "deev"', "extension.data-unknown"),
]
"""A part, what is changed in it, and the code of what is then said."""


@pytest.mark.rows
def test_what_a_part_breaks_is_named(begin, bench, subtests):
    for number, (kind, old, new, code) in enumerate(BREAKS):
        with subtests.test(kind=kind, new=new):
            folder = f"lab{number}"
            Path("bench.toml").unlink(missing_ok=True)
            if kind == "table":
                begin("system", "--folder", folder)
            path = begin(kind, "--folder", folder)
            text = path.read_text()
            assert old in text
            path.write_text(text.replace(old, new))
            issues = check(bench, folder)
            assert code in [each for part in issues.values() for each in codes(part)], issues


def test_only_an_extension_can_be_checked(bench, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lab").mkdir()
    assert bench("check", "lab").code == "extension.not-named"
