"""Read any corpus whose lists are delimited text, or records, with the columns that its card names.

These are the ASVspoof corpora, In-the-Wild, HAD, and a user's own; where there are no lists, the
columns are parts of the audio's paths.

Layout: what `[protocol]` of the card says (`bench.specs.corpus.Protocol`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from string import Formatter

import numpy as np
import pandas as pd

from bench._io import packed_files
from bench.cards.corpus_cards import check_split
from bench.data import file_search, lines, polarity, protocol_lines, spans
from bench.data.broken_corpus import BrokenCorpus, RequiredFile, missing_lists_error, require_files
from bench.data.lines import Lines
from bench.data.subset import TABLE_COLUMNS, Span, Spans, Subset
from bench.errors import BenchError
from bench.issues import Issues
from bench.specs.corpus import CorpusCard, Protocol
from bench.units import BONAFIDE

RESULTS_VERSION = 1
"""Raised when what this module gives can change (`bench.versions`)."""

_SAMPLED = 64
"""Utterances by which the place of the audio is told."""


def read_split(
    card: CorpusCard,
    root: Path,
    split: str,
    resolution_s: float | None,  # noqa: ARG001  (all readers are called alike)
    keys_only: bool = False,
) -> Subset:
    """Return a split, with its spans where the protocol holds them; `resolution_s` plays no part.

    The table's further columns are those that the card names, as categories (`path` and `utterance`
    are text), and `attack_type` where the card has types. `duration_s` is the column's, else where
    the last span ends, else NaN.
    """
    issues, protocol = Issues(), require_protocol(card)
    split_lines = read_split_lines(card, root, split, issues, keys_only)
    parsed: list[tuple[Span, ...]] = []
    if protocol.spans is not None and protocol.spans.regions is not None:
        regions = protocol.spans.regions
        of_video = protocol.spans.of_video
        split_lines, parsed = spans.parse_regions(
            split_lines, "spans", regions, protocol.find_class if of_video else None, issues
        )
    elif protocol.spans is not None:
        separator = " " if "..." in protocol.forms[0] else protocol.spans.separator
        split_lines, parsed = spans.parse_spans(
            split_lines, "spans", separator, protocol.spans.labels, issues
        )
    table = build_table(card, split_lines, issues)
    timing: Spans | None = None
    if protocol.spans is not None:
        timing = Spans(dict(zip(table["utterance"], parsed, strict=True)))
        ends_s = [labels[-1].end_s for labels in parsed]
        if "duration_s" in split_lines.table:
            spans.check_ends(table, ends_s, issues)
        else:
            table["duration_s"] = np.array(ends_s, dtype=float)
        polarity.check_label_polarity(table, timing, issues)
    table["path"] = (
        _audio_paths(card, root, split, table, issues, keys_only)
        if protocol.file
        else split_lines.table["path"]
    )
    subset = Subset(card.key, split, root, table, timing)
    if issues.errors:
        raise BrokenCorpus(card, split, root, issues, subset)
    return subset


def require_protocol(card: CorpusCard) -> Protocol:
    """Return how the corpus's lists are read; its card was checked for it."""
    if card.protocol is None:
        raise BenchError("corpus.invalid-card", f"{card.key}: the card has no [protocol]")
    return card.protocol


