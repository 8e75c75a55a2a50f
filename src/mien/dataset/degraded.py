"""Prepared data whose audio is degraded, to evaluate models under noise."""

import hashlib
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np

from mien.dataset.effect import Effect, apply
from mien.dataset.store import Store
from mien.errors import MienError
from mien.utterance import Sample, Utterance

BABBLE_VOICES = 5
"""Utterances that babble is made of, or fewer where there are not as many."""


class DegradedStore(Store):
    """A prepared folder whose audio is degraded as it is read; text and faces stay as they are.

    What is random depends on the id of the utterance alone, and for babble on what else the folder
    holds: samples are the same in any order and in any process.

    Parameters
    ----------
    folder : Path
        What `mien prepare` wrote.
    effect : Effect
        What is done to the audio.

    Examples
    --------
    >>> store = DegradedStore(Path("data/ravdess"), parse_effect("babble:10"))  # doctest: +SKIP
    """

    def __init__(self, folder: Path, effect: Effect) -> None:
        super().__init__(folder)
        self.effect = effect

    def __reduce__(self) -> tuple[type[Store], tuple[Path, Effect]]:
        return DegradedStore, (self.folder, self.effect)

    @property
    def variant(self) -> str:
        """What is done to the audio."""
        return str(self.effect)

    def __getitem__(self, number: int) -> Sample:
        """Read one sample with degraded audio."""
        sample = super().__getitem__(number)
        if sample.waveform is None:
            return sample
        random = generator_of(sample.utterance)
        rows = self.voices(number, random) if self.effect.uses_voices else []
        heard = [wave for row in rows if (wave := self.waveform(row)) is not None]
        return replace(sample, waveform=apply(self.effect, sample.waveform, random, heard))

    def voices(self, number: int, random: np.random.Generator) -> list[int]:
        """Draw rows with audio of other speakers than that of one row.

        Where persons are not known, dialogues tell speakers apart.

        Raises
        ------
        MienError
            There is none.
        """
        found: list[int] = []
        for row in random.permutation(self._with_audio).tolist():
            if _differ(self.utterances[row], self.utterances[number]):
                found.append(row)
            if len(found) == BABBLE_VOICES:
                break
        if not found:
            raise MienError(
                f"{self.folder}: no audio of another speaker than that of"
                f" {self.utterances[number].id!r}, of which babble could be made: choose another"
                " effect, or prepare the data with the column person",
                parameter="degrade",
            )
        return found

    @cached_property
    def _with_audio(self) -> np.ndarray:
        """The rows with audio."""
        return np.array([n for n, letters in enumerate(self.modalities) if "a" in letters], int)


def generator_of(utterance: Utterance) -> np.random.Generator:
    """Give the generator of an utterance, by its id."""
    digest = hashlib.sha256(utterance.id.encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))


def _differ(one: Utterance, other: Utterance) -> bool:
    """Tell whether two utterances are known to be of two speakers."""
    if one.person is not None and other.person is not None:
        return one.person != other.person
    known = one.dialogue is not None and other.dialogue is not None
    return known and one.dialogue != other.dialogue
