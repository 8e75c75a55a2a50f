"""Ways to damage a file: of any bytes, of lines of text, and of the values in a structure."""

import copy
import csv
import io
import json
import math
import re
import struct
from collections.abc import Callable
from random import Random
from typing import Any

Mutator = Callable[[bytes, Random], bytes]

NUMBERS = (
    *("0", "-1", "-0.0", "1e-400", "1e400", "nan", "inf", "-inf", "0x10", "1_000", "1,5", "٣", "²"),
    *("007", "2147483648", "3000000000", "9223372036854775808", "9" * 310, "9" * 5000, "1e308", ""),
)
"""What may stand where a number is expected."""

SIGNS = (
    *("\u200e", "\u202e", "\ufeff", "\ufffe", "\x00", "\x85", "\u2028", "\u0301", "\U0001f600"),
    *("\r", "\\", '"', "'", ",", ";", "\t", "\n", "\n\n", "<", ">", "{", "%", "-->", "___"),
    "&#55296;",
)
"""Signs that have a meaning somewhere, or that nobody sees."""

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 2**31, 2**63, 10**400, 0.5, -0.0, 1e308, math.nan, math.inf),
    *("", " ", "nan", "null", "x" * 131_073, "\x00", "\u202e", "../../etc", "a\nb", "9" * 5000),
    *([], {}, [[]], [None], {"": 0}, {"a": {"b": {"c": []}}}, list(range(300))),
)
"""What may stand where a value of JSON or YAML is expected."""

_FIELDS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1)


def damage(data: bytes, random: Random) -> bytes:
    """Do to bytes what disks, networks and interrupted programs do, once or a few times."""
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        data = random.choice(_DAMAGES)(data, random)
    return data


def _span(data: bytes, random: Random) -> tuple[int, int]:
    """Choose a piece; beginnings, where headers lie, more often than the rest."""
    first = int(len(data) * random.random() ** random.choice((1, 3)))
    return first, min(len(data), first + 1 + int(len(data) * random.random() ** 4))


def _flip(data: bytes, random: Random) -> bytes:
    first, _ = _span(data, random)
    flipped = bytes(byte ^ 1 << random.randrange(8) for byte in data[first : first + 1])
    return data[:first] + flipped + data[first + 1 :]


def _byte(data: bytes, random: Random) -> bytes:
    first, _ = _span(data, random)
    return data[:first] + bytes([random.randrange(256)]) + data[first + 1 :]


def _field(data: bytes, random: Random) -> bytes:
    """Put a number at the edge of its range in the place of a number of a header."""
    first, _ = _span(data, random)
    form = random.choice(("<I", ">I", "<H", ">H", "<Q", ">Q", "B"))
    number = random.choice(_FIELDS) & (256 ** struct.calcsize(form) - 1)
    return data[:first] + struct.pack(form, number) + data[first + struct.calcsize(form) :]


def _truncate(data: bytes, random: Random) -> bytes:
    return data[: _span(data, random)[random.randrange(2)]]


def _cut(data: bytes, random: Random) -> bytes:
    first, last = _span(data, random)
    return data[:first] + data[last:]


def _repeat(data: bytes, random: Random) -> bytes:
    first, last = _span(data, random)
    return data[:last] + data[first:last] * random.choice((1, 1, 2, 20)) + data[last:]


def _fill(data: bytes, random: Random) -> bytes:
    first, last = _span(data, random)
    fill = random.choice((b"\x00", b"\xff", b"A"))
    return data[:first] + fill * (last - first) + data[last:]


def _noise(data: bytes, random: Random) -> bytes:
    first, last = _span(data, random)
    return data[:first] + random.randbytes(last - first) + data[last:]


def _move(data: bytes, random: Random) -> bytes:
    first, last = _span(data, random)
    rest, piece = data[:first] + data[last:], data[first:last]
    to = random.randrange(len(rest) + 1)
    return rest[:to] + piece + rest[to:]


_DAMAGES = (
    *(_flip, _flip, _byte, _byte, _field, _field),
    *(_truncate, _cut, _repeat, _fill, _noise, _move),
)


def edit_text(data: bytes, random: Random) -> bytes:
    """Edit numbers, signs and lines of a text."""
    text = data.decode("utf-8", "surrogateescape")
    for _ in range(random.choice((1, 1, 2, 5))):
        text = random.choice((_number, _number, _sign, _sign, _lines, _long))(text, random)
    coding = random.choice(("utf-8",) * 8 + ("utf-8-sig", "utf-16", "cp1252"))
    return text.encode(coding, "surrogateescape" if coding == "utf-8" else "replace")