def read_split_lines(
    card: CorpusCard, root: Path, split: str, issues: Issues, keys_only: bool
) -> Lines:
    """Return the split's lines of the protocol, their labels among those the card knows."""
    check_split(card, split)
    protocol, where = require_protocol(card), card.splits[split].where
    paths = _find_lists(card, root, split, keys_only) if protocol.file else []
    split_lines = (
        _read_lists(card, root, paths, issues)
        if paths
        else _walk_folders(card, root, split, issues)
    )
    words = {**protocol.labels, **_label_words(split_lines.table["label"], protocol)}
    split_lines = lines.keep_known(split_lines, "label", words, issues)
    for path in paths[:1] if keys_only and issues.errors else ():
        if protocol_lines.explain_misfit(path, protocol, card.audio):
            what = "this is another form than the corpus's own, which is read if named: --keys"
            issues.add("error", "protocol.other-form", f"{what} {path}")
    in_split = np.ones(len(split_lines), dtype=bool)
    for column, words in where.items():
        levels = split_lines.table[column]
        if column != "utterance":
            levels = _translate_words(levels, protocol, column)
        known = sorted(levels.unique())
        wanted = [level for level in known if any(fnmatchcase(level, word) for word in words)]
        in_split &= levels.isin(wanted).to_numpy()
        if len(split_lines) and not in_split.any():
            there = ", ".join(known[:_SAMPLED])
            what = f"no line has {column} = {' or '.join(words)}; there are: {there}"
            issues.add("error", "protocol.no-lines", what)
    return split_lines.keep_rows(in_split)


def build_table(card: CorpusCard, split_lines: Lines, issues: Issues) -> pd.DataFrame:
    """Return the table of a split's lines, in the order of `TABLE_COLUMNS`; `path` is empty."""
    protocol, raw = require_protocol(card), split_lines.table
    table = pd.DataFrame({"utterance": raw["utterance"], "path": ""})
    table["label"] = _rename_categories(raw["label"], _label_words(raw["label"], protocol))
    for column in ("speaker", "attack"):
        there = column in raw
        empty = _make_categories(np.zeros(len(raw), dtype=np.int32), [""])
        table[column] = _translate_words(raw[column], protocol, column) if there else empty
    table["duration_s"] = _parse_durations(split_lines, issues)
    if card.attack_types:
        types = {a: _attack_type(card, a) for a in table["attack"].cat.categories}
        table["attack_type"] = _rename_categories(table["attack"], types)
    for column in raw.columns.difference([*TABLE_COLUMNS, "spans"], sort=False):
        table[column] = _translate_words(raw[column], protocol, column)
    contradicted = np.flatnonzero((table["label"] == BONAFIDE) & (table["attack"] != "")).tolist()
    ids = [f"{split_lines.name_line(i)}: {table['attack'].iloc[i]}" for i in contradicted]
    issues.add("error", "protocol.contradiction", "bona fide utterance with an attack", ids=ids)
    return table


def _walk_folders(card: CorpusCard, root: Path, split: str, issues: Issues) -> Lines:
    """Return a line for each audio file whose path fits, with it as `path`, in their order.

    Of alternatives the first that any file fits is taken. A column in braces is a folder's or
    file's name, or a part of one, and the same wherever it stands.
    """
    protocol, paths = require_protocol(card), sorted(packed_files.walk_files(root))
    rows: list[dict[str, str]] = []
    for pattern in card.splits[split].audio or protocol.audio:
        form = _match_paths(pattern.replace("{split}", split), card.audio.suffix)
        fitting = filter(None, map(form.fullmatch, paths))
        rows = [{**fit.groupdict(), "path": fit.string} for fit in fitting]
        if rows:
            break
    names = [*protocol.forms[0].split(), "path"]
    table = pd.DataFrame.from_records(rows, columns=names)
    types = {name: "str" if name in ("utterance", "path") else "category" for name in names}
    walked = Lines(root.name, table.astype("str").astype(types), np.arange(1, 1 + len(table)))
    walked = protocol_lines.complete_lines(walked, protocol, card.audio)
    return lines.check_lines(walked, " or ".join(protocol.audio), [], issues)


def _match_paths(pattern: str, suffixes: tuple[str, ...]) -> re.Pattern[str]:
    """Return what fits the paths of a pattern, its columns as groups, the first the shortest."""
    seen: set[str] = set()
    parts: list[str] = []
    for text, column, _, _ in Formatter().parse(pattern):
        parts += [re.escape(part) for part in text.split("**/")[:1]]
        parts += [f"(?:.*/)?{re.escape(part)}" for part in text.split("**/")[1:]]
        if column:
            parts.append(f"(?P={column})" if column in seen else f"(?P<{column}>[^/]+?)")
            seen.add(column)
    whole, ends = "".join(parts), "|".join(map(re.escape, suffixes))
    return re.compile(whole if pattern.endswith(suffixes) else f"{whole}(?:{ends})")


