"""Scores as JSON or JSON lines, in the forms that people write (`read_json`)."""

# Values of JSON have no types.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from bench._io.text_files import read_pieces
from bench.errors import BenchError, name_source, quote_text
from bench.evaluation.tables import ColumnTable, is_known_name, to_column

LARGEST = 1 << 30
"""Bytes of JSON that are read: it has to be held in memory whole, several times over."""

_FORMS = (
    'as {"ID": SCORE, ...}, {"ID": {"score": SCORE}}, [{"file": "ID", "score": SCORE}, ...] or '
    '{"ids": [...], "scores": [...]}'
)
_AROUND = 20
_KEYS = ("utterance", "id", "key of the object")

Object = dict[str, Any]
Vectors = dict[str, NDArray[Any]]


def read_json(path: Path) -> ColumnTable | Vectors:
    """Return the columns of a JSON file, or the frames' scores by utterance.

    Understood are an object of scores by id; an object of objects by id, or as pandas writes a
    table by columns; a list of objects, or an object a line (JSON lines); a list of lists; parallel
    lists (`ids`, `scores`); lists of `{"label": ..., "score": ...}`, as classifiers of Hugging Face
    answer, where each label becomes a column; any of these as the one member of an object that is
    no single value. `NaN` and `Infinity` are numbers, and numbers may be texts.

    BenchError, with line and column, for what is no JSON, and for names that come twice.
    """
    pieces: list[bytes] = []
    size = 0
    for piece in read_pieces(path):
        pieces.append(piece)
        size += len(piece)
        if size > LARGEST:
            raise BenchError(
                "scores.too-large",
                f"{path}: is JSON of more than {LARGEST:,} bytes; write it as text",
            )
    try:
        text = b"".join(pieces).decode()
    except UnicodeDecodeError as error:
        raise BenchError("scores.not-utf8", f"{path}: is no text in UTF-8: {error}") from error
    value = _parse_text(path, text)
    with name_source(path):
        return _convert_value(value, "JSON")


# --- text to values -------------------------------------------------------------------------------


def _parse_text(path: Path, text: str) -> Any:
    """Return the value of a text, or the list of the values of its lines."""
    try:
        return _parse_value(path, text)
    except json.JSONDecodeError as error:
        if error.msg != "Extra data":
            raise _no_json(path, text, error, 0) from error
    values: list[Any] = []
    for number, line in enumerate(text.split("\n")):
        try:
            if line.strip():
                values.append(_parse_value(path, line))
        except json.JSONDecodeError as error:
            raise _no_json(path, line, error, number) from error
    return values


def _parse_value(path: Path, text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_check_object)
    except json.JSONDecodeError:
        raise
    except RecursionError as error:
        raise BenchError(
            "scores.malformed", f"{path}: is JSON, but nested too deep for a score file"
        ) from error
    except (BenchError, ValueError) as error:  # a number of thousands of digits
        raise BenchError("scores.malformed", f"{path}: {error}") from error


def _check_object(pairs: list[tuple[str, Any]]) -> Object:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        again = next(name for name in members if names.count(name) > 1)
        raise BenchError(
            "scores.malformed",
            f"{quote_text(again)} comes twice in one object, and only one would be read",
        )
    return members


def _no_json(path: Path, text: str, error: json.JSONDecodeError, before: int) -> BenchError:
    at = quote_text(text[max(error.pos - _AROUND, 0) : error.pos + _AROUND])
    python = text[error.pos : error.pos + 1] == "'"
    hint = "; it looks like Python's own print of a dictionary: write it by json.dump"
    return BenchError(
        "scores.malformed",
        f"{path}:{before + error.lineno}:{error.colno}: begins as JSON but is none: {error.msg} "
        f"at {at}{hint if python else ''}",
    )


# --- values to columns ----------------------------------------------------------------------------