def _number(text: str, random: Random) -> str:
    found = list(re.finditer(r"\d+", text))
    if not found:
        return text
    at = random.choice(found)
    return text[: at.start()] + random.choice(NUMBERS) + text[at.end() :]


def _sign(text: str, random: Random) -> str:
    first = random.randrange(len(text) + 1)
    return text[:first] + random.choice(SIGNS) + text[first + random.randrange(2) :]


def _lines(text: str, random: Random) -> str:
    """Lose a line, tell it twice, move it, or empty it."""
    lines = text.split("\n")
    at = random.randrange(len(lines))
    line = lines.pop(at)
    put = random.choice(([], [line, line], [""], [line[: len(line) // 2]], [line * 40]))
    at = random.choice((at, random.randrange(len(lines) + 1)))
    lines[at:at] = put
    return random.choice(("\n", "\n", "\r\n", "\r")).join(lines)


def _long(text: str, random: Random) -> str:
    first = random.randrange(len(text) + 1)
    long = random.choice('x9([{ "') * random.choice((300, 5000, 131_073))
    return text[:first] + long + text[first:]


def edit_csv(data: bytes, random: Random) -> bytes:
    """Edit the cells, rows and columns of a table."""
    rows = list(csv.reader(io.StringIO(data.decode("utf-8", "replace"), newline="")))
    if not rows or not rows[0]:
        return edit_text(data, random)
    row = random.choice(rows)
    at = random.randrange(len(row) or 1)
    action = random.randrange(6)
    if action == 0:
        row[at : at + 1] = [random.choice(NUMBERS)]
    elif action == 1:
        row[at : at + 1] = [random.choice(SIGNS) + random.choice(("", *row)) + random.choice(SIGNS)]
    elif action == 2:
        row[at : at + 1] = random.choice(([], ["", ""], [""], ["x" * 131_073]))
    elif action == 3:
        rows.insert(random.randrange(len(rows)), random.choice(([], row, [""] * 30, row[::-1])))
    elif action == 4:
        for each in rows:
            each[at : at + 1] = []
    else:
        rows[0][at % len(rows[0])] = random.choice(rows[0])
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator=random.choice(("\n", "\r\n"))).writerows(rows)
    return file.getvalue().encode("utf-8", "replace")


def edit_tree(tree: Any, random: Random, values: tuple[Any, ...] = VALUES) -> Any:
    """Replace, lose, rename or add values of nested lists and dicts."""
    tree = copy.deepcopy(tree)
    for _ in range(random.choice((1, 1, 2, 3))):
        holders = list(_holders(tree))
        if not holders:
            return random.choice(values)
        holder = random.choice(holders)
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        key, action = random.choice(keys), random.randrange(6)
        if action < 3:
            holder[key] = copy.deepcopy(random.choice(values))
        elif action == 3:
            del holder[key]
        elif isinstance(holder, dict):
            holder[f"{key}{random.choice(SIGNS)}"] = holder[key] if action == 4 else holder.pop(key)
        else:
            holder.insert(key, copy.deepcopy(holder[key]))
    return tree


def _holders(tree: Any) -> list[Any]:
    inside = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    own = [tree] if isinstance(tree, dict | list) and tree else []
    return own + [holder for value in inside for holder in _holders(value)]


def edit_json(data: bytes, random: Random) -> bytes:
    """Edit the values of a JSON document, or nest it deeper than anybody would."""
    if not random.randrange(12):
        return b"[" * 100_000
    try:
        tree = json.loads(data)
    except ValueError:
        return edit_text(data, random)
    return json.dumps(edit_tree(tree, random), ensure_ascii=random.random() < 0.5).encode(
        "utf-8", "surrogatepass"
    )


def edit_jsonl(data: bytes, random: Random) -> bytes:
    """Edit one line of a file of JSON documents."""
    lines = data.split(b"\n")
    at = random.randrange(len(lines))
    lines[at] = edit_json(lines[at], random)
    return b"\n".join(lines)


def one_of(*mutators: Mutator) -> Mutator:
    """Give what damages a file in one of several ways."""
    return lambda data, random: random.choice(mutators)(data, random)
