"""A control for verification: prepared data of which only the pauses are left."""

from dataclasses import replace
from functools import cached_property
from pathlib import Path

from mien.dataset.store import Store
from mien.silence import is_silence
from mien.utterance import MIN_SAMPLES, Sample


def silence_only(sample: Sample) -> Sample:
    """Keep the audio where nobody speaks, and neither text nor faces.

    What still tells speakers apart in it is the room, the microphone and the channel.

    Parameters
    ----------
    sample : Sample
        Of any modalities.

    Returns
    -------
    Sample
        Without a waveform where less than 25 ms of silence are found.
    """
    waveform = sample.waveform
    if waveform is not None:
        waveform = waveform[is_silence(waveform)]
    return Sample(
        utterance=replace(sample.utterance, text=None),
        waveform=waveform if waveform is not None and len(waveform) >= MIN_SAMPLES else None,
    )


class SilentStore(Store):
    """A prepared folder of which only the silence is read."""

    def __reduce__(self) -> tuple[type[Store], tuple[Path]]:
        return SilentStore, (self.folder,)

    @cached_property
    def modalities(self) -> list[str]:
        """The letter "a" for each sample with audio, whether there is silence in it or not."""
        return ["a" if "a" in letters else "" for letters in super().modalities]

    def __getitem__(self, number: int) -> Sample:
        """Read the silence of one sample."""
        return silence_only(super().__getitem__(number))
