"""A trained model that predicts from clips of any form."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import torch

from mien.dataset.turn_media import DecodeOptions
from mien.errors import MienError
from mien.inference import BATCH_SIZE, checked_batch_size
from mien.inference.abstention import Abstention, abstention_for, answer
from mien.inference.batching import RecordingOutput, in_batches
from mien.inference.clip_reader import ClipReader
from mien.inference.clips import (
    ClipLike,
    Request,
    SpeakerReferences,
    TranscriptLike,
    is_one,
    media_of,
    requests,
)
from mien.inference.compose import compose
from mien.inference.loaded_model import LoadedModel
from mien.inference.prediction import Failure, Prediction
from mien.inference.screening import Screening
from mien.inference.segments import Recording
from mien.inference.streaming import Stream
from mien.inference.timeline import Timeline
from mien.media.limits import MAX_SECONDS
from mien.modality import Modality
from mien.runs import hub
from mien.runs.run import Run
from mien.utterance import MediaBytes, SpeakerReference

if TYPE_CHECKING:
    from mien.diarization.result import DiarizationEngine
    from mien.inference.analysis.naming import Names
    from mien.inference.analysis.options import AnalysisOptions
    from mien.inference.transcription import Transcriber


class Recognizer(LoadedModel):
    """A trained model, ready to predict. Several threads may use one at the same time.

    Parameters
    ----------
    run : Run
        The run folder.
    device : str or torch.device, optional
        Where to compute (default: a GPU if there is one).
    max_seconds : float
        A longer clip is cut to its first `max_seconds` seconds, with a warning.
    modalities : collection of Modality
        Use only these modalities of a clip; the encoders of the others are not loaded.
    abstention : Abstention or bool
        When to say "can't tell". True: by the run's abstention.json, if it has one; False: never.

    Raises
    ------
    MienError
        The run is incomplete, or its abstention.json is damaged.

    Examples
    --------
    >>> recognizer = Recognizer.from_pretrained("runs/emotion")       # doctest: +SKIP
    >>> recognizer("clip.mp4", text="I am so glad").answers["emotion"]  # doctest: +SKIP
    >>> for result in recognizer.predict_each(Path("clips").glob("*.mp4")):  # doctest: +SKIP
    ...     print(result)
    """

    def __init__(
        self,
        run: Run,
        device: str | torch.device | None = None,
        *,
        max_seconds: float = MAX_SECONDS,
        modalities: Collection[Modality] = tuple(Modality),
        abstention: Abstention | bool = True,
    ) -> None:
        super().__init__(run, device, modalities)
        self.abstention = abstention_for(run, abstention)
        self.screening = None if self.abstention is None else Screening(self.abstention)
        options = DecodeOptions(
            frame_interval=run.config.data.frame_interval,
            no_face=run.config.data.no_face,
            face_size=run.config.data.face_size,
            max_seconds=max_seconds,
        )
        self.reader = ClipReader(
            self.model.config.modalities, options, run.extractor(), allowed=modalities
        )

    @classmethod
    def from_pretrained(
        cls,
        source: str | Path,
        *,
        device: str | torch.device | None = None,
        revision: str | None = None,
        max_seconds: float = MAX_SECONDS,
        modalities: Collection[Modality] = tuple(Modality),
        abstention: Abstention | bool = True,
    ) -> "Recognizer":
        """Load the best weights of a run folder, or of a run on the Hugging Face Hub.

        Parameters
        ----------
        source : str or path
            A run folder, or a name on the hub such as ``"organisation/model"``. Of a repository
            only the files of a run are downloaded, none of which can run code.
        device : str or torch.device, optional
            Where to compute, such as ``"cpu"`` or ``"cuda:1"`` (default: a GPU if there is one).
        revision : str, optional
            Branch, tag or commit on the hub.
        max_seconds : float
            A longer clip is cut to its first `max_seconds` seconds, with a warning.
        modalities : collection of Modality
            Use only these modalities of a clip. The encoders of the others are not loaded: without
            text that saves seconds of imports, and the memory of the text encoder.
        abstention : Abstention or bool
            When to say "can't tell", as of the class.

        Raises
        ------
        MienError
            The run can't be found or downloaded, is incomplete, or there is no such device.
        """
        run = hub.open_run(source, revision=revision)
        return cls(
            run, device, max_seconds=max_seconds, modalities=modalities, abstention=abstention
        )

    def save_pretrained(self, folder: str | Path) -> Path:
        """Copy the run to a new folder for distribution, with a model card; see `mien.runs.hub`."""
        return hub.save(self.run, folder)

    def push_to_hub(self, name: str, **options: Any) -> str:
        """Upload the run to the hub and return the URL of the commit; see `mien.runs.hub.push`."""
        return hub.push(self.run, name, **options)

    @overload
    def __call__(  # type: ignore[overload-overlap]  # a str is a path, and iterable
        self,
        clip: ClipLike | None = None,
        *,
        text: str | None = None,
        transcript: TranscriptLike | None = None,
        name: str | None = None,
        reference: SpeakerReference | None = None,
        batch_size: int = BATCH_SIZE,
    ) -> Prediction: ...

    @overload
    def __call__(
        self,
        clip: Iterable[ClipLike | None],
        *,
        text: Sequence[str | None] | None = None,
        transcript: Iterable[TranscriptLike | None] | None = None,
        name: Sequence[str | None] | None = None,
        reference: SpeakerReferences = None,
        batch_size: int = BATCH_SIZE,
    ) -> list[Prediction | Failure]: ...

    def __call__(
        self,
        clip: Any = None,
        *,
        text: Any = None,
        transcript: Any = None,
        name: Any = None,
        reference: Any = None,
        batch_size: int = BATCH_SIZE,
    ) -> Prediction | list[Prediction | Failure]:
        """Predict for a clip, or for several clips.

        Parameters
        ----------
        clip : path, bytes, (array, int), Clip or Sample, or an iterable of these, optional
            Any file that FFmpeg reads, or the bytes of one; a waveform in [-1, 1] with its sample
            rate; or a decoded clip or sample. None: text alone.
        text : str, optional
            What is said; for several clips a list, with one entry for each.
        transcript : path, optional
            What is said, as a file with times, of which each cue becomes a segment, or as text: see
            `mien.media.transcript.read_transcript`. Cues that begin after the clip's end are left
            out. For several clips a list.
        name : str, optional
            Name of a clip in memory, for messages and `Prediction.source`; or a list.
        reference : SpeakerReference, optional
            Other clips of the same speaker (`mien.inference.references.speaker_reference`), for a
            model that takes any; of several clips it is that of all, or a list.
        batch_size : int
            Segments computed together. The predictions don't depend on it.

        Returns
        -------
        Prediction, or list of Prediction or Failure
            For several clips a list in their order, with a `Failure` for each that can't be used.

        Raises
        ------
        MienError
            A single clip can't be read, or has none of the modalities that the model uses.
        """
        if isinstance(clip, Iterable) and not is_one(clip):
            several = self.predict_each(
                clip,
                text=text,
                transcript=transcript,
                name=name,
                reference=reference,
                batch_size=batch_size,
            )
            return list(several)
        request = Request(clip, text, transcript, name, reference)
        recording = self.reader.read(request, self.screening)
        (output,) = in_batches([recording], self.outputs, checked_batch_size(batch_size))
        assert isinstance(output, RecordingOutput)
        return self._prediction(output)

    def predict_each(
        self,
        clips: Iterable[ClipLike | None],
        *,
        text: Sequence[str | None] | None = None,
        transcript: Iterable[TranscriptLike | None] | None = None,
        name: Sequence[str | None] | None = None,
        reference: SpeakerReferences = None,
        batch_size: int = BATCH_SIZE,
    ) -> Iterator[Prediction | Failure]:
        """Predict for any number of clips, one after the other; takes the arguments of a call.

        Few clips are in memory at a time: those whose segments make up a batch.

        Yields
        ------
        Prediction or Failure
            In the order of the clips, whenever a batch is full and after the last clip; with a
            `batch_size` of 1 after each clip.
        """
        size = checked_batch_size(batch_size)
        recordings = map(self._read, requests(clips, text, transcript, name, reference))
        for item in in_batches(recordings, self.outputs, size):
            if isinstance(item, Failure):
                yield item
                continue
            try:
                yield self._prediction(item)
            except MienError as error:
                yield Failure(source=item.recording.source, reason=str(error))

    def stream(self, *, window: float = 3.0, hop: float = 0.5) -> Stream:
        """Begin to predict for a live stream of audio, frames and text.

        Parameters
        ----------
        window : float
            Seconds that an update is about, at most 15.
        hop : float
            Seconds from one update to the next.

        Raises
        ------
        MienError
            The window or the hop is out of range.

        Examples
        --------
        >>> stream = recognizer.stream()  # doctest: +SKIP
        >>> stream.push(audio=microphone.read(4_800), rate=48_000)  # doctest: +SKIP
        """
        return Stream(self, window=window, hop=hop)

    def timeline(
        self,
        recording: str | Path | bytes | MediaBytes,
        *,
        transcript: TranscriptLike | None = None,
        transcriber: "Transcriber | None" = None,
        names: "Names | None" = None,
        engine: "Callable[[], DiarizationEngine] | None" = None,
        options: "AnalysisOptions | None" = None,
        batch_size: int = BATCH_SIZE,
        frames: Path | None = None,
        folder: Path | None = None,
        resume: bool = False,
        progress: bool = False,
    ) -> Timeline:
        """Analyse a long recording: who says what, when, in which tone and with which face.

        `mien.inference.analysis.analyse.analyse` describes the parameters. It raises `MienError`
        where the recording can't be used.

        Examples
        --------
        >>> timeline = recognizer.timeline("talk.mp4", transcript="talk.srt")  # doctest: +SKIP
        >>> [(one.speaker, one.share) for one in timeline.speakers]            # doctest: +SKIP
        [('Anna', 0.6), ('Ben', 0.4)]
        """
        from mien.inference.analysis.analyse import analyse

        return analyse(
            self,
            media_of(recording, "recording"),
            transcript=transcript,
            transcriber=transcriber,
            names=names,
            engine=engine,
            options=options,
            batch_size=checked_batch_size(batch_size),
            frames=frames,
            folder=folder,
            resume=resume,
            progress=progress,
        )

    def read(
        self,
        clip: ClipLike | None = None,
        *,
        text: str | None = None,
        transcript: TranscriptLike | None = None,
    ) -> Recording:
        """Decode a clip and cut it into segments; takes and raises what a call does.

        All is used that there is, whatever the abstention says.
        """
        return self.reader.read(Request(clip, text, transcript))

    def _read(self, request: Request) -> Recording | Failure:
        try:
            return self.reader.read(request, self.screening)
        except MienError as error:
            return Failure(source=request.source, reason=str(error))

    def _prediction(self, output: RecordingOutput) -> Prediction:
        if not all(segment.finite for segment in output.outputs):
            raise self.not_finite()
        return compose(
            output,
            run=str(self.run.folder),
            synthetic=self.run.config.data.synthetic,
            answer=partial(answer, self.tasks, self.decide, self.abstention),
            used=self.reader.used,
        )
