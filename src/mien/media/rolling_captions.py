"""Rolling captions, which repeat a line while the next one is added below it.

Automatic captions do so. YouTube's move up by a line with each cue, and repeat it for 10 ms between
two cues; others grow by a word at a time. In any form a word is spoken when it first appears.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from mien.media.cues import RawCue

FLASH_SECONDS = 0.05
"""Longest cue, in seconds, that is too short for a word to be spoken."""

PAUSE_SECONDS = 1.0
"""Seconds between two cues after which the second one starts on an empty screen."""

MAX_LINES = 8
"""Lines of a cue, at most, that are searched for in the next."""


def unroll(raw_cues: Sequence[RawCue]) -> list[RawCue]:
    """Remove the repeated words of rolling captions; other cues stay as they are.

    Parameters
    ----------
    raw_cues : sequence of RawCue
        With times, in their order.
    """
    if not _rolls([cue for cue in raw_cues if cue.words]):
        return list(raw_cues)
    unrolled: list[RawCue] = []
    previous: RawCue | None = None
    empty: RawCue | None = None
    for cue in raw_cues:
        if not cue.words:
            empty = cue
            continue
        old = 0 if previous is None else _repeated(previous, cue)
        rest = _without(cue.lines, old)
        after_a_pause = previous is not None and _gap(previous, cue) > PAUSE_SECONDS
        if not any(rest) and after_a_pause and not _is_flash(cue):
            rest = cue.lines  # it is spoken again
        if any(rest):
            # some programs lose the words of a cue, and repeat them in the flash that follows
            lost = empty is not None and _is_flash(cue) and _gap(empty, cue) <= FLASH_SECONDS
            start = empty.start if lost and empty is not None else cue.start
            unrolled.append(replace(cue, lines=rest, start=start))
        previous, empty = cue, None
    return unrolled


def _rolls(raw_cues: Sequence[RawCue]) -> bool:
    """Whether most of the cues continue the one before.

    Since a person may say a thing twice, more than one sign is needed: two such pairs, or a flash,
    or a whole line of several words above a new one.
    """
    pairs = rolling = sure = 0
    for before, after in pairwise(raw_cues):
        pairs += 1
        old = _repeated(before, after)
        flash = _is_flash(before) or _is_flash(after)
        if old and _gap(before, after) <= PAUSE_SECONDS and (flash or old < len(after.words)):
            rolling += 1
            sure += flash or (old > 1 and _repeats_lines(before, after))
    return 2 * rolling >= pairs and (rolling > 1 or sure > 0)


def _is_flash(cue: RawCue) -> bool:
    return (cue.end or 0.0) - (cue.start or 0.0) <= FLASH_SECONDS


def _gap(before: RawCue, after: RawCue) -> float:
    return (after.start or 0.0) - (before.end or 0.0)


def _repeated(before: RawCue, after: RawCue) -> int:
    """Count the words at the beginning of `after` that repeat the last lines of `before`."""
    lines, words = [line for line in before.lines if line][-MAX_LINES:], after.words
    for first in range(len(lines)):
        old = " ".join(lines[first:]).split()
        if old and words[: len(old)] == old:
            return len(old)
    return 0


def _repeats_lines(before: RawCue, after: RawCue) -> bool:
    old, new = [line for line in before.lines if line], [line for line in after.lines if line]
    return any(
        new[:count] == old[-count:] for count in range(1, min(len(old), len(new), MAX_LINES) + 1)
    )


def _without(lines: Sequence[str], count: int) -> list[str]:
    """Remove the first `count` words."""
    rest = []
    for line in lines:
        words = line.split()
        rest.append(" ".join(words[count:]))
        count = max(count - len(words), 0)
    return rest
