"""Automatic transcription: what is said in a recording, word by word, by faster-whisper."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch

from mien.devices import choose_device
from mien.errors import MienError, brief
from mien.inference.speech_windows import SpeechWindow, speech_windows
from mien.inference.timeline import Word
from mien.inference.transcription_weights import PACKAGED, weights_folder
from mien.media.timed_words import TimedWord, ends_sentence, whole_words
from mien.progress import Progress

MAX_COMPRESSION = 2.4
"""Bytes of a text divided by those of its compressed form, above which it is a loop of words.

OpenAI's value. A recogniser that fails may repeat a phrase until its window is full."""

REPEATED_WORDS = 3
"""Length of a phrase that is not said twice when a loop is read again."""

BEAM_SIZE = 5
"""Hypotheses that are followed, as in OpenAI's program (benchmarks/transcription.md)."""


class Language(NamedTuple):
    """The code of a language, such as en, and its probability; of a given one that is 1."""

    code: str
    probability: float


class Passage(NamedTuple):
    """What was read at a time: seconds of speech, words, and what was left out of them."""

    seconds: float
    words: list[Word]
    misplaced: int = 0
    """Words whose times are outside the speech."""
    loops: tuple[float, ...] = ()
    """Where in the recording a text was left out since it repeats itself, seconds."""


@dataclass(frozen=True)
class Transcription:
    """What is said in a recording.

    Parameters
    ----------
    words : list of Word
        In order of time; times in seconds from the beginning of the recording.
    language : str or None
        Code of the language that is spoken: the given one, or as detected. English-only weights
        always say en, whatever is spoken. None: there is no speech.
    language_probability : float or None
        Of the detected language; None where it was not detected.
    notes : list of str
        What was left out, and why.
    """

    words: list[Word]
    language: str | None = None
    language_probability: float | None = None
    notes: list[str] = field(default_factory=list)


class Transcriber:
    """Writes down what is said: Whisper (Radford et al. 2022, https://arxiv.org/abs/2212.04356).

    The same recording gives the same words. So where Whisper would draw words at random when the
    likeliest ones form a loop, the parts of a window are read one by one, and then without
    repeated phrases; what is still a loop is left out.

    Parameters
    ----------
    weights : str
        "whisper-tiny.en", of a package; a folder with Whisper in the format of CTranslate2; or a
        repository of the hub, such as ``Systran/faster-whisper-small``.
    language : str, optional
        Code of the language that is spoken, such as ``de`` (default: it is detected in the first
        30 s of speech; English-only weights, whose names end in ``.en``, know English alone).
    device : str or torch.device, optional
        Where to compute (default: a GPU if there is one).
    threads : int, optional
        Threads of a CPU (default: as many as PyTorch uses).
    beam_size : int
        Hypotheses that are followed at the same time; 1 is faster and less exact.

    Raises
    ------
    MienError
        faster-whisper is not installed, the weights can't be found or read, or do not know the
        language.

    Examples
    --------
    >>> transcriber = Transcriber()
    >>> transcriber(np.zeros(16_000, np.int16), [])
    Transcription(words=[], language=None, language_probability=None, notes=[])
    """

    def __init__(
        self,
        weights: str = PACKAGED,
        *,
        language: str | None = None,
        device: str | torch.device | None = None,
        threads: int | None = None,
        beam_size: int = BEAM_SIZE,
    ) -> None:
        self.weights, self.language, self.beam_size = weights, language, beam_size
        self._model = _load(weights, device, threads or torch.get_num_threads())
        self.languages: tuple[str, ...] = tuple(self._model.supported_languages)
        if language is not None and language not in self.languages:
            known = "English alone" if len(self.languages) == 1 else ", ".join(self.languages)
            raise MienError(
                f"{weights} does not know the language {language!r}, but {known}",
                parameter="language",
            )

    def __call__(
        self,
        waveform: np.ndarray,
        regions: Iterable[tuple[float, float]],
        *,
        progress: bool = False,
    ) -> Transcription:
        """Transcribe the speech of a recording.

        Parameters
        ----------
        waveform : array (S,) int16
            Mono at 16 kHz. It may lie in a file (`numpy.memmap`): 30 s are read at a time.
        regions : iterable of (start, end)
            Where somebody speaks, seconds. Nothing else is read, so that no words are made up for
            music or silence.
        progress : bool
            Show how much of the speech is done.
        """
        windows = speech_windows(waveform, regions)
        if not windows:
            return Transcription([])
        language = self.detect_language(waveform, windows[0])
        total = round(sum(window.seconds for window in windows))
        passages, done = [], 0.0
        with Progress("transcribing", "seconds of speech", total, shown=progress) as bar:
            for passage in self.passages(waveform, windows, language.code):
                passages.append(passage)
                bar.update(int(done + passage.seconds) - int(done))
                done += passage.seconds
        detected = self.language is None and len(self.languages) > 1
        return Transcription(
            words=[word for passage in passages for word in passage.words],
            language=language.code,
            language_probability=language.probability if detected else None,
            notes=_notes(passages),
        )

    def detect_language(self, waveform: np.ndarray, window: SpeechWindow) -> Language:
        """Tell the language of a window of speech; the given one, if one was given."""
        if self.language is not None or len(self.languages) == 1:
            return Language(self.language or self.languages[0], 1.0)
        with self._computing():
            code, probability, _ = self._model.detect_language(audio=window.waveform(waveform))
        return Language(code, float(probability))

    def passages(
        self, waveform: np.ndarray, windows: Iterable[SpeechWindow], language: str
    ) -> Iterator[Passage]:
        """Transcribe windows of speech one by one; a caller may stop after any of them."""
        for window in windows:
            yield self._read_again(waveform, window, language)

    def _read_again(self, waveform: np.ndarray, window: SpeechWindow, language: str) -> Passage:
        """Read a window; where that gives a loop or nothing, each of its pieces."""
        passage = self._read(waveform, window, language, last=len(window.pieces) == 1)
        if len(window.pieces) == 1 or (passage.words and not passage.loops):
            return passage
        parts = [self._read(waveform, piece, language, last=True) for piece in window.alone]
        return Passage(
            window.seconds,
            [word for part in parts for word in part.words],
            sum(part.misplaced for part in parts),
            tuple(time for part in parts for time in part.loops),
        )

    def _read(
        self, waveform: np.ndarray, window: SpeechWindow, language: str, *, last: bool
    ) -> Passage:
        """Read a window; the `last` time without repeated phrases if there is a loop."""
        heard = window.waveform(waveform)
        segments = self._segments(heard, language)
        if last and any(map(_is_loop, segments)):
            segments = self._segments(heard, language, no_repeat_ngram_size=REPEATED_WORDS)
        loops = window.start if any(map(_is_loop, segments)) else None
        pieces = [
            TimedWord(word.word, float(word.start), float(word.end), float(word.probability))
            for segment in segments
            if not _is_loop(segment)
            for word in segment.words or ()
        ]
        located = [_placed(word, window) for word in whole_words(pieces)]
        words = [word for word in located if word is not None]
        return Passage(
            window.seconds,
            words,
            len(located) - len(words),
            () if loops is None else (loops,),
        )

    def _segments(self, heard: np.ndarray, language: str, **options: Any) -> list[Any]:
        with self._computing():
            segments, _ = self._model.transcribe(
                heard,
                language=language,
                beam_size=self.beam_size,
                temperature=0.0,
                word_timestamps=True,
                # a loop would go on in the next window
                condition_on_previous_text=False,
                vad_filter=False,
                **options,
            )
            return list(segments)

    @contextmanager
    def _computing(self) -> Iterator[None]:
        """Convert errors of CTranslate2, which finds only now that a library of CUDA is missing."""
        try:
            yield
        except RuntimeError as error:
            raise MienError(
                f"{self.weights} could not transcribe ({brief(error)}); a CPU always can",
                parameter="device",
            ) from error


