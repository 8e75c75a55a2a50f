"""Reading for pretrained encoders: media, their augmented copies, or states that are stored."""

import hashlib
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mien import audio_effects
from mien.batch import Input, Ragged, RaggedGroup
from mien.modality import Modality
from mien.models.encoders.augment import augment_faces
from mien.models.encoders.base import Reader, Voices
from mien.models.encoders.copies import augmented_copy
from mien.models.encoders.spectral_masks import mask_spectrum
from mien.utterance import Sample

CLEAN = 0.4
"""Share of the utterances of an epoch that are not augmented."""

DISGUISE = (0.75, 1.3)
"""Range of the speed of the voices in babble noise."""

RECIPE = 1
"""Version of the augmented copies, which belongs to the names of stored ones."""


class StateReader(Reader):
    """A reader of steps, in whose place the states of a frozen network may be stored.

    Attributes
    ----------
    modality : Modality
        What it reads.
    copies : int
        Augmented copies of each utterance; copy 0 is the utterance as it was recorded.
    """

    modality: Modality
    copies = 0

    def copy(
        self, sample: Sample, number: int, *, keep_voice: bool, voices: Voices = tuple
    ) -> Sample:
        """Return a copy of a sample, whose states may be computed already."""
        return replace(sample, copies={**sample.copies, self.modality.letter: number})

    def copy_name(self, number: int, *, keep_voice: bool) -> str:
        """Name a copy, with all that it depends on."""
        return f"copy-{number}"

    def key(self) -> dict[str, Any]:
        """Return what the steps depend on beside the sample and the settings of the encoder."""
        return {}

    @abstractmethod
    def steps(self, sample: Sample) -> Tensor:
        """Return the steps (L, ...) of a sample."""

    def read(self, sample: Sample) -> Tensor | list[Tensor]:
        """Return the steps of a sample; if states are stored, those of each network instead."""
        letter = self.modality.letter
        if letter not in sample.states:
            return self.steps(sample)
        stored = sample.states[letter][sample.copies.get(letter, 0)]
        return [torch.from_numpy(states) for states in stored]

    def collate(self, sequences: Sequence[Any]) -> Input:
        """Collate steps, or stored states, of several samples."""
        if isinstance(sequences[0], list):
            return RaggedGroup.join(sequences)
        return Ragged.join(sequences)


class CopyReader(StateReader):
    """A reader with a fixed number of augmented copies of each utterance.

    The copies of an utterance are always the same, so that the states that a frozen network
    computes for them can be stored.

    Parameters
    ----------
    copies : int
        Augmented copies of each utterance.
    """

    def __init__(self, copies: int) -> None:
        self.copies = copies

    def draw(self, random: np.random.Generator) -> int:
        """Draw the number of a copy."""
        return 0 if random.random() < CLEAN else int(random.integers(1, self.copies + 1))

    def augment(
        self,
        sample: Sample,
        random: np.random.Generator,
        *,
        keep_voice: bool,
        voices: Voices = tuple,
    ) -> Sample:
        """Replace a training sample by one of its copies, drawn at random."""
        return self.copy(sample, self.draw(random), keep_voice=keep_voice, voices=voices)

    def copy(
        self, sample: Sample, number: int, *, keep_voice: bool, voices: Voices = tuple
    ) -> Sample:
        """Return a copy as `StateReader.copy` says."""
        sample = super().copy(sample, number, keep_voice=keep_voice)
        if number == 0 or self.modality.letter in sample.states:
            return sample
        seed = hashlib.sha256(f"{sample.utterance.id}/{number}".encode()).digest()
        random = np.random.default_rng(int.from_bytes(seed[:8], "little"))
        return self.changed(sample, random, keep_voice=keep_voice, voices=voices)

    def copy_name(self, number: int, *, keep_voice: bool) -> str:
        """Name a copy as `StateReader.copy_name` says."""
        name = super().copy_name(number, keep_voice=keep_voice)
        return f"{name}{self.variant(keep_voice)}-{RECIPE}" if number else name

    def variant(self, keep_voice: bool) -> str:
        """Say what distinguishes the copies of this reader, for their names."""
        return ""

    @abstractmethod
    def changed(
        self, sample: Sample, random: np.random.Generator, *, keep_voice: bool, voices: Voices
    ) -> Sample:
        """Change the media of a sample at random."""


class WaveformReader(CopyReader):
    """Read the waveform of a sample as (S,) float32 in [-1, 1].

    Parameters
    ----------
    copies : int
        Augmented copies of each utterance.
    specaugment : bool
        Mask bands and times in the copies.
    """

    modality = Modality.AUDIO

    def __init__(self, copies: int, *, specaugment: bool = False) -> None:
        super().__init__(copies)
        self.specaugment = specaugment

    def variant(self, keep_voice: bool) -> str:
        """Say whether the voice is kept, and bands and times are masked."""
        return ("-voice" if keep_voice else "") + ("-masked" if self.specaugment else "")

    def changed(
        self, sample: Sample, random: np.random.Generator, *, keep_voice: bool, voices: Voices
    ) -> Sample:
        """Change the speed, the level and the room at random, and add noise."""
        if sample.waveform is None:
            return sample
        others = [disguised(voice, random) for voice in voices()]
        waveform = augmented_copy(sample.waveform, random, others, keep_voice=keep_voice)
        if self.specaugment:
            waveform = mask_spectrum(waveform, random)
        return replace(sample, waveform=waveform)

    def steps(self, sample: Sample) -> Tensor:
        """Return the waveform of a sample, nothing if it has no audio."""
        if sample.waveform is None:
            return torch.zeros(0)
        return torch.from_numpy(sample.waveform.astype(np.float32) / 32768)


class CropReader(CopyReader):
    """Read the face crops of a sample as (T, 3, H, H) uint8, of the size that they have."""

    modality = Modality.VIDEO

    def changed(
        self, sample: Sample, random: np.random.Generator, *, keep_voice: bool, voices: Voices
    ) -> Sample:
        """Flip, shift and change the brightness of the crops at random."""
        if sample.faces is None:
            return sample
        return replace(sample, faces=augment_faces(sample.faces, random))

    def steps(self, sample: Sample) -> Tensor:
        """Return the crops of a sample, nothing if it has no video."""
        if sample.faces is None:
            return torch.zeros(0, 3, 1, 1, dtype=torch.uint8)
        return torch.from_numpy(np.ascontiguousarray(sample.faces)).permute(0, 3, 1, 2)

    def collate(self, sequences: Sequence[Any]) -> Input:
        """Collate crops, or stored states; samples without video get the size of the others."""
        if not isinstance(sequences[0], list):
            shape = max((tuple(steps.shape[1:]) for steps in sequences), default=(3, 1, 1))
            sequences = [s if len(s) else s.new_zeros(0, *shape) for s in sequences]
        return super().collate(sequences)


def disguised(voice: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Make a waveform of a speaker sound like somebody else, for babble: reversed or faster.

    Babble of training is made of the speaker's own clips, of any split, so that no training hears
    the voice of an unseen speaker who is tested.
    """
    factor = float(random.uniform(*DISGUISE))
    changed = audio_effects.change_speed(audio_effects.from_int16(voice), factor)
    return audio_effects.to_int16(changed[::-1] if random.random() < 0.5 else changed)
