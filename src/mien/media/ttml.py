"""Timed Text Markup Language (.ttml, .dfxp), as broadcasters and video services write it.

pysubs2 reads it too, but neither times in frames or ticks, nor a duration, nor the older namespace.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree

from mien.errors import MienError
from mien.media.cues import RawCue, timed_cue
from mien.names import strip_invisible

_MAX_DEPTH = 50
_CLOCK = re.compile(r"(\d++):(\d++):(\d++(?:\.\d++)?)(?::(\d++)(?:\.\d++)?)?", re.ASCII)
_OFFSET = re.compile(r"(\d++(?:\.\d++)?)(ms|[hmsft])", re.ASCII)


@dataclass(frozen=True)
class _Rates:
    """Frames and ticks per second."""

    frames: float
    ticks: float

    def seconds(self, time: str) -> float | None:
        """Read a time; None where it can't be read."""
        if match := _CLOCK.fullmatch(time):
            hours, minutes, seconds, frames = match.groups(default="0")
            whole = 3600 * float(hours) + 60 * float(minutes) + float(seconds)
            return whole + float(frames) / self.frames
        if match := _OFFSET.fullmatch(time):
            units = {"h": 3600, "m": 60, "s": 1, "ms": 1e-3}
            units |= {"f": 1 / self.frames, "t": 1 / self.ticks}
            return float(match[1]) * units[match[2]]
        return None


def read_ttml(content: str) -> list[RawCue]:
    """Read the paragraphs, or the spans of those that have no times themselves."""
    if "<!DOCTYPE" in content or "<!ENTITY" in content:
        raise MienError("declares its own document type, which is not read")
    try:
        root = ElementTree.fromstring(content.lstrip("\ufeff \r\n\t"))
    except (ElementTree.ParseError, ValueError) as error:
        raise MienError(f"can't be read as XML ({error})") from error
    return list(_entries(root, _rates(root), 0.0, None, 0))


def _rates(root: ElementTree.Element) -> _Rates:
    given = {_local(name): value for name, value in root.attrib.items()}

    def number(name: str, default: float) -> float:
        try:
            found = float(given.get(name, default))
        except ValueError:
            return default
        return found if 0 < found < 1e12 else default

    frames = number("frameRate", 30.0)
    factor = re.fullmatch(r"(\d{1,9})[ :](\d{1,9})", given.get("frameRateMultiplier", ""))
    if factor and int(factor[1]) and int(factor[2]):
        frames *= int(factor[1]) / int(factor[2])
    return _Rates(frames, number("tickRate", frames if "frameRate" in given else 1.0))


def _local(name: str) -> str:
    """Return a name without its namespace."""
    return name.rpartition("}")[2]


def _entries(
    element: ElementTree.Element, rates: _Rates, begin: float, end: float | None, depth: int
) -> Iterator[RawCue]:
    if depth > _MAX_DEPTH:
        raise MienError(f"is nested deeper than {_MAX_DEPTH} elements")
    times = {name: element.get(name) for name in ("begin", "end", "dur")}
    start, stop = _span(times, rates, begin, end)
    children = (child for child in element.iter() if child is not element)
    timed_within = any(child.get("begin") or child.get("end") for child in children)
    if _local(element.tag) in ("p", "span") and (any(times.values()) or not timed_within):
        place = ", ".join(f"{name}={value}" for name, value in times.items() if value)
        lines = strip_invisible(_text(element, depth)).split("\n")
        yield timed_cue([" ".join(line.split()) for line in lines], start, stop, place)
        return
    for child in element:
        yield from _entries(child, rates, begin if start is None else start, stop, depth + 1)


def _span(
    times: dict[str, str | None], rates: _Rates, begin: float, end: float | None
) -> tuple[float | None, float | None]:
    """Return the beginning and the end, which count from the parent element."""
    start: float | None = begin
    if times["begin"]:
        offset = rates.seconds(times["begin"])
        start = None if offset is None else begin + offset
    if times["end"]:
        stop = rates.seconds(times["end"])
        return start, None if stop is None else begin + stop
    if times["dur"] and start is not None:
        length = rates.seconds(times["dur"])
        return start, None if length is None else start + length
    return start, end


def _text(element: ElementTree.Element, depth: int) -> str:
    """Return the text of an element and its children; a ``br`` breaks the line."""
    if depth > _MAX_DEPTH:
        raise MienError(f"is nested deeper than {_MAX_DEPTH} elements")
    text = re.sub(r"\s+", " ", element.text or "")
    for child in element:
        if _local(str(child.tag)) == "br":
            text += "\n"
        elif _local(str(child.tag)) == "span":
            text += _text(child, depth + 1)
        text += re.sub(r"\s+", " ", child.tail or "")
    return text
