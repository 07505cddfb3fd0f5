"""What a column holds by its name, read word by word: `p_fake`, `fakeProb` and `prob fake` are one.

A name never says more than its words do: columns without a known word are told by what they hold.
"""

from __future__ import annotations

import re
from typing import Literal

Kind = Literal[
    "utterance", "row", "start", "end", "time", "score", "label", "prediction", "other", ""
]
"""`row`: row numbers, as pandas' index; `time`: a time or a duration, not known of what; `label`:
the truth, or what may be a prediction (see `is_truth`); `prediction`: a decided class; `other`:
what is known to be none of these; "": unknown."""

Side = Literal["bonafide", "spoof", "class", ""]
"""For which class numbers of that name are higher; `class`: for a class that is only numbered."""

UTTERANCE = (
    *("utterance", "utterance_id", "utt", "utt_id", "uttid", "filename", "file_name", "file"),
    *("file_id", "fileid", "audio", "audio_file", "wav", "path", "file_path", "filepath"),
    *("audio_path", "id", "name", "trial", "trial_id"),
)
"""Names of columns of ids, as `plain` writes them, the surest first."""

_ROW = ("", "index", "idx", "row", "row_id", "row_number", "level_0", "__index_level_0__", "no")
_START = ("start", "start_s", "start_time", "begin", "onset", "frame", "frame_index", "frame_id")
_END = ("end", "end_s", "end_time", "stop")
_TIME = ("time", "time_s", "timestamp", "t")
_WHOLE: dict[Kind, tuple[str, ...]] = {
    "utterance": UTTERANCE,
    "row": _ROW,
    "start": _START,
    "end": _END,
    "time": _TIME,
}
_SCORE = {"score", "scores", "llr"}
_BESIDE_SCORE = {"cm"}
_BONAFIDE = {"bonafide", "bona", "genuine", "real", "human", "authentic"}
_SPOOF = {
    *("spoof", "spoofed", "spoofing", "spoofness", "fake", "faked", "fakeness", "fakes"),
    *("deepfake", "deepfakes", "synthetic", "synth", "generated", "artificial", "ai", "cloned"),
    *("attack", "attacked", "forged", "forgery", "manipulated", "manipulation", "tampered"),
    *("altered", "impostor", "fraud", "machine", "bot", "tts", "vc", "synthesized", "synthesised"),
}
_NOT = {"non", "not", "no"}
_LESS = {"vs", "versus", "minus", "less", "over"}
_MEASURE = {
    *_SCORE,
    *("prob", "probs", "probability", "probabilities", "p", "logit", "logits", "likelihood"),
    *("confidence", "conf", "softmax", "sigmoid", "logprob"),
}
_OUTPUT = {"out", "output", "outputs"}
_PREDICTION = {
    *("pred", "preds", "predicted", "prediction", "predictions", "decision", "decisions"),
    *("decided", "verdict", "hyp", "hypothesis", "guess", "detected", "estimate", "estimated"),
}
_TRUTH = {
    *("key", "keys", "target", "targets", "truth", "groundtruth", "gt", "true", "actual"),
    *("reference", "ref"),
}
_LABEL = {*_TRUTH, "label", "labels", "lab", "lbl", "class", "classes", "category", "answer", "y"}
_OTHER = {
    *("duration", "durations", "dur", "length", "len", "rtf", "latency", "elapsed", "runtime"),
    *("seconds", "speaker", "spk", "attack", "system", "codec", "gender", "sex", "age", "language"),
    *("lang", "epoch", "step", "seed", "fold", "batch", "split", "subset", "snr", "rate"),
    *("samples", "frames", "bitrate", "quality", "vocoder", "channel", "environment"),
}


def normalize_name(name: str) -> str:
    """Return a name in small letters, joined by `_`."""
    return name.strip().lower().replace("-", "_").replace(" ", "_")


def split_words(name: str) -> list[str]:
    """Return the words and numbers of a name, in small letters.

    >>> split_words("fakeProb"), split_words("CM-Score_1"), split_words("bona fide")
    (['fake', 'prob'], ['cm', 'score', '1'], ['bona', 'fide'])
    """
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    parts = re.findall(r"[a-z]+|\d+", apart.lower())
    return [part for word in parts for part in _split_word(word)]


def _split_word(word: str) -> list[str]:
    """Return the two known words that a word is run together from, else the word.

    >>> _split_word("fakeprob"), _split_word("isreal"), _split_word("partial")
    (['fake', 'prob'], ['is', 'real'], ['partial'])
    """
    classes = _BONAFIDE | _SPOOF
    if word in classes:
        return [word]
    beside = {*_MEASURE, *_OUTPUT, *_PREDICTION, *_NOT, *_BESIDE_SCORE, "is", "label"}
    for at in range(2, len(word) - 1):
        first, second = word[:at], word[at:]
        pair = {first, second}
        if pair & classes and (pair & beside or len(pair & classes) == 2):
            return [first, second]
    return [word]


def column_kind(name: str) -> Kind:
    """Return what a column of this name holds.

    >>> *map(column_kind, ("Utt ID", "predicted_label", "y_true", "attack", "p_fake")),
    ('utterance', 'prediction', 'label', 'other', '')
    """
    whole, parts = normalize_name(name), set(split_words(name))
    for what, names in _WHOLE.items():
        if whole in names:
            return what
    if whole.startswith("unnamed:"):
        return "row"
    is_score = bool(parts & _SCORE) and parts <= {*_SCORE, *_BESIDE_SCORE}
    if is_score or whole in ("cmscore", "cmscores"):
        return "score"
    if parts & _OUTPUT and parts & _LABEL:
        return "prediction"
    if parts & {*_MEASURE, *_OUTPUT}:
        return ""
    if parts & _PREDICTION:
        return "prediction"
    if parts & _LABEL and not parts & {"0", "1"}:
        return "label"
    if "time" in parts or parts & _OTHER:
        return "other"
    return ""


def is_truth(name: str) -> bool:
    """Whether a label of this name is the truth and cannot be a prediction."""
    return bool(set(split_words(name)) & _TRUTH)


def _find_classes(parts: list[str]) -> tuple[bool, bool]:
    """Return whether words name bona fide, and spoof; `not real` is spoof, `anti spoof` neither."""
    meant = [False, False]
    for before, word in zip(["", *parts], parts, strict=False):
        if before != "anti" and word in _BONAFIDE | _SPOOF:
            meant[(word in _SPOOF) != (before in _NOT)] = True
    return meant[0], meant[1]


def column_side(name: str) -> Side:
    """Return the class for which numbers of this name are higher, "" where it does not say.

    Of a difference (`real vs fake`) it is the first one's.

    >>> *map(column_side, ("prob_fake", "score_real", "prob_1", "cm-score", "anti-spoof")),
    ('spoof', 'bonafide', 'class', '', '')
    """
    parts = split_words(name)
    if column_kind(name) in ("label", "other"):
        return ""
    between = next((at for at, word in enumerate(parts) if word in _LESS), len(parts))
    of_class = _find_classes(parts[:between])
    if between < len(parts) and of_class == (False, False):
        return ""
    if of_class == (True, False):
        return "bonafide"
    if of_class == (False, True):
        return "spoof"
    measures = {*_MEASURE, *_OUTPUT, *_PREDICTION, "class", "y"}
    numbered = len(parts) > 1 and parts[-1] in ("0", "1") and parts[-2] in measures
    if of_class == (False, False) and (
        numbered or re.search(r"class_?[01](?!\d)", normalize_name(name))
    ):
        return "class"
    return ""
