"""The names of the speakers of a recording, as a gallery knows them."""

from dataclasses import dataclass, field

import numpy as np

from mien.gallery.gallery import Gallery
from mien.gallery.types import UNKNOWN
from mien.identity.embedder import SampleEncoder
from mien.utterance import Sample


@dataclass(frozen=True)
class Named:
    """The enrolled person that a speaker is; None: they are not enrolled, or it was not told.

    Parameters
    ----------
    person : str or None
        Their name.
    notes : list of str
        What to know about the result.
    """

    person: str | None = None
    notes: list[str] = field(default_factory=list)


class SpeakerNames:
    """Names speakers by a gallery, with its threshold. A stranger gets no name.

    Parameters
    ----------
    gallery : Gallery
        Where they may be enrolled.
    encoder : SampleEncoder
        What the gallery was made with.

    Examples
    --------
    >>> names = SpeakerNames(Gallery("gallery"), encoder)      # doctest: +SKIP
    >>> names(sample).person                                   # doctest: +SKIP
    'Anna'
    """

    def __init__(self, gallery: Gallery, encoder: SampleEncoder) -> None:
        self.gallery, self.encoder = gallery, encoder

    def __call__(self, sample: Sample) -> Named:
        """Name the speaker of a sample: of the speech and the faces of one person, without text.

        Raises
        ------
        MienError
            There is no gallery, or it was made with another encoder.
        """
        embedding = self.encoder.embed_sample(sample)
        if embedding is None or not np.any(embedding):
            return Named()
        found = self.gallery.identify(embedding, encoder=self.encoder.fingerprint)
        known = found.person not in (None, UNKNOWN)
        return Named(found.person if known else None, found.notes)
