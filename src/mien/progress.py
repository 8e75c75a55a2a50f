"""Report the progress of long work: a bar on a terminal, elsewhere a log line now and then."""

import logging
import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import Any, TypeVar

INTERVAL = 30.0
"""Seconds between two log lines."""

Item = TypeVar("Item")

logger = logging.getLogger(__name__)


def on_terminal() -> bool:
    """Tell whether to draw bars: on a terminal, if mien's messages of level INFO are logged."""
    return logger.isEnabledFor(logging.INFO) and sys.stderr.isatty()


class Progress:
    """Reports the progress of a loop within `with`; call `update` for what is done.

    Nothing is shown unless the program logs mien's messages of level INFO: neither in a program
    that uses mien as a library, nor by a quiet command.

    Parameters
    ----------
    what : str
        Name of the work.
    unit : str
        Name of what is counted, in the plural.
    total : int, optional
        How many there are, if that is known.
    shown : bool
        False: show nothing.

    Examples
    --------
    >>> with Progress("features", "utterances", 3) as progress:
    ...     progress.update(2)
    """

    def __init__(
        self, what: str, unit: str, total: int | None = None, *, shown: bool = True
    ) -> None:
        self.what, self.unit, self.total, self.shown = what, unit, total, shown
        self.done = 0
        self._bar: Any = None

    def __enter__(self) -> "Progress":
        self.began = self._logged = time.monotonic()
        if self.shown and on_terminal():
            from tqdm import tqdm

            self._bar = tqdm(desc=self.what, unit=f" {self.unit}", total=self.total)
        return self

    def __exit__(self, *raised: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def update(self, count: int = 1) -> None:
        """Count so many more as done."""
        self.done += count
        if self._bar is not None:
            self._bar.update(count)
        elif self.shown and self.done != self.total and self._due():
            logger.info("%s", self._line(time.monotonic() - self.began))

    def _due(self) -> bool:
        now = time.monotonic()
        due = now - self._logged >= INTERVAL
        if due:
            self._logged = now
        return due

    def _line(self, seconds: float) -> str:
        speed = self.done / seconds
        if not self.total or not speed:
            return f"{self.what}: {self.done} {self.unit}, {speed:.1f} a second"
        left = duration(max(0, self.total - self.done) / speed)
        share = f"{self.done} of {self.total} {self.unit} ({self.done / self.total:.0%})"
        return f"{self.what}: {share}, {speed:.1f} a second, {left} left"


def follow(
    items: Iterable[Item], what: str, unit: str, total: int | None = None, *, shown: bool = True
) -> Iterator[Item]:
    """Yield the items and report progress; the parameters are those of `Progress`.

    Examples
    --------
    >>> list(follow("abc", "reading", "letters"))
    ['a', 'b', 'c']
    """
    if total is None and isinstance(items, Sized):
        total = len(items)
    with Progress(what, unit, total, shown=shown) as progress:
        for item in items:
            yield item
            progress.update()


def duration(seconds: float) -> str:
    """Format a duration for people.

    Examples
    --------
    >>> [duration(seconds) for seconds in (4.2, 90, 5400)]
    ['4 s', '1 min 30 s', '1 h 30 min']
    """
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if minutes else f"{rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
