"""Whether a segment's text, audio and video can be used at all, by measured rules."""

import math
from collections.abc import Iterable
from functools import cached_property
from threading import Lock

import numpy as np

from mien.inference.abstention import Abstention
from mien.inference.language import LANGUAGES, MIN_WORDS, other_language, words_of
from mien.inference.reason import Reason, ReasonKind
from mien.inference.segments import face_counts
from mien.media.signal_to_noise import FRAME_LENGTH, signal_to_noise
from mien.modality import Modality
from mien.models.pretrained.voice_activity import VoiceActivity
from mien.silence import is_audible, loudness
from mien.utterance import SAMPLE_RATE, Sample, Skipped

LEAST_VOICE = 0.1
"""Seconds of speech below which nobody speaks: single frames of noise or music pass for speech."""


class Screening:
    """Applies the rules of an `Abstention` to segments.

    Parameters
    ----------
    abstention : Abstention
        The thresholds.

    Examples
    --------
    >>> screening = Screening(Abstention(languages=("en",)))
    >>> print(*screening.audio(np.zeros(16_000, np.int16)), sep="")
    nothing to hear (nothing is louder than 96 dB below full scale)
    """

    def __init__(self, abstention: Abstention) -> None:
        self.abstention = abstention
        self._loading = Lock()

    def __call__(
        self, sample: Sample, whole_text: str | None, language: str | None = None
    ) -> list[Reason]:
        """Say why modalities of a segment can't be used.

        Parameters
        ----------
        sample : Sample
            The segment; a modality that it lacks gives no reason.
        whole_text : str or None
            The text of all segments, by which the language of a few words is told.
        language : str, optional
            Code of the language of the recording, where it was told by the sound.
        """
        text = sample.text or ""
        judged = text if words_of(text) >= MIN_WORDS else whole_text or ""
        return [
            *(self.text(judged, language) if text else []),
            *([] if sample.waveform is None else self.audio(sample.waveform)),
            *self.video(sample),
        ]

    def text(self, text: str, language: str | None = None) -> list[Reason]:
        """Judge a text by its language; where that can't be told, by the `language` that is heard.

        Examples
        --------
        >>> screening = Screening(Abstention(languages=("en",)))
        >>> [reason.detail for reason in screening.text("Na gut.", "de")]
        ['German; the model knows English']
        >>> screening.text("I am so glad that you came", "de")
        []
        """
        languages = self.abstention.languages
        if languages is None:
            return []
        other = other_language(text, languages)
        if other is None and language is not None and language not in languages:
            # a sentence that is surely in a language that the model knows is used all the same
            known_code = language in LANGUAGES
            if not (known_code and other_language(text, (language,))):
                other = LANGUAGES.get(language, f"language {language}")
        if other is None:
            return []
        known = " or ".join(LANGUAGES[code] for code in languages)
        detail = f"{other}; the model knows {known}"
        return [Reason(kind="other language", modality=Modality.TEXT, detail=detail)]

    def audio(self, waveform: np.ndarray) -> list[Reason]:
        """Judge a waveform (S,) int16 at 16 kHz, by the first rule that it breaks."""
        if not is_audible(waveform):
            level = f"nothing is louder than {-loudness(waveform):.0f} dB below full scale"
            return [_of_audio("nothing to hear", level)]
        speech, least = self.voice_activity.seconds(waveform), self.abstention.min_speech
        if speech < min(LEAST_VOICE, least):
            seconds = len(waveform) / SAMPLE_RATE
            return [_of_audio("no speech", f"nobody is heard speaking in {seconds:.1f} s")]
        long = len(waveform) >= FRAME_LENGTH
        if long and (ratio := signal_to_noise(waveform)) < self.abstention.min_snr:
            needed = f"at least {self.abstention.min_snr:g} are needed"
            return [
                _of_audio("too noisy", f"signal-to-noise about {math.floor(ratio)} dB; {needed}")
            ]
        if speech < least:
            needed = f"at least {least:g} s are needed"
            return [
                _of_audio("too short", f"{math.floor(10 * speech) / 10:.1f} s of speech; {needed}")
            ]
        return []

    def video(self, sample: Sample) -> list[Reason]:
        """Judge a video by the faces that were found in it."""
        searched, found = face_counts(sample)
        if found or not searched:
            return []
        frames = "in the only frame" if searched == 1 else f"in any of {searched} frames"
        return [Reason(kind="no face", modality=Modality.VIDEO, detail=f"none was found {frames}")]

    @property
    def voice_activity(self) -> VoiceActivity:
        """The voice activity detector, loaded when the first audio comes."""
        with self._loading:
            return self._voice_activity

    @cached_property
    def _voice_activity(self) -> VoiceActivity:
        return VoiceActivity()


def silence_of(skipped: Iterable[Skipped]) -> list[Reason]:
    """Say why the audio of a whole clip was left out as it was decoded, if it was."""
    kinds: dict[str, ReasonKind] = {
        "audio: silent": "nothing to hear",
        "audio: too short": "too short",
    }
    return [
        _of_audio(kinds[item.kind], item.reason.removeprefix("audio: "))
        for item in skipped
        if item.kind in kinds
    ]


def _of_audio(kind: ReasonKind, detail: str) -> Reason:
    return Reason(kind=kind, modality=Modality.AUDIO, detail=detail)
