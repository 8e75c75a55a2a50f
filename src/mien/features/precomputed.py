"""Features that were computed elsewhere, read from files of any known kind."""

from pathlib import Path
from typing import Protocol

import numpy as np

from mien.errors import MienError
from mien.features.openface import OpenFaceFeatures
from mien.features.published import PublishedFeatures
from mien.features.user_features import UserFeatures
from mien.utterance import Side, Skipped, Utterance


class PrecomputedFeatures(Protocol):
    """Features by utterance, read from files.

    Attributes
    ----------
    name : str
        Name of the kind of files.
    modalities : str
        Letters of the modalities that they hold, out of "tav".
    notes : list of str
        What the user should know about the files.
    skipped : list of Skipped
        Utterances whose features could not be read so far, and why.
    """

    name: str
    modalities: str
    notes: list[str]
    skipped: list[Skipped]

    def __call__(self, utterance: Utterance) -> dict[str, np.ndarray]:
        """Return the features (L, D) float32, L >= 1, finite, of the modalities an utterance has.

        What is damaged is left out, and recorded in `skipped`.
        """


def open_precomputed(path: Path, named_side: Side = "left") -> PrecomputedFeatures:
    """Open a folder or file of features of any known kind.

    Parameters
    ----------
    path : Path
        The folder or file.
    named_side : {"left", "right"}
        For the published features of IEMOCAP; see `PublishedFeatures`.

    Raises
    ------
    MienError
        It is of no known kind, or damaged.
    """
    if PublishedFeatures.at(path):
        return PublishedFeatures(path, named_side)
    for kind in (OpenFaceFeatures, UserFeatures):
        if kind.at(path):
            return kind(path)
    if not path.exists():
        raise MienError(f"{path}: does not exist")
    raise MienError(
        f"{path}: holds no features that mien knows: neither the published IEMOCAP_HCF_FEATURES or"
        " MOSEI_HCF_FEATURES, nor OpenFace's .csv files, nor an .npz file an utterance, nor is it"
        " a .parquet file; docs/baselines.md describes them"
    )
