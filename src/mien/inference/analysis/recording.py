"""The analysis of a long recording, from the file to its timeline."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel

from mien.errors import MienError
from mien.inference.analysis.compose import Found, compose_timeline
from mien.inference.analysis.faces import SeenFaces, find_faces, load_faces, save_faces
from mien.inference.analysis.naming import Names
from mien.inference.analysis.options import AnalysisOptions
from mien.inference.analysis.pieces import pieces_of
from mien.inference.analysis.predicting import SegmentPrediction, predict_segments
from mien.inference.analysis.speakers import find_speakers
from mien.inference.analysis.speech import SpeechFinder
from mien.inference.analysis.spoken import Speech, SpokenTurn
from mien.inference.analysis.workspace import Workspace
from mien.inference.frame_table import write_audio_table, write_face_table
from mien.inference.timeline import Timeline
from mien.media.audio import write_audio
from mien.media.decode import has_audio, has_video
from mien.media.face_track import FaceTrack, faces_between
from mien.media.face_tracking import SEARCH_INTERVAL
from mien.media.streams import stated_seconds
from mien.modality import Modality
from mien.models.pretrained.voice_activity import VoiceActivity
from mien.progress import Progress
from mien.threads import shared_by
from mien.utterance import MIN_SAMPLES, SAMPLE_RATE, Media, Sample, Utterance

if TYPE_CHECKING:
    from mien.inference.recognizer import Recognizer


_STEPS = 3
"""Threads that compute at the same time: for speech, for faces, and for their mouths."""


class Audio(BaseModel):
    """The audio of a recording, which lies in a file of its own."""

    samples: int
    notes: list[str]


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """The analysis of one recording, step by step; each step that is done is kept in a folder.

    Parameters
    ----------
    recognizer : Recognizer
        The model.
    media : Path or MediaBytes
        The recording.
    workspace : Workspace
        Where the results of the steps are kept.
    options : AnalysisOptions
        What is analysed, and how.
    find_speech : SpeechFinder
        Finds turns, speakers and words.
    names : Names or None
        Names the speakers, by a gallery.
    batch_size : int
        Segments predicted together.
    frames : Path or None
        Folder for the frame-wise tables.
    progress : bool
        Show what is done.
    """

    recognizer: "Recognizer"
    media: Media
    workspace: Workspace
    options: AnalysisOptions
    find_speech: SpeechFinder
    names: Names | None = None
    batch_size: int
    frames: Path | None = None
    progress: bool = False

    @property
    def offset(self) -> float:
        """Where the analysis begins in the recording, seconds."""
        return self.options.start or 0.0

    @property
    def _follows_faces(self) -> bool:
        return self.options.faces and has_video(self.media)

    @property
    def _uses_faces(self) -> bool:
        return Modality.VIDEO in self.recognizer.modalities

    def __call__(self) -> Timeline:
        """Do what is not done yet, and put the timeline together.

        Raises
        ------
        MienError
            The recording can't be read, has neither audio nor video, or what was given with it does
            not fit.
        """
        stop = Event()
        with shared_by(_STEPS if self._follows_faces else 1), ThreadPoolExecutor(1) as pool:
            # faces take longest: meanwhile the other processor finds the speech
            following = pool.submit(self._faces, stop)
            try:
                audio = self.workspace.step("audio", Audio, self._audio)
                waveform = self.workspace.samples("samples") if audio.samples else None
                seconds = audio.samples / SAMPLE_RATE or following.result().end - self.offset
                if not seconds > 0:
                    raise MienError(f"{self.media}: holds neither audio nor video to be analysed")
                find_speech = partial(self.find_speech, waveform, seconds, progress=self.progress)
                speech = self.workspace.step("speech", Speech, find_speech)
                seen = following.result()
            finally:
                stop.set()
        speakers = find_speakers(speech, seen, waveform, self.offset, self.names)
        if self.frames is not None:
            self._tables(self.frames, seen, speakers.speaker_of, waveform)
        pieces = pieces_of(speakers.speech.turns)
        faces = [speakers.face_at(piece, self.offset) for piece in pieces]
        found = Found(
            start=self.offset,
            seconds=seconds,
            speech=speakers.speech,
            pieces=pieces,
            faces=[None if face is None else face.id for face in faces],
            predictions=self._predictions(pieces, faces, waveform, seen),
            tracks=seen.tracks,
            speaker_of=speakers.speaker_of,
            origins=speakers.speech.origins,
            notes=[*audio.notes, *seen.notes, *speech.notes, *speakers.notes],
        )
        return compose_timeline(
            found,
            source=str(self.media),
            run=str(self.recognizer.run.folder),
            synthetic=self.recognizer.run.config.data.synthetic,
        )

    def _audio(self) -> Audio:
        """Write the audio to a file, from which any stretch of it can be read."""
        notes: list[str] = []
        path = self.workspace.path("samples")
        if not has_audio(self.media):
            path.touch()
            return Audio(samples=0, notes=["the recording has no audio"])
        options = self.options
        with path.open("w+b") as file, self._bar("reading audio") as bar:
            count = write_audio(
                self.media,
                file,
                channel=options.channel,
                start=options.start,
                end=options.end,
                max_seconds=options.max_seconds,
                report=lambda note: notes.append(str(note)),
                progress=_whole_seconds(bar),
            )
        return Audio(samples=count, notes=notes)

    def _faces(self, stop: Event) -> SeenFaces:
        if not self._follows_faces:
            return SeenFaces()
        path, crops = self.workspace.path("faces.safetensors"), self.workspace.path("crops")
        if not path.is_file():
            options = self.options
            crops.unlink(missing_ok=True)
            with self._bar("following faces") as bar:
                step = _whole_seconds(bar)
                last = self.offset

                def progress(time: float) -> None:
                    nonlocal last
                    if stop.is_set():
                        raise InterruptedError("the analysis ended before all faces were followed")
                    step(time - last)
                    last = time

                seen = find_faces(
                    self.media,
                    crops,
                    start=options.start,
                    end=options.end,
                    side=options.side,
                    max_seconds=options.max_seconds,
                    size=self.recognizer.reader.options.face_size,
                    keep_crops=self.names is not None or self._uses_faces,
                    progress=progress,
                )
            save_faces(path, seen)
        return load_faces(path, crops)

    def _predictions(
        self,
        pieces: Sequence[SpokenTurn],
        faces: Sequence[FaceTrack | None],
        waveform: np.ndarray | None,
        seen: SeenFaces,
    ) -> list[SegmentPrediction]:
        def sample_at(place: int) -> Sample | None:
            piece = pieces[place]
            if piece.mark is not None:
                return None
            filmed = self._uses_faces and bool(seen.end)
            return _sample(piece, waveform, faces[place], self.offset, filmed=filmed)

        return predict_segments(
            self.recognizer,
            sample_at,
            len(pieces),
            self.workspace.path("predictions.jsonl"),
            batch_size=self.batch_size,
            whole_text=" ".join(piece.text for piece in pieces if piece.text) or None,
            embeddings=self.options.embeddings,
            progress=self.progress,
        )

    def _tables(
        self,
        folder: Path,
        seen: SeenFaces,
        speaker_of: Mapping[int, str],
        waveform: np.ndarray | None,
    ) -> None:
        """Write the frame-wise tables of what there is."""
        if seen.series:
            detected = {t.id: dict(zip(t.times, t.confidences, strict=True)) for t in seen.tracks}
            write_face_table(folder / "faces.csv", seen.series, speaker_of, detected)
        if waveform is not None:
            speech = VoiceActivity().probabilities(waveform)
            write_audio_table(folder / "audio.csv", waveform, speech, start=self.offset)

    def _bar(self, what: str) -> Progress:
        """Report how many seconds of the recording are done, of as many as its file states."""
        ends = [
            self.options.end,
            stated_seconds(self.media),
            self.offset + self.options.max_seconds,
        ]
        end = min(one for one in ends if one is not None)
        return Progress(what, "s", max(round(end - self.offset), 1), shown=self.progress)


def _sample(
    piece: SpokenTurn,
    waveform: np.ndarray | None,
    face: FaceTrack | None,
    offset: float,
    *,
    filmed: bool,
) -> Sample:
    """Make the sample of a segment, as a model takes it as input.

    With `filmed`, but no face, frames were searched for the face of the speaker in vain.
    """
    utterance = Utterance(id="segment", corpus="recording", text=piece.text, person=piece.speaker)
    sample = Sample(utterance=utterance, seconds=piece.seconds)
    if waveform is not None:
        span = slice(round(piece.start * SAMPLE_RATE), round(piece.end * SAMPLE_RATE))
        heard = np.array(waveform[span])
        sample = replace(sample, waveform=heard if len(heard) >= MIN_SAMPLES else None)
    if not filmed:
        return sample
    times = np.arange(0.0, piece.seconds, SEARCH_INTERVAL, dtype=np.float32)
    sample = replace(sample, frame_times=times)
    if face is None:
        return sample
    crops, seen = faces_between(face, piece.start + offset, piece.end + offset)
    if not len(crops):
        return sample
    seen = seen - np.float32(piece.start + offset)
    found = np.ones(len(seen), bool)
    return replace(sample, faces=crops, face_times=seen, face_found=found, frame_times=seen)


def _whole_seconds(bar: Progress) -> Callable[[float], None]:
    """Count seconds, which come in fractions."""
    done = 0.0

    def add(seconds: float) -> None:
        nonlocal done
        bar.update(int(done + seconds) - int(done))
        done += seconds

    return add
