"""The machine's configuration: the file, the environment, and every mistake in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import config
from bench.errors import BenchError


def write(folder: Path, text: str) -> Path:
    path = folder / "bench.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_nothing_stated_is_a_whole_configuration(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = config.load(environment={})
    assert found.source is None
    assert found.work == Path("work")
    assert found.mini == Path("work/mini")
    assert found.tracking_uri == f"sqlite:///{tmp_path / 'work' / 'mlflow.db'}"


def test_places_are_below_the_files_folder(tmp_path):
    path = write(tmp_path, '[corpora]\nhad = "HAD"\nasvspoof5 = "/data/five"\n')
    found = config.load(path, {})
    assert found.corpora == {"had": tmp_path / "HAD", "asvspoof5": Path("/data/five")}
    assert found.work == tmp_path / "work"


def test_the_environment_goes_first(tmp_path):
    path = write(tmp_path, 'workers = 1\nwork = "here"\n[corpora]\nhad = "HAD"\n')
    found = config.load(
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
        config.load(path, {})
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
        config.load(environment=environment)
    assert message in str(raised.value)


def test_a_missing_corpus_says_where_to_put_it(tmp_path):
    found = config.load(write(tmp_path, ""), {})
    with pytest.raises(BenchError, match=r"no place is set for corpus had.*\[corpora\] in .*toml"):
        found.corpus_root("had", "paper")
    with pytest.raises(BenchError, match="make it with `bench data mini`"):
        found.corpus_root("had", "smoke")
    gone = config.load(write(tmp_path, '[corpora]\nhad = "gone"\n'), {})
    with pytest.raises(BenchError, match=r"corpora.had = .*gone.*there is no such folder"):
        gone.corpus_root("had", "paper")


def test_deterministic_is_a_flag_of_file_and_environment(tmp_path):
    path = write(tmp_path, "deterministic = true\n")
    assert config.load(path, {}).deterministic
    assert not config.load(path, {"BENCH_DETERMINISTIC": "false"}).deterministic
    with pytest.raises(BenchError, match="BENCH_DETERMINISTIC = 'yes': should be 'true' or"):
        config.load(path, {"BENCH_DETERMINISTIC": "yes"})


def test_a_home_folder_is_written_as_in_a_shell(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    variables = {"BENCH_WORK": "~/w", "BENCH_EXTEND": "~/c", "BENCH_CORPORA_HAD": "~/h"}
    found = config.load(write(tmp_path, '[weights]\nmine = "~/m.pt"\n'), variables)
    assert (found.work, found.extend) == (tmp_path / "w", (tmp_path / "c",))
    assert found.corpora["had"] == tmp_path / "h"
    assert found.weights["mine"] == tmp_path / "m.pt"
    assert config.load(environment={"BENCH_CONFIG": "~/bench.toml"}).weights == found.weights
    with pytest.raises(BenchError, match="~nobody-of-this-name/x: no home folder is known"):
        config.load(environment={"BENCH_WORK": "~nobody-of-this-name/x"})


def test_an_empty_variable_is_as_if_not_set(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path, 'work = "here"\ndevices = 1\n[corpora]\nhad = "HAD"\n')
    names = ("CONFIG", "WORK", "EXTEND", "TRACKING", "DEVICE", "DEVICES", "WORKERS")
    names = (*names, "DETERMINISTIC", "CORPORA_HAD", "WEIGHTS_X", "NOISE_X")
    for empty in ("", " "):
        variables = {f"BENCH_{name}": empty for name in names}
        assert config.load(environment=variables) == config.load(Path(path.name), {})


@pytest.mark.parametrize(
    ("text", "variables", "message"),
    [
        ('[noise]\nmusam = "m"\n', {}, "noise.musam: no such key; did you mean 'musan'?"),
        ("", {"BENCH_NOISE_RIR": "r"}, "BENCH_NOISE_RIR: no such variable; did you mean 'rirs'?"),
        ('work = ""\n', {}, "work = '': string should have at least 1 character"),
        ('[corpora]\nhad = ""\n', {}, "corpora.had = '': string should have at least 1"),
        ('device = "cuda:7"\n', {}, "or 'mps'; CUDA_VISIBLE_DEVICES=7 chooses one of several"),
        ("", {"BENCH_DEVICE": "cuda:1"}, "CUDA_VISIBLE_DEVICES=1 chooses"),
        ("", {"BENCH_WORKERS": "²"}, "BENCH_WORKERS = '²': should be a whole number"),
    ],
)
def test_further_mistakes(text, variables, message, tmp_path):
    with pytest.raises(BenchError) as raised:
        config.load(write(tmp_path, text), variables)
    assert message in str(raised.value)


@pytest.mark.parametrize("name", ["bench.toml", "named.toml"])
def test_a_file_that_is_there_and_cannot_be_read_is_not_passed_over(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    environment = {} if name == "bench.toml" else {"BENCH_CONFIG": name}
    (tmp_path / name).mkdir()
    with pytest.raises(BenchError, match=f"{name}: is a folder, should be a file"):
        config.load(environment=environment)
    (tmp_path / name).rmdir()
    (tmp_path / name).symlink_to("nowhere")
    with pytest.raises(BenchError, match=f"{name}: there is no such file"):
        config.load(environment=environment)
