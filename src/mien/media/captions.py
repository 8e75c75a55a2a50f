"""Automatic captions roll: a line is shown again while the next one is added below it.

YouTube's move up a line with each cue, and show it once more for 10 ms between two. Others grow by
a word at a time. Whatever the form, each word is said once, when it is first shown.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from mien.media.cues import Entry

FLASH = 0.05
"""Seconds within which nobody says a word."""

PAUSE = 1.0
"""Seconds between two cues after which the second is shown on an empty screen."""

LINES = 8
"""Lines of a caption, at most, that are looked for in the next."""


def unroll(entries: Sequence[Entry]) -> list[Entry]:
    """Give each word of captions that roll once; other entries stay as they are.

    Parameters
    ----------
    entries : sequence of Entry
        With times, in their order.
    """
    if not _rolls([entry for entry in entries if entry.words]):
        return list(entries)
    fresh: list[Entry] = []
    shown: Entry | None = None
    empty: Entry | None = None
    for entry in entries:
        if not entry.words:
            empty = entry
            continue
        old = 0 if shown is None else _repeated(shown, entry)
        rest = _without(entry.lines, old)
        after_a_pause = shown is not None and _gap(shown, entry) > PAUSE
        if not any(rest) and after_a_pause and not _is_flash(entry):
            rest = entry.lines  # it is said again
        if any(rest):
            # some programs lose the words of a cue, and show them in the flash that follows
            lost = empty is not None and _is_flash(entry) and _gap(empty, entry) <= FLASH
            start = empty.start if lost and empty is not None else entry.start
            fresh.append(replace(entry, lines=rest, start=start))
        shown, empty = entry, None
    return fresh


def _rolls(entries: Sequence[Entry]) -> bool:
    """Whether most of the entries go on from the one before.

    A person may well say a thing twice, so it needs more than one sign: two such pairs, or a flash,
    or a whole line of several words above a new one.
    """
    pairs = rolling = sure = 0
    for before, after in pairwise(entries):
        pairs += 1
        old = _repeated(before, after)
        flash = _is_flash(before) or _is_flash(after)
        if old and _gap(before, after) <= PAUSE and (flash or old < len(after.words)):
            rolling += 1
            sure += flash or (old > 1 and _repeats_lines(before, after))
    return 2 * rolling >= pairs and (rolling > 1 or sure > 0)


def _is_flash(entry: Entry) -> bool:
    return (entry.end or 0.0) - (entry.start or 0.0) <= FLASH


def _gap(before: Entry, after: Entry) -> float:
    return (after.start or 0.0) - (before.end or 0.0)


def _repeated(before: Entry, after: Entry) -> int:
    """Count the words with which `after` begins and the last lines of `before` are said."""
    lines, words = [line for line in before.lines if line][-LINES:], after.words
    for first in range(len(lines)):
        old = " ".join(lines[first:]).split()
        if old and words[: len(old)] == old:
            return len(old)
    return 0


def _repeats_lines(before: Entry, after: Entry) -> bool:
    old, new = [line for line in before.lines if line], [line for line in after.lines if line]
    return any(
        new[:count] == old[-count:] for count in range(1, min(len(old), len(new), LINES) + 1)
    )


def _without(lines: Sequence[str], count: int) -> list[str]:
    """Take the first `count` words away."""
    rest = []
    for line in lines:
        words = line.split()
        rest.append(" ".join(words[count:]))
        count = max(count - len(words), 0)
    return rest
