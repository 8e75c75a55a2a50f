"""From clips to enrolments: embeddings, those of augmented copies, and states for a model."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mien.errors import MienError
from mien.gallery.types import Enrolment, copy_key
from mien.identity.embedder import CopyEncoder, Encoder, Warn


class EmbeddedClip(NamedTuple):
    """What is stored of a clip.

    Parameters
    ----------
    keys : list of str
        The hash of the clip, and the names of its copies.
    embeddings : array (1 + N, E)
        Of the clip and its copies.
    state : array (K,) or None
        What a model needs to predict relative to the clip.
    """

    keys: list[str]
    embeddings: np.ndarray
    state: np.ndarray | None


@dataclass(frozen=True)
class Enroller:
    """Embeds clips of persons to be enrolled.

    Parameters
    ----------
    encoder : Encoder
        That of the gallery.
    copies : int
        Augmented copies of each clip that are enrolled with it, 0 and up.
    references : Encoder, optional
        Computes the states of clips for a model that predicts relative to them
        (`mien.inference.references.ReferenceEncoder`).

    Raises
    ------
    MienError
        There are to be copies, and the encoder can't embed any.
    """

    encoder: Encoder
    copies: int = 0
    references: Encoder | None = None

    def __post_init__(self) -> None:
        """Refuse copies that can't be embedded."""
        if self.copies and not isinstance(self.encoder, CopyEncoder):
            raise MienError(
                "no augmented copies with this encoder, which is not of audio: leave them out",
                parameter="copies",
            )

    def embed(self, clip: Path, content: str, warn: Warn) -> EmbeddedClip:
        """Embed a clip.

        Parameters
        ----------
        clip : Path
            The file.
        content : str
            Its hash.
        warn : callable
            Takes a warning for whatever of the clip is left out.

        Raises
        ------
        MienError
            The clip can't be read, or has nothing that the encoder or the model uses.
        """
        notes: list[str] = []
        rows = [self.encoder.embed(clip, notes.append)]
        if self.copies and isinstance(self.encoder, CopyEncoder):
            rows += list(self.encoder.embed_copies(clip, self.copies))
        keys = [copy_key(content, number) for number in range(len(rows))]
        state = None if self.references is None else self.references.embed(clip, notes.append)
        for note in dict.fromkeys(notes):  # both may find the same
            warn(note)
        return EmbeddedClip(keys, np.stack(rows), state)


def enrolment(
    person: str, clips: Sequence[EmbeddedClip], *, consent: str, expires: date
) -> Enrolment:
    """Make an enrolment of a person's clips, as `Enrolment` describes it."""
    return Enrolment(
        person=person,
        embeddings=np.concatenate([clip.embeddings for clip in clips]),
        clips=tuple(key for clip in clips for key in clip.keys),
        consent=consent,
        expires=expires,
        states={clip.keys[0]: clip.state for clip in clips if clip.state is not None},
    )