def _read_lists(card: CorpusCard, root: Path, paths: Sequence[Path], issues: Issues) -> Lines:
    """Return the lines of the lists, of which each utterance is in one alone."""
    protocol, audio = require_protocol(card), card.audio
    if len(paths) == 1:
        return protocol_lines.read_protocol(paths[0], protocol, audio, issues)
    each = [
        protocol_lines.read_protocol(
            path, protocol, audio, issues, path.relative_to(root).as_posix()
        )
        for path in paths
    ]
    return lines.check_lines(lines.join_lines(root.name, each), "", [], issues)


def _find_lists(card: CorpusCard, root: Path, split: str, keys_only: bool) -> list[Path]:
    """Return the split's list, or all that fit the first of the patterns that any file fits."""
    protocol = require_protocol(card)
    names = [n.replace("{split}", split) for n in card.splits[split].file or protocol.file]
    several = (sorted(root.glob(name)) for name in names if "*" in name)
    if paths := next(filter(None, several), None):
        return paths
    return [_find_list(card, root, split, names, keys_only)]


def _find_list(
    card: CorpusCard, root: Path, split: str, names: Sequence[str], keys_only: bool
) -> Path:
    protocol = require_protocol(card)
    if keys_only:
        if root.is_file() and (card.reader == "protocol" or root.name in map(_file_name, names)):
            return root
        misfit = partial(protocol_lines.explain_misfit, protocol=protocol, audio=card.audio)
        path = file_search.find_list(card, root.parent if root.is_file() else root, names, misfit)
        if path is None:
            wanted = list(dict.fromkeys(map(_file_name, names)))
            raise missing_lists_error(card, split, root, wanted)
        return path
    path = file_search.find_exact(root, names)
    if path is None:
        archive = card.downloads[0].file if len(card.downloads) == 1 else ""
        require_files(card, split, root, [RequiredFile(names[0], archive)])
    return path or root / names[0]


def _file_name(path: str) -> str:
    return path.rpartition("/")[2]


def _parse_durations(split_lines: Lines, issues: Issues) -> np.ndarray:
    if "duration_s" not in split_lines.table:
        return np.full(len(split_lines), np.nan)
    seconds = pd.to_numeric(split_lines.table["duration_s"], errors="coerce").to_numpy(dtype=float)
    wrong: list[int] = np.flatnonzero(~(np.isfinite(seconds) & (seconds > 0))).tolist()
    texts = split_lines.list_column("duration_s") if wrong else []
    ids = [f"{split_lines.name_line(i)}: {texts[i]!r}" for i in wrong]
    issues.add("error", "protocol.invalid-duration", "no duration in seconds", ids=ids)
    return seconds


# --- words ----------------------------------------------------------------------------------------


def _translate_words(column: pd.Series, protocol: Protocol, name: str) -> pd.Series:
    """Return a column with the table's words for the file's: "" for none, and the card's own."""
    return _rename_categories(column, {protocol.none: "", **protocol.words.get(name, {})})


def _label_words(column: pd.Series, protocol: Protocol) -> dict[str, str]:
    """Return the class of each word of a column that has one."""
    classes = {word: protocol.find_class(word) for word in column.cat.categories.tolist()}
    return {word: given for word, given in classes.items() if given is not None}


def _rename_categories(column: pd.Series, words: Mapping[str, str]) -> pd.Series:
    """Return a column with the categories that occur, renamed and sorted; two may become one."""
    codes: np.ndarray = column.cat.codes.to_numpy()
    old = [words.get(word, word) for word in column.cat.categories.tolist()]
    used: list[int] = np.flatnonzero(np.bincount(codes, minlength=len(old))).tolist()
    new = sorted({old[code] for code in used})
    index = {word: code for code, word in enumerate(new)}
    recoded = np.array([index.get(word, -1) for word in old], dtype=np.int32)
    return _make_categories(recoded[codes], new)


