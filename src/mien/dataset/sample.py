"""From utterances to samples: decode the media and crop the faces."""

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import TypeVar

import numpy as np
import soxr

from mien.dataset.turn_media import (
    DecodeOptions,
    TurnAudio,
    TurnVideo,
    check_audio,
    read_faces,
    read_waveforms,
    select_faces,
)
from mien.errors import MienError
from mien.media.decode import FRAME_INTERVAL, has_audio, has_video
from mien.media.faces import FaceCropper
from mien.media.limits import TOO_LONG
from mien.utterance import SAMPLE_RATE, Clip, Media, Sample, Skipped, Utterance

BEYOND = 0.5
"""Seconds by which an utterance may end after its recording without a note."""

_Key = TypeVar("_Key", bound=Hashable)


def to_sample(
    utterance: Utterance, cropper: FaceCropper, options: DecodeOptions | None = None
) -> tuple[Sample | None, list[Skipped]]:
    """Make the sample of one utterance.

    Parameters
    ----------
    utterance : Utterance
        Its media are decoded from `start` to `end`.
    cropper : FaceCropper
        Detects the faces.
    options : DecodeOptions, optional
        Frame interval, size of the face crops, and how to treat frames without a face.

    Returns
    -------
    sample : Sample or None
        None where neither text nor audio nor video is left.
    skipped : list of Skipped
        What could not be used, and why; a bad file raises nothing.

    Examples
    --------
    >>> sample, skipped = to_sample(Utterance(id="a", corpus="mine"), cropper)  # doctest: +SKIP
    >>> sample is None, skipped[0].reason  # doctest: +SKIP
    (True, 'no text, audio or video')
    """
    items = list(to_samples([utterance], cropper, options))
    sample = next((item for item in items if isinstance(item, Sample)), None)
    return sample, [item for item in items if isinstance(item, Skipped)]


def from_clip(
    clip: Clip, cropper: FaceCropper, options: DecodeOptions | None = None, name: str = "clip"
) -> tuple[Sample, list[Skipped]]:
    """Make the sample of a decoded clip.

    Parameters
    ----------
    clip : Clip
        Frames, waveform and transcript, or some of them.
    cropper : FaceCropper
        Detects the faces.
    options : DecodeOptions, optional
        Size of the face crops, and how to treat frames without a face.
    name : str
        Id of the utterance.

    Returns
    -------
    sample : Sample
        A modality without content is None.
    skipped : list of Skipped
        What was left out, and why, as `to_samples` yields it.

    Raises
    ------
    MienError
        There is a waveform without its rate.

    Examples
    --------
    >>> from_clip(Clip(text="I am glad"), cropper=None)[0].modalities
    't'
    """
    video, audio = TurnVideo(), TurnAudio()
    if clip.frames is not None:
        times = np.arange(len(clip.frames)) * FRAME_INTERVAL if clip.times is None else clip.times
        options = options or DecodeOptions()
        faces = [cropper.crop(frame, options.face_size) for frame in clip.frames]
        searched = list(zip((times - times[0]).tolist(), faces, strict=True))
        video = select_faces(searched, options, [])
        video.end = video.times[-1] + FRAME_INTERVAL
    if clip.waveform is not None:
        audio = check_audio(_at_rate(clip.waveform, clip.rate, name), "in the clip", [])
    utterance = Utterance(id=name, corpus="clip", text=clip.text)
    return make_sample(utterance, video, audio), list(_remarks(utterance, video, audio))


def from_media(
    media: Media,
    cropper: Callable[[], FaceCropper],
    options: DecodeOptions | None = None,
    name: str = "clip",
    text: str | None = None,
) -> tuple[Sample, list[Skipped]]:
    """Make the sample of a whole media file, on the disk or in memory.

    Parameters
    ----------
    media : Path or MediaBytes
        The file.
    cropper : callable
        Returns the face detector; called only if there are frames.
    options : DecodeOptions, optional
        Frame interval, and how much of the file is used.
    name : str
        Id of the utterance.
    text : str, optional
        The transcript.

    Returns
    -------
    sample : Sample
        A modality without content is None.
    skipped : list of Skipped
        What was left out, and why, as `to_samples` yields it.

    Raises
    ------
    MienError
        The file can't be read as a media file.
    """
    options = options or DecodeOptions()
    utterance = Utterance(id=name, corpus="clip", text=text)
    video, audio = TurnVideo(), TurnAudio()
    with_video, with_audio = has_video(media), has_audio(media)
    if with_video:
        [video] = read_faces(media, None, [utterance], cropper(), options)
    if with_audio:
        [audio] = read_waveforms(media, None, [utterance], options)
    sample = make_sample(utterance, video, audio)
    skipped = list(_remarks(utterance, video, audio))
    if not any(item.kind.endswith(": damaged") for item in skipped):
        skipped += _length_notes(sample, options)
    return sample, skipped


