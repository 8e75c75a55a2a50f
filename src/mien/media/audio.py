"""The audio of any media file: mono, 16 kHz, 16 bit, in bounded memory."""

import warnings
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, TypeVar

import numpy as np
import soxr

from mien.errors import MienError
from mien.media.limits import (
    MAX_SECONDS,
    MIN_BYTES_PER_SECOND,
    SAMPLE_RATE_RANGE,
    TOO_LONG,
)
from mien.media.mixing import Mixer, samples_of, scaled
from mien.media.notes import Damage, Note, Reporter
from mien.media.streams import byte_size
from mien.media.track import Track, open_track
from mien.utterance import SAMPLE_RATE, Media

# Gaps in the audio of this length (s) are filled with silence to keep later times right. Shorter
# ones are jitter.
_GAP = 0.1
# Samples that are processed together: frames are so short that each costs more than its samples.
_BLOCK = 16_384
_NO_END = 1e9
# Silence this long (s) is not sent through the resampler.
_LONG_SILENCE = 1.0

Result = TypeVar("Result")


def read_audio(
    path: Media,
    *,
    channel: int | None = None,
    start: float | None = None,
    end: float | None = None,
    max_seconds: float = MAX_SECONDS,
    report: Reporter = warnings.warn,
) -> np.ndarray:
    """Read the audio of any media file as mono, 16 kHz, 16 bit.

    Audio keeps its place in time: where a track begins late or has a gap, there is silence.
    Floating point samples far beyond full scale are scaled down, and where the mean of the channels
    is next to nothing because they cancel, the loudest channel is used; both are reported.

    Parameters
    ----------
    path : Path or MediaBytes
        An audio file or a video with audio, of any sample rate, sample format and number of
        channels.
    channel : int, optional
        The channel to keep, from 0. None: the mean of all.
    start, end : float, optional
        Seconds from the beginning of the file. What lies outside the file is not padded.
    max_seconds : float
        Longest stretch that is read where there is no `end`.
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
        The file is missing or unreadable, holds no audio, or has no such channel.
    """
    span, limit = _span(start, end, max_seconds)

    def read(mixer: Mixer, report: Reporter) -> np.ndarray:
        chunks = list(_chunks(path, span, mixer, report, limit))
        return np.concatenate(chunks) if chunks else np.empty(0, np.int16)

    return _corrected(path, read, Mixer(channel), report)


def write_audio(
    path: Media,
    file: BinaryIO,
    *,
    channel: int | None = None,
    start: float | None = None,
    end: float | None = None,
    max_seconds: float = MAX_SECONDS,
    report: Reporter = warnings.warn,
    progress: Callable[[float], object] = lambda seconds: None,
) -> int:
    """Write the audio of any media file into a file, as `read_audio` reads it, a chunk at a time.

    The memory that it takes does not grow with the length of the recording.

    Parameters
    ----------
    path, channel, start, end, max_seconds, report
        As of `read_audio`.
    file : binary file
        Open for writing, and empty; it gets samples of 16 bit in the byte order of the machine.
    progress : callable
        Receives how many more seconds are written, now and then.

    Returns
    -------
    int
        The number of samples.

    Raises
    ------
    MienError
        As of `read_audio`.
    """
    span, limit = _span(start, end, max_seconds)

    def write(mixer: Mixer, report: Reporter) -> int:
        file.seek(0)
        file.truncate()
        for chunk in _chunks(path, span, mixer, report, limit):
            file.write(chunk.tobytes())
            progress(len(chunk) / SAMPLE_RATE)
        return file.tell() // np.dtype(np.int16).itemsize

    return _corrected(path, write, Mixer(channel), report)


def _span(
    start: float | None, end: float | None, max_seconds: float
) -> tuple[tuple[float, float], float | None]:
    """Return the times to read between, and the limit in seconds where there is no end."""
    begin = max(start or 0.0, 0.0)
    if end is None:
        return (begin, min(begin + max_seconds, _NO_END)), max_seconds
    return (begin, min(end, _NO_END)), None


def _corrected(
    path: Media,
    read: Callable[[Mixer, Reporter], Result],
    mixer: Mixer,
    report: Reporter,
) -> Result:
    """Read once, and again if it turns out that the channels must be mixed in another way."""
    result = read(mixer, report)
    corrected, faults = mixer.corrected()
    for kind, what in faults:
        report(Note(path, None, kind, what))
    return read(corrected, lambda _: None) if faults else result


def _chunks(
    path: Media,
    span: tuple[float, float],
    mixer: Mixer,
    report: Reporter,
    limit: float | None = None,
) -> Iterator[np.ndarray]:
    """Yield the audio of a span in chunks (S,) int16 at 16 kHz."""
    buffer = _AudioBuffer(*span)
    with open_track(path, "audio") as track:
        for time, samples, rate in _blocks(track, report):
            mixer.check(len(samples), path)
            block = buffer.place(time, samples, rate)
            if block.shape[1]:
                buffer.write(mixer(block))
            yield from buffer.taken()
            if buffer.beyond and limit is not None:
                what = f"is longer than {limit:g} s, the most that is used of one utterance"
                report(Note(path, span[1], TOO_LONG, what))
            if buffer.full and (limit is None or buffer.beyond):
                break
    yield from buffer.rest()