def _make_categories(codes: np.ndarray, words: list[str]) -> pd.Series:
    kind = pd.CategoricalDtype(pd.Series(words, dtype="str"))
    return pd.Series(pd.Categorical.from_codes(codes, dtype=kind))


def _attack_type(card: CorpusCard, attack: str) -> str:
    fitting = (kind for name, kind in card.attack_types.items() if fnmatchcase(attack, name))
    return next(fitting, "") if attack else ""


# --- audio ----------------------------------------------------------------------------------------


def _audio_paths(
    card: CorpusCard, root: Path, split: str, table: pd.DataFrame, issues: Issues, keys_only: bool
) -> pd.Series:
    """Return where each utterance's audio is below `root`, or would be were it there."""
    patterns = [
        pattern.replace("{split}", split)
        for pattern in card.splits[split].audio or require_protocol(card).audio
    ]
    if keys_only or not len(table):
        return protocol_lines.fill_braces(patterns[0].replace("**/", ""), table)
    sample = table.iloc[:: -(-len(table) // _SAMPLED)]
    best, there = [""], -1
    for pattern in patterns:
        # Ids lose the audio's suffix: `{utterance}` is the file where they are written with it.
        ends = ("", *card.audio.suffix) if pattern.endswith("}") else ("",)
        forms = [pattern + end for end in ends]
        if "**/" in pattern:
            return _search_audio(root, pattern, table, card.audio.suffix, issues)
        paths = [protocol_lines.fill_braces(form, sample) for form in forms]
        present = [sum(packed_files.is_file(root / path) for path in each) for each in paths]
        if sum(present) > there:
            best, there = forms, sum(present)
            if len(card.audio.suffix) == 1:  # then all files are named alike
                best = [forms[present.index(max(present))]]
    if not there:
        names = " or ".join(patterns)
        issues.add("error", "corpus.audio-missing", f"no audio at {names}: {card.place}")
    return _choose_files(root, [protocol_lines.fill_braces(form, table) for form in best])


def _choose_files(root: Path, forms: Sequence[pd.Series]) -> pd.Series:
    """Return the first of each row's paths that is there; where none is, the last one."""
    *others, chosen = forms
    if not others:
        return chosen
    folders = {path.rpartition("/")[0] for form in forms for path in form}
    present = {
        f"{folder}/{name}" if folder else name
        for folder in folders
        for name in packed_files.list_folder(root / folder)
    }
    for form in reversed(others):
        chosen = form.where(form.isin(present), chosen)
    return chosen


def _search_audio(
    root: Path, pattern: str, table: pd.DataFrame, suffixes: tuple[str, ...], issues: Issues
) -> pd.Series:
    """Return the paths of files that are at any depth below what stands before `**`."""
    folder, _, rest = pattern.partition("**/")
    ends = suffixes if rest.endswith("}") else ("",)
    folder = folder.rstrip("/")
    paths_by_name: dict[str, list[str]] = {}
    before = f"{folder}/" if folder else ""
    for path in packed_files.walk_files(root / folder):
        if path.endswith(suffixes):
            paths_by_name.setdefault(path.rpartition("/")[2], []).append(before + path)
    if not paths_by_name:
        what = f"no audio below {folder}: is an archive within it still packed?"
        issues.add("error", "corpus.audio-missing", what)
    paths: list[str] = []
    several: list[str] = []
    for stem in protocol_lines.fill_braces(rest, table).tolist():
        names = [stem + end for end in ends]
        name = next(filter(paths_by_name.__contains__, names), names[0])
        files = sorted(paths_by_name.get(name, [before + name]))
        paths.append(files[0])
        if len(files) > 1:
            several.append(f"{name}: {' and '.join(files)}")
    issues.add("error", "corpus.audio-ambiguous", "utterance with several audio files", ids=several)
    return pd.Series(paths, index=table.index, dtype="str")
