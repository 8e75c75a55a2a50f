"""The sound of any media file: mono, 16 kHz, 16 bit, in bounded memory."""

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import soxr

from mien.errors import MienError
from mien.media.limits import FEWEST_BYTES, LONGER, MAX_SECONDS, SAMPLE_RATES
from mien.media.mixing import Mixer, samples_of, scaled
from mien.media.notes import Damage, Note, Report
from mien.media.streams import size_of
from mien.media.track import Track, open_track
from mien.utterance import SAMPLE_RATE, Media

# Holes in the sound of this length (s) are filled with silence to keep later times right. Shorter
# ones are jitter.
_HOLE = 0.1
# Samples that are worked on together: frames are so short that each costs more than its samples.
_BLOCK = 16_384
_FOREVER = 1e9
# Silence this long (s) is not sent through the resampler.
_LONG = 1.0


def read_audio(
    path: Media,
    *,
    channel: int | None = None,
    start: float | None = None,
    end: float | None = None,
    max_seconds: float = MAX_SECONDS,
    report: Report = warnings.warn,
) -> np.ndarray:
    """Read the sound of any media file as mono, 16 kHz, 16 bit.

    Sound keeps its place: where a track begins late or has a hole, there is silence. Floating
    point samples far beyond full scale are scaled down, and where the mean of the channels is
    next to nothing because they cancel, the loudest is taken; both are reported.

    Parameters
    ----------
    path : Path or MediaBytes
        A sound file or a video with sound, of any rate, sample format and number of channels.
    channel : int, optional
        The channel to keep, from 0. None: the mean of all.
    start, end : float, optional
        Seconds from the beginning of the file. What lies outside the file is not made up.
    max_seconds : float
        The most that is read where there is no `end`.
    report : callable
        Receives a `Note` of what is odd, and a `Damage` where part of the file is unreadable; by
        default Python's warning.

    Returns
    -------
    array (S,) int16
        Empty where the file ends before `start`.

    Raises
    ------
    MienError
        The file is missing or unreadable, holds no sound, or has no such channel.
    """
    begin = max(start or 0.0, 0.0)
    stop = min(begin + max_seconds if end is None else end, _FOREVER)
    mixer = Mixer(channel)
    wave = _read(path, begin, stop, mixer, report, limit=max_seconds if end is None else None)
    better, faults = mixer.better()
    for kind, what in faults:
        report(Note(path, None, kind, what))
    return _read(path, begin, stop, better, lambda _: None) if faults else wave


def _read(
    path: Media,
    begin: float,
    stop: float,
    mixer: Mixer,
    report: Report,
    limit: float | None = None,
) -> np.ndarray:
    with open_track(path, "audio") as track:
        tape = _Tape(begin, stop)
        for time, samples, rate in _pieces(track, report):
            mixer.check(len(samples), path)
            piece = tape.place(time, samples, rate)
            if piece.shape[1]:
                tape.write(mixer(piece))
            if tape.beyond and limit is not None:
                what = f"is longer than {limit:g} s, the most that is used of one utterance"
                report(Note(path, stop, LONGER, what))
            if tape.full and (limit is None or tape.beyond):
                break
    return tape.sound()


def _pieces(track: Track, report: Report) -> Iterator[tuple[float | None, np.ndarray, int]]:
    """Yield the time (s), the samples (C, S) and the rate of frames that follow each other."""
    block: list[np.ndarray] = []
    count, begin, rate = 0, None, 0
    for time, frame in _bounded(track, report):
        samples = samples_of(frame)
        gap = 0.0 if time is None or begin is None else abs(time - begin - count / rate)
        same = block and (rate, len(block[0])) == (frame.sample_rate, len(samples))
        if block and (not same or gap > _HOLE or count >= _BLOCK):
            yield begin, scaled(np.concatenate(block, axis=1)), rate
            block = []
        if not block:
            count, begin, rate = 0, time, frame.sample_rate
        block.append(samples)
        count += samples.shape[1]
    if block:
        yield begin, scaled(np.concatenate(block, axis=1)), rate


def _bounded(track: Track, report: Report) -> Iterator[tuple[float | None, Any]]:
    """Yield the frames of a track, but not more than a file of its size can hold."""
    longest = max(MAX_SECONDS, size_of(track.path) / FEWEST_BYTES)
    heard = 0.0
    for time, frame in track.frames(report):
        rate = frame.sample_rate
        if not SAMPLE_RATES[0] <= rate <= SAMPLE_RATES[1]:
            raise MienError(f"{track.path}: its sound has {rate} samples a second")
        heard += frame.samples / rate
        if heard > longest:
            why = f"more than {longest:.0f} s of sound in a file of its size"
            report(Damage(track.path, longest, why, "more sound than fits"))
            return
        yield time, frame


class _Tape:
    """Sound at 16 kHz between two times, put together from pieces of any rate.

    Parameters
    ----------
    begin, stop : float
        Seconds.
    """

    def __init__(self, begin: float, stop: float) -> None:
        self._span = begin, stop
        self._since = 0.0
        """Seconds at which the present rate came into force."""
        self._position = 0
        """Samples of that rate since then."""
        self._rate = SAMPLE_RATE
        self._resampler: Any = None
        self._parts: list[np.ndarray] = []

    @property
    def _bounds(self) -> tuple[int, int]:
        """The span in samples of the present rate, from where that came into force."""
        begin, stop = (round((time - self._since) * self._rate) for time in self._span)
        return begin, stop

    @property
    def full(self) -> bool:
        """Whether nothing more is wanted."""
        return self._position >= self._bounds[1]

    @property
    def beyond(self) -> bool:
        """Whether there was more than was wanted."""
        return self._position > self._bounds[1]

    def place(self, time: float | None, samples: np.ndarray, rate: int) -> np.ndarray:
        """Go forward to where a piece (C, S) belongs, and give what of it is wanted."""
        if rate != self._rate:
            self._flush()
            self._since += self._position / self._rate
            self._position, self._rate = 0, rate
        if time is not None:
            late = round((time - self._since) * rate) - self._position
            if late > _HOLE * rate:
                self._silence(late)
        piece = samples[:, self._wanted(samples.shape[1])]
        self._position += samples.shape[1]
        return piece

    def _wanted(self, count: int) -> slice:
        begin, stop = self._bounds
        return slice(max(begin - self._position, 0), min(max(stop - self._position, 0), count))

    def _silence(self, count: int) -> None:
        wanted = self._wanted(count)
        length = max(wanted.stop - wanted.start, 0)
        if length > _LONG * self._rate:
            self._flush()
            self._parts.append(np.zeros(round(length / self._rate * SAMPLE_RATE), np.int16))
        elif length:
            self.write(np.zeros(length, np.float32))
        self._position += count

    def write(self, wave: np.ndarray) -> None:
        """Add sound (S,) of the present rate."""
        if self._rate != SAMPLE_RATE:
            if self._resampler is None:
                self._resampler = soxr.ResampleStream(self._rate, SAMPLE_RATE, 1, dtype="float32")
            wave = self._resampler.resample_chunk(wave)
        self._parts.append(_int16(wave))

    def _flush(self) -> None:
        if self._resampler is not None:
            rest = self._resampler.resample_chunk(np.empty(0, np.float32), last=True)
            self._parts.append(_int16(rest))
            self._resampler = None

    def sound(self) -> np.ndarray:
        """Give all of it, int16."""
        self._flush()
        return np.concatenate(self._parts) if self._parts else np.empty(0, np.int16)


def _int16(wave: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(wave * 32768), -32768, 32767).astype(np.int16)
