"""Every part of which results have a version, and what it gives on a fixed input: on the CPU, on
one thread.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import soundfile
import torch

from bench.cards import corpus_cards, table_cards
from bench.config import Config
from bench.data import audio, corpora
from bench.data.frame_labels import spoof_frames
from bench.data.subset import FrameVectors, Span, Spans
from bench.evaluation import score_file
from bench.metrics.registry import describe_metrics
from bench.models.augment import csm, mix_frame, noise, rawboost
from bench.models.breath import dsp, marks, respiro
from bench.models.systems import Batch
from bench.specs import augment as augment_specs
from bench.specs import breath as breath_specs
from bench.specs import frontends as frontend_specs
from bench.specs import heads as head_specs
from bench.specs import layers as layers_specs
from bench.specs import systems as system_specs
from bench.specs.augment.csm import CrossSegmentMixing
from bench.specs.augment.mix_frame import MixFrame
from bench.specs.augment.noise import RecordedNoise
from bench.specs.augment.rawboost import RawBoost
from bench.specs.base import digest
from bench.specs.breath.dsp import Dsp
from bench.specs.breath.precomputed import Precomputed
from bench.specs.breath.respiro import Respiro
from bench.specs.corpus import Audio
from bench.specs.frontends.encoder import Lora
from bench.specs.frontends.tiny import Tiny
from bench.specs.frontends.waves import Waves
from bench.specs.kinds import kind_name
from bench.specs.run import EarlierTraining, Run
from bench.training import engine
from bench.training.row import DatasetCache, train_and_score
from bench.units import count_hops
from tests.data import layouts
from tests.models.breath import made_breaths, plain_respiro
from tests.models.frontends import small
from tests.training.conftest import DETECTION
from tests.versions import heads, metrics
from tests.versions.summary import Output, summary

ROWS = {
    "aasist": ("aasist/asvspoof2019:AASIST", "aasist/asvspoof2019:AASIST-L"),
    "bam": ("bam/partialspoof:BAM-WavLM", "bam/partialspoof:BAM-XLSR"),
    "cfprf": ("cfprf/partialspoof:FDN", "cfprf/had:FDN"),
    "sal": ("sal/table4:S2", "sal/table4:S7"),
    "tca": ("tca/table2:TCA",),
    "breathnet": ("breathnet/table10:BreathNet", "breathnet/table7:no-film"),
    "composed": ("sls/asvspoof2021:SLS",),
    "mfpt": ("mfpt/asvspoof2021:MFPT", "mfpt/asvspoof2021:none"),
    "multi-reso": ("multi-reso/partialspoof:Multi-reso", "multi-reso/partialspoof:Simple-released"),
}
"""Rows, in their smoke form, whose systems stand for each kind, with what they start from."""


def kinds(union: Any) -> list[str]:
    """Return the kinds of a union of specifications but for `none`."""
    return [kind for kind in map(kind_name, union.list_members()) if kind != "none"]


def all_parts() -> dict[str, Callable[[], Output]]:
    """Return what gives the output of each part, by the part's name in `bench.versions`."""
    augmentations = [
        kind
        for union in (augment_specs.Augment, augment_specs.Mix, augment_specs.Splice)
        for kind in kinds(union)
    ]
    systems, front_ends = kinds(system_specs.System), kinds(frontend_specs.FrontEnd)
    detectors = [kind for kind in kinds(breath_specs.Breath) if kind in DETECTORS]
    return {
        **{f"system {kind}": partial(system, kind) for kind in systems},
        **{f"front-end {kind}": partial(front_end, kind) for kind in front_ends},
        **{
            f"layers {kind}": partial(heads.merge_states, kind)
            for kind in kinds(layers_specs.Layers)
        },
        **{f"head {kind}": partial(heads.classify_states, kind) for kind in kinds(head_specs.Head)},
        **{f"augmentation {kind}": AUGMENTATIONS.get(kind, missing) for kind in augmentations},
        **{f"detector {kind}": DETECTORS[kind] for kind in detectors},
        **{f"reader {name}": partial(reader, name) for name in corpus_cards.reader_names()},
        **{f"metric {kind}": partial(metrics.output, kind) for kind in describe_metrics()},
        "metric intervals": metrics.intervals,
        "breath marks": breath_marks,
        "labels of frames": frame_labels,
        "audio": read_audio,
        "training": trained,
    }


