"""The reference of a speaker: the mean state of other clips of theirs, for a model that uses it."""

import hashlib
import json
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, cast

import numpy as np
import torch

from mien.errors import MienError
from mien.inference.clips import ClipLike
from mien.inference.recognizer import Recognizer
from mien.modality import Modality
from mien.models.encoders.pretrained_reader import StateReader
from mien.models.encoders.pretrained_settings import PretrainedSettings
from mien.runs.frozen import frozen_digest
from mien.utterance import Sample, SpeakerReference

if TYPE_CHECKING:
    from mien.models.encoders.pretrained import PretrainedEncoder


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
        The model takes no references, there are no clips, or one cannot be read.

    Examples
    --------
    >>> anna = speaker_reference(recognizer, ["anna1.wav", "anna2.wav"])  # doctest: +SKIP
    >>> recognizer("clip.wav", reference=anna).answers["emotion"]          # doctest: +SKIP
    """
    encoder = ReferenceEncoder(recognizer)
    states = [encoder.embed(clip) for clip in clips]
    if not states:
        raise MienError("a reference needs one clip or more", parameter="references")
    return encoder.reference(np.stack(states))


class ReferenceEncoder:
    """Turns a clip into its state: what a model needs of it to predict relative to it.

    A state can be stored, and used by any model whose frozen networks are the same.

    Parameters
    ----------
    recognizer : Recognizer
        With a model that takes references.

    Raises
    ------
    MienError
        The model takes no references.

    Attributes
    ----------
    fingerprint : str
        Identifies what states depend on: the frozen networks, their settings, and how faces are
        sampled. The weights that were trained are no part of it.
    """

    def __init__(self, recognizer: Recognizer) -> None:
        self.recognizer = recognizer
        encoders = recognizer.model.config.encoders
        self.modalities = [m for m in recognizer.readers if encoders[m].takes_references]
        if not self.modalities:
            raise MienError(
                f"the model of {recognizer.run.folder} does not take references: train one with the"
                " setting references",
                parameter="references",
            )
        self.fingerprint = self._fingerprint()

    def embed(self, clip: ClipLike, warn: Callable[[str], object] = warnings.warn) -> np.ndarray:
        """Compute the state of a clip.

        It is the sum over the clip's segments of (1, x, 1, y, 1), where x and y are the pooled
        states of all networks in each modality that refers, with a 1 behind; zeros where a segment
        lacks the modality. The ones count.

        Parameters
        ----------
        clip : path, bytes, (array, int), Clip or Sample
            The clip.
        warn : callable
            Takes a warning for whatever of the clip is left out.

        Returns
        -------
        array (K,) float32

        Raises
        ------
        MienError
            The clip can't be read, or has none of the modalities that the model uses.
        """
        recording = self.recognizer.read(clip)
        for note in recording.warnings:
            warn(note)
        states = [self._state(sample) for *_, sample in recording.segments]
        return np.stack(states).sum(axis=0).astype(np.float32)

    @torch.inference_mode()
    def _state(self, sample: Sample) -> np.ndarray:
        """Compute the state of one segment, float64."""
        parts = [np.ones(1)]
        for modality in self.modalities:
            encoder = self._encoder(modality)
            block = np.zeros(sum(encoder.widths) + 1)
            if modality.letter in sample.modalities:
                reader = cast(StateReader, self.recognizer.readers[modality])
                steps = reader.steps(sample).to(self.recognizer.device)
                states = [part.cpu().numpy()[0] for part in encoder.constant(steps)]
                block = np.concatenate([*states, np.ones(1)])
            parts.append(block)
        return np.concatenate(parts)

    def reference(self, states: np.ndarray) -> SpeakerReference:
        """Average the states (N, K) of clips of one speaker, as a reference for predictions."""
        total = states.astype(np.float64).sum(axis=0)
        means, counts = {}, {}
        for modality, block in self._blocks(total[1:]):
            if (count := block[-1]) > 0:
                places = np.cumsum(self._encoder(modality).widths)[:-1]
                counts[modality.letter] = round(count)
                mean = (block[:-1] / count).astype(np.float32)
                means[modality.letter] = np.split(mean, places)
        return SpeakerReference(round(total[0]), counts, means)

    def _blocks(self, total: np.ndarray) -> Iterator[tuple[Modality, np.ndarray]]:
        """Give the part of a state that belongs to each modality."""
        for modality in self.modalities:
            length = sum(self._encoder(modality).widths) + 1
            yield modality, total[:length]
            total = total[length:]

    def _encoder(self, modality: Modality) -> "PretrainedEncoder":
        return cast("PretrainedEncoder", self.recognizer.model.encoder(modality))

    def _fingerprint(self) -> str:
        run, content = self.recognizer.run, {}
        for modality in self.modalities:
            settings = cast(PretrainedSettings, run.config.model.encoders[modality])
            if recorded := run.config.frozen.get(modality):
                weights = recorded.sha256
            else:  # a run that was handed on may hold the frozen weights itself
                weights = frozen_digest(self.recognizer.model, modality)
            reader = cast(StateReader, self.recognizer.readers[modality])
            content[modality.value] = settings.key() | {"weights": weights} | reader.key()
        if Modality.VIDEO in self.modalities:
            names = ("face_size", "frame_interval", "no_face")
            content["faces"] = {name: getattr(run.config.data, name) for name in names}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
