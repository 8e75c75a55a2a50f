"""Numbered images in a folder, as the frames of a video."""

import re
from collections.abc import Callable, Generator
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np

from mien.errors import MienError
from mien.media.frames import TimedFrame
from mien.media.limits import MAX_STILL_SECONDS
from mien.media.notes import Damage, Reporter
from mien.media.rgb import to_rgb
from mien.media.track import open_track

_NUMBER = re.compile(r"%0?\d*d")


def find_images(pattern: Path) -> dict[int, Path]:
    """Find numbered images, in the order of their numbers: 10 comes after 9.

    Parameters
    ----------
    pattern : Path
        A name with ``%d`` for the number, as FFmpeg has it: ``talk/image_%d.jpg``. Leading zeros
        don't matter.

    Returns
    -------
    dict of int to Path
        By number.

    Raises
    ------
    MienError
        The name has no ``%d``, or no image has such a name.
    """
    parts = _NUMBER.split(pattern.name)
    if len(parts) != 2:
        raise MienError(f"{pattern}: a pattern of numbered images needs one %d for their number")
    name = re.compile(rf"{re.escape(parts[0])}(\d+){re.escape(parts[1])}")
    files = sorted(pattern.parent.iterdir()) if pattern.parent.is_dir() else ()
    matches = (name.fullmatch(path.name) for path in files)
    found = {int(match[1]): pattern.with_name(match[0]) for match in matches if match}
    if not found:
        raise MienError(f"{pattern}: no such images")
    return dict(sorted(found.items()))


def image_frames(pattern: Path, rate: float, report: Reporter) -> Generator[TimedFrame]:
    """Yield the images as frames, each at its time.

    The first image is on the screen from 0 on, whatever its number. Where a number is missing, the
    image before it stays, for as long as a frame of a video may.

    Parameters
    ----------
    pattern : Path
        See `find_images`.
    rate : float
        Images per second.
    report : callable
        Receives a `Damage` at the first missing number, and for each image that cannot be decoded
        once that is tried; it is None then.

    Raises
    ------
    MienError
        There are no images.
    """
    found = find_images(pattern)
    first, last = min(found), max(found)
    missing = last + 1 - first - len(found)
    for number, following in pairwise([*found, last + 1]):
        if missing and following > number + 1:
            why = f"{missing} of the images up to number {last} are missing"
            report(Damage(pattern, (number + 1 - first) / rate, why))
            missing = 0
        begin, until = (number - first) / rate, (following - first) / rate
        until = min(until, begin + max(MAX_STILL_SECONDS, 1 / rate))
        decode = partial(_decode, found[number], partial(_report_damage, pattern, begin, report))
        yield TimedFrame(begin, until, decode)


def _decode(path: Path, report: Callable[[object], object]) -> np.ndarray | None:
    try:
        with open_track(path, "video") as track:
            return to_rgb(next(track.frames(report))[1], track.stream.sample_aspect_ratio)
    except MienError as error:
        report(error)
        return None


def _report_damage(pattern: Path, begin: float, report: Reporter, fault: object) -> None:
    """Report what is wrong with an image as damage of the video that it belongs to."""
    report(Damage(pattern, begin, str(fault).removeprefix(f"{pattern.parent}/")))
