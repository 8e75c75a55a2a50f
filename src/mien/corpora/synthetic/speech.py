"""Synthesise speech with a voice and a manner, by calling espeak-ng directly.

The library keeps hidden state from one utterance to the next (phase, flutter, echo), so the same
call does not give the same samples twice. Every `Synthesizer` therefore loads its own copy and
seeds the C library's random generator, one `Synthesizer` at a time: its output depends only on the
calls since it was opened.
"""

import ctypes
import shutil
import tempfile
import threading
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any, Self

import espeakng_loader
import numpy as np
import soxr

from mien.corpora.synthetic.word_times import SpokenWord, word_times
from mien.errors import MienError
from mien.utterance import SAMPLE_RATE

_SYNCHRONOUS, _DONT_EXIT, _UTF8 = 2, 0x8000, 1  # names and values as in espeak-ng's speak_lib.h
_SPEED, _PITCH, _RANGE = 1, 3, 4
_WORD, _END = 1, 5  # kinds of event; 0 is behind the last one


class _Event(ctypes.Structure):
    """What happens at a sample, as speak_lib.h has it."""

    _fields_ = [
        ("kind", ctypes.c_int),
        ("identifier", ctypes.c_uint),
        ("position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("milliseconds", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    ]


_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)
_RANDOM = threading.Lock()  # breath comes from rand(), which the whole process shares
_LOUDNESS = 0.06  # root mean square of a voice at rest, full scale 1


@dataclass(frozen=True)
class Voice:
    """The voice of a person.

    Parameters
    ----------
    variant : str
        A voice variant of espeak-ng ("f2", "m3").
    pitch : float
        Its base pitch, 0 to 100.
    speed : float
        Words per minute.
    tract : float
        Factor on all frequencies; above 1 is a shorter vocal tract.
    """

    variant: str
    pitch: float = 50
    speed: float = 200
    tract: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How a line is spoken, relative to the voice at rest, where all values are 0.

    Parameters
    ----------
    pitch, range : float
        Steps on espeak-ng's scales of 100.
    speed : float
        Natural logarithm of the factor on the speed.
    gain : float
        Decibels.
    tension : float
        From -1 (dull, soft) to 1 (bright, pressed).
    """

    pitch: float = 0.0
    range: float = 0.0
    speed: float = 0.0
    gain: float = 0.0
    tension: float = 0.0


class Synthesizer:
    """Speech synthesis by a copy of espeak-ng; use it in a `with` statement.

    Raises
    ------
    MienError
        The library can't be started, or does not have the requested voice.

    Examples
    --------
    >>> with Synthesizer() as synthesizer:
    ...     waveform = synthesizer.say("Good morning.", Voice("f2"), Manner())
    >>> waveform.dtype
    dtype('float32')
    """

    def __init__(self) -> None:
        self._chunks: list[np.ndarray] = []
        self._marks: list[tuple[int | None, int]] = []
        self._callback = _CALLBACK(self._collect)

    def __enter__(self) -> Self:
        _RANDOM.acquire()
        try:
            self._start()
        except BaseException:
            _RANDOM.release()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._library.espeak_Terminate()
        _RANDOM.release()

    def _start(self) -> None:
        data = espeakng_loader.get_data_path()
        with tempfile.NamedTemporaryFile(suffix=".so") as copy:
            shutil.copyfile(espeakng_loader.get_library_path(), copy.name)
            try:
                self._library: Any = ctypes.CDLL(copy.name)
            except OSError as error:
                raise MienError(f"espeak-ng cannot be loaded: {error}") from error
        self._variants = Path(data) / "voices" / "!v"
        self._rate = self._library.espeak_Initialize(_SYNCHRONOUS, 0, data.encode(), _DONT_EXIT)
        if self._rate <= 0:
            raise MienError(
                f"espeak-ng cannot be started with its data in {data}; reinstall espeakng-loader"
            )
        self._library.espeak_ng_SetRandSeed(ctypes.c_long(0))
        self._library.espeak_SetSynthCallback(self._callback)

    def say(self, text: str, voice: Voice, manner: Manner) -> np.ndarray:
        """Synthesise a line, as `speak` does; return the waveform alone."""
        return self.speak(text, voice, manner)[0]

    def speak(self, text: str, voice: Voice, manner: Manner) -> tuple[np.ndarray, list[SpokenWord]]:
        """Synthesise a line, and tell when each word is spoken.

        Returns
        -------
        waveform : array (S,) float32
            Mono at 16 kHz, without silence at either end.
        words : list of SpokenWord
            With times in seconds from the beginning of the waveform.
        """
        self._set(voice, manner)
        self._chunks.clear()
        self._marks.clear()
        line = text.encode()
        size = ctypes.c_size_t(len(line) + 1)
        self._check(self._library.espeak_Synth(line, size, 0, 1, 0, _UTF8, None, None), text)
        if not self._chunks:
            raise MienError(f"espeak-ng made no sound of {text!r}")
        raw = np.concatenate(self._chunks).astype(np.float32)
        rate = self._rate * voice.tract
        waveform, first = _trim(soxr.resample(raw, rate, SAMPLE_RATE))
        marks = [(place, sample / rate - first / SAMPLE_RATE) for place, sample in self._marks]
        words = word_times(text, marks, len(waveform) / SAMPLE_RATE)
        return _colour(waveform, manner), words

    def _set(self, voice: Voice, manner: Manner) -> None:
        # espeak-ng accepts an unknown variant with status 0 and keeps the last voice.
        if not (self._variants / voice.variant).is_file():
            raise MienError(f"espeak-ng has no voice variant {voice.variant!r} in {self._variants}")
        name = f"en-us+{voice.variant}"
        self._check(self._library.espeak_SetVoiceByName(name.encode()), name)
        settings = (
            (_PITCH, np.clip(voice.pitch + manner.pitch, 0, 100)),
            (_RANGE, np.clip(50 + manner.range, 0, 100)),
            (_SPEED, np.clip(voice.speed * np.exp(manner.speed), 80, 450)),
        )
        for parameter, value in settings:
            self._check(self._library.espeak_SetParameter(parameter, round(value), 0), name)

    def _collect(self, samples: Any, count: int, events: Any) -> int:
        if count > 0:
            self._chunks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        for event in takewhile(lambda event: event.kind, events):
            if event.kind in (_WORD, _END):
                place = event.position - 1 if event.kind == _WORD else None
                self._marks.append((place, event.sample))
        return 0

    @staticmethod
    def _check(status: int, what: str) -> None:
        if status:
            raise MienError(f"espeak-ng failed with status {status} at {what!r}")


def _trim(waveform: np.ndarray) -> tuple[np.ndarray, int]:
    """Cut silence off at both ends; second, how many samples at the beginning."""
    loud = np.flatnonzero(np.abs(waveform) > 0.02 * np.abs(waveform).max())
    return waveform[loud[0] : loud[-1] + 1], int(loud[0])


def _colour(waveform: np.ndarray, manner: Manner) -> np.ndarray:
    """Brighten or dull (a first-order filter), and set the loudness."""
    slope = 0.7 * np.clip(manner.tension, -1, 1)
    waveform = waveform - slope * np.concatenate([[0], waveform[:-1]])
    level = _LOUDNESS * 10 ** (manner.gain / 20)
    waveform *= level / np.sqrt(np.mean(waveform**2))
    return np.clip(waveform, -0.99, 0.99).astype(np.float32)
