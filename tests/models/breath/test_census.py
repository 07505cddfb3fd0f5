"""How much of a split is marked, against counts of loops over its clips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from bench.config import Config
from bench.data import audio
from bench.data.subset import Subset
from bench.models.breath import build_marker
from bench.models.breath.census import describe_census, measure_marks, require_marks
from bench.models.breath.marks import Intervals
from bench.specs.breath.dsp import Dsp
from bench.specs.breath.ones import Ones
from bench.specs.breath.random import Random
from bench.specs.breath.zeros import Zeros
from bench.specs.corpus import Audio
from bench.training.clips import ClipReader
from tests.errors import raises_code
from tests.models.breath.made_breaths import subset
from tests.training.data_settings import held_out, train

SECONDS = (0.7, 1.3, 1.0, 2.4)


@pytest.fixture
def own(tmp_path: Path) -> Subset:
    """Two bona fide and two spoofed utterances of SECONDS."""
    names = ["a", "b", "c", "d"]
    for name, seconds in zip(names, SECONDS, strict=True):
        wave = np.full(round(seconds * 16_000), 0.1)
        soundfile.write(tmp_path / f"{name}.wav", wave, 16_000)
    made = subset(tmp_path, names)
    made.table["label"] = ["bonafide", "bonafide", "spoof", "spoof"]
    return made


FOUND = Intervals.from_utterances(
    np.array(times, dtype=np.float32).reshape(-1, 2)
    for times in ([[0.1, 0.3]], [], [[0.9, 1.0]], [[0.2, 0.4], [1.9, 2.3]])
)


@pytest.mark.parametrize("fill", ["repeat", "zeros"])
@pytest.mark.parametrize("clip_s", [1.0, None])
@pytest.mark.parametrize("marked_by", [FOUND, "chance", "ones"])
def test_shares_are_those_of_the_marks_that_clips_have(own, clip_s, fill, marked_by):
    breath = {
        "chance": Random(kind="random", share=0.3),
        "ones": Ones(kind="ones"),
    }.get(marked_by if isinstance(marked_by, str) else "", Zeros(kind="zeros"))
    data = held_out(clip_s=clip_s, fill=fill, breath=breath)
    source = ClipReader(own, data, Audio(), None, Config())
    if isinstance(marked_by, Intervals):
        source.breath = marked_by
    clips = [source.read_clip(row, [0], "first").breath_mask for row in range(4)]
    found = measure_marks(own, data, source.breath)
    bonafide, spoof = np.concatenate(clips[:2]), np.concatenate(clips[2:])
    assert found == pytest.approx(
        {
            "bonafide": bonafide.mean(),
            "spoof": spoof.mean(),
            "utterances": np.mean([marks.any() for marks in clips]),
        }
    )
    assert found["spoof"] > 0


def test_clips_from_anywhere_are_counted_by_whole_utterances(own):
    data = train(1.0, fill="repeat", crop="random")
    anywhere = measure_marks(own, data, FOUND)
    assert anywhere == measure_marks(own, held_out(clip_s=None, fill="repeat"), FOUND)
    assert anywhere != measure_marks(own, train(1.0, fill="repeat", crop="first"), FOUND)


def test_a_class_that_a_split_lacks_has_no_share(own):
    own.table["label"] = "spoof"
    found = measure_marks(own, held_out(clip_s=1.0), FOUND)
    assert set(found) == {"spoof", "utterances"}


def test_marks_of_nothing_open_no_file(own, monkeypatch):
    """Hundreds of thousands of headers take minutes: they are read where someone breathes."""
    opened: list[Path] = []
    header = audio.read_header
    monkeypatch.setattr(audio, "read_header", lambda path: (opened.append(path), header(path))[1])
    measure_marks(own, held_out(clip_s=1.0), FOUND)
    assert [path.stem for path in opened] == ["a", "c", "d"]


def test_a_line_says_split_detector_and_shares(own):
    data = held_out(clip_s=1.0, fill="repeat", breath=Dsp(kind="dsp"))
    said = describe_census("dev", data, {"bonafide": 0.0512, "utterances": 0.25})
    assert said == (
        f"dev: {data.corpus} {data.split}, breaths by dsp: 5.1% of bonafide hops are marked, in "
        "25% of utterances"
    )
    nothing = describe_census("dev", data, {"bonafide": 0.0, "spoof": 0.0, "utterances": 0.0})
    assert nothing.endswith("breaths by dsp: no hop is marked")


def test_training_without_a_mark_is_refused_unless_the_card_says_so(own, tmp_path):
    """The utterances are a constant: there is no breath in them."""
    config = Config(work=tmp_path / "work", workers=0)
    data = train(1.0, breath=Dsp(kind="dsp"))
    nothing = measure_marks(own, data, build_marker(own, data.breath, Audio(), config))
    with raises_code("breath.no-marks") as error:
        require_marks(data, nothing)
    assert "train.breath.kind = 'dsp'" in str(error.value)
    for breath in (Zeros(kind="zeros"), Random(kind="random", share=0.0)):
        data = train(1.0, breath=breath)
        require_marks(data, measure_marks(own, data, build_marker(own, breath, Audio(), config)))
    require_marks(train(1.0, breath=Dsp(kind="dsp")), measure_marks(own, data, FOUND))
