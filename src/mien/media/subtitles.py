"""Subtitle files: SubRip (.srt), WebVTT (.vtt), and SubStation Alpha (.ass, .ssa) by pysubs2.

pysubs2 is not used for the first two: it takes a cue's identifier and the comments of WebVTT for
text, loses what is between ``<`` and ``>`` in ``a < b and c > d``, and reads no times such as
``00:01.5``.
"""

import html
import re
import warnings
from itertools import pairwise, takewhile

import pysubs2

from mien.errors import MienError
from mien.media.cues import RawCue, timed_cue
from mien.names import strip_invisible

# Possessive quantifiers, so that a line of a million digits is given up at once.
_CLOCK = r"((?:\d++:)?\d++:\d++(?:[.,]\d++)?)"
TIMES = re.compile(rf"\s*{_CLOCK}\s*-->\s*{_CLOCK}(?=\s|$)")
_NEARLY_TIMES = re.compile(r"\s*[-+]?\d.*-->")

_TAGS = re.compile(
    r"</?(?:[bius]|c|v|lang|ruby|rt|font|span|br|p|div|em|strong|strike|big|small|su[bp]|tt|center)"
    r"(?:\.[^\s<>]*)?(?:\s+[\w:-]+\s*=[^<>]*)?\s*/?>"  # classes, attributes
    r"|<(?:v|lang)(?:\.[^\s<>]*)?\s[^<>]*>"
    r"|<(?:\d+:)?\d+:\d+(?:[.,]\d+)?>"  # the time of the word that follows
    r"|\{\\[^{}]*\}",  # of SubStation Alpha
    re.IGNORECASE,
)
_MAX_LINE = 4_000
"""Characters of a line of SubStation Alpha: pysubs2 takes minutes for one of 100,000."""

_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?\s+([^<>]+)>", re.IGNORECASE)


def strip_tags(line: str) -> str:
    r"""Remove the tags from a line, and nothing else; unescape characters.

    >>> strip_tags(r"{\an8}<i>if</i> x < 5 then y > 3 &amp; so on")
    'if x < 5 then y > 3 & so on'
    """
    plain = re.sub(r"\\[Nh]", " ", _TAGS.sub("", line))
    return strip_invisible(html.unescape(plain)).strip()


def read_subtitles(content: str, *, webvtt: bool) -> list[RawCue]:
    """Read SubRip or WebVTT: each cue from its line of times to that of the next.

    In WebVTT an empty line ends a cue (one that holds a space does not), and what follows it is a
    comment, or the identifier of the next cue. In SubRip a blank line may be anywhere.
    """
    lines = re.split(r"\r\n|\r|\n", content)
    webvtt = webvtt or strip_invisible(lines[0]).startswith("WEBVTT")
    if not webvtt:
        lines = [line for line in lines if strip_invisible(line).strip()]
    shown = [strip_invisible(line).strip() for line in lines]
    starts = [i for i, line in enumerate(shown) if _is_times(line)]
    counters = _counters(shown, starts)
    entries = []
    for at, following in pairwise([*starts, len(lines)]):
        text = [lines[i] for i in range(at + 1, following) if i not in counters]
        text = list(takewhile(bool, text)) if webvtt else text
        voices = tuple(html.unescape(name) for line in text for name in _VOICE.findall(line))
        start, end = read_times(shown[at])
        entries.append(
            timed_cue([strip_tags(line) for line in text], start, end, shown[at], voices)
        )
    return entries


def _is_times(line: str) -> bool:
    return "-->" in line and _NEARLY_TIMES.match(line) is not None


def _counters(lines: list[str], starts: list[int]) -> set[int]:
    """Find the lines that number the cues; if the first cue has none, numbers are text."""
    above = [at - 1 for at in starts]
    if not above or above[0] < 0 or not lines[above[0]].isdecimal():
        return set()
    return {at for at in above if lines[at].isdecimal()}


def read_times(line: str) -> tuple[float | None, float | None]:
    """Read the times of a cue, in seconds; None where they can't be read.

    >>> read_times("00:01.500 --> 01:02:03,25 align:start")
    (1.5, 3723.25)
    """
    times = TIMES.match(line)
    return (None, None) if times is None else (seconds(times[1]), seconds(times[2]))


def seconds(clock: str) -> float:
    """Sum hours, minutes and seconds; infinite where they have too many digits."""
    parts = [float(part) for part in clock.replace(",", ".").split(":")]
    return sum(part * 60**power for power, part in enumerate(reversed(parts)))


def read_substation(content: str, suffix: str) -> list[RawCue]:
    """Read SubStation Alpha, without its comments and drawings; the actor's name is the speaker."""
    lines = content.splitlines()
    content = "\n".join(line for line in lines if len(line) <= _MAX_LINE)
    long = [line[:80] for line in lines if len(line) > _MAX_LINE and line.startswith("Dialogue")]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of columns that are not read here
            file = pysubs2.SSAFile.from_string(content, format_=suffix.removeprefix("."))
    except (pysubs2.exceptions.Pysubs2Error, ValueError, IndexError, KeyError) as error:
        raise MienError(f"can't be read as subtitles ({error})") from error
    faults = [RawCue(lines=[], place=line, fault="its line is too long") for line in long]
    return faults + [
        timed_cue(
            [strip_invisible(line).strip() for line in event.plaintext.split("\n")],
            event.start / 1000,
            event.end / 1000,
            f"{event.start / 1000:g} s --> {event.end / 1000:g} s",
            (event.name,) if event.name.strip() else (),
        )
        for event in file
        if event.type == "Dialogue" and not event.is_drawing
    ]
