"""Pictures that lie numbered in a folder, as frames of a video."""

import re
from collections.abc import Callable, Generator
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np

from mien.errors import MienError
from mien.media.limits import STANDS
from mien.media.notes import Damage, Report
from mien.media.rgb import to_rgb
from mien.media.shown import Shown
from mien.media.track import open_track

_PLACE = re.compile(r"%0?\d*d")


def numbered(pattern: Path) -> dict[int, Path]:
    """Find numbered pictures, in the order of their numbers: 10 comes after 9.

    Parameters
    ----------
    pattern : Path
        A name with ``%d`` in the place of the number, as FFmpeg has it: ``talk/image_%d.jpg``.
        Leading zeros don't matter.

    Returns
    -------
    dict of int to Path
        By number.

    Raises
    ------
    MienError
        The name has no ``%d``, or no picture is called so.
    """
    parts = _PLACE.split(pattern.name)
    if len(parts) != 2:
        raise MienError(f"{pattern}: numbered pictures need one %d in the place of their number")
    name = re.compile(rf"{re.escape(parts[0])}(\d+){re.escape(parts[1])}")
    files = sorted(pattern.parent.iterdir()) if pattern.parent.is_dir() else ()
    matches = (name.fullmatch(path.name) for path in files)
    found = {int(match[1]): pattern.with_name(match[0]) for match in matches if match}
    if not found:
        raise MienError(f"{pattern}: no such pictures")
    return dict(sorted(found.items()))


def shown(pattern: Path, rate: float, report: Report) -> Generator[Shown]:
    """Yield the pictures with the times at which they are shown.

    The first picture is shown from 0 on, whatever its number. Where a number is missing the
    picture before it stays, as long as a picture of a video may.

    Parameters
    ----------
    pattern : Path
        See `numbered`.
    rate : float
        Pictures a second.
    report : callable
        Receives a `Damage` where the first number is missing, and for each picture that cannot
        be decoded once that is tried; there is None in its place.

    Raises
    ------
    MienError
        There are no pictures.
    """
    found = numbered(pattern)
    first, last = min(found), max(found)
    missing = last + 1 - first - len(found)
    for number, following in pairwise([*found, last + 1]):
        if missing and following > number + 1:
            why = f"{missing} of the pictures up to number {last} are missing"
            report(Damage(pattern, (number + 1 - first) / rate, why))
            missing = 0
        begin, until = (number - first) / rate, (following - first) / rate
        until = min(until, begin + max(STANDS, 1 / rate))
        decode = partial(_decode, found[number], partial(_tell, pattern, begin, report))
        yield Shown(begin, until, decode)


def _decode(path: Path, tell: Callable[[object], object]) -> np.ndarray | None:
    try:
        with open_track(path, "video") as track:
            return to_rgb(next(track.frames(tell))[1], track.stream.sample_aspect_ratio)
    except MienError as error:
        tell(error)
        return None


def _tell(pattern: Path, begin: float, report: Report, fault: object) -> None:
    """Report what is wrong with a picture as damage of the video that it belongs to."""
    report(Damage(pattern, begin, str(fault).removeprefix(f"{pattern.parent}/")))
