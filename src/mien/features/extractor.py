"""From a sample to its features, in one way for `mien features` and for a clip at hand."""

from functools import cached_property
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from mien.errors import MienError
from mien.features.text import Packaged, Table, Vectors, text_features
from mien.utterance import Sample

TABLE = "words.npz"
"""Name of the word vectors, in a folder of features and in a run folder."""

VOICE, FACE = "voice-1", "face-1"
"""Names of the extractors; another number means that they compute something else."""


class FeatureSettings(BaseModel):
    """Where the features of some data come from; enough, with `TABLE`, to extract more.

    Parameters
    ----------
    sources : dict of str to str
        For each modality the extractor, or the kind of files that they were read from.
    sizes : dict of str to int
        Features a step.
    max_seconds : float
        Of longer utterances the sound and the faces after this are not looked at.
    digest : str
        Of all the numbers, to know them again.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    sources: dict[str, str]
    sizes: dict[str, int]
    max_seconds: float
    digest: str


class Extractor:
    """Extract the features that mien can extract.

    Parameters
    ----------
    sources : dict of str to str
        As `FeatureSettings` has them. What comes from files is left out.
    table : Path
        The word vectors, where the words' source is one.

    Examples
    --------
    >>> import numpy as np
    >>> from mien.utterance import Utterance
    >>> sound = Sample(utterance=Utterance(id="1", corpus="own"), waveform=np.zeros(16_000, "i2"))
    >>> {m: f.shape for m, f in Extractor({"a": "voice-1"}, Path("words.npz"))(sound).items()}
    {'a': (11, 144)}
    """

    def __init__(self, sources: dict[str, str], table: Path) -> None:
        self.sources, self.table = sources, table

    @property
    def modalities(self) -> str:
        """The letters of what can be extracted."""
        able = (VOICE, FACE, Packaged.name)
        return "".join(m for m, s in self.sources.items() if s in able or s.startswith("glove-"))

    @cached_property
    def vectors(self) -> Vectors:
        """The word vectors."""
        if self.sources["t"] == Packaged.name:
            return Packaged()
        table = Table(self.table)
        if table.name != self.sources["t"]:  # which says what was in it
            raise MienError(f"{self.table}: damaged, or another table of words; copy it again")
        return table

    def __call__(self, sample: Sample) -> dict[str, np.ndarray]:
        """Give the features (L, D) of each modality that the sample has and that can be had.

        Words without a vector, and pictures in which no face was found, are left out.
        """
        features = {"t": self._text, "a": self._voice, "v": self._face}
        found = {m: features[m](sample) for m in self.modalities}
        return {m: part for m, part in found.items() if part is not None}

    def _text(self, sample: Sample) -> np.ndarray | None:
        return None if sample.text is None else text_features(sample.text, self.vectors)

    def _voice(self, sample: Sample) -> np.ndarray | None:
        from mien.features.voice import voice_features

        if sample.waveform is None:
            return None
        return voice_features(sample.waveform.astype(np.float32) / 32768)

    def _face(self, sample: Sample) -> np.ndarray | None:
        from mien.features.face import face_features

        if sample.faces is None:
            return None
        faces = sample.faces if sample.face_found is None else sample.faces[sample.face_found]
        return face_features(faces) if len(faces) else None
