"""The features that the authors of the published system distribute as pickles, read safely."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from mien.corpora.iemocap import stage_position
from mien.errors import MienError
from mien.features.widths import OTHER_WIDTH, Widths
from mien.modality import Modality
from mien.models.encoders.voice_columns import KEPT, ROWS
from mien.safe_pickle.reader import load
from mien.utterance import SPLITS, Side, Skipped, Utterance

IEMOCAP, MOSEI = "IEMOCAP_HCF_FEATURES", "MOSEI_HCF_FEATURES"
ACTION_UNITS = 35
"""Action units: the last numbers of a frame in the files of IEMOCAP."""

Features = dict[str, np.ndarray]


class PublishedFeatures:
    """The folder `IEMOCAP_HCF_FEATURES` or `MOSEI_HCF_FEATURES`, or one that holds it.

    IEMOCAP has nine pickles, each a dict by utterance id: text (L, 300); audio for each side of the
    stage, "L" and "R", (763, L); faces of both sides, "image_L_0", "image_R_0", …, whose last 35
    numbers are action units. MOSEI has three pickles: "id", and in the same order "text"
    (N, L, 300), "audio" (N, L, 74), "vision" (N, L, 35), padded with zeros.

    Parameters
    ----------
    path : Path
        The folder.
    named_side : {"left", "right"}
        Side of the actor after whom an IEMOCAP dialogue is named, unless the utterance itself says
        on which side its speaker is.
    """

    name = "published"
    modalities = "tav"

    def __init__(self, path: Path, named_side: Side = "left") -> None:
        self.named_side = named_side
        self.notes: list[str] = []
        self.skipped: list[Skipped] = []
        self._infinite = 0
        folder = next((path / n for n in (IEMOCAP, MOSEI) if (path / n).is_dir()), path)
        if all((path / name).is_dir() for name in (IEMOCAP, MOSEI)):
            raise MienError(f"{path}: holds {IEMOCAP} and {MOSEI}: name one of them")
        self._sides: dict[str, dict[str, Features]] = {}
        self._plain: dict[str, Features] = {}
        if any(folder.glob("mosei_senti_hcf_*.pkl")):
            for split in SPLITS:
                self._read_mosei(folder / f"mosei_senti_hcf_{split}.pkl")
        else:
            for split in SPLITS:
                self._read_iemocap(folder, split)
        self._folder, self._widths = folder, self._count()
        if self._infinite:
            self.notes.append(f"{self._infinite} numbers that are not finite count as 0")

    @staticmethod
    def at(path: Path) -> bool:
        """Tell whether a path looks like such a folder."""
        names = ("*_text_features.pt", "mosei_senti_hcf_*.pkl")
        folders = (path, path / IEMOCAP, path / MOSEI)
        return any(any(folder.glob(name)) for folder in folders for name in names)

    def __call__(self, utterance: Utterance) -> Features:
        """Return the features of an utterance, on the side of the stage where its speaker is."""
        found = dict(self._plain.get(utterance.id, {}))
        if utterance.id in self._sides:
            side, channel = stage_position(utterance.id, self.named_side)
            side = utterance.video_side or side
            channel = channel if utterance.audio_channel is None else utterance.audio_channel
            for m, letter in (("v", side[0].upper()), ("a", "LR"[channel])):
                if letter in (features := self._sides[utterance.id].get(m, {})):
                    found[m] = features[letter]
        return {m: array for m, array in found.items() if self._fits(utterance, m, array)}

    def _count(self) -> Widths:
        widths = Widths()
        sides = ((m, s.values()) for found in self._sides.values() for m, s in found.items())
        plain = ((m, (array,)) for found in self._plain.values() for m, array in found.items())
        for m, arrays in chain(plain, sides):
            for array in arrays:
                widths.add(m, array.shape[1])
        return widths

    def _fits(self, utterance: Utterance, m: str, array: np.ndarray) -> bool:
        """Tell whether features have the usual width; those that have another are recorded."""
        where, name = str(self._folder), Modality.of(m)
        try:
            self._widths.check(m, array, f"{where}, {utterance.id}, {name}")
        except MienError as error:
            kind = f"features: {name} with {OTHER_WIDTH}"
            self.skipped.append(Skipped(utterance.id, str(error), where, kind))
            return False
        return True

    def _read_iemocap(self, folder: Path, split: str) -> None:
        """Read the three files of a split, one after the other since they are large."""
        readers = {"text": self._text, "audio": self._audio, "video": self._video}
        for kind, reader in readers.items():
            path = folder / f"{split}_{kind}_features.pt"
            for name, value in _entries(path):
                try:
                    reader(name, value)
                except (TypeError, ValueError, AttributeError, IndexError, KeyError) as error:
                    raise MienError(f"{path}: {name} is not as published ({error})") from error

    def _text(self, name: str, words: Any) -> None:
        if len(words):
            self._plain.setdefault(name, {})["t"] = self._table(words)

    def _audio(self, name: str, sides: Any) -> None:
        for side, rows in sides.items():
            steps = self._table(rows).T
            if steps.shape[1] != ROWS:
                raise ValueError(f"{steps.shape[1]} rows of audio where {ROWS} were expected")
            if len(steps):
                own = self._sides.setdefault(name, {}).setdefault("a", {})
                own[side] = np.ascontiguousarray(steps[:, list(KEPT)])

    def _video(self, name: str, frames: Any) -> None:
        for side in "LR":
            prefix = f"image_{side}_"
            found = {int(k.removeprefix(prefix)): k for k in frames if k.startswith(prefix)}
            rows = [np.asarray(frames[found[n]])[-ACTION_UNITS:] for n in sorted(found)]
            if rows:
                own = self._sides.setdefault(name, {}).setdefault("v", {})
                own[side] = self._table(rows)

    def _read_mosei(self, path: Path) -> None:
        content = load(path)
        try:
            ids = [_name(i) for i in np.asarray(content["id"]).ravel().tolist()]
            modalities = {
                m: content[key] for m, key in zip("tav", ("text", "audio", "vision"), strict=True)
            }
            if {len(arrays) for arrays in modalities.values()} != {len(ids)}:
                raise ValueError("has not as many features as ids")
            for number, name in enumerate(ids):
                steps = {
                    m: _without_padding(self._table(arrays[number]))
                    for m, arrays in modalities.items()
                }
                self._plain[name] = {m: array for m, array in steps.items() if len(array)}
        except (TypeError, ValueError, KeyError, IndexError) as error:
            raise MienError(f"{path}: is not as published ({error})") from error

    def _table(self, values: Any) -> np.ndarray:
        """Convert rows of numbers to an array (L, D) of finite ones."""
        table = np.asarray(values, np.float32)
        if table.ndim != 2:
            raise ValueError(f"an array of {table.ndim} axes where 2 were expected")
        infinite = ~np.isfinite(table)
        self._infinite += int(infinite.sum())
        return np.where(infinite, np.float32(0), table)


def _entries(path: Path) -> Iterator[tuple[str, Any]]:
    content = load(path)
    if not isinstance(content, dict):
        raise MienError(f"{path}: is not as published: no dict of utterances")
    yield from content.items()


def _name(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _without_padding(steps: np.ndarray) -> np.ndarray:
    """Remove the rows of zeros at the beginning and at the end."""
    (filled,) = np.nonzero(steps.any(axis=1))
    return steps[filled[0] : filled[-1] + 1] if len(filled) else steps[:0]
