"""The faces and the sound of the turns of one media file, and what of them there is none of."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from mien.errors import MienError
from mien.media.decode import FRAME_INTERVAL, read_audio, read_frames
from mien.media.faces import FACE_SIZE, Face, FaceCropper
from mien.media.limits import MAX_SECONDS, TOO_LONG, clamp_span
from mien.media.notes import Damage, Note
from mien.media.silence import is_audible, is_steady, loudness
from mien.utterance import MIN_SAMPLES, SAMPLE_RATE, Media, NoFace, Side, Utterance


@dataclass(frozen=True, kw_only=True)
class DecodeOptions:
    """How media become samples.

    Parameters
    ----------
    frame_interval : float
        Seconds between two frames.
    no_face : {"leave-out", "centre"}
        What stands for a frame in which no face is found: nothing, so that a video without faces
        is missing, or the centre of the frame (Dai et al. 2021).
    max_seconds : float
        Longer utterances are cut to their first so many seconds.
    face_size : int
        Edge of the face crops, pixels.
    """

    frame_interval: float = FRAME_INTERVAL
    no_face: NoFace = "leave-out"
    max_seconds: float = MAX_SECONDS
    face_size: int = FACE_SIZE


class Remark(NamedTuple):
    """Something about a modality of a turn: a kind to count by, and the reason in full.

    A kind that begins with "note: " tells of no loss.
    """

    kind: str
    reason: str


@dataclass
class TurnVideo:
    """The frames of a turn: when each was searched, the faces kept, and when the video ends."""

    times: list[float] = field(default_factory=list)
    faces: list[tuple[float, Face]] = field(default_factory=list)
    end: float | None = None
    remarks: list[Remark] = field(default_factory=list)


@dataclass
class TurnAudio:
    """The sound of a turn (None: missing), and how many seconds of it the file has."""

    waveform: np.ndarray | None = None
    seconds: float = 0.0
    remarks: list[Remark] = field(default_factory=list)


def read_faces(
    path: Media,
    rate: float | None,
    turns: Sequence[Utterance],
    cropper: FaceCropper,
    options: DecodeOptions,
) -> list[TurnVideo]:
    """Crop the faces of the turns of one video, which is decoded once.

    A frame that looks like the one before it is not searched again.
    """
    searched: list[list[tuple[float, Face]]] = [[] for _ in turns]
    remarks: list[list[Remark]] = [[] for _ in turns]
    search = _Search(cropper, options.face_size)
    ends: list[float] = []
    try:
        for place, time, picture in read_frames(
            path,
            [(turn.start or 0.0, turn.end) for turn in turns],
            interval=options.frame_interval,
            rate=rate,
            side=[turn.video_side for turn in turns],
            max_seconds=options.max_seconds,
            report=lambda note: _tell(path, note, turns, remarks),
            ended=ends.append,
        ):
            searched[place].append((time, search(picture, turns[place].video_side)))
    except MienError as error:
        return [watch(frames, options, [_unreadable(path, error)]) for frames in searched]
    videos = []
    for turn, frames, noted in zip(turns, searched, remarks, strict=True):
        if not frames:
            noted.append(Remark("no picture in that time", f"no picture {_span(turn)}"))
        videos.append(watch(frames, options, noted))
        videos[-1].end = min([*ends, _bounds(turn, options)[1]]) if frames else None
    return videos


def watch(
    searched: list[tuple[float, Face]], options: DecodeOptions, remarks: list[Remark]
) -> TurnVideo:
    """Keep the frames, by time, that stand for faces; remark where there is none."""
    centre = options.no_face == "centre"
    faces = [(time, face) for time, face in searched if face.found or centre]
    if searched and not faces:
        number = "the only picture" if len(searched) == 1 else f"any of {len(searched)} pictures"
        remarks = [*remarks, Remark("no face found", f"no face was found in {number}")]
    return TurnVideo([time for time, _ in searched], faces, remarks=remarks)


class _Search:
    """Finds the faces of pictures; of one that is the same object, without looking again."""

    def __init__(self, cropper: FaceCropper, size: int) -> None:
        self.cropper, self.size = cropper, size
        self.last: dict[Side | None, tuple[np.ndarray, Face]] = {}

    def __call__(self, picture: np.ndarray, side: Side | None) -> Face:
        before = self.last.get(side)
        if before is None or before[0] is not picture:
            before = self.last[side] = (picture, self.cropper.crop(picture, self.size))
        return before[1]


def read_sounds(
    path: Media, channel: int | None, turns: Sequence[Utterance], options: DecodeOptions
) -> list[TurnAudio]:
    """Read the sound of the turns of one file at 16 kHz, which is decoded once."""
    remarks: list[list[Remark]] = [[] for _ in turns]
    bounds = [_bounds(turn, options) for turn in turns]
    begin = min(start for start, _ in bounds)
    try:
        wave = read_audio(
            path,
            channel=channel,
            start=begin,
            end=max(end for _, end in bounds),
            report=lambda note: _tell(path, note, turns, remarks),
        )
    except MienError as error:
        return [TurnAudio(remarks=[_unreadable(path, error)]) for _ in turns]
    return [
        hear(_cut(wave, begin, span), _span(turn), noted)
        for turn, span, noted in zip(turns, bounds, remarks, strict=True)
    ]


def hear(sound: np.ndarray, where: str, remarks: list[Remark]) -> TurnAudio:
    """Keep sound (S,) int16 in which there is something to hear; remark on what is odd about it."""
    seconds, kept = len(sound) / SAMPLE_RATE, None
    if len(sound) < MIN_SAMPLES:
        unit = "sample" if len(sound) == 1 else "samples"
        remark = Remark("too short", f"only {len(sound)} {unit} {where}")
    elif not is_audible(sound):
        level = f"{-loudness(sound):.0f} dB below full scale"
        remark = Remark("silent", f"silent {where}: nothing is louder than {level}")
    else:
        kept = sound
        if not is_steady(sound):
            return TurnAudio(kept, seconds, remarks)
        why = f"its level never changes {where}, as in noise or a tone: no voice stands out"
        remark = Remark("note: steady sound", why)
    return TurnAudio(kept, seconds, [*remarks, remark])


def _unreadable(path: Media, error: MienError) -> Remark:
    kind = "no such track" if "holds no" in str(error) else "unreadable"
    return Remark(kind, str(error).removeprefix(f"{path}: "))


def _tell(
    path: Media,
    note: Note,
    turns: Sequence[Utterance],
    remarks: Sequence[list[Remark]],
) -> None:
    """Remark on what is odd where turns last until it or begin after it."""
    if note.kind == TOO_LONG:
        return  # noted once for the utterance, not once for each of its tracks
    kind = note.kind if isinstance(note, Damage) else f"note: {note.kind}"
    for turn, noted in zip(turns, remarks, strict=True):
        if note.at is None or turn.end is None or turn.end > note.at:
            noted.append(Remark(kind, str(note).removeprefix(f"{path}: ")))


def _bounds(turn: Utterance, options: DecodeOptions) -> tuple[float, float]:
    """Give the times in the file between which a turn is decoded."""
    return clamp_span((turn.start or 0.0, turn.end), options.max_seconds)


def _cut(wave: np.ndarray, begin: float, span: tuple[float, float]) -> np.ndarray:
    """Cut what lies between two times out of sound that starts at `begin`."""
    first = round(begin * SAMPLE_RATE)
    start, stop = (max(round(time * SAMPLE_RATE) - first, 0) for time in span)
    return wave[start:stop]


def _span(turn: Utterance) -> str:
    if turn.start is None and turn.end is None:
        return "in the file"
    end = "the end" if turn.end is None else f"{turn.end:g} s"
    return f"from {turn.start or 0:g} s to {end}"
