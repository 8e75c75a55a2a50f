"""The reference of a speaker: the mean state of other clips of theirs, for a model that uses it."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, cast

import numpy as np
import torch

from mien.errors import MienError
from mien.inference.clips import ClipLike
from mien.inference.recognizer import Recognizer
from mien.modality import Modality
from mien.models.encoders.pretrained_reader import CopyReader
from mien.utterance import Sample, SpeakerReference

if TYPE_CHECKING:
    from mien.models.encoders.pretrained import PretrainedEncoder


def referring(recognizer: Recognizer) -> list[Modality]:
    """Return the modalities of a model whose encoders take references."""
    encoders = recognizer.model.config.encoders
    return [m for m in recognizer.readers if encoders[m].takes_references]


def speaker_reference(recognizer: Recognizer, clips: Iterable[ClipLike]) -> SpeakerReference:
    """Compute the reference of a speaker from other clips of theirs, which need no labels.

    Parameters
    ----------
    recognizer : Recognizer
        With a model that takes references.
    clips : iterable of path, bytes, (array, int), Clip or Sample
        The clips; one that is long is used in segments, each of which counts as a clip.

    Raises
    ------
    MienError
        The model takes no references, or a clip cannot be read.

    Examples
    --------
    >>> anna = speaker_reference(recognizer, ["anna1.wav", "anna2.wav"])  # doctest: +SKIP
    >>> recognizer("clip.wav", reference=anna).answers["emotion"]          # doctest: +SKIP
    """
    if not (modalities := referring(recognizer)):
        raise MienError(
            f"the model of {recognizer.run.folder} does not take references: train one with the"
            " setting references",
            parameter="references",
        )
    samples = [s for clip in clips for *_, s in recognizer.read(clip).segments]
    states = {m.letter: _mean(recognizer, m, samples) for m in modalities}
    return SpeakerReference(len(samples), {m: mean for m, mean in states.items() if mean})


@torch.inference_mode()
def _mean(
    recognizer: Recognizer, modality: Modality, samples: Sequence[Sample]
) -> list[np.ndarray]:
    """Average the states of samples that have a modality; nothing if none has it."""
    encoder = cast("PretrainedEncoder", recognizer.model.encoder(modality))
    reader = cast(CopyReader, recognizer.readers[modality])
    steps = [reader.steps(sample) for sample in samples if modality.letter in sample.modalities]
    states = [encoder.constant(one.to(recognizer.device)) for one in steps]
    parts = [torch.cat(part).mean(dim=0) for part in zip(*states, strict=True)]
    return [part.cpu().numpy() for part in parts]
