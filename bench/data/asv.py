"""Read what min t-DCF needs besides the scores of a detector.

This is the organisers' speaker verification scores (ASVspoof 2019, PartialSpoof), or the
coefficients that were computed from them (2021 LA).
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from bench._io import text_files
from bench._io.delimited_text import name_line, number_lines, parse_finite
from bench.data.pickles import read_nested_numbers
from bench.errors import BenchError, near_name, quote_text
from bench.metrics.tally import Floats
from bench.metrics.tdcf import Coefficients

KINDS = ("target", "nontarget", "spoof")


class AsvScores(NamedTuple):
    """Scores of a speaker verification system; higher means more likely the claimed speaker."""

    target: Floats
    nontarget: Floats
    spoof: Floats
    attack: NDArray[np.str_]
    """The attack of each spoof trial."""

    def select_attack(self, attack: str) -> AsvScores:
        """Return the scores with the spoof trials of one attack only.

        BenchError where there are none of this attack.
        """
        chosen = self.attack == attack
        if not chosen.any():
            raise BenchError(
                "corpus.asv-attack-unknown",
                f"the speaker verification scores have no attack {attack!r}"
                f"{near_name(attack, np.unique(self.attack).tolist())}",
            )
        return self._replace(spoof=self.spoof[chosen], attack=self.attack[chosen])


def read_asv_scores(path: Path) -> AsvScores:
    """Return the scores of an ASV score file in ASVspoof 2019's form, `SOURCE KIND SCORE`.

    SOURCE is `bonafide` or the attack, KIND one of `KINDS`; there are no ids. The file may be
    gzipped. A malformed line, a score that is not finite and a kind without trials are a
    BenchError.
    """
    scores: dict[str, list[float]] = {kind: [] for kind in KINDS}
    attacks: list[str] = []
    for number, line in number_lines(text_files.read_bytes(path)):
        fields = line.split()
        score = parse_finite(fields[2]) if len(fields) == 3 and fields[1] in scores else None
        if score is None:
            raise BenchError(
                "corpus.asv-scores",
                f"{name_line(path, number, line)} should be `bonafide|ATTACK {'|'.join(KINDS)} "
                "SCORE`, as in ASVspoof2019.LA.asv.eval.gi.trl.scores.txt",
            )
        scores[fields[1]].append(score)
        if fields[1] == "spoof":
            attacks.append(fields[0])
    for kind, values in scores.items():
        if not values:
            raise BenchError(
                "corpus.asv-scores",
                f"{path}: there is no {kind} trial, and a t-DCF needs all three kinds",
            )
    target, nontarget, spoof = (np.array(values) for values in scores.values())
    return AsvScores(target, nontarget, spoof, np.array(attacks))


def read_tdcf_coefficients(path: Path) -> dict[tuple[str, str], Coefficients | None]:
    """Return the coefficients of ASVspoof 2021 LA by attack and codec, from an `LA-C012-*.npy`.

    `Pooled` (`bench.metrics.breakdown.POOLED`) stands for all attacks or codecs. None where the
    organisers have NaN: there are no such trials (ulaw, gsm and opus in the progress subset), and
    the t-DCF is not defined. Anything else than such a table is a BenchError, and no code of the
    file is run.
    """
    by_condition: dict[tuple[str, str], Coefficients | None] = {}
    for attack, row in read_nested_numbers(path).items():
        for codec, entry in _require_entries(path, f"{attack!r}", row).items():
            where = f"{attack!r}, {codec!r}"
            values = _require_entries(path, where, entry)
            numbers = [values.get(name) for name in ("C0", "C1", "C2")]
            if len(values) != 3 or not all(type(number) is float for number in numbers):
                raise BenchError(
                    "corpus.tdcf-coefficients",
                    f"{path}: {where}: should be the three numbers C0, C1 and C2",
                )
            coefficients = Coefficients(*cast(list[float], numbers))
            absent = [math.isnan(number) for number in coefficients]
            if any(absent) and not all(absent):
                raise BenchError(
                    "corpus.tdcf-coefficients",
                    f"{path}: {where}: some of {coefficients} are NaN, not all",
                )
            by_condition[str(attack), str(codec)] = None if all(absent) else coefficients
    if not by_condition:
        raise BenchError("corpus.tdcf-coefficients", f"{path}: holds no coefficients")
    return by_condition


def _require_entries(path: Path, where: str, entry: object) -> dict[object, object]:
    if not isinstance(entry, dict):
        raise BenchError(
            "corpus.tdcf-coefficients",
            f"{path}: {where}: {quote_text(str(entry))} should be a dictionary: of C0, C1 and C2, "
            "by codec, by attack, as LA-C012-eval.npy has it",
        )
    return cast(dict[object, object], entry)