def _convert_value(value: Any, what: str, outer: bool = True) -> ColumnTable | Vectors:
    if isinstance(value, list):
        return _convert_list(cast(list[Any], value), what)
    if not isinstance(value, dict):
        raise BenchError(
            "scores.malformed", f"is JSON of a single value; scores should be {_FORMS}"
        )
    return _convert_object(cast(Object, value), what, outer)


def _convert_list(values: list[Any], what: str) -> ColumnTable:
    if not values:
        raise BenchError(
            "scores.empty", "holds an empty list; a score file has an entry an utterance"
        )
    if all(map(_is_object, values)):
        pairs = {name: record for value in values for name, record in cast(Object, value).items()}
        if len(pairs) == len(values) > 1 and not any(map(is_known_name, pairs)):
            return _convert_records(
                [{"score": record} for record in pairs.values()], f"{what}, id by id,", pairs
            )
        return _convert_records(values, f"{what}, a list of objects,")
    if all(map(_is_labels, values)):
        return _convert_records(list(map(_by_label, values)), f"{what}, scores by label,")
    if all(map(_is_single, values)):
        return ColumnTable(f"{what}, a list of numbers,", None, [to_column(values)])
    if all(isinstance(value, list) for value in values):
        lengths = [len(value) for value in values]
        odd = next((i for i, length in enumerate(lengths) if length != lengths[0]), None)
        if odd is not None:
            raise BenchError(
                "scores.unequal-lengths",
                f"entry {odd + 1} has {lengths[odd]} values, entry 1 has {lengths[0]}",
            )
        columns = [to_column(list(cells)) for cells in zip(*values, strict=True)]
        return ColumnTable(f"{what}, a list of lists,", None, columns)
    raise BenchError(
        "scores.malformed", f"holds a list of values of several kinds; scores should be {_FORMS}"
    )


def _convert_object(members: Object, what: str, outer: bool) -> ColumnTable | Vectors:
    if not members:
        raise BenchError("scores.empty", f"holds an empty object; scores should be {_FORMS}")
    values = list(members.values())
    numbered = _is_counted(members)
    if all(map(_is_single, values)) and not all(map(is_known_name, members)):
        columns = [to_column(list(members)), to_column(values)]
        return ColumnTable(f"{what}, scores by id,", [_key_name(members, ()), "score"], columns)
    if all(map(_is_labels, values)):
        return _convert_records(list(map(_by_label, values)), f"{what}, scores by label,", members)
    if all(map(_is_object, values)) and (len(values) > 1 or not outer):
        if not numbered and all(map(_is_counted, values)) and _are_alike(values):
            columns = [to_column(list(value.values())) for value in values]
            return ColumnTable(f"{what}, by columns,", list(members), columns)
        return _convert_records(values, f"{what}, objects by id,", members)
    data = members.get("data")
    if "columns" in members and isinstance(data, list):  # pandas' "split"
        table = _convert_list(data, what)
        names = [str(name) for name in members["columns"]]
        return table._replace(names=names if len(names) == len(table.columns) else None)
    lists = {name: items for name, items in members.items() if isinstance(items, list)}
    listed = [name for name, items in lists.items() if items and all(map(_is_object, items))]
    if outer and len(listed) == 1:
        member = f"{what}, its member {quote_text(listed[0], 40)}"
        return _convert_value(lists[listed[0]], member, False)
    has_names = any(map(is_known_name, members))
    if len(lists) == len(members) and not has_names and not _has_words(lists):
        return _by_utterance(lists, what)
    parallel = {name: items for name, items in lists.items() if items and all(map(_is_cell, items))}
    if parallel and (len(lists) > 1 or all(map(_is_single, next(iter(lists.values()))))):
        return _convert_parallel(parallel, what)
    inner = {name: item for name, item in members.items() if isinstance(item, (list, dict))}
    ((name, value), *more) = inner.items() if inner else (("", ()),)
    if outer and not more and len(value) > len(members) - len(inner):  # else these may be scores
        return _convert_value(value, f"{what}, its member {quote_text(name, 40)}", False)
    raise BenchError("scores.malformed", f"is JSON of another form; scores should be {_FORMS}")


