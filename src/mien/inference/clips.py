"""The input of a recognizer: a clip in one of many forms, and what is said in it."""

from collections.abc import Iterable, Iterator, Sequence, Sized
from dataclasses import dataclass, replace
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np

from mien.errors import MienError
from mien.files import check_file
from mien.media.cues import Transcript
from mien.modality import Modality
from mien.utterance import (
    Clip,
    Media,
    MediaBytes,
    Sample,
    Skipped,
    SpeakerReference,
)

ClipLike = str | Path | bytes | MediaBytes | tuple[Any, int] | Clip | Sample
"""A path; bytes of a media file; a waveform with its sample rate; or what is decoded already."""

TranscriptLike = str | Path | Transcript
"""The path of a transcript, or one that is read or made already."""

SpeakerReferences = SpeakerReference | Iterable[SpeakerReference | None] | None
"""One reference for several clips, or one for each."""

NAMES = {Modality.TEXT: "text", Modality.VIDEO: "faces", Modality.AUDIO: "audio"}


def is_one(clip: object) -> bool:
    """Tell whether an iterable is one clip; an array counts as one, to be refused as such."""
    return isinstance(clip, str | bytes | bytearray | tuple) or hasattr(clip, "__array__")


@dataclass(frozen=True)
class Request:
    """A clip, what is said in it (as text or as a transcript), and its name in messages."""

    clip: ClipLike | None = None
    text: str | None = None
    transcript: TranscriptLike | None = None
    name: str | None = None
    reference: SpeakerReference | None = None

    @property
    def source(self) -> str:
        """Name of the clip."""
        if self.name is not None:
            return self.name
        if isinstance(self.clip, Sample):
            return self.clip.utterance.id
        if isinstance(self.clip, str | Path | MediaBytes):
            return str(self.clip)
        return "text alone" if self.clip is None else "clip"


def requests(
    clips: Iterable[ClipLike | None],
    text: Sequence[str | None] | None = None,
    transcript: Iterable[TranscriptLike | None] | None = None,
    name: Sequence[str | None] | None = None,
    reference: SpeakerReferences = None,
) -> Iterator[Request]:
    """Pair several clips with their texts, transcripts, names and references.

    Raises
    ------
    MienError
        There are not as many of these as clips.
    """
    given = {"text": text, "transcript": transcript, "name": name}
    for what, values in given.items():
        if values is None:
            continue
        lengths = {len(one) for one in (clips, values) if isinstance(one, Sized)}
        several = len(lengths) > 1 and isinstance(clips, Sized)
        if isinstance(values, str | Path | Transcript) or several:
            raise MienError(
                f"{what}: give a list with one entry for each clip, None for a clip without"
            )
    many: list[Iterable[Any]] = [repeat(None) if v is None else v for v in given.values()]
    if reference is None or isinstance(reference, SpeakerReference):
        reference = repeat(reference)
    columns = [iter(values) for values in (*many, reference)]
    for number, clip in enumerate(clips):
        try:
            row: list[Any] = [next(column) for column in columns]
        except StopIteration:
            raise MienError(
                f"there are more clips than texts, transcripts, names or references: {number}"
            ) from None
        yield Request(clip, *row)


def media_of(clip: Any, name: str) -> Media:
    """Return the media file of a path or of bytes. Raises `MienError` if there is none."""
    if isinstance(clip, bytes | bytearray | memoryview):
        return MediaBytes(bytes(clip), name)
    if isinstance(clip, MediaBytes):
        return clip
    if not isinstance(clip, str | Path):
        raise MienError(
            f"{name}: a {type(clip).__name__} is no clip: give a path, the bytes of a file,"
            " (waveform, sample rate) or a Clip"
        )
    path = Path(clip)
    check_file(path)
    return path


def clip_of(pair: Any, name: str = "clip") -> Clip:
    """Make a clip of a waveform and its sample rate.

    Parameters
    ----------
    pair : (array (S,) or (S, C), int)
        Audio as floating point in [-1, 1] or signed integers of any width, and its sample rate in
        Hz. The channels are averaged.
    name : str
        Name of the clip in messages.

    Raises
    ------
    MienError
        It is no such pair, or has numbers that are not finite.

    Examples
    --------
    >>> clip_of((np.full((16_000, 2), 16_384, np.int16), 16_000)).waveform[:2]
    array([0.5, 0.5], dtype=float32)
    """
    if not isinstance(pair, tuple) or len(pair) != 2 or not isinstance(pair[1], int | np.integer):
        raise MienError(f"{name}: audio in memory is a pair (waveform, sample rate)")
    wave, rate = np.asarray(pair[0]), int(pair[1])
    if wave.ndim not in (1, 2) or wave.dtype.kind not in "fi" or rate < 1:
        raise MienError(
            f"{name}: a waveform has the shape (samples,) or (samples, channels), of floating point"
            f" or signed integers, and a sample rate above 0; not {wave.shape} of {wave.dtype} at"
            f" {rate} Hz"
        )
    scale = 1.0 if wave.dtype.kind == "f" else 2.0 ** (8 * wave.dtype.itemsize - 1)
    wave = wave.astype(np.float32) / np.float32(scale)
    if not np.isfinite(wave).all():
        raise MienError(f"{name}: the waveform has numbers that are not finite")
    return Clip(waveform=wave.mean(axis=1) if wave.ndim == 2 else wave, rate=rate)


def limited(clip: Clip, seconds: float) -> tuple[Clip, list[Skipped]]:
    """Cut a clip to its first seconds, with a warning if it is longer."""
    wave, rate, times, frames = clip.waveform, clip.rate or 0, clip.times, clip.frames
    long = wave is not None and len(wave) > seconds * rate > 0
    late = None if times is None else times - times[:1] >= seconds
    if not long and (late is None or not late.any()):
        return clip, []
    if wave is not None and long:
        wave = wave[: round(seconds * rate)]
    if late is not None and frames is not None and times is not None:
        frames, times = frames[~late], times[~late]
    note = f"longer than {seconds:g} s: only its beginning is used"
    return replace(clip, waveform=wave, frames=frames, times=times), [Skipped("clip", note)]
