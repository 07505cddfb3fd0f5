"""Random changes of a file's bytes."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

TOKENS = (
    *(b"nan", b"inf", b"-inf", b"-1", b"0", b"1e309", b"-0.0", b"99999999999999999999", b"1_000"),
    *(b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b"\n", b"\r\n", b"\t", b'"', b"'", b",", b";"),
    *(b"../", b"/etc/passwd", b"%s%n", b"=1+1", b"<script>", b"\x1b[2J", b"{", b"}", b"[", b"]"),
    *("ä".encode(), "\u202e".encode(), b"\xc3", b" ", b"  ", b"#", b"\\", b"$HOME", b"~"),
)
"""Texts on which readers fail."""
_NUMBER = re.compile(rb"-?\d+(\.\d+)?")
Draw = random.Random


def mutate(content: bytes, seeds: Sequence[bytes], draw: Draw) -> bytes:
    """Return content with one to eight changes; `seeds` are other files, to mix it with."""
    for _ in range(draw.choice((1, 1, 1, 2, 3, 8))):
        content = draw.choice(CHANGES)(content, seeds, draw)
    return content


def _place(content: bytes, draw: Draw) -> int:
    return draw.randrange(len(content) + 1)


def _flip_bit(content: bytes, _: Sequence[bytes], draw: Draw) -> bytes:
    if not content:
        return content
    changed, place = bytearray(content), draw.randrange(len(content))
    changed[place] ^= 1 << draw.randrange(8)
    return bytes(changed)


def _set_bytes(content: bytes, _: Sequence[bytes], draw: Draw) -> bytes:
    place, count = _place(content, draw), draw.choice((1, 2, 4, 8))
    value = draw.choice((b"\0", b"\xff", b"\x7f", b"\x80"))
    return content[:place] + value * count + content[place + count :]


def _cut_end(content: bytes, _: Sequence[bytes], draw: Draw) -> bytes:
    return content[: _place(content, draw)]


def _remove_part(content: bytes, _: Sequence[bytes], draw: Draw) -> bytes:
    place = _place(content, draw)
    return content[:place] + content[place + draw.choice((1, 4, 64, 1024)) :]


def _repeat_part(content: bytes, _: Sequence[bytes], draw: Draw) -> bytes:
    place, size = _place(content, draw), draw.choice((1, 8, 64, 1024))
    return (
        content[:place] + content[place : place + size] * draw.choice((2, 3, 50)) + content[place:]
    )


def _put_token(content: bytes, _: Sequence[bytes], draw: Draw) -> bytes:
    place = _place(content, draw)
    return content[:place] + draw.choice(TOKENS) + content[place:]


def _replace_number(content: bytes, _: Sequence[bytes], draw: Draw) -> bytes:
    numbers = list(_NUMBER.finditer(content[:100_000]))
    if not numbers:
        return content
    number = draw.choice(numbers)
    return content[: number.start()] + draw.choice(TOKENS[:9]) + content[number.end() :]


def _swap_lines(content: bytes, _: Sequence[bytes], draw: Draw) -> bytes:
    lines = content.splitlines(keepends=True)
    if len(lines) < 2:
        return content
    one, other = draw.randrange(len(lines)), draw.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return b"".join(lines)


def _mix(content: bytes, seeds: Sequence[bytes], draw: Draw) -> bytes:
    other = draw.choice(seeds)
    return content[: _place(content, draw)] + other[_place(other, draw) :]


CHANGES: Sequence[Callable[[bytes, Sequence[bytes], Draw], bytes]] = (
    *(_flip_bit, _set_bytes, _cut_end, _remove_part, _repeat_part),
    *(_put_token, _replace_number, _swap_lines, _mix),
)
