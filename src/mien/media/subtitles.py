"""Subtitle files: SubRip (.srt), WebVTT (.vtt), and SubStation Alpha (.ass, .ssa) by pysubs2.

pysubs2 is not used for the first two: it takes a cue's identifier and the remarks of WebVTT for
words, loses what stands between ``<`` and ``>`` in ``a < b and c > d``, and knows no times such as
``00:01.5``.
"""

import html
import re
import warnings
from itertools import pairwise, takewhile

import pysubs2

from mien.errors import MienError
from mien.media.cues import Entry, timed
from mien.names import visible

# Possessive, so that a line of a million digits is given up at once.
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
_LONGEST = 4_000
"""Letters of a line of SubStation Alpha: pysubs2 takes minutes for one of 100,000."""

_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?\s+([^<>]+)>", re.IGNORECASE)


def untagged(line: str) -> str:
    r"""Take the tags out of a line, and nothing else; escaped characters become themselves.

    >>> untagged(r"{\an8}<i>if</i> x < 5 then y > 3 &amp; so on")
    'if x < 5 then y > 3 & so on'
    """
    plain = re.sub(r"\\[Nh]", " ", _TAGS.sub("", line))
    return visible(html.unescape(plain)).strip()


def read_subtitles(content: str, *, webvtt: bool) -> list[Entry]:
    """Read SubRip or WebVTT: each cue from its line of times to the next one's.

    In WebVTT an empty line ends a cue (one that holds a space does not) and what follows it, up to
    the next cue, is a remark or a name of that cue. In SubRip a blank line may stand anywhere.
    """
    lines = re.split(r"\r\n|\r|\n", content)
    webvtt = webvtt or visible(lines[0]).startswith("WEBVTT")
    if not webvtt:
        lines = [line for line in lines if visible(line).strip()]
    shown = [visible(line).strip() for line in lines]
    starts = [i for i, line in enumerate(shown) if _is_times(line)]
    counters = _counters(shown, starts)
    entries = []
    for at, following in pairwise([*starts, len(lines)]):
        said = [lines[i] for i in range(at + 1, following) if i not in counters]
        said = list(takewhile(bool, said)) if webvtt else said
        voices = tuple(html.unescape(name) for line in said for name in _VOICE.findall(line))
        start, end = read_times(shown[at])
        entries.append(timed([untagged(line) for line in said], start, end, shown[at], voices))
    return entries


def _is_times(line: str) -> bool:
    return "-->" in line and _NEARLY_TIMES.match(line) is not None


def _counters(lines: list[str], starts: list[int]) -> set[int]:
    """Find the lines that number the cues; without numbers, a number above a cue is a word."""
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
    """Add up hours, minutes and seconds; infinite where they have too many digits."""
    parts = [float(part) for part in clock.replace(",", ".").split(":")]
    return sum(part * 60**power for power, part in enumerate(reversed(parts)))


def read_substation(content: str, suffix: str) -> list[Entry]:
    """Read SubStation Alpha, without its comments and drawings; the actor's name is the speaker."""
    lines = content.splitlines()
    content = "\n".join(line for line in lines if len(line) <= _LONGEST)
    long = [line[:80] for line in lines if len(line) > _LONGEST and line.startswith("Dialogue")]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of columns that are not read here
            file = pysubs2.SSAFile.from_string(content, format_=suffix.removeprefix("."))
    except (pysubs2.exceptions.Pysubs2Error, ValueError, IndexError, KeyError) as error:
        raise MienError(f"can't be read as subtitles ({error})") from error
    faults = [Entry(lines=[], place=line, fault="its line is too long") for line in long]
    return faults + [
        timed(
            [visible(line).strip() for line in event.plaintext.split("\n")],
            event.start / 1000,
            event.end / 1000,
            f"{event.start / 1000:g} s --> {event.end / 1000:g} s",
            (event.name,) if event.name.strip() else (),
        )
        for event in file
        if event.type == "Dialogue" and not event.is_drawing
    ]
