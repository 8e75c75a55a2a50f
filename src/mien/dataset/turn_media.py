"""Faces and waveforms of the turns of one media file, with remarks on what is missing or odd."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from mien.errors import MienError
from mien.media.decode import FRAME_INTERVAL, read_audio, read_frames
from mien.media.faces import FACE_SIZE, Face, FaceCropper
from mien.media.limits import MAX_SECONDS, TOO_LONG, clamp_span
from mien.media.notes import Damage, Note
from mien.silence import is_audible, is_steady, loudness
from mien.utterance import MIN_SAMPLES, SAMPLE_RATE, Media, NoFace, Side, Utterance


@dataclass(frozen=True, kw_only=True)
class DecodeOptions:
    """How media become samples.

    Parameters
    ----------
    frame_interval : float
        Seconds between two frames.
    no_face : {"leave-out", "centre"}
        What replaces a frame without a detected face: nothing, so that a video without faces is
        missing, or the centre of the frame (Dai et al. 2021).
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
    """A remark on a modality of a turn: a kind by which remarks are counted, and the full reason.

    A kind that begins with "note: " means that nothing is missing.
    """

    kind: str
    reason: str


@dataclass
class TurnVideo:
    """The video of a turn: times of the searched frames, faces that are kept, end of the video."""

    times: list[float] = field(default_factory=list)
    faces: list[tuple[float, Face]] = field(default_factory=list)
    end: float | None = None
    remarks: list[Remark] = field(default_factory=list)


@dataclass
class TurnAudio:
    """The audio of a turn: the waveform (None: missing), and its duration in the file."""

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

    A frame that is the same as the one before is not searched again.
    """
    searched: list[list[tuple[float, Face]]] = [[] for _ in turns]
    remarks: list[list[Remark]] = [[] for _ in turns]
    search = _Search(cropper, options.face_size)
    ends: list[float] = []
    try:
        for turn_index, time, image in read_frames(
            path,
            [(turn.start or 0.0, turn.end) for turn in turns],
            interval=options.frame_interval,
            rate=rate,
            side=[turn.video_side for turn in turns],
            max_seconds=options.max_seconds,
            report=lambda note: _remark(path, note, turns, remarks),
            ended=ends.append,
        ):
            side = turns[turn_index].video_side
            searched[turn_index].append((time, search(image, side)))
    except MienError as error:
        return [select_faces(frames, options, [_unreadable(path, error)]) for frames in searched]
    videos = []
    for turn, frames, noted in zip(turns, searched, remarks, strict=True):
        if not frames:
            noted.append(Remark("no frame in that time", f"no frame {_span(turn)}"))
        videos.append(select_faces(frames, options, noted))
        videos[-1].end = min([*ends, _bounds(turn, options)[1]]) if frames else None
    return videos


def select_faces(
    searched: list[tuple[float, Face]], options: DecodeOptions, remarks: list[Remark]
) -> TurnVideo:
    """Select the face crops of a turn; remark where there is none."""
    centre = options.no_face == "centre"
    faces = [(time, face) for time, face in searched if face.found or centre]
    if searched and not faces:
        number = "the only frame" if len(searched) == 1 else f"any of {len(searched)} frames"
        remarks = [*remarks, Remark("no face found", f"no face was found in {number}")]
    return TurnVideo([time for time, _ in searched], faces, remarks=remarks)


class _Search:
    """Detects the faces in images, and once only in the same image object."""

    def __init__(self, cropper: FaceCropper, size: int) -> None:
        self.cropper, self.size = cropper, size
        self.last: dict[Side | None, tuple[np.ndarray, Face]] = {}

    def __call__(self, image: np.ndarray, side: Side | None) -> Face:
        before = self.last.get(side)
        if before is None or before[0] is not image:
            before = self.last[side] = (image, self.cropper.crop(image, self.size))
        return before[1]


def read_waveforms(
    path: Media, channel: int | None, turns: Sequence[Utterance], options: DecodeOptions
) -> list[TurnAudio]:
    """Read the waveforms of the turns of one file at 16 kHz; it is decoded once."""
    remarks: list[list[Remark]] = [[] for _ in turns]
    bounds = [_bounds(turn, options) for turn in turns]
    begin = min(start for start, _ in bounds)
    try:
        wave = read_audio(
            path,
            channel=channel,
            start=begin,
            end=max(end for _, end in bounds),
            report=lambda note: _remark(path, note, turns, remarks),
        )
    except MienError as error:
        return [TurnAudio(remarks=[_unreadable(path, error)]) for _ in turns]
    return [
        check_audio(_cut(wave, begin, span), _span(turn), noted)
        for turn, span, noted in zip(turns, bounds, remarks, strict=True)
    ]


def check_audio(waveform: np.ndarray, where: str, remarks: list[Remark]) -> TurnAudio:
    """Keep a waveform (S,) int16 if it is audible; remark where it is not, or is steady."""
    seconds, kept = len(waveform) / SAMPLE_RATE, None
    if len(waveform) < MIN_SAMPLES:
        unit = "sample" if len(waveform) == 1 else "samples"
        remark = Remark("too short", f"only {len(waveform)} {unit} {where}")
    elif not is_audible(waveform):
        level = f"{-loudness(waveform):.0f} dB below full scale"
        remark = Remark("silent", f"silent {where}: nothing is louder than {level}")
    else:
        kept = waveform
        if not is_steady(waveform):
            return TurnAudio(kept, seconds, remarks)
        why = f"its level never changes {where}, as in noise or a tone: there may be no speech"
        remark = Remark("note: steady audio", why)
    return TurnAudio(kept, seconds, [*remarks, remark])


def _unreadable(path: Media, error: MienError) -> Remark:
    kind = "no such track" if "holds no" in str(error) else "unreadable"
    return Remark(kind, str(error).removeprefix(f"{path}: "))


def _remark(
    path: Media,
    note: Note,
    turns: Sequence[Utterance],
    remarks: Sequence[list[Remark]],
) -> None:
    """Add a note on the file to the turns that end after it."""
    if note.kind == TOO_LONG:
        return  # noted once for the utterance, not once for each of its tracks
    kind = note.kind if isinstance(note, Damage) else f"note: {note.kind}"
    for turn, noted in zip(turns, remarks, strict=True):
        if note.at is None or turn.end is None or turn.end > note.at:
            noted.append(Remark(kind, str(note).removeprefix(f"{path}: ")))


def _bounds(turn: Utterance, options: DecodeOptions) -> tuple[float, float]:
    """Return the times in the file between which a turn is decoded."""
    return clamp_span((turn.start or 0.0, turn.end), options.max_seconds)


def _cut(wave: np.ndarray, begin: float, span: tuple[float, float]) -> np.ndarray:
    """Cut a waveform that starts at `begin` to a span of times."""
    first = round(begin * SAMPLE_RATE)
    start, stop = (max(round(time * SAMPLE_RATE) - first, 0) for time in span)
    return wave[start:stop]


def _span(turn: Utterance) -> str:
    if turn.start is None and turn.end is None:
        return "in the file"
    end = "the end" if turn.end is None else f"{turn.end:g} s"
    return f"from {turn.start or 0:g} s to {end}"