def missing() -> Output:
    raise AssertionError("tests/versions/parts.py: should have an output of this part")


def resolved(name: str) -> dict[str, Run]:
    table, _, row = name.partition(":")
    run = table_cards.resolve_row(table_cards.read_table(table), row, "smoke")
    start = {f"{name}, start": run.start.stage} if isinstance(run.start, EarlierTraining) else {}
    return {name: run, **start}


def system(kind: str) -> Output:
    """Return scores and losses of the kind's rows with their first weights."""
    assert kind in ROWS, "tests/versions/parts.py: ROWS should name a row of this system"
    found: Output = {}
    for name, run in (pair for row in ROWS[kind] for pair in resolved(row).items()):
        of = f"{name} {digest(run.system)}{digest(run.frontend)}"
        made = engine.build_system(run, 1, Config())
        batch = clips(run)
        torch.manual_seed(1)
        losses = made.losses(batch)
        answer = made.eval().predict(batch.waves, batch.breath_mask, run.dev.resolution_s)
        found[f"{of}: losses"] = [loss.item() for loss in losses.values()]
        found[f"{of}: score"] = summary(answer.score)
    return found


def clips(run: Run) -> Batch:
    samples = round(run.train.clip_s * 16_000)
    frames = samples // round(run.train.resolution_s * 16_000) if run.train.resolution_s else 1
    hops = count_hops(samples)
    kind = torch.tensor([0, 1, 2])
    return Batch(
        small.waves(3, samples),
        (kind > 0)[:, None] ^ (torch.arange(frames) % 3 == 1),
        torch.ones(3, frames, dtype=torch.bool),
        kind,
        (torch.arange(3)[:, None] + torch.arange(hops)) % 5 == 0,
    )


def front_end(kind: str) -> Output:
    """Return hidden states: of the tiny kind in each form, of the others with small weights."""
    waves, tiny = small.waves(2, 8000), {"blocks": 2, "dim": 16, "heads": 2, "feed_forward": 16}
    found: Output = {}
    with tempfile.TemporaryDirectory() as folder:
        if kind == "tiny":
            lora = Lora(kind="lora", rank=2)
            regular = {"dropout": 0.2, "time_mask": 0.2, "layerdrop": 0.2}
            specs: dict[str, Any] = {
                "wav2vec2": Tiny(kind="tiny", **tiny),
                "wavlm": Tiny(kind="tiny", family="wavlm", **tiny),
                "lora": Tiny(kind="tiny", tuning=lora, **tiny),
                "in training": Tiny(kind="tiny", **tiny, **regular),
            }
            config = Config()
        elif kind == "waves":
            specs, config = {"waves": Waves(kind="waves")}, Config()
        else:
            family = "wav2vec2" if kind == "s3prl" else kind
            config = Config(weights={"own": small.fairseq(small.draw(family), Path(folder))})
            more = {"upstream": family} if kind == "s3prl" else {}
            spec = frontend_specs.FrontEnd.find_member(kind)
            specs = {"small": spec(kind=kind, weights="own", **more)}
        for name, spec in specs.items():
            torch.manual_seed(1)
            made = spec.build(config).train(name == "in training")
            torch.manual_seed(2)
            found[name] = summary(torch.stack(tuple(made(waves))))
    return found


def wave(seconds: float = 0.5) -> np.ndarray:
    return small.waves(1, round(seconds * 16_000))[0].numpy()


def of_rawboost() -> Output:
    found: Output = {}
    for algorithm in (4, 8):
        spec = RawBoost(kind="rawboost", algorithm=algorithm)
        found[str(algorithm)] = summary(
            rawboost.apply_rawboost(wave(), spec, np.random.default_rng(1))
        )
    return found