def _at_rate(waveform: np.ndarray, rate: int | None, name: str) -> np.ndarray:
    """Convert a waveform in [-1, 1] to 16 kHz, int16."""
    if rate is None:
        raise MienError(f"{name}: a waveform needs its sample rate (rate, in Hz)")
    if rate != SAMPLE_RATE:
        waveform = soxr.resample(waveform, rate, SAMPLE_RATE)
    return np.clip(np.rint(waveform * 32768), -32768, 32767).astype(np.int16)


def to_samples(
    utterances: Sequence[Utterance], cropper: FaceCropper, options: DecodeOptions | None = None
) -> Iterator[Sample | Skipped]:
    """Make the samples of utterances that share media; each file is decoded once.

    The waveforms and the faces of all the utterances are in memory together, but never the frames.

    Parameters
    ----------
    utterances : sequence of Utterance
        The turns of one recording, or a single clip.
    cropper : FaceCropper
        Detects the faces.
    options : DecodeOptions, optional
        Frame interval, size of the face crops, and how to treat frames without a face.

    Yields
    ------
    Sample or Skipped
        In the order of the utterances. A kind that begins with "video: " or "audio: " means that
        the modality is missing, wholly or in part; one that begins with "note: " that nothing is
        missing; any other that there is no sample.
    """
    options = options or DecodeOptions()
    videos = [TurnVideo() for _ in utterances]
    audios = [TurnAudio() for _ in utterances]
    files = [None if u.video is None else (u.video, u.video_rate) for u in utterances]
    for (path, rate), rows in _rows_by(files):
        turns = [utterances[row] for row in rows]
        for row, video in zip(rows, read_faces(path, rate, turns, cropper, options), strict=True):
            videos[row] = video
    tracks = [None if u.audio is None else (u.audio, u.audio_channel) for u in utterances]
    for (path, channel), rows in _rows_by(tracks):
        turns = [utterances[row] for row in rows]
        for row, audio in zip(rows, read_waveforms(path, channel, turns, options), strict=True):
            audios[row] = audio
    for utterance, video, audio in zip(utterances, videos, audios, strict=True):
        sample = make_sample(utterance, video, audio)
        skipped = list(_remarks(utterance, video, audio))
        yield from skipped
        if not any(item.kind.endswith(": damaged") for item in skipped):
            yield from _length_notes(sample, options)
        source = str(utterance.video or utterance.audio or "")
        nothing = "no text, audio or video"
        yield sample if sample.modalities else Skipped(utterance.id, nothing, source, nothing)


def _rows_by(keys: Sequence[_Key | None]) -> Iterable[tuple[_Key, list[int]]]:
    """Group row numbers by key; None belongs to no group."""
    rows: dict[_Key, list[int]] = defaultdict(list)
    for row, key in enumerate(keys):
        if key is not None:
            rows[key].append(row)
    return rows.items()


def make_sample(utterance: Utterance, video: TurnVideo, audio: TurnAudio) -> Sample:
    """Make a sample of decoded media; the times of the video are those of its file."""
    start = max(utterance.start or 0.0, 0.0)
    faces = video.faces
    return Sample(
        utterance=utterance,
        seconds=max(0.0 if video.end is None else video.end - start, audio.seconds),
        frame_times=np.array(video.times, np.float32) if video.times else None,
        faces=np.stack([face.pixels for _, face in faces]) if faces else None,
        face_times=np.array([time for time, _ in faces], np.float32) if faces else None,
        face_found=np.array([face.found for _, face in faces]) if faces else None,
        waveform=audio.waveform,
    )


def _remarks(utterance: Utterance, video: TurnVideo, audio: TurnAudio) -> Iterator[Skipped]:
    """Record the remarks on each modality."""
    for name, path, media in (
        ("video", utterance.video, video),
        ("audio", utterance.audio, audio),
    ):
        for kind, reason in media.remarks:
            counted = kind if kind.startswith("note: ") else f"{name}: {kind}"
            yield Skipped(utterance.id, f"{name}: {reason}", str(path or ""), counted)


def _length_notes(sample: Sample, options: DecodeOptions) -> Iterator[Skipped]:
    """Note an utterance that is longer than the limit, or than its recording."""
    utterance, length = sample.utterance, sample.seconds or 0.0
    source = str(utterance.audio or utterance.video or "")
    start = max(utterance.start or 0.0, 0.0)
    asked = math.inf if utterance.end is None else utterance.end - start
    if asked > options.max_seconds and length > options.max_seconds - BEYOND:
        why = f"longer than {options.max_seconds:g} s: only its beginning is used"
        yield Skipped(utterance.id, why, source, f"note: {TOO_LONG}")
    elif 0 < length < asked - BEYOND and asked < math.inf:
        why = f"should end at {utterance.end:g} s, but its recording ends at {start + length:.2f} s"
        yield Skipped(utterance.id, why, source, "note: ends after its recording")
