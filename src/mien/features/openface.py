"""Action units out of OpenFace's .csv files."""

import csv
import re
from functools import lru_cache
from pathlib import Path

import numpy as np

from mien.errors import MienError
from mien.utterance import Utterance

UNIT = re.compile(r"AU\d\d_[rc]")
"""Columns: an action unit's intensity (r, 0 to 5) or presence (c, 0 or 1)."""

_FILES = 16

Rows = tuple[np.ndarray, np.ndarray, tuple[str, ...]]


class OpenFace:
    """A folder of what OpenFace's FeatureExtraction or FaceLandmarkVidMulti wrote.

    A file is named after the utterance's id and holds that utterance alone, or after its video;
    then the times tell what belongs to the utterance. Only rows in which a face was found count;
    of several faces at one time the surest does.
    """

    name = "openface"
    modalities = "v"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notes: list[str] = []
        self._read = lru_cache(maxsize=_FILES)(_read)
        self._units: tuple[str, ...] | None = None

    @staticmethod
    def at(path: Path) -> bool:
        """Tell whether a path looks like one."""
        return path.is_dir() and any(path.glob("*.csv"))

    def __call__(self, utterance: Utterance) -> dict[str, np.ndarray]:
        """Give the action units of an utterance, 35 numbers for each picture with a face."""
        alone = self.path / f"{utterance.id}.csv"
        if alone.is_file():
            times, units = self._rows(alone)
            kept = np.ones(len(times), bool)
        elif utterance.video is not None and (self.path / f"{utterance.video.stem}.csv").is_file():
            times, units = self._rows(self.path / f"{utterance.video.stem}.csv")
            end = np.inf if utterance.end is None else utterance.end
            kept = (times >= (utterance.start or 0.0)) & (times < end)
        else:
            return {}
        return {"v": units[kept]} if kept.any() else {}

    def _rows(self, path: Path) -> tuple[np.ndarray, np.ndarray]:
        times, units, names = self._read(path)
        self._units = self._units or names
        if names != self._units:
            raise MienError(
                f"{path}: has other action units ({len(names)}) than the files before"
                f" ({len(self._units)}); take files of one version of OpenFace"
            )
        return times, units


def _read(path: Path) -> Rows:
    """Read the times (T,), the units (T, 35) and the units' names."""
    with path.open(encoding="utf-8-sig", newline="", errors="replace") as file:
        lines = csv.reader(file, skipinitialspace=True)
        heading = [cell.strip() for cell in next(lines, [])]
        names = tuple(name for name in heading if UNIT.fullmatch(name))
        if not names or "timestamp" not in heading:
            raise MienError(f"{path}: is no file of OpenFace: it has no action units or times")
        try:
            rows = [dict(zip(heading, map(float, line), strict=True)) for line in lines if line]
        except ValueError as error:
            raise MienError(f"{path}: is damaged ({error})") from error
    best: dict[float, dict[str, float]] = {}
    for row in rows:
        known = best.get(row["timestamp"])
        sure = known is None or row.get("confidence", 1) > known.get("confidence", 1)
        if row.get("success", 1) == 1 and sure:
            best[row["timestamp"]] = row
    ordered = sorted(best.values(), key=lambda row: row["timestamp"])
    # intensities first, then presences, as OpenFace itself has them
    names = tuple(sorted(names, key=lambda name: (name[-1] == "c", name)))
    units = np.array([[row[n] for n in names] for row in ordered], np.float32)
    return np.array([row["timestamp"] for row in ordered]), units.reshape(-1, len(names)), names