def _blocks(track: Track, report: Reporter) -> Iterator[tuple[float | None, np.ndarray, int]]:
    """Yield the time (s), samples (C, S) and sample rate of frames that follow each other."""
    block: list[np.ndarray] = []
    count, begin, rate = 0, None, 0
    for time, frame in _bounded(track, report):
        samples = samples_of(frame)
        gap = 0.0 if time is None or begin is None else abs(time - begin - count / rate)
        same = block and (rate, len(block[0])) == (frame.sample_rate, len(samples))
        if block and (not same or gap > _GAP or count >= _BLOCK):
            yield begin, scaled(np.concatenate(block, axis=1)), rate
            block = []
        if not block:
            count, begin, rate = 0, time, frame.sample_rate
        block.append(samples)
        count += samples.shape[1]
    if block:
        yield begin, scaled(np.concatenate(block, axis=1)), rate


def _bounded(track: Track, report: Reporter) -> Iterator[tuple[float | None, Any]]:
    """Yield the frames of a track, but no more than a file of its size can hold."""
    longest = max(MAX_SECONDS, byte_size(track.path) / MIN_BYTES_PER_SECOND)
    seconds = 0.0
    for time, frame in track.frames(report):
        rate = frame.sample_rate
        if not SAMPLE_RATE_RANGE[0] <= rate <= SAMPLE_RATE_RANGE[1]:
            raise MienError(f"{track.path}: its audio has {rate} samples a second")
        seconds += frame.samples / rate
        if seconds > longest:
            why = f"more than {longest:.0f} s of audio in a file of its size"
            report(Damage(track.path, longest, why, "more audio than fits"))
            return
        yield time, frame


class _AudioBuffer:
    """Audio at 16 kHz between two times, put together from blocks of any sample rate.

    Parameters
    ----------
    begin, stop : float
        Seconds.
    """

    def __init__(self, begin: float, stop: float) -> None:
        self._span = begin, stop
        self._since = 0.0
        """Seconds at which the current sample rate began."""
        self._position = 0
        """Samples at that rate since then."""
        self._rate = SAMPLE_RATE
        self._resampler: Any = None
        self._chunks: list[np.ndarray] = []

    @property
    def _bounds(self) -> tuple[int, int]:
        """The span in samples of the current rate, from where that began."""
        begin, stop = (round((time - self._since) * self._rate) for time in self._span)
        return begin, stop

    @property
    def full(self) -> bool:
        """Whether the end of the span is reached."""
        return self._position >= self._bounds[1]

    @property
    def beyond(self) -> bool:
        """Whether the audio goes on after the span."""
        return self._position > self._bounds[1]

    def place(self, time: float | None, samples: np.ndarray, rate: int) -> np.ndarray:
        """Advance to the time of a block (C, S), and return the part of it within the span."""
        if rate != self._rate:
            self._flush()
            self._since += self._position / self._rate
            self._position, self._rate = 0, rate
        if time is not None:
            late = round((time - self._since) * rate) - self._position
            if late > _GAP * rate:
                self._silence(late)
        block = samples[:, self._within(samples.shape[1])]
        self._position += samples.shape[1]
        return block

    def _within(self, count: int) -> slice:
        begin, stop = self._bounds
        return slice(max(begin - self._position, 0), min(max(stop - self._position, 0), count))

    def _silence(self, count: int) -> None:
        within = self._within(count)
        length = max(within.stop - within.start, 0)
        if length > _LONG_SILENCE * self._rate:
            self._flush()
            self._chunks.extend(_zeros(round(length / self._rate * SAMPLE_RATE)))
        elif length:
            self.write(np.zeros(length, np.float32))
        self._position += count

    def write(self, wave: np.ndarray) -> None:
        """Append audio (S,) of the current sample rate."""
        if self._rate != SAMPLE_RATE:
            if self._resampler is None:
                self._resampler = soxr.ResampleStream(self._rate, SAMPLE_RATE, 1, dtype="float32")
            wave = self._resampler.resample_chunk(wave)
        self._chunks.append(_int16(wave))

    def _flush(self) -> None:
        if self._resampler is not None:
            rest = self._resampler.resample_chunk(np.empty(0, np.float32), last=True)
            self._chunks.append(_int16(rest))
            self._resampler = None

    def taken(self) -> list[np.ndarray]:
        """Return the chunks, int16, since the last call."""
        chunks, self._chunks = self._chunks, []
        return chunks

    def rest(self) -> list[np.ndarray]:
        """Return the last chunks, with what the resampler still holds."""
        self._flush()
        return self.taken()


def _int16(wave: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(wave * 32768), -32768, 32767).astype(np.int16)


def _zeros(count: int) -> list[np.ndarray]:
    """Give silence as one short chunk, again and again: hours of it take no memory."""
    minute = np.zeros(60 * SAMPLE_RATE, np.int16)
    whole, rest = divmod(count, len(minute))
    return [minute] * whole + [minute[:rest]]
