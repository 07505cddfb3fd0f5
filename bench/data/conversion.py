"""Make files of audio where a corpus has it in videos.

The converted corpus is a folder that is used as the corpus's own: its lists lie where they were,
and what was in a video lies there as FLAC, in one channel, at the video's rate, in 16 bits.
Decoders of AAC differ in the last bits by version and processor, so that decoding once keeps all
later figures of one decoding; a FLAC file is also read in a fraction of the time.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import soundfile  # pyright: ignore[reportMissingTypeStubs]
from numpy.typing import NDArray

from bench._io import atomic_files, packed_files
from bench._io.packages import require_packages
from bench.data.parallel import Progress, on_processes
from bench.errors import BenchError

CONTAINERS = (".mp4", ".m4a", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".aac")
"""What libsndfile reads no audio of."""
_FULL_SCALE = 32_768


class ConvertedCorpus(NamedTuple):
    """What was converted."""

    folder: Path
    files: int
    """Of audio that came of videos, those that were there already too."""
    copied: int
    """Other files."""


def convert_corpus(root: Path, target: Path, processes: int, progress: Progress) -> ConvertedCorpus:
    """Convert the videos below `root` into `target`, copy all else, and return what was done.

    What lies in `target` already is taken as it is, so that a conversion that was stopped goes on.
    `progress` is told how many videos are done, and of how many; they are decoded on `processes`
    processes (0: in this one). Raise BenchError where there is no video, the decoder is not
    installed, or some could not be decoded, then with all others done.
    """
    if target == root or root in target.parents:
        raise BenchError(
            "file.exists", f"{target}: is within the corpus: name a folder that is not"
        )
    files = sorted(packed_files.walk_files(root))
    videos = [name for name in files if Path(name).suffix.lower() in CONTAINERS]
    if not videos:
        kinds = ", ".join(CONTAINERS)
        raise BenchError("file.missing", f"{root}: holds no video to convert ({kinds})")
    require_packages("av")
    others = sorted({*files} - {*videos})
    for name in others:
        _copy_file(root / name, target / name)
    waiting = [name for name in videos if not (target / _flac_name(name)).is_file()]
    convert = partial(_convert_file, root, target)
    faults = [fault for fault in on_processes(convert, waiting, processes, progress) if fault]
    if faults:
        raise BenchError(
            "audio.container",
            f"{len(faults):,} of {len(videos):,} videos could not be converted, the first: "
            f"{faults[0]}: copy them again, and repeat the command, which does these alone",
        )
    return ConvertedCorpus(target, len(videos), len(others))


def _flac_name(name: str) -> str:
    return Path(name).with_suffix(".flac").as_posix()


def _copy_file(source: Path, target: Path) -> None:
    if target.is_file() and target.stat().st_size == source.stat().st_size:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)


def _convert_file(root: Path, target: Path, name: str) -> str:
    """Write a video's audio; return what is wrong with it, "" for nothing."""
    try:
        wave, rate = decode_container(root / name)
    except BenchError as error:
        return str(error)
    flac = io.BytesIO()
    soundfile.write(flac, wave, rate, "PCM_16", format="FLAC")  # pyright: ignore[reportUnknownMemberType]
    atomic_files.write_bytes(target / _flac_name(name), flac.getvalue())
    return ""


def decode_container(path: Path) -> tuple[NDArray[np.int16], int]:
    """Return the samples of a video's first audio track, (samples,), and their rate in Hz.

    Several channels are averaged. A track that begins later than the video has silence before it,
    so that times are those of the video. BenchError where there is no track, or it is damaged.
    """
    import av

    try:
        with packed_files.open_file(path) as file, av.open(file) as container:
            if not container.streams.audio:
                raise BenchError("audio.container", f"{path}: has no audio track")
            track = container.streams.audio[0]
            blocks = list(_decode_track(container, track))
            rate = int(track.rate)
    except (av.FFmpegError, OSError) as error:
        raise BenchError("audio.container", f"{path}: cannot be decoded: {error}") from error
    if not blocks:
        raise BenchError("audio.container", f"{path}: its audio track is empty")
    wave = np.rint(np.concatenate(blocks) * _FULL_SCALE)
    return wave.clip(-_FULL_SCALE, _FULL_SCALE - 1).astype(np.int16), rate


def _decode_track(container: Any, track: Any) -> Iterator[NDArray[np.float32]]:
    """Yield the samples in pieces, of full scale 1, one channel."""
    import av

    planes = av.AudioResampler(format="fltp")
    first = True
    for frame in container.decode(track):
        if first and frame.time:
            yield np.zeros(max(0, round(frame.time * frame.sample_rate)), np.float32)
        first = False
        for part in planes.resample(frame):
            yield part.to_ndarray().mean(axis=0, dtype=np.float32)
    if not first:
        for part in planes.resample(None):
            yield part.to_ndarray().mean(axis=0, dtype=np.float32)
