"""Names of speakers that stand before their words: ``SPEAKER A: I am glad``.

An ordinary sentence may have a colon too (``He said: stop``), so a name is taken only where it is

* ``Speaker`` with a letter or number (``Speaker 1:``, ``[SPEAKER_00]``), or
* in brackets and before a colon, ``[Anna]:``, or
* in capitals (``JOHN:``), unless all of the transcript is, or
* in names' spelling (``Anna:``, ``Dr. Lee:``), if it comes again, and a third of the cues or more
  begin with a name.

Words such as ``Note`` and ``Warning`` are never names.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from mien.media.cues import Entry
from mien.names import normalise_name

NO_NAMES = frozenset(
    (
        *("also", "and", "but", "first", "listen", "look", "next", "second", "so", "then", "well"),
        *("answer", "attention", "breaking", "caution", "danger", "edit", "example", "fact", "fyi"),
        *("hint", "important", "live", "nb", "no", "note", "notes", "notice", "now", "ok", "okay"),
        *("ps", "question", "quote", "remember", "reminder", "result", "rule", "sos", "step"),
        *("summary", "tip", "title", "todo", "topic", "translation", "tv", "update", "urgent"),
        *("warning", "yes"),
    )
)
"""What often stands before a colon and is no name."""

_NAME = r"[^\W\d_][\w .'’&-]{0,38}"
_LABEL = re.compile(
    rf"(?:[-–—•]\s*|>>+\s*)?(?:[\[(](?P<bracket>{_NAME})[\])]|(?P<bare>{_NAME}))\s*:(?:\s+|$)"
)
_NUMBERED = re.compile(
    r"(?:[-–—•]\s*|>>+\s*)?[\[(](?P<bracket>speaker[ _-]?\w{1,3})[\])]\s*", re.IGNORECASE
)
_ANY_SPEAKER = re.compile(r"speaker[ _-]?\w{1,3}", re.IGNORECASE)
_WORDS = 4


class _Label(NamedTuple):
    """What may be a name before words: with all around it, the name, whether it is in brackets."""

    whole: str
    name: str
    bracket: bool


def name_speakers(entries: Sequence[Entry]) -> list[Entry]:
    """Take the names out of the words, by the rule above.

    >>> [entry] = name_speakers([Entry(lines=["SPEAKER A: He said: stop"])])
    >>> entry.speakers, entry.lines
    (('SPEAKER A',), ['He said: stop'])
    """
    names = _names([line for entry in entries for line in entry.lines], len(entries))
    return [_named(entry, names) for entry in entries]


def _names(lines: Sequence[str], cues: int) -> set[str]:
    """Find the labels that are names."""
    labels = [_label(line) for line in lines]
    said = [
        line[len(label.whole) :] if label else line
        for line, label in zip(lines, labels, strict=True)
    ]
    shouted = not any(sign.islower() for words in said for sign in words)
    counts = Counter(label.name for label in labels if label)
    sure = {label.name for label in labels if label and _is_sure(label, shouted)}
    again = {name for name, count in counts.items() if count > 1 and _is_spelled_as_name(name)}
    named = sum(counts[name] for name in sure | again)
    return sure | again if 3 * named >= cues else sure


def _named(entry: Entry, names: set[str]) -> Entry:
    lines, speakers = [], list(entry.speakers)
    for line in entry.lines:
        label = _label(line)
        if label and label.name in names:
            speakers.append(label.name)
            line = line[len(label.whole) :]
        lines.append(line)
    spelled = dict.fromkeys(filter(None, map(normalise_name, speakers)))
    return replace(entry, lines=lines, speakers=tuple(spelled))


def _label(line: str) -> _Label | None:
    match = _LABEL.match(line) or _NUMBERED.match(line)
    if match is None:
        return None
    groups = match.groupdict()
    name = " ".join((groups["bracket"] or groups.get("bare") or "").split())
    return _Label(match[0], name, bool(groups["bracket"])) if len(name.split()) <= _WORDS else None


def _is_sure(label: _Label, shouted: bool) -> bool:
    name = label.name
    if _ANY_SPEAKER.fullmatch(name):
        return True
    capitals = name.isupper() and sum(sign.isalpha() for sign in name) > 1
    return _is_spelled_as_name(name) and (label.bracket or (capitals and not shouted))


def _is_spelled_as_name(name: str) -> bool:
    return name.lower() not in NO_NAMES and not any(word[0].islower() for word in name.split())
