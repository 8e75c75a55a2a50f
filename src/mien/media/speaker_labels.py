"""Speaker labels in the text of a transcript: ``SPEAKER A: I am glad``.

An ordinary sentence may have a colon too (``He said: stop``), so a label is a name only where it is

* ``Speaker`` with a letter or number (``Speaker 1:``, ``[SPEAKER_00]``), or
* in brackets and before a colon, ``[Anna]:``, or
* in capitals (``JOHN:``), unless all of the transcript is, or
* capitalised as a name (``Anna:``, ``Dr. Lee:``) and repeated, if a third of the cues or more
  begin with a name; where all cues do, those that are not repeated are names, too, unless all
  of the transcript is in capitals.

Words such as ``Note`` and ``Warning`` are never names.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from mien.media.cues import RawCue
from mien.names import normalise_name

NOT_NAMES = frozenset(
    (
        *("also", "and", "but", "first", "listen", "look", "next", "second", "so", "then", "well"),
        *("answer", "attention", "breaking", "caution", "danger", "edit", "example", "fact", "fyi"),
        *("hint", "important", "live", "nb", "no", "note", "notes", "notice", "now", "ok", "okay"),
        *("ps", "question", "quote", "remember", "reminder", "result", "rule", "sos", "step"),
        *("summary", "tip", "title", "todo", "topic", "translation", "tv", "update", "urgent"),
        *("warning", "yes"),
    )
)
"""Words that often stand before a colon and are no names."""

_NAME = r"[^\W\d_][\w .'’&-]{0,38}"
_LABEL = re.compile(
    rf"(?:[-–—•]\s*|>>+\s*)?(?:[\[(](?P<bracket>{_NAME})[\])]|(?P<bare>{_NAME}))\s*:(?:\s+|$)"
)
_NUMBERED = re.compile(
    r"(?:[-–—•]\s*|>>+\s*)?[\[(](?P<bracket>speaker[ _-]?\w{1,3})[\])]\s*", re.IGNORECASE
)
_ANY_SPEAKER = re.compile(r"speaker[ _-]?\w{1,3}", re.IGNORECASE)
_MAX_WORDS = 4


class _Label(NamedTuple):
    """A possible label: the matched text, the name in it, and whether that is in brackets."""

    whole: str
    name: str
    bracket: bool


def extract_speakers(raw_cues: Sequence[RawCue]) -> list[RawCue]:
    """Move the names of speakers out of the text, by the rule above.

    >>> [cue] = extract_speakers([RawCue(lines=["SPEAKER A: He said: stop"])])
    >>> cue.speakers, cue.lines
    (('SPEAKER A',), ['He said: stop'])
    """
    names = _names([line for cue in raw_cues for line in cue.lines], len(raw_cues))
    return [_named(cue, names) for cue in raw_cues]


def _names(lines: Sequence[str], cues: int) -> set[str]:
    """Find the labels that are names."""
    labels = [_label(line) for line in lines]
    texts = [
        line[len(label.whole) :] if label else line
        for line, label in zip(lines, labels, strict=True)
    ]
    shouted = not any(sign.islower() for text in texts for sign in text)
    counts = Counter(label.name for label in labels if label)
    sure = {label.name for label in labels if label and _is_sure(label, shouted)}
    likely = {name for name in counts if _looks_like_name(name)}
    again = {name for name in likely if counts[name] > 1}
    labelled = sum(counts[name] for name in likely | sure)
    if (sure or again) and not shouted and labelled >= cues:
        return likely | sure
    named = sum(counts[name] for name in sure | again)
    return sure | again if 3 * named >= cues else sure


def _named(cue: RawCue, names: set[str]) -> RawCue:
    lines, speakers = [], list(cue.speakers)
    for line in cue.lines:
        label = _label(line)
        if label and label.name in names:
            speakers.append(label.name)
            line = line[len(label.whole) :]
        lines.append(line)
    normalised = dict.fromkeys(filter(None, map(normalise_name, speakers)))
    return replace(cue, lines=lines, speakers=tuple(normalised))


def _label(line: str) -> _Label | None:
    match = _LABEL.match(line) or _NUMBERED.match(line)
    if match is None:
        return None
    groups = match.groupdict()
    name = " ".join((groups["bracket"] or groups.get("bare") or "").split())
    return (
        _Label(match[0], name, bool(groups["bracket"])) if len(name.split()) <= _MAX_WORDS else None
    )


def _is_sure(label: _Label, shouted: bool) -> bool:
    name = label.name
    if _ANY_SPEAKER.fullmatch(name):
        return True
    capitals = name.isupper() and sum(sign.isalpha() for sign in name) > 1
    return _looks_like_name(name) and (label.bracket or (capitals and not shouted))


def _looks_like_name(name: str) -> bool:
    return name.lower() not in NOT_NAMES and not any(word[0].islower() for word in name.split())