def of_noise() -> Output:
    with tempfile.TemporaryDirectory() as folder:
        names = ("noise/a", "speech/a", "speech/b", "music/a", "rirs/a")
        for number, name in enumerate(names):
            path = Path(folder, f"{name}.wav")
            path.parent.mkdir(exist_ok=True)
            soundfile.write(path, wave(0.3 + 0.1 * number), 16_000)
        places = {"musan": Path(folder), "rirs": Path(folder, "rirs")}
        recordings = noise.find_recordings(Config(noise=places))
        spec = RecordedNoise(kind="noise")
        return {
            str(seed): summary(
                noise.add_recording(wave(), spec, recordings, np.random.default_rng(seed))
            )
            for seed in range(4)
        }


def of_csm() -> Output:
    found: Output = {}
    for selection in ("bernoulli", "fixed-share"):
        spec = CrossSegmentMixing(kind="csm", probability=0.7, selection=selection)
        spoof = torch.arange(40).reshape(4, 10) % 3 == 0
        mixed = csm.mix_batch(
            small.waves(4, 3200),
            spoof,
            torch.ones_like(spoof),
            torch.tensor([0, 1, 2, 0]),
            samples_per_frame=320,
            spec=spec,
            generator=torch.Generator().manual_seed(1),
        )
        found[selection] = summary(torch.cat([of.float().flatten() for of in mixed]))
    return found


def of_mix_frame() -> Output:
    found: Output = {}
    for name, more in {"plain": {}, "faded": {"regions": 2, "crossfade_s": 0.005}}.items():
        spec = MixFrame(kind="mix-frame", **more)
        base, injector = small.waves(2, 16_000).numpy()
        spliced = mix_frame.splice_waves(base, injector, spec, np.random.default_rng(1))
        found[name] = summary(np.concatenate([spliced.wave, spliced.injected]))
    return found


AUGMENTATIONS: dict[str, Callable[[], Output]] = {
    "rawboost": of_rawboost,
    "noise": of_noise,
    "csm": of_csm,
    "mix-frame": of_mix_frame,
}


def of_dsp() -> Output:
    spec = Dsp(kind="dsp")
    waves = {str(seed): made_breaths.made(seed).wave for seed in (0, 1)}
    return {name: summary(dsp.detect_breaths(of, spec)) for name, of in waves.items()}


def of_respiro() -> Output:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "respiro-en.pt")
        torch.save({"model": plain_respiro.published(1)}, path)
        config = Config(weights={"respiro_en": path}, device="cpu")
        detector = respiro.RespiroDetector(Respiro(kind="respiro"), Audio(), config)
        (probabilities,) = detector.breath_probabilities([wave(1.0)])
    times = respiro.threshold_breaths(np.tile([0.1] * 30 + [0.0] * 9, 3), detector.spec)
    return {"probabilities": summary(probabilities), "breaths": summary(times)}


def of_precomputed() -> Output:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "own.csv")
        path.write_text("utterance,start_s,end_s\na,0.1,0.4\na,0.3,0.5\nb,,\nc,0.2,0.25\n")
        spec = Precomputed(kind="precomputed", intervals="own")
        subset: Any = SimpleNamespace(
            corpus="own",
            split="eval",
            table=pd.DataFrame({"utterance": ["a", "b", "c"]}),
        )
        found = spec.build(subset, Audio(), Config(weights={"own": path}), print)
    return {"times": summary(found.times_s), "offsets": summary(found.offsets)}


DETECTORS: dict[str, Callable[[], Output]] = {
    "dsp": of_dsp,
    "respiro": of_respiro,
    "precomputed": of_precomputed,
}


def breath_marks() -> Output:
    """Return marks of clips of an utterance of two breaths, and by chance."""
    intervals = marks.Intervals.from_utterances([np.float32([[0.1, 0.4], [0.7, 0.8]])])
    providers = {"intervals": intervals, "chance": marks.RandomMarks(["a"], 0.3)}
    providers["ones"] = marks.ConstantMarks(True)
    return {
        f"{name}, {fill}": summary(of.mark_hops(0, 1600, 12_000, 32_000, fill))
        for name, of in providers.items()
        for fill in ("zeros", "repeat")
    }


