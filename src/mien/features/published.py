"""The features that the published system's authors distribute, read without running them."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from mien.corpora.iemocap import place
from mien.errors import MienError
from mien.features.widths import NAMES, OTHER_WIDTH, Widths
from mien.models.encoders.voice_columns import KEPT, ROWS
from mien.safe_pickle.reader import load
from mien.utterance import Side, Skipped, Utterance

IEMOCAP, MOSEI = "IEMOCAP_HCF_FEATURES", "MOSEI_HCF_FEATURES"
PHASES = ("train", "valid", "test")

UNITS = 35
"""Action units, the last numbers of what IEMOCAP's files tell of a picture."""

Features = dict[str, np.ndarray]


class Published:
    """The folder `IEMOCAP_HCF_FEATURES` or `MOSEI_HCF_FEATURES`, or one that holds it.

    IEMOCAP, nine pickles, each a dict of utterance ids: words (L, 300); sound for each side of the
    stage, "L" and "R", (763, L); faces of both sides, "image_L_0", "image_R_0", …, whose last 35
    numbers are action units. MOSEI, three pickles: "id", and in the same order "text" (N, L, 300),
    "audio" (N, L, 74), "vision" (N, L, 35), filled up with zeros.

    Parameters
    ----------
    path : Path
        The folder.
    named_side : {"left", "right"}
        Where the actor is whom an IEMOCAP dialogue is named after, unless the utterance itself
        says on which side its speaker is.
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
            for phase in PHASES:
                self._read_mosei(folder / f"mosei_senti_hcf_{phase}.pkl")
        else:
            for phase in PHASES:
                self._read_iemocap(folder, phase)
        self._folder, self._widths = folder, self._count()
        if self._infinite:
            self.notes.append(f"{self._infinite} numbers that are not finite count as 0")

    @staticmethod
    def at(path: Path) -> bool:
        """Tell whether a path looks like one."""
        names = ("*_text_features.pt", "mosei_senti_hcf_*.pkl")
        folders = (path, path / IEMOCAP, path / MOSEI)
        return any(any(folder.glob(name)) for folder in folders for name in names)

    def __call__(self, utterance: Utterance) -> Features:
        """Give the features of an utterance, on the side of the stage where its speaker is."""
        found = dict(self._plain.get(utterance.id, {}))
        if utterance.id in self._sides:
            side, channel = place(utterance.id, self.named_side)
            seen = utterance.video_side or side
            heard = channel if utterance.audio_channel is None else utterance.audio_channel
            for m, letter in (("v", seen[0].upper()), ("a", "LR"[heard])):
                if letter in (features := self._sides[utterance.id].get(m, {})):
                    found[m] = features[letter]
        return {m: part for m, part in found.items() if self._fits(utterance, m, part)}

    def _count(self) -> Widths:
        widths = Widths()
        sides = ((m, s.values()) for parts in self._sides.values() for m, s in parts.items())
        plain = ((m, (part,)) for parts in self._plain.values() for m, part in parts.items())
        for m, arrays in chain(plain, sides):
            for array in arrays:
                widths.add(m, array.shape[1])
        return widths

    def _fits(self, utterance: Utterance, m: str, part: np.ndarray) -> bool:
        """Whether features have the usual width; those that have another are noted."""
        where = str(self._folder)
        try:
            self._widths.check(m, part, f"{where}, {utterance.id}")
        except MienError as error:
            kind = f"features: {NAMES[m]} with {OTHER_WIDTH}"
            self.skipped.append(Skipped(utterance.id, str(error), where, kind))
            return False
        return True

    def _read_iemocap(self, folder: Path, phase: str) -> None:
        """Read the three files of a phase, one after the other: they are large."""
        readers = {"text": self._text, "audio": self._audio, "video": self._video}
        for kind, reader in readers.items():
            path = folder / f"{phase}_{kind}_features.pt"
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
                raise ValueError(f"{steps.shape[1]} rows of sound where {ROWS} were expected")
            if len(steps):
                own = self._sides.setdefault(name, {}).setdefault("a", {})
                own[side] = np.ascontiguousarray(steps[:, list(KEPT)])

    def _video(self, name: str, pictures: Any) -> None:
        for side in "LR":
            prefix = f"image_{side}_"
            found = {int(k.removeprefix(prefix)): k for k in pictures if k.startswith(prefix)}
            rows = [np.asarray(pictures[found[n]])[-UNITS:] for n in sorted(found)]
            if rows:
                own = self._sides.setdefault(name, {}).setdefault("v", {})
                own[side] = self._table(rows)

    def _read_mosei(self, path: Path) -> None:
        content = load(path)
        try:
            ids = [_name(i) for i in np.asarray(content["id"]).ravel().tolist()]
            parts = {
                m: content[key] for m, key in zip("tav", ("text", "audio", "vision"), strict=True)
            }
            if {len(part) for part in parts.values()} != {len(ids)}:
                raise ValueError("has not as many features as ids")
            for number, name in enumerate(ids):
                steps = {m: _without_padding(self._table(p[number])) for m, p in parts.items()}
                self._plain[name] = {m: part for m, part in steps.items() if len(part)}
        except (TypeError, ValueError, KeyError, IndexError) as error:
            raise MienError(f"{path}: is not as published ({error})") from error

    def _table(self, values: Any) -> np.ndarray:
        """Turn rows of numbers into an array (L, D) of finite ones."""
        table = np.asarray(values, np.float32)
        if table.ndim != 2:
            raise ValueError(f"an array of {table.ndim} axes where 2 were expected")
        wrong = ~np.isfinite(table)
        self._infinite += int(wrong.sum())
        return np.where(wrong, np.float32(0), table)


def _entries(path: Path) -> Iterator[tuple[str, Any]]:
    content = load(path)
    if not isinstance(content, dict):
        raise MienError(f"{path}: is not as published: no dict of utterances")
    yield from content.items()


def _name(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _without_padding(steps: np.ndarray) -> np.ndarray:
    """Leave out the rows of zeros before and after the others."""
    (filled,) = np.nonzero(steps.any(axis=1))
    return steps[filled[0] : filled[-1] + 1] if len(filled) else steps[:0]
