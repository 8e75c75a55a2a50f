"""Summary of the features of some data, counted from their shards."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mien.dataset.shard import ShardEntry
from mien.errors import MienError
from mien.features.store import LETTERS, open_features, read_features_info
from mien.modality import Modality


@dataclass(frozen=True, kw_only=True)
class FeatureSummary:
    """What was extracted; `str` of it is for reading.

    Parameters
    ----------
    utterances : int
        Utterances of the data.
    sources : dict of str to str
        For each modality the source of its features.
    sizes, counts : dict of str to int
        Features per step, and utterances that have any.
    unknown : int or None
        Words without a vector; None where the text features were read from files.
    notes : list of str
        What the user should know about the files that were read.
    """

    utterances: int
    sources: dict[str, str]
    sizes: dict[str, int]
    counts: dict[str, int]
    unknown: int | None
    notes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [
            f"{Modality.of(m):<6} {self.sizes[m]:>4} features per step ({source}), of"
            f" {self.counts[m]} of {self.utterances} utterances"
            for m, source in self.sources.items()
        ]
        if self.unknown:
            lines.append(f"{self.unknown} words have no vector and are left out")
        return "\n".join([*lines, *self.notes])


def read_summary(data: Path) -> FeatureSummary:
    """Read the summary of features beside prepared data. Raises `MienError` if there are none."""
    info = read_features_info(data)
    return FeatureSummary(**{n: info[n] for n in FeatureSummary.__dataclass_fields__ if n in info})


class FeatureCounts:
    """Counts and a digest of the features in some shards.

    Parameters
    ----------
    shards : iterable of Path
        The shards, in order.

    Attributes
    ----------
    utterances : Counter of str
        Utterances with features, by the letter of the modality.
    words, vectors : int
        Words of the texts, and those that have a vector.
    sizes : dict of str to int
        Features per step.
    entries : list of ShardEntry
        Records of the shards.

    Raises
    ------
    MienError
        A shard is damaged, or an utterance has another number of features per step than others.
    """

    def __init__(self, shards: Iterable[Path]) -> None:
        self.utterances: Counter[str] = Counter()
        self.words = self.vectors = 0
        self.sizes: dict[str, int] = {}
        self.entries: list[ShardEntry] = []
        self._digest = hashlib.sha256()
        for path in shards:
            rows = open_features(path).read().to_pylist()
            self.entries.append(ShardEntry.of(path, len(rows)))
            for row in rows:
                self._add(row, path)

    @property
    def digest(self) -> str:
        """Digest of all features."""
        return self._digest.hexdigest()[:16]

    def _add(self, row: dict[str, Any], path: Path) -> None:
        self.words += row["words"]
        self.vectors += row["t_steps"]
        self.utterances.update(m for m in LETTERS if row[f"{m}_steps"])
        for m in LETTERS:
            if row[m] is not None:
                self._check_size(row, m, path)
        self._digest.update(json.dumps([row[f"{m}_steps"] for m in LETTERS]).encode())
        self._digest.update(b"".join(row[m] or b"" for m in LETTERS))

    def _check_size(self, row: dict[str, Any], m: str, path: Path) -> None:
        size = len(row[m]) // 4 // row[f"{m}_steps"]
        if self.sizes.setdefault(m, size) != size:
            raise MienError(
                f"{path}: {row['id']} has {size} features of {Modality.of(m)} per step, others"
                f" have {self.sizes[m]}: delete {path.parent}, then 'mien features' again"
            )
