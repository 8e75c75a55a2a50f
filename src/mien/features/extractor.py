"""Extract the features of a sample: for `mien features`, and for a clip that is predicted."""

from functools import cached_property
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from mien.errors import MienError
from mien.features.word_vectors import PackagedVectors, VectorTable, WordVectors, text_features
from mien.utterance import Sample

WORD_VECTORS = "words.npz"
"""File of the word vectors, in a folder of features and in a run folder."""

VOICE_EXTRACTOR, FACE_EXTRACTOR = "voice-1", "face-1"
"""Names of the extractors; the number is raised when they compute something else."""


class FeatureSettings(BaseModel):
    """The source of the features of some data; with `WORD_VECTORS`, enough to extract more.

    Parameters
    ----------
    sources : dict of str to str
        For each modality the extractor, or the kind of files that the features were read from.
    sizes : dict of str to int
        Features per step.
    max_seconds : float
        Audio and faces after this are not used.
    digest : str
        Of all the features, to recognise them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    sources: dict[str, str]
    sizes: dict[str, int]
    max_seconds: float
    digest: str


class Extractor:
    """Extracts the features that mien can extract.

    Parameters
    ----------
    sources : dict of str to str
        As in `FeatureSettings`. What comes from files is left out.
    table : Path
        The word vectors, where these are the source of the text features.

    Examples
    --------
    >>> import numpy as np
    >>> from mien.utterance import Utterance
    >>> sample = Sample(utterance=Utterance(id="1", corpus="own"), waveform=np.zeros(16_000, "i2"))
    >>> {m: f.shape for m, f in Extractor({"a": "voice-1"}, Path("words.npz"))(sample).items()}
    {'a': (11, 144)}
    """

    def __init__(self, sources: dict[str, str], table: Path) -> None:
        self.sources, self.table = sources, table

    @property
    def modalities(self) -> str:
        """The letters of the modalities that can be extracted."""
        known = (VOICE_EXTRACTOR, FACE_EXTRACTOR, PackagedVectors.name)
        return "".join(m for m, s in self.sources.items() if s in known or s.startswith("glove-"))

    @cached_property
    def vectors(self) -> WordVectors:
        """The word vectors."""
        if self.sources["t"] == PackagedVectors.name:
            return PackagedVectors()
        table = VectorTable(self.table)
        if table.name != self.sources["t"]:  # the name has a digest of the content
            raise MienError(f"{self.table}: damaged, or another table of words; copy it again")
        return table

    def __call__(self, sample: Sample) -> dict[str, np.ndarray]:
        """Return the features (L, D) of each modality that the sample has and can be extracted.

        Words without a vector, and frames without a detected face, are left out.
        """
        features = {"t": self._text, "a": self._audio, "v": self._video}
        found = {m: features[m](sample) for m in self.modalities}
        return {m: array for m, array in found.items() if array is not None}

    def _text(self, sample: Sample) -> np.ndarray | None:
        return None if sample.text is None else text_features(sample.text, self.vectors)

    def _audio(self, sample: Sample) -> np.ndarray | None:
        from mien.features.voice_features import voice_features

        if sample.waveform is None:
            return None
        return voice_features(sample.waveform.astype(np.float32) / 32768)

    def _video(self, sample: Sample) -> np.ndarray | None:
        from mien.features.face_features import face_features

        if sample.faces is None:
            return None
        faces = sample.faces if sample.face_found is None else sample.faces[sample.face_found]
        return face_features(faces) if len(faces) else None
