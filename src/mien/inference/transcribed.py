"""The transcript of a clip, by automatic transcription."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from mien.audio_effects import from_int16
from mien.inference.clips import media_of
from mien.inference.segments import MAX_SEGMENT_SECONDS
from mien.inference.timeline import Word
from mien.inference.transcription import Transcriber
from mien.inference.words import assign_words, text_of
from mien.media.cues import Cue, Transcript
from mien.media.decode import has_audio, read_audio
from mien.media.limits import MAX_SECONDS
from mien.media.timed_words import TimedWord, ends_sentence
from mien.models.pretrained.voice_activity import FRAME_SAMPLES, SPEECH, VoiceActivity
from mien.utterance import SAMPLE_RATE, MediaBytes

PAUSE_SECONDS = 1.0
"""A pause between words that ends a cue."""

LEAST_LANGUAGE = 0.5
"""Probability below which a detected language is not believed."""

Region = tuple[float, float]


def transcribed(
    clip: str | Path | bytes | MediaBytes | np.ndarray,
    transcriber: Transcriber,
    voice_activity: VoiceActivity | None = None,
    *,
    max_seconds: float = MAX_SECONDS,
) -> Transcript:
    """Transcribe a clip, as `Recognizer` takes it in place of the path of a transcript.

    A clip of 15 s at most in which nobody pauses for a second has one cue without times, so that it
    is predicted as a whole, as with its text given. Others have a cue for each passage of speech,
    which ends at a pause or, after 15 s, at the end of a sentence or the longest pause within. A
    passage in which no words are recognised has a cue without text.

    Parameters
    ----------
    clip : path, bytes of a media file, or array (S,) int16
        A waveform is mono at 16 kHz.
    transcriber : Transcriber
        Can be used for many clips.
    voice_activity : VoiceActivity, optional
        Tells where somebody speaks (default: it is loaded, which takes a moment).
    max_seconds : float
        A longer file is read up to here.

    Raises
    ------
    MienError
        The clip can't be read.
    """
    waveform = clip if isinstance(clip, np.ndarray) else _read(clip, max_seconds)
    if waveform is None:
        return Transcript([], ["not transcribed: there is no audio"])
    regions = speech_regions(waveform, voice_activity or VoiceActivity())
    if not regions:
        return Transcript([], ["not transcribed: nobody is heard speaking"])
    found = transcriber(waveform, regions)
    seconds = len(waveform) / SAMPLE_RATE
    passages = _passages(regions)
    cues = [
        cue
        for passage, words in zip(passages, assign_words(found.words, passages).words, strict=True)
        for cue in _cues(words, *passage)
    ]
    if len(cues) == 1 and seconds <= MAX_SEGMENT_SECONDS:
        cues = [replace(cues[0], start=None, end=None)]
    probability = found.language_probability
    unsure = probability is not None and probability < LEAST_LANGUAGE
    return Transcript(cues, found.notes, None if unsure else found.language)


def _read(clip: str | Path | bytes | MediaBytes, max_seconds: float) -> np.ndarray | None:
    """Read the audio of a file, if it has some. The recognizer reports what is odd about it."""
    media = media_of(clip, "clip")
    if not has_audio(media):
        return None
    return read_audio(media, max_seconds=max_seconds, report=lambda note: None)


def speech_regions(waveform: np.ndarray, voice_activity: VoiceActivity) -> list[Region]:
    """Find the stretches of speech (start, end) in a waveform (S,) int16, in seconds."""
    probabilities = voice_activity(torch.from_numpy(from_int16(waveform))).numpy()
    spoken = np.concatenate([[False], probabilities >= SPEECH, [False]])
    edges = np.flatnonzero(spoken[1:] != spoken[:-1]) * FRAME_SAMPLES / SAMPLE_RATE
    return [(float(start), float(end)) for start, end in edges.reshape(-1, 2)]


def _passages(regions: list[Region]) -> list[Region]:
    """Join stretches of speech whose pauses are short."""
    passages = regions[:1]
    for start, end in regions[1:]:
        if start - passages[-1][1] < PAUSE_SECONDS:
            passages[-1] = passages[-1][0], end
        else:
            passages.append((start, end))
    return passages


def _cues(words: list[Word], start: float, end: float) -> list[Cue]:
    """Make cues of a passage, none longer than a segment if words allow it."""
    if end - start <= MAX_SEGMENT_SECONDS or len(words) < 2:
        timed = tuple(
            TimedWord(word.text, word.start, word.end, word.probability) for word in words
        )
        return [Cue(text_of(words), start, end, timed_words=timed)]
    at = _break(words)
    edge = (words[at - 1].end + words[at].start) / 2
    return [*_cues(words[:at], start, edge), *_cues(words[at:], edge, end)]


def _break(words: list[Word]) -> int:
    """Choose the word with which a new cue begins: after a sentence, else after a pause.

    Breaks in the middle half of the passage are preferred, so that no cue is a word or two.
    """
    first, last = words[0].start, words[-1].end

    def merit(at: int) -> tuple[bool, bool, float]:
        before, after = words[at - 1], words[at]
        central = abs(2 * after.start - first - last) <= (last - first) / 2
        return central, ends_sentence(before.text), after.start - before.end

    return max(range(1, len(words)), key=merit)
