"""Features that somebody has computed before, and where they lie."""

from pathlib import Path
from typing import Protocol

import numpy as np

from mien.errors import MienError
from mien.features.openface import OpenFace
from mien.features.own import Own
from mien.features.published import Published
from mien.utterance import Side, Skipped, Utterance


class Files(Protocol):
    """Features by utterance, out of files.

    Attributes
    ----------
    name : str
        Of the kind of files.
    modalities : str
        The letters of what they hold, out of "tav".
    notes : list of str
        What the user should know of them.
    skipped : list of Skipped
        What could not be read of the utterances so far, and why.
    """

    name: str
    modalities: str
    notes: list[str]
    skipped: list[Skipped]

    def __call__(self, utterance: Utterance) -> dict[str, np.ndarray]:
        """Give the features (L, D) float32 of an utterance, L >= 1, finite; none where it has none.

        What is damaged is left out, and noted in `skipped`.
        """


def open_files(path: Path, named_side: Side = "left") -> Files:
    """Open a folder or file of features, whichever kind it is.

    Parameters
    ----------
    path : Path
        The folder or file.
    named_side : {"left", "right"}
        For the published ones of IEMOCAP; see `Published`.

    Raises
    ------
    MienError
        It is of no known kind, or damaged.
    """
    if Published.at(path):
        return Published(path, named_side)
    for kind in (OpenFace, Own):
        if kind.at(path):
            return kind(path)
    if not path.exists():
        raise MienError(f"{path}: does not exist")
    raise MienError(
        f"{path}: holds no features that mien knows: neither the published IEMOCAP_HCF_FEATURES or"
        " MOSEI_HCF_FEATURES, nor OpenFace's .csv files, nor an .npz file an utterance, nor is it"
        " a .parquet file; docs/baselines.md describes them"
    )
