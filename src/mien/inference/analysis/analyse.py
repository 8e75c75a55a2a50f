"""Analyse a recording: what a recognizer and a command call."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from mien import __version__
from mien.diarization.diarizer import Diarizer
from mien.diarization.result import DiarizationEngine
from mien.errors import MienError
from mien.files import only_one
from mien.inference.analysis.naming import Names
from mien.inference.analysis.options import AnalysisOptions
from mien.inference.analysis.recording import Analysis
from mien.inference.analysis.speech import SpeechFinder
from mien.inference.analysis.workspace import Workspace
from mien.inference.clips import TranscriptLike
from mien.inference.model_identity import model_identity
from mien.inference.timeline import Timeline
from mien.inference.transcription import Transcriber
from mien.media.cues import Transcript
from mien.media.transcript import read_transcript
from mien.utterance import Media

if TYPE_CHECKING:
    from mien.inference.recognizer import Recognizer

FOLDER = ".unfinished"
"""Name of the folder, within the one for the results, that holds the steps that are done."""


def analyse(
    recognizer: "Recognizer",
    media: Media,
    *,
    transcript: TranscriptLike | None = None,
    transcriber: Transcriber | None = None,
    names: Names | None = None,
    engine: Callable[[], DiarizationEngine] | None = None,
    options: AnalysisOptions | None = None,
    batch_size: int,
    frames: Path | None = None,
    folder: Path | None = None,
    resume: bool = False,
    progress: bool = False,
) -> Timeline:
    """Analyse a long recording: who says what, when, in which tone and with which face.

    Parameters
    ----------
    recognizer : Recognizer
        The model.
    media : Path or MediaBytes
        Any file that FFmpeg reads, of minutes or hours.
    transcript : path or Transcript, optional
        What is said, with times. The names of speakers in it are used.
    transcriber : Transcriber, optional
        Writes down what is said (`mien.inference.transcription.Transcriber`).
    names : callable, optional
        Names speakers by a gallery (`mien.gallery.speaker_names.SpeakerNames`); those who are
        not known are ``Speaker 1`` and so on.
    engine : callable, optional
        Makes what tells the speakers apart (default: `mien.diarization.diarizer.Diarizer`).
    options : AnalysisOptions, optional
        What is analysed, and how.
    batch_size : int
        Segments predicted together.
    frames : Path, optional
        A folder for the tables of the faces in each frame and of the audio every 100 ms
        (`mien.inference.frame_table`).
    folder : Path, optional
        Where to keep what is done, so that it can be resumed (default: nowhere).
    resume : bool
        Go on with what an interrupted call left in the folder.
    progress : bool
        Show what is done.

    Raises
    ------
    MienError
        The recording can't be read, has neither audio nor video, or what was given with it does
        not fit; or what was begun in the folder is of another recording, model or options.
    """
    options = options or AnalysisOptions()
    if engine is None:
        engine = partial(Diarizer, speakers=options.speakers, max_speakers=options.max_speakers)
    given = read_transcript(transcript) if isinstance(transcript, str | Path) else transcript
    find_speech = SpeechFinder(
        options=options,
        engine=engine,
        transcript=given,
        transcriber=transcriber,
    )
    if resume and folder is None:
        raise MienError("it is resumed in the folder where it was begun", parameter="resume")
    with ExitStack() as stack:
        if folder is None:
            work = Path(stack.enter_context(TemporaryDirectory(prefix="mien-")))
        else:
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(only_one(folder, "mien timeline"))
            work = folder
        named = names is not None
        made_of = _made_of(recognizer, media, given, transcriber, named, options, batch_size)
        workspace = Workspace(work / FOLDER, made_of, resume=resume)
        analysis = Analysis(
            recognizer=recognizer,
            media=media,
            workspace=workspace,
            options=options,
            find_speech=find_speech,
            names=names,
            batch_size=batch_size,
            frames=frames,
            progress=progress,
        )
        timeline = analysis()
        workspace.remove()
    return timeline


def _made_of(
    recognizer: "Recognizer",
    media: Media,
    transcript: Transcript | None,
    transcriber: Transcriber | None,
    named: bool,
    options: AnalysisOptions,
    batch_size: int,
) -> str:
    """Name all that the steps of an analysis depend on.

    Names of speakers are found at the end; whether they are decides which crops are kept.
    """
    file = [len(media.data)] if not isinstance(media, Path) else _size_and_time(media)
    return json.dumps(
        {
            "recording": [str(media), *file],
            "mien": __version__,
            "run": model_identity(recognizer.run).fingerprint,
            "abstention": repr(recognizer.abstention),
            "transcript": repr(transcript),
            "transcriber": None if transcriber is None else transcriber.weights,
            "language": None if transcriber is None else transcriber.language,
            "named": named,
            "options": asdict(options),
            "batch_size": batch_size,
        },
        sort_keys=True,
        default=str,
    )


def _size_and_time(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]
