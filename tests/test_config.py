"""The machine's configuration: the file, the environment, and every mistake in them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from bench import config
from bench.config import locations
from bench.errors import BenchError
from bench.tracking.address import parse_address
from tests.errors import raises_code


def write(folder: Path, text: str) -> Path:
    path = folder / "bench.toml"
    path.write_text(text, encoding="utf-8")
    return path


def load(environment: Mapping[str, str]) -> config.Config:
    """Return what is read in the working folder of a test."""
    return config.read_config(
        environment={locations.WITHIN: os.environ[locations.WITHIN], **environment}
    )


def test_in_a_folder_that_was_removed_nothing_is_looked_for(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    write(tmp_path, "")
    monkeypatch.chdir(gone)
    assert locations.project_file({}) == tmp_path / "bench.toml"
    gone.rmdir()
    assert locations.project_file({}) is None
    assert locations.used_work({}) is None


def test_nothing_stated_is_a_whole_configuration(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = load({})
    assert found.source is None
    assert found.work == Path("work")
    assert found.mini_root == Path("work/mini")
    assert found.tracking_uri == f"sqlite:///{tmp_path / 'work' / 'mlflow.db'}"


def test_places_are_below_the_files_folder(tmp_path):
    path = write(tmp_path, '[corpora]\nhad = "HAD"\nasvspoof5 = "/data/five"\n')
    found = config.read_config(path, {})
    assert found.corpora == {"had": tmp_path / "HAD", "asvspoof5": Path("/data/five")}
    assert found.work == tmp_path / "work"


def test_the_environment_goes_first(tmp_path):
    path = write(tmp_path, 'workers = 1\nwork = "here"\n[corpora]\nhad = "HAD"\n')
    found = config.read_config(
        path,
        {
            "BENCH_CORPORA_HAD": "/env/had",
            "BENCH_WEIGHTS_XLSR2_300M": "/env/xlsr.pt",
            "BENCH_WORKERS": "0",
            "BENCH_WORK": "elsewhere",
            "BENCH_DEVICE": "cpu",
        },
    )
    assert found.corpora["had"] == Path("/env/had")
    assert found.weights["xlsr2_300m"] == Path("/env/xlsr.pt")
    assert (found.workers, found.work, found.device) == (0, Path("elsewhere"), "cpu")


def test_mlflows_own_variable_names_the_store(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://tracking.example:5000")
    assert config.Config().tracking_uri == "http://tracking.example:5000"


def test_all_mistakes_of_the_file_at_once(tmp_path):
    path = write(tmp_path, 'worker = 2\ndevices = 0\ndevice = "cpux"\n[corpora]\nhad = 3\n')
    with pytest.raises(BenchError) as raised:
        config.read_config(path, {})
    message = str(raised.value)
    for expected in (
        "worker: no such key; did you mean 'workers'?",
        "devices = 0: should be greater than or equal to 1",
        "device = 'cpux': should be 'auto', 'cpu', 'cuda' or 'mps'",
        "corpora.had = 3: should be a valid string",
    ):
        assert expected in message


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"BENCH_WORKERS": "many"}, "BENCH_WORKERS = 'many': should be a whole number"),
        ({"BENCH_DEVICE": "gpu"}, "environment: device = 'gpu': should be"),
        ({"BENCH_CONFIG": "/no/such/bench.toml"}, "there is no such file"),
    ],
)
def test_mistakes_of_the_environment(environment, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BenchError) as raised:
        load(environment)
    assert message in str(raised.value)


def test_a_missing_corpus_says_where_to_put_it(tmp_path):
    found = config.read_config(write(tmp_path, ""), {})
    with pytest.raises(
        BenchError, match=r"corpus had is not configured: add.*\[corpora\] in .*toml"
    ):
        found.corpus_root("had", "paper")
    with pytest.raises(BenchError, match="make it with `bench data mini`"):
        found.corpus_root("had", "smoke")
    gone = config.read_config(write(tmp_path, '[corpora]\nhad = "gone"\n'), {})
    with pytest.raises(BenchError, match=r"corpora.had = .*gone.*there is no such folder"):
        gone.corpus_root("had", "paper")


def test_deterministic_is_a_flag_of_file_and_environment(tmp_path):
    path = write(tmp_path, "deterministic = true\n")
    assert config.read_config(path, {}).deterministic
    assert not config.read_config(path, {"BENCH_DETERMINISTIC": "false"}).deterministic
    with pytest.raises(BenchError, match="BENCH_DETERMINISTIC = 'yes': should be 'true' or"):
        config.read_config(path, {"BENCH_DETERMINISTIC": "yes"})


def test_a_home_folder_is_written_as_in_a_shell(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    variables = {"BENCH_WORK": "~/w", "BENCH_EXTEND": "~/c", "BENCH_CORPORA_HAD": "~/h"}
    found = config.read_config(write(tmp_path, '[weights]\nmine = "~/m.pt"\n'), variables)
    assert (found.work, found.extend) == (tmp_path / "w", (tmp_path / "c",))
    assert found.corpora["had"] == tmp_path / "h"
    assert found.weights["mine"] == tmp_path / "m.pt"
    assert load({"BENCH_CONFIG": "~/bench.toml"}).weights == found.weights
    with pytest.raises(BenchError, match="this-name/x' in BENCH_WORK: no home folder is known"):
        load({"BENCH_WORK": "~nobody-of-this-name/x"})


def test_an_empty_variable_is_as_if_not_set(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path, 'work = "here"\ndevices = 1\n[corpora]\nhad = "HAD"\n')
    names = ("CONFIG", "WORK", "EXTEND", "TRACKING", "DEVICE", "DEVICES", "WORKERS")
    names = (*names, "DETERMINISTIC", "CORPORA_HAD", "WEIGHTS_X", "NOISE_X")
    for empty in ("", " "):
        variables = {f"BENCH_{name}": empty for name in names}
        assert load(variables) == config.read_config(Path(path.name), {})


def test_further_mistakes(tmp_path, subtests):
    cases = [
        ('[noise]\nmusam = "m"\n', {}, "noise.musam: no such key; did you mean 'musan'?"),
        ("", {"BENCH_NOISE_RIR": "r"}, "BENCH_NOISE_RIR: no such variable; did you mean 'rirs'?"),
        ('work = ""\n', {}, "work = '': string should have at least 1 character"),
        ('[corpora]\nhad = ""\n', {}, "corpora.had = '': string should have at least 1"),
        ('device = "cuda:7"\n', {}, "or 'mps'; CUDA_VISIBLE_DEVICES=7 chooses one of several"),
        ("", {"BENCH_DEVICE": "cuda:1"}, "CUDA_VISIBLE_DEVICES=1 chooses"),
        ("", {"BENCH_WORKERS": "²"}, "BENCH_WORKERS = '²': should be a whole number"),
    ]
    for text, variables, message in cases:
        with subtests.test(message=message):
            with pytest.raises(BenchError) as raised:
                config.read_config(write(tmp_path, text), variables)
            assert message in str(raised.value)


@pytest.mark.parametrize("name", ["bench.toml", "named.toml"])
def test_a_file_that_is_there_and_cannot_be_read_is_not_passed_over(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    environment = {} if name == "bench.toml" else {"BENCH_CONFIG": name}
    (tmp_path / name).mkdir()
    with pytest.raises(BenchError, match=f"{name}: is a folder, should be a file"):
        load(environment)
    (tmp_path / name).rmdir()
    (tmp_path / name).symlink_to("nowhere")
    with pytest.raises(BenchError, match=f"{name}: there is no such file"):
        load(environment)


def test_the_nearest_file_goes_before_the_users_and_that_before_the_machines(tmp_path, monkeypatch):
    project, below = tmp_path / "project", tmp_path / "project" / "a" / "b"
    user, machine = tmp_path / "user", tmp_path / "machine" / "bench.toml"
    for folder in (below, user / "speech-deepfake-bench", machine.parent):
        folder.mkdir(parents=True)
    write(project, 'device = "cpu"\n[corpora]\nhad = "HAD"\n')
    write(user / "speech-deepfake-bench", 'device = "cuda"\nworkers = 3\n[weights]\nw = "w.pt"\n')
    write(machine.parent, 'workers = 5\nwork = "w"\n[corpora]\nhad = "x"\nasvspoof5 = "five"\n')
    monkeypatch.setattr(locations, "machine_file", lambda environment: machine)
    monkeypatch.chdir(below)
    environment = {"XDG_CONFIG_HOME": str(user), "BENCH_WEIGHTS_V": "v.pt"}
    found = load(environment)
    own = user / "speech-deepfake-bench" / "bench.toml"
    assert (found.source, found.further) == (project / "bench.toml", (own, machine))
    assert (found.device, found.workers) == ("cpu", 3)
    assert found.corpora == {"had": project / "HAD", "asvspoof5": machine.parent / "five"}
    assert found.weights == {"w": own.parent / "w.pt", "v": Path("v.pt")}
    assert found.work == machine.parent / "w"
    assert found.origins == {
        "device": str(project / "bench.toml"),
        "corpora.had": str(project / "bench.toml"),
        "workers": str(own),
        "weights.w": str(own),
        "weights.v": "BENCH_WEIGHTS_V",
        "work": str(machine),
        "corpora.asvspoof5": str(machine),
    }
    only = load({**environment, "BENCH_CONFIG": str(own)})
    assert (only.source, only.further, dict(only.corpora)) == (own, (), {})
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    assert locations.user_file({}).is_relative_to(tmp_path)


def test_a_subfolder_has_no_second_work_folder(tmp_path, monkeypatch):
    below = tmp_path / "project" / "notebooks"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    project = tmp_path / "project"
    assert load({}).work == Path("work"), "nothing was begun above"
    (project / "work").mkdir()
    assert load({}).work == Path("work"), "a folder of that name, but no store"
    (project / "work" / "mlflow.db").touch()
    assert load({}).work == project / "work"
    (below / "work").mkdir()
    (below / "work" / "outbox.db").touch()
    assert load({}).work == Path("work"), "one that was begun here"
    (project / "bench.toml").touch()
    assert load({}).work == project / "work", "beside the project's file"
    monkeypatch.chdir(project)
    assert (load({}).source, load({}).work) == (Path("bench.toml"), Path("work"))


def test_no_file_outside_is_read_by_tests(tmp_path, monkeypatch):
    (tmp_path / "bench.toml").touch()
    (tmp_path / "a").mkdir()
    monkeypatch.chdir(tmp_path / "a")
    assert config.read_config(environment={locations.WITHIN: str(tmp_path / "a")}).source is None


@pytest.mark.parametrize("form", ["$DATA", "${DATA}"])
def test_variables_in_places_are_filled_in(form, tmp_path):
    text = f"""cards = "{form}/c"