def reader(name: str) -> Output:
    """Return what is read of small corpora in their official layout."""
    made = {
        "partialspoof": {"partialspoof": ("train", layouts.partialspoof)},
        "llamapartialspoof": {"llamapartialspoof": ("crossfade", layouts.llamapartialspoof)},
        "protocol": {
            "asvspoof2019la": ("eval", layouts.asvspoof2019la),
            "had": ("train", layouts.had),
            "inthewild": ("eval", layouts.inthewild),
        },
    }
    assert name in made, "tests/versions/parts.py: should have a corpus of this reader"
    found: Output = {}
    for key, (split, write) in made[name].items():
        with tempfile.TemporaryDirectory() as folder:
            config = Config(corpora={key: write(Path(folder))})
            subset = corpora.read_corpus_split(key, split, config, "paper")
        for column in sorted(set(subset.table.columns) - {"path"}):
            of = subset.table[column]
            is_number = pd.api.types.is_numeric_dtype(of)
            numbers = of if is_number else [sum(map(ord, str(value))) for value in of]
            found[f"{key}: {column}"] = summary(numbers)
        found |= {f"{key}: labels": summary(list(timing(subset.timing)))}
    return found


def timing(of: FrameVectors | Spans | None) -> list[float]:
    match of:
        case FrameVectors(resolution_s, spoof):
            return [resolution_s, *(float(value) for each in spoof.values() for value in each)]
        case Spans(spans):
            every = [span for each in spans.values() for span in each]
            return [n for span in every for n in (span.start_s, span.end_s, len(span.label))]
        case None:
            return []


def frame_labels() -> Output:
    spans = (Span(0.0, 0.41, "bonafide"), Span(0.41, 0.58, "spoof"), Span(0.58, 1.3, "bonafide"))
    return {
        f"{rule} {resolution}": summary(spoof_frames(spans, 1.305, resolution, rule))
        for rule in ("any-spoof", "floor")
        for resolution in (0.02, 0.16)
    }


def read_audio() -> Output:
    found: Output = {}
    with tempfile.TemporaryDirectory() as folder:
        for rate in (16_000, 44_100):
            for ending in ("wav", "flac"):
                path = Path(folder, f"{rate}.{ending}")
                soundfile.write(path, wave(), rate)
                read = audio.read_wave(path, Audio(other_rates="resample"), 1000, 2000)
                found[path.name] = summary(read)
    return found


def trained() -> Output:
    """Return losses of two epochs with augmentation, and the scores of a row that learnt them."""
    losses: list[float] = []

    class Log:
        def on_step(self, *_: object) -> None:
            pass

        def on_score(self, *_: object) -> None:
            pass

        def on_epoch(self, epoch: int, figures: dict[str, float]) -> None:
            losses.extend([figures["train.loss"], figures["dev.loss"], figures["learning_rate"]])

    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "card.toml").write_text(DETECTION, encoding="utf-8")
        card = table_cards.parse_table("test/versions", place / "card.toml")
        changes = ["training.epochs=2", "training.batch_size=2", "augment={kind='rawboost'}"]
        changes += ["optimiser.learning_rate=1e-4", "schedule={kind='cosine'}"]
        run = table_cards.resolve_row(card, "X", "paper", changes)
        root = layouts.asvspoof2019la(place / "LA")
        for number, path in enumerate(sorted(root.rglob("*.flac"))):
            soundfile.write(path, wave(0.3 + 0.02 * number), 16_000)
        config = Config(work=place, corpora={"asvspoof2019la": root}, device="cpu", workers=0)
        fabric = engine.make_fabric(config, "fp32")
        data = DatasetCache(config).load_row(run)
        ended = train_and_score(fabric, run, 7, data, place / "run", config, Log())
        (scores,) = ended.scores.values()
        found = score_file.read_scores(scores)["score"].to_numpy()
    return {"losses": losses, "scores": [float(score) for score in found]}