def _load(weights: str, device: str | torch.device | None, threads: int) -> Any:
    """Load a model of faster-whisper."""
    try:
        from faster_whisper import WhisperModel
    except (ImportError, RuntimeError, OSError) as error:
        raise MienError(
            f'transcription needs faster-whisper ({brief(error)}): pip install "mien[transcribe]"'
        ) from error
    folder = weights_folder(weights)
    chosen = choose_device(device)
    if chosen.type not in ("cpu", "cuda"):
        raise MienError(f"transcription can't use {chosen}: choose cpu or cuda", parameter="device")
    try:
        return WhisperModel(
            str(folder),
            device=chosen.type,
            device_index=chosen.index or 0,
            compute_type="float32" if chosen.type == "cpu" else "float16",
            cpu_threads=threads,
        )
    except Exception as error:  # CTranslate2 and its tokenizer raise anything for damaged files
        raise MienError(
            f"{folder} holds no model that faster-whisper can load on {chosen} ({brief(error)})"
        ) from error


def _is_loop(segment: Any) -> bool:
    return bool(segment.compression_ratio > MAX_COMPRESSION)


def _placed(word: TimedWord, window: SpeechWindow) -> Word | None:
    times = window.locate(word.start, word.end, ends_sentence=ends_sentence(word.text))
    if times is None:
        return None
    return Word(text=word.text, start=times[0], end=times[1], probability=word.probability)


def _notes(passages: Sequence[Passage]) -> list[str]:
    """Say what was left out of a recording."""
    notes = []
    if misplaced := sum(passage.misplaced for passage in passages):
        notes.append(f"{misplaced} recognised words left out: they are timed outside the speech")
    if loops := [time for passage in passages for time in passage.loops]:
        notes.append(
            f"{len(loops)} recognised passages left out, the first from {loops[0]:.1f} s on: they"
            " repeat the same words over and over"
        )
    silent = [passage.seconds for passage in passages if not passage.words]
    if silent:
        notes.append(f"no words were recognised in {sum(silent):.1f} s of the speech")
    return notes
