"""The speakers of a recording: their names and their faces."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from mien.inference.active_speaker import ActiveSpeaker
from mien.inference.analysis.faces import SeenFaces
from mien.inference.analysis.naming import MOST_FACES, Names, renamed, speaker_sample
from mien.inference.analysis.speaker_faces import speakers_of_faces, track_at
from mien.inference.analysis.spoken import Speech, SpokenTurn
from mien.inference.timeline import NameOrigin
from mien.media.crop_codec import decode_crop
from mien.media.face_track import FaceTrack, same_person


@dataclass(frozen=True)
class Speakers:
    """Who the speakers are.

    Parameters
    ----------
    speech : Speech
        The turns, with the final names.
    tracks : mapping of str to sequence of FaceTrack
        By speaker their face, each time that it is followed.
    notes : list of str
        What to know about the names.
    """

    speech: Speech
    tracks: Mapping[str, Sequence[FaceTrack]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def speaker_of(self) -> dict[int, str]:
        """By track the speaker whose face it is."""
        return {track.id: name for name, tracks in self.tracks.items() for track in tracks}

    def face_at(self, piece: SpokenTurn, offset: float) -> FaceTrack | None:
        """Find the face of a segment's speaker; its times are from `offset` on."""
        tracks = {track.id: track for track in self.tracks.get(piece.speaker or "", ())}
        spans = {number: (t.start - offset, t.end - offset) for number, t in tracks.items()}
        best = track_at(piece, spans)
        return None if best is None else tracks[best]


def find_speakers(
    speech: Speech,
    seen: SeenFaces,
    waveform: np.ndarray | None,
    offset: float,
    names: Names | None = None,
) -> Speakers:
    """Find the face and the name of each speaker.

    A name of the transcript stays. Where a gallery knows a face, this tells whose it is; else the
    movement of the mouths does.

    Parameters
    ----------
    speech : Speech
        The turns; times from `offset` on.
    seen : SeenFaces
        All faces.
    waveform : array (S,) int16, or None
        The audio from `offset` on.
    offset : float
        Where the analysis begins in the recording, seconds.
    names : callable, optional
        Names a speaker, by a gallery.
    """
    people = same_person(seen.tracks)
    by_id = {track.id: track for track in seen.tracks}
    faces: list[np.ndarray] = []
    if names is not None:
        faces = [_crops([by_id[number] for number in group]) for group in people]
    notes: list[str] = []
    known = _known_faces(speech, faces, names, notes)
    face_of = known
    if seen.series and waveform is not None:
        spans = [(turn.start, turn.end) for turn in speech.turns if turn.mark is None]
        speaking = ActiveSpeaker(
            {number: series.moved(-offset) for number, series in seen.series.items()},
            waveform,
            spans,
        )
        face_of = speakers_of_faces(speech.turns, speaking.log_odds, people, known)
    found: dict[str, str] = {}
    for speaker in dict.fromkeys(turn.speaker for turn in speech.turns):
        if names is None or speaker is None or speaker in speech.origins:
            continue
        own = [turn for turn in speech.turns if turn.speaker == speaker]
        place = face_of.get(speaker)
        named = names(speaker_sample(own, waveform, None if place is None else faces[place]))
        notes += named.notes
        if named.person is not None:
            found[speaker] = named.person
    tracks: dict[str, list[FaceTrack]] = {}
    for speaker, place in face_of.items():
        own_tracks = tracks.setdefault(found.get(speaker, speaker), [])
        own_tracks += [by_id[number] for number in people[place]]
    origins: dict[str, NameOrigin] = dict.fromkeys(found.values(), "gallery")
    return Speakers(
        speech.model_copy(
            update={
                "turns": renamed(speech.turns, found),
                "origins": {**origins, **speech.origins},
            }
        ),
        tracks,
        list(dict.fromkeys(notes)),
    )


def _known_faces(
    speech: Speech, faces: Sequence[np.ndarray], names: Names | None, notes: list[str]
) -> dict[str, int]:
    """Find the faces of speakers whom the transcript names and a gallery knows by their face."""
    if names is None or not speech.origins:
        return {}
    found: dict[str, int] = {}
    for place, crops in enumerate(faces):
        named = names(speaker_sample([], None, crops))
        notes += named.notes
        if named.person in speech.origins:
            found.setdefault(str(named.person), place)
    return found


def _crops(tracks: Sequence[FaceTrack]) -> np.ndarray:
    """Decode crops of one face, spread over the recording: (T, S, S, 3) uint8."""
    places = [(track, number) for track in tracks for number in range(len(track.times))]
    chosen = np.linspace(0, len(places) - 1, min(len(places), MOST_FACES)).round().astype(int)
    return np.stack(
        [
            decode_crop(track.crops[number], track.size)
            for track, number in (places[place] for place in chosen)
        ]
    )