def _convert_records(
    records: Sequence[Object], what: str, keys: Mapping[str, Any] | None = None
) -> ColumnTable:
    """Return the members of objects as columns, and before them the `keys` they are under."""
    flat = [_flatten_record(record) for record in records]
    names = list(dict.fromkeys(name for record in flat for name in record))
    columns = [to_column([record.get(name) for record in flat]) for name in names]
    if keys is None:
        return ColumnTable(what, names, columns)
    return ColumnTable(what, [_key_name(keys, names), *names], [to_column(list(keys)), *columns])


def _flatten_record(record: Object) -> Object:
    """Return an object whose members are single values.

    Members of an object within it become its own; those of a list are numbered.
    """
    if all(map(_is_single, record.values())):
        return record
    flat: Object = {}
    for name, value in record.items():
        if _is_labels(value):
            value = _by_label(value)
        if isinstance(value, dict):
            inner = {str(key): item for key, item in cast(Object, value).items()}
        elif isinstance(value, list):
            many = cast(list[Any], value)
            inner = {
                f"{name}[{i}]" if len(many) > 1 else name: item for i, item in enumerate(many, 1)
            }
        else:
            inner = {name: value}
        for key, item in inner.items():
            flat[f"{name}.{key}" if key in flat else key] = item if _is_single(item) else str(item)
    return flat


def _convert_parallel(lists: dict[str, list[Any]], what: str) -> ColumnTable:
    lengths = {name: len(values) for name, values in lists.items()}
    if len(set(lengths.values())) > 1:
        lengths_text = ", ".join(f"{name!r} has {count:,}" for name, count in lengths.items())
        raise BenchError(
            "scores.unequal-lengths",
            f"lists of ids and scores should be equally long: {lengths_text}",
        )
    return _convert_records(
        [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)],
        f"{what}, parallel lists,",
    )


def _by_utterance(lists: dict[str, list[Any]], what: str) -> ColumnTable | Vectors:
    """Return one or two numbers an utterance as columns, more as the scores of its frames."""
    lengths = {len(values) for values in lists.values()}
    if len(lengths) == 1 and lengths <= {1, 2}:
        records = [{"score": values} for values in lists.values()]
        return _convert_records(records, f"{what}, scores by id,", lists)
    vectors: Vectors = {}
    for name, values in lists.items():
        try:
            vectors[name] = np.array(values, dtype=np.float64)
        except (TypeError, ValueError, OverflowError) as error:
            raise BenchError(
                "scores.malformed", f"{name!r}: is no list of numbers: {error}"
            ) from error
    return vectors


def _key_name(keys: Mapping[str, Any], taken: Sequence[str]) -> str:
    """Return the name of the column of an object's own names: ids, unless they number the rows."""
    candidates = ("index", *_KEYS) if _is_counted(keys) else _KEYS
    return next(name for name in candidates if name not in taken)


def _by_label(answers: list[Object]) -> Object:
    return {str(answer["label"]): answer["score"] for answer in answers}


def _is_labels(value: Any) -> bool:
    items = cast(list[Any], value) if isinstance(value, list) else []
    return bool(items) and all(
        _is_object(item) and {"label", "score"} == item.keys() for item in items
    )


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_single(value: Any) -> bool:
    return value is None or isinstance(value, (str, int, float))


def _is_cell(value: Any) -> bool:
    """Whether a value may stand in a column: a single one, or a few numbers."""
    return _is_single(value) or (isinstance(value, list) and all(map(_is_single, value)))


def _is_counted(keys: Mapping[str, Any]) -> bool:
    return all(name == str(i) for i, name in enumerate(keys))


def _are_alike(values: Sequence[Object]) -> bool:
    return len({tuple(value) for value in values}) == 1


def _has_words(lists: Mapping[str, Sequence[Any]]) -> bool:
    return any(
        isinstance(value, str) and not _is_number(value)
        for values in lists.values()
        for value in values
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