work = "{form}/w"
tracking = "sqlite:///{form}/a$$b.db"
[corpora]
had = "{form}/h"
[weights]
w = "x.{form}.x"
[noise]
musan = "{form}"
"""
    found = config.read_config(
        write(tmp_path, text), {"DATA": "d", "BENCH_CORPORA_PS": f"{form}/p"}
    )
    assert (found.cards, found.work) == (tmp_path / "d/c", tmp_path / "d/w")
    assert found.corpora == {"had": tmp_path / "d/h", "ps": Path("d/p")}
    assert found.weights["w"] == tmp_path / "x.d.x"
    assert found.noise["musan"] == tmp_path / "d"
    assert parse_address(found.tracking or "").file == tmp_path / "d/a$b.db"
    with pytest.raises(BenchError) as raised:
        config.read_config(write(tmp_path, text), {})
    lines = str(raised.value).splitlines()
    keys = {"cards", "work", "tracking", "corpora.had", "weights.w", "noise.musan"}
    assert {line.partition(" = ")[0] for line in lines} == keys
    assert all("bench.toml: no variable DATA is set; a $ itself" in line for line in lines)


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("sqlite:///mlflow.db", "sqlite:///{folder}/mlflow.db"),
        ("sqlite:////data/mlflow.db", "sqlite:////data/mlflow.db"),
        ("http://127.0.0.1:5000/a", "http://127.0.0.1:5000/a"),
        ("postgresql://u:a$$b@h/d", "postgresql://u:a$b@h/d"),
    ],
)
def test_a_stores_file_is_below_the_files_folder(uri, expected, tmp_path):
    found = config.read_config(write(tmp_path, f'tracking = "{uri}"\n'), {})
    assert found.tracking == expected.format(folder=tmp_path)


def test_a_misspelt_variable_is_a_mistake(subtests):
    cases = [
        ("BENCH_WROK", "'BENCH_WORK'"),
        ("BENCH_CORPRA_HAD", "'BENCH_CORPORA_HAD'"),
        ("BENCH_WEIGHT_XLSR2_300M", "'BENCH_WEIGHTS_XLSR2_300M'"),
        ("BENCH_CORPORA_", "'BENCH_CORPORA_"),
        ("BENCH_CONFIGS", "'BENCH_CONFIG'"),
        ("BENCH_SWEEPS_STORAGE", "'BENCH_SWEEP_STORAGE'"),
        ("BENCH_NOISE_MUSAM", "'musan'"),
    ]
    for variable, near in cases:
        with subtests.test(variable=variable):
            with pytest.raises(
                BenchError, match=f"^{variable}: no such variable; did you mean {near}"
            ):
                load({variable: "x"})
            assert load({variable: " "}) == load({}), "an empty one is as if it were not set"


def test_what_jobs_ask_for_is_read_from_all_files_and_checked(tmp_path, subtests):
    path = write(
        tmp_path,
        '[slurm]\npartition = "gpu"\ntime = "7-00:00:00"\nlines = ["--qos=long"]\n'
        '[slurm.rows."sal/table4:S7"]\ntime = "1:00:00"\ngpus = 2\n',
    )
    slurm = config.read_config(path, {}).slurm
    assert (slurm.partition, slurm.lines, slurm.parallel) == ("gpu", ("--qos=long",), None)
    asked = {row: slurm.find_resources("sal/table4", row) for row in ("S5", "S7")}
    assert [asked[row].time for row in ("S5", "S7")] == ["7-00:00:00", "1:00:00"]
    assert [asked[row].gpus for row in ("S5", "S7")] == [None, 2]
    assert asked["S7"].partition == "gpu"
    wrong = {
        "time = 01:00:00": "in quotes",
        "time = 90": "in quotes",
        'time = "1h"': '"1:00:00"',
        'memory = "much"': '"32G"',
        'partitoin = "gpu"': "did you mean 'partition'",
        "gpus = -1": "gpus",
        'partition = "two words"': "partition",
    }
    for text, said_so in wrong.items():
        with subtests.test(text=text), raises_code("config.invalid", said_so):
            config.read_config(write(tmp_path, f"[slurm]\n{text}\n"), {})
