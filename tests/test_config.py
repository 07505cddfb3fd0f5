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
