"""From utterances to samples: decode the media, crop the faces, keep the sound."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import soxr

from mien.errors import MienError
from mien.media.decode import FRAME_INTERVAL, read_audio, read_frames
from mien.media.faces import Face, FaceCropper
from mien.media.limits import MAX_SECONDS, limited
from mien.media.notes import Note
from mien.utterance import RATE, SHORTEST, Clip, Sample, Skipped, Utterance

_Losses = dict[int, str]
"""What is lost of the turns of one file, by their place among them."""

_Key = TypeVar("_Key", bound=Hashable)


def to_sample(
    utterance: Utterance, cropper: FaceCropper, frame_interval: float = FRAME_INTERVAL
) -> tuple[Sample | None, list[Skipped]]:
    """Make the sample of one utterance.

    Parameters
    ----------
    utterance : Utterance
        Its media are decoded from `start` to `end`.
    cropper : FaceCropper
        Finds the faces.
    frame_interval : float
        Seconds between two pictures.

    Returns
    -------
    sample : Sample or None
        None where neither words nor sound nor picture are left.
    skipped : list of Skipped
        What could not be used, and why; nothing is raised for a bad file.

    Examples
    --------
    >>> sample, skipped = to_sample(Utterance(id="a", corpus="mine"), cropper)  # doctest: +SKIP
    >>> sample is None, skipped[0].reason  # doctest: +SKIP
    (True, 'no words, sound or picture')
    """
    items = list(to_samples([utterance], cropper, frame_interval))
    sample = next((item for item in items if isinstance(item, Sample)), None)
    return sample, [item for item in items if isinstance(item, Skipped)]


def from_clip(clip: Clip, cropper: FaceCropper, name: str = "clip") -> Sample:
    """Make the sample of a clip that is in memory already.

    Parameters
    ----------
    clip : Clip
        Pictures, sound and words, or what there is of them.
    cropper : FaceCropper
        Finds the faces.
    name : str
        Id of the utterance.

    Raises
    ------
    MienError
        There is a waveform without its rate.

    Examples
    --------
    >>> from_clip(Clip(text="I am glad"), cropper=None).modalities
    't'
    """
    faces = [] if clip.frames is None else [cropper.crop(frame) for frame in clip.frames]
    times = np.arange(len(faces)) * FRAME_INTERVAL if clip.times is None else clip.times
    sound = clip.waveform
    if sound is not None:
        if clip.rate is None:
            raise MienError(f"{name}: a waveform needs its rate, in samples a second")
        if clip.rate != RATE:
            sound = soxr.resample(sound, clip.rate, RATE)
        sound = np.clip(np.rint(sound * 32768), -32768, 32767).astype(np.int16)
    return Sample(
        utterance=Utterance(id=name, corpus="clip", text=clip.text),
        faces=np.stack([face.pixels for face in faces]) if faces else None,
        face_times=np.asarray(times - times[0], np.float32) if faces else None,
        face_found=np.array([face.found for face in faces]) if faces else None,
        waveform=sound if sound is not None and len(sound) >= SHORTEST else None,
    )


def to_samples(
    utterances: Sequence[Utterance], cropper: FaceCropper, frame_interval: float = FRAME_INTERVAL
) -> Iterator[Sample | Skipped]:
    """Make the samples of utterances that share media; each file is decoded once.

    The sound and the faces of all the utterances are in memory together, never the pictures.

    Parameters
    ----------
    utterances : sequence of Utterance
        The turns of one recording, or a single clip.
    cropper : FaceCropper
        Finds the faces.
    frame_interval : float
        Seconds between two pictures.

    Yields
    ------
    Sample or Skipped
        In the order of the utterances. A reason that begins with "video:" or "audio:" is a loss
        of that modality, whole or in part; any other means that there is no sample.
    """
    faces: dict[int, list[tuple[float, Face]]] = {}
    sounds: dict[int, np.ndarray] = {}
    lost: dict[int, list[Skipped]] = defaultdict(list)

    def note(kind: str, path: Path, rows: list[int], losses: _Losses) -> None:
        for place, loss in losses.items():
            reason = f"{kind}: {loss.removeprefix(f'{path}: ')}"
            lost[rows[place]].append(Skipped(utterances[rows[place]].id, reason, str(path)))

    videos = [None if u.video is None else (u.video, u.video_rate) for u in utterances]
    for (path, rate), rows in _rows_by(videos):
        turns = [utterances[row] for row in rows]
        crops, losses = _faces(path, rate, turns, cropper, frame_interval)
        faces.update(zip(rows, crops, strict=True))
        note("video", path, rows, losses)
    voices = [None if u.audio is None else (u.audio, u.audio_channel) for u in utterances]
    for (path, channel), rows in _rows_by(voices):
        waves, losses = _sounds(path, channel, [utterances[row] for row in rows])
        sounds.update(zip(rows, waves, strict=True))
        note("audio", path, rows, losses)
    for row, utterance in enumerate(utterances):
        yield from lost[row]
        yield _sample(utterance, faces.get(row), sounds.get(row))


def _rows_by(keys: Sequence[_Key | None]) -> Iterable[tuple[_Key, list[int]]]:
    """Group row numbers by key; None belongs to no group."""
    rows: dict[_Key, list[int]] = defaultdict(list)
    for row, key in enumerate(keys):
        if key is not None:
            rows[key].append(row)
    return rows.items()


def _sample(
    utterance: Utterance, faces: list[tuple[float, Face]] | None, sound: np.ndarray | None
) -> Sample | Skipped:
    sample = Sample(
        utterance=utterance,
        faces=np.stack([face.pixels for _, face in faces]) if faces else None,
        face_times=np.array([time for time, _ in faces], np.float32) if faces else None,
        face_found=np.array([face.found for _, face in faces]) if faces else None,
        waveform=sound if sound is not None and len(sound) >= SHORTEST else None,
    )
    if sample.modalities:
        return sample
    source = str(utterance.video or utterance.audio or "")
    return Skipped(utterance.id, "no words, sound or picture", source)


def _faces(
    path: Path,
    rate: float | None,
    turns: Sequence[Utterance],
    cropper: FaceCropper,
    interval: float,
) -> tuple[list[list[tuple[float, Face]]], _Losses]:
    """Crop the faces of the turns of one video, each with its time."""
    faces: list[list[tuple[float, Face]]] = [[] for _ in turns]
    losses: _Losses = {}
    spans = [(turn.start or 0.0, turn.end) for turn in turns]
    sides = [turn.video_side for turn in turns]

    def damaged(note: Note) -> None:
        losses.update(_reached(note, turns))

    try:
        frames = read_frames(path, spans, interval=interval, rate=rate, side=sides, report=damaged)
        for place, time, picture in frames:
            faces[place].append((time, cropper.crop(picture)))
    except MienError as error:
        return faces, dict.fromkeys(range(len(turns)), str(error))
    for place, turn in enumerate(turns):
        if not faces[place]:
            losses[place] = f"no picture {_span(turn)}"
    return faces, losses


def _sounds(
    path: Path, channel: int | None, turns: Sequence[Utterance]
) -> tuple[list[np.ndarray], _Losses]:
    """Read the sound of the turns of one file at 16 kHz."""
    losses: _Losses = {}
    spans = [limited((turn.start or 0.0, turn.end), MAX_SECONDS) for turn in turns]
    begin = min(start for start, _ in spans)
    ends = [turn.end for turn in turns if turn.end is not None]
    end = max(ends) if len(ends) == len(turns) else None
    most = max(stop for _, stop in spans) - begin

    def damaged(note: Note) -> None:
        losses.update(_reached(note, turns))

    try:
        wave = read_audio(
            path, channel=channel, start=begin, end=end, max_seconds=most, report=damaged
        )
    except MienError as error:
        nothing = np.empty(0, np.int16)
        return [nothing for _ in turns], dict.fromkeys(range(len(turns)), str(error))
    sounds = [_turn(wave, begin, turn) for turn in turns]
    for place, (turn, sound) in enumerate(zip(turns, sounds, strict=True)):
        if len(sound) < SHORTEST:
            unit = "sample" if len(sound) == 1 else "samples"
            losses[place] = f"only {len(sound)} {unit} {_span(turn)}"
    return sounds, losses


def _reached(note: Note, turns: Sequence[Utterance]) -> _Losses:
    """Name the turns that last until what is noted or begin after it."""
    return {
        place: str(note)
        for place, turn in enumerate(turns)
        if note.at is None or turn.end is None or turn.end > note.at
    }


def _turn(wave: np.ndarray, begin: float, utterance: Utterance) -> np.ndarray:
    """Cut one turn out of sound that starts at `begin`."""
    first = round(begin * RATE)
    start, stop = limited((utterance.start or 0.0, utterance.end), MAX_SECONDS)
    return wave[round(start * RATE) - first : max(round(stop * RATE) - first, 0)]


def _span(utterance: Utterance) -> str:
    if utterance.start is None and utterance.end is None:
        return "in the file"
    end = "the end" if utterance.end is None else f"{utterance.end:g} s"
    return f"from {utterance.start or 0:g} s to {end}"
