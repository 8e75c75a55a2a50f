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

from mien.media.cues import Entry
from mien.names import normalise_name

NO_NAMES = frozenset(
    (
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


def name_speakers(entries: Sequence[Entry]) -> list[Entry]:
    """Take the names out of the words, by the rule above.

    >>> [entry] = name_speakers([Entry(lines=["SPEAKER A: He said: stop"])])
    >>> entry.speakers, entry.lines
    (('SPEAKER A',), ['He said: stop'])
    """
    labels = [_label(line) for entry in entries for line in entry.lines]
    rest = [
        line[len(found[0]) :] if found else line
        for line, found in zip((line for e in entries for line in e.lines), labels, strict=True)
    ]
    shouted = not any(sign.islower() for line in rest for sign in line)
    sure = {name for found in labels if found and _is_sure(name := found[1], found[2], shouted)}
    maybe = Counter(found[1] for found in labels if found and found[1] not in sure)
    again = {name for name, count in maybe.items() if count > 1 and _is_spelled_as_name(name)}
    named = sum(bool(found) and found[1] in sure | again for found in labels if found)
    cues = sum(bool(entry.words) for entry in entries)
    names = sure | (again if 3 * named >= cues else set())
    return [_named(entry, names) for entry in entries]


def _named(entry: Entry, names: set[str]) -> Entry:
    lines, speakers = [], list(entry.speakers)
    for line in entry.lines:
        found = _label(line)
        if found and found[1] in names:
            speakers.append(found[1])
            line = line[len(found[0]) :]
        lines.append(line)
    spelled = dict.fromkeys(filter(None, map(normalise_name, speakers)))
    return replace(entry, lines=lines, speakers=tuple(spelled))


def _label(line: str) -> tuple[str, str, bool] | None:
    """Give what may be a label with all around it, the name, and whether it is in brackets."""
    match = _LABEL.match(line) or _NUMBERED.match(line)
    if match is None:
        return None
    groups = match.groupdict()
    name = " ".join((groups["bracket"] or groups.get("bare") or "").split())
    return (match[0], name, bool(groups["bracket"])) if len(name.split()) <= _WORDS else None


def _is_sure(name: str, bracket: bool, shouted: bool) -> bool:
    if _ANY_SPEAKER.fullmatch(name):
        return True
    if name.lower() in NO_NAMES:
        return False
    capitals = name.isupper() and sum(sign.isalpha() for sign in name) > 1
    return (bracket and _is_spelled_as_name(name)) or (capitals and not shouted)


def _is_spelled_as_name(name: str) -> bool:
    return name.lower() not in NO_NAMES and not any(word[0].islower() for word in name.split())
