"""Action units from the .csv files of OpenFace."""

import csv
import math
import re
from collections import Counter
from collections.abc import Iterable
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from mien.errors import MienError
from mien.utterance import Skipped, Utterance

ACTION_UNIT = re.compile(r"AU\d\d_[rc]")
"""Columns: an action unit's intensity (r, 0 to 5) or presence (c, 0 or 1)."""

_CACHED_FILES = 16

Rows = tuple[np.ndarray, np.ndarray, tuple[str, ...]]


class OpenFaceFeatures:
    """A folder of files that OpenFace's FeatureExtraction or FaceLandmarkVidMulti wrote.

    A file is named after the utterance's id and holds that utterance alone, or after its video;
    then the rows of the utterance are found by their times. Only rows with a detected face are
    used, and of several faces at one time the one with the highest confidence.
    """

    name = "openface"
    modalities = "v"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notes: list[str] = []
        self.skipped: list[Skipped] = []
        self._read = lru_cache(maxsize=_CACHED_FILES)(_read)

    @staticmethod
    def at(path: Path) -> bool:
        """Tell whether a path looks like such a folder."""
        return path.is_dir() and any(path.glob("*.csv"))

    def __call__(self, utterance: Utterance) -> dict[str, np.ndarray]:
        """Return the action units of an utterance, 35 numbers for each frame with a face."""
        path, start, end = self.path / f"{utterance.id}.csv", -np.inf, np.inf
        if not path.is_file():
            if utterance.video is None:
                return {}
            path = self.path / f"{utterance.video.stem}.csv"
            start, end = utterance.start or 0.0, np.inf if utterance.end is None else utterance.end
            if not path.is_file():
                return {}
        try:
            times, units = self._rows(path)
            units = units[(times >= start) & (times < end)]
            if not np.isfinite(units).all():
                raise MienError(f"{path}: has action units that are not finite")
        except MienError as error:
            kind = "features: file of OpenFace that cannot be read"
            self.skipped.append(Skipped(utterance.id, str(error), str(path), kind))
            return {}
        return {"v": units} if len(units) else {}

    def _rows(self, path: Path) -> tuple[np.ndarray, np.ndarray]:
        times, units, names = self._read(path)
        if names != self._usual_units:
            raise MienError(
                f"{path}: has other action units ({len(names)}) than most files"
                f" ({len(self._usual_units)}); take files of one version of OpenFace"
            )
        return times, units

    @cached_property
    def _usual_units(self) -> tuple[str, ...]:
        """The action units that most files have."""
        counts = Counter(_ordered(_heading(path)) for path in sorted(self.path.glob("*.csv")))
        del counts[()]
        return counts.most_common(1)[0][0] if counts else ()


def _heading(path: Path) -> list[str]:
    """Read the names of the columns; none where that fails."""
    try:
        with path.open(encoding="utf-8-sig", newline="", errors="replace") as file:
            return [cell.strip() for cell in next(csv.reader(file, skipinitialspace=True), [])]
    except (OSError, csv.Error):
        return []


def _ordered(heading: Iterable[str]) -> tuple[str, ...]:
    """Return the action units among the columns: intensities, then presences, as in OpenFace."""
    names = filter(ACTION_UNIT.fullmatch, heading)
    return tuple(sorted(names, key=lambda name: (name[-1] == "c", name)))


def _read(path: Path) -> Rows:
    """Read the times (T,), the units (T, 35) and the units' names."""
    heading = _heading(path)
    names = _ordered(heading)
    if not names or "timestamp" not in heading:
        raise MienError(f"{path}: is not a file of OpenFace: it has no action units or times")
    try:
        with path.open(encoding="utf-8-sig", newline="", errors="replace") as file:
            lines = [line for line in csv.reader(file, skipinitialspace=True) if line][1:]
        rows = [dict(zip(heading, map(float, line), strict=True)) for line in lines]
    except (OSError, ValueError, csv.Error) as error:
        raise MienError(f"{path}: is damaged ({error})") from error
    best: dict[float, dict[str, float]] = {}
    for row in rows:
        if not math.isfinite(row["timestamp"]):
            raise MienError(f"{path}: has a time that is not finite")
        known = best.get(row["timestamp"])
        better = known is None or row.get("confidence", 1) > known.get("confidence", 1)
        if row.get("success", 1) == 1 and better:
            best[row["timestamp"]] = row
    ordered = sorted(best.values(), key=lambda row: row["timestamp"])
    with np.errstate(over="ignore"):  # what overflows becomes infinite, and is refused
        units = np.array([[row[n] for n in names] for row in ordered], np.float32)
    return np.array([row["timestamp"] for row in ordered]), units.reshape(-1, len(names)), names
