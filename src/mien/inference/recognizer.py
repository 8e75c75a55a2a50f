"""The one class a user needs: a trained model that answers for any clip."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any, overload

import torch

from mien.answer import Answer
from mien.batch import Batch
from mien.dataset.collate import collate
from mien.dataset.turns import DecodeOptions
from mien.devices import choose_device
from mien.errors import MienError
from mien.inference.batching import Computed, Row, in_batches
from mien.inference.clips import ClipLike, ClipReader, Request, is_one, requests
from mien.inference.compose import compose
from mien.inference.prediction import Failure, Prediction
from mien.inference.segments import Recording
from mien.media.limits import MAX_SECONDS
from mien.modality import Modality
from mien.models import MultimodalModel, Output
from mien.runs import hub
from mien.runs.run import Run
from mien.tasks import Task
from mien.utterance import Sample

BATCH_SIZE = 16


class Recognizer:
    """A trained model, ready to answer. Several threads may use one at once.

    Parameters
    ----------
    run : Run
        The run folder.
    device : str or torch.device, optional
        Where to compute (default: a GPU if there is one).
    max_seconds : float
        Longer clips are cut to their first so many seconds, with a note.
    modalities : collection of Modality
        Show the model only these of a clip; encoders of others are not loaded.

    Examples
    --------
    >>> recognizer = Recognizer.from_pretrained("runs/emotion")       # doctest: +SKIP
    >>> recognizer("clip.mp4", text="I am so glad").answers["emotion"]  # doctest: +SKIP
    >>> for result in recognizer.stream(Path("clips").glob("*.mp4")):  # doctest: +SKIP
    ...     print(result)
    """

    def __init__(
        self,
        run: Run,
        device: str | torch.device | None = None,
        *,
        max_seconds: float = MAX_SECONDS,
        modalities: Collection[Modality] = tuple(Modality),
    ) -> None:
        self.run = run
        self.device = choose_device(device)
        self.model: MultimodalModel = run.model(modalities).to(self.device)
        self.thresholds = {task.name: run.thresholds(task) for task in run.config.tasks}
        options = DecodeOptions(
            frame_interval=run.config.data.frame_interval,
            no_face=run.config.data.no_face,
            face_size=run.config.data.face_size,
            max_seconds=max_seconds,
        )
        shown = [m for m in self.model.config.modalities if m in modalities]
        self.readers = self.model.config.readers(
            run.tokenizer() if Modality.TEXT in shown else None
        )
        self.reader = ClipReader(
            self.model.config.modalities, options, run.extractor(), shown=modalities
        )
        self._collating = Lock()

    @classmethod
    def from_pretrained(
        cls,
        source: str | Path,
        *,
        device: str | torch.device | None = None,
        revision: str | None = None,
        max_seconds: float = MAX_SECONDS,
        modalities: Collection[Modality] = tuple(Modality),
    ) -> "Recognizer":
        """Load the best weights of a run folder, or of a run on the Hugging Face Hub.

        Parameters
        ----------
        source : str or path
            A run folder; else a name on the hub, such as ``"organisation/model"``. Of a repository
            only the files of a run are fetched, none of which can run code.
        device : str or torch.device, optional
            Where to compute, such as ``"cpu"`` or ``"cuda:1"`` (default: a GPU if there is one).
        revision : str, optional
            Branch, tag or commit on the hub.
        max_seconds : float
            Longer clips are cut to their first so many seconds, with a note.
        modalities : collection of Modality
            Show the model only these of a clip. Encoders of others are not loaded: without text
            that spares seconds of imports, and the memory of the text encoder.

        Raises
        ------
        MienError
            The run can't be had or is not whole, or there is no such device.
        """
        run = hub.open_run(source, revision=revision)
        return cls(run, device, max_seconds=max_seconds, modalities=modalities)

    def save_pretrained(self, folder: str | Path) -> Path:
        """Copy the run to a new folder to be handed on, with a model card; see `mien.runs.hub`."""
        return hub.save(self.run, folder)

    def push_to_hub(self, name: str, **options: Any) -> str:
        """Upload the run to the hub, and give the commit's address; see `mien.runs.hub.push`."""
        return hub.push(self.run, name, **options)

    @overload
    def __call__(  # type: ignore[overload-overlap]  # a str is a path, and iterable
        self,
        clip: ClipLike | None = None,
        *,
        text: str | None = None,
        transcript: str | Path | None = None,
        name: str | None = None,
        batch_size: int = BATCH_SIZE,
    ) -> Prediction: ...

    @overload
    def __call__(
        self,
        clip: Iterable[ClipLike | None],
        *,
        text: Sequence[str | None] | None = None,
        transcript: Sequence[str | Path | None] | None = None,
        name: Sequence[str | None] | None = None,
        batch_size: int = BATCH_SIZE,
    ) -> list[Prediction | Failure]: ...

    def __call__(
        self,
        clip: Any = None,
        *,
        text: Any = None,
        transcript: Any = None,
        name: Any = None,
        batch_size: int = BATCH_SIZE,
    ) -> Prediction | list[Prediction | Failure]:
        """Answer for a clip, or for a list of them.

        Parameters
        ----------
        clip : path, bytes, (array, int), Clip or Sample, or an iterable of these, optional
            Any file that FFmpeg reads, or the bytes of one; a waveform in [-1, 1] with its rate; or
            what is decoded already. None: text alone.
        text : str, optional
            What is said; for several clips a list, with one entry for each.
        transcript : path, optional
            What is said, as a file with times, of which each cue becomes a segment, or as text: see
            `mien.media.transcript.read_transcript`. What begins after the clip's end is left out.
            For several clips a list.
        name : str, optional
            What messages and `Prediction.source` call a clip that is in memory; or a list.
        batch_size : int
            Segments computed together. The answers don't depend on it.

        Returns
        -------
        Prediction, or list of Prediction or Failure
            For several clips one entry each, in their order; a `Failure` where one can't be used.

        Raises
        ------
        MienError
            A single clip can't be read, or has nothing that the model takes as input.
        """
        if isinstance(clip, Iterable) and not is_one(clip):
            several = self.stream(
                clip, text=text, transcript=transcript, name=name, batch_size=batch_size
            )
            return list(several)
        recording = self.reader.read(Request(clip, text, transcript, name))
        (computed,) = in_batches([recording], self._rows, _checked(batch_size))
        assert isinstance(computed, Computed)
        return self._prediction(computed)

    def stream(
        self,
        clips: Iterable[ClipLike | None],
        *,
        text: Sequence[str | None] | None = None,
        transcript: Sequence[str | Path | None] | None = None,
        name: Sequence[str | None] | None = None,
        batch_size: int = BATCH_SIZE,
    ) -> Iterator[Prediction | Failure]:
        """Answer for any number of clips, one after the other; takes what a call does.

        Few clips are in memory at a time: those whose segments make up a batch.

        Yields
        ------
        Prediction or Failure
            In the order of the clips, when a batch is full or the clips are at their end; with a
            `batch_size` of 1 at once.
        """
        asked = requests(clips, text, transcript, name)
        for item in in_batches(map(self._read, asked), self._rows, _checked(batch_size)):
            if isinstance(item, Failure):
                yield item
                continue
            try:
                yield self._prediction(item)
            except MienError as error:
                yield Failure(source=item.recording.source, reason=str(error))

    def read(
        self,
        clip: ClipLike | None = None,
        *,
        text: str | None = None,
        transcript: str | Path | None = None,
    ) -> Recording:
        """Decode a clip and cut it into segments; takes and raises what a call does."""
        return self.reader.read(Request(clip, text, transcript))

    def _read(self, request: Request) -> Recording | Failure:
        try:
            return self.reader.read(request)
        except MienError as error:
            return Failure(source=request.source, reason=str(error))

    @torch.inference_mode()
    def forward(self, samples: Sequence[Sample]) -> tuple[Batch, Output]:
        """Show samples to the model: what it sees, and what it answers."""
        with self._collating:  # a tokenizer serves one thread at a time
            batch = collate([self.reader.shown(s) for s in samples], self.readers)
        batch = batch.to(self.device)
        return batch, self.model(batch)

    def scores(self, output: Output) -> dict[str, torch.Tensor]:
        """Give the scores (B, C) of each task: probabilities, or numbers.

        Raises
        ------
        MienError
            One is not a finite number, which is no answer.
        """
        if not _finite(output).all():
            raise self._not_finite()
        return {t.name: t.scores(output.logits[t.name]).cpu() for t in self.tasks}

    def _not_finite(self) -> MienError:
        return MienError(
            f"{self.run.folder}: the model's scores are not finite numbers: copy the run again,"
            " or train again with a lower lr or with clip 1"
        )

    def _rows(self, samples: Sequence[Sample]) -> list[Row]:
        """Compute one batch."""
        _, output = self.forward(samples)
        scores = {t.name: t.scores(output.logits[t.name]).cpu() for t in self.tasks}
        embeddings, finite = output.embedding.cpu(), _finite(output).tolist()
        return [
            Row({name: rows[i] for name, rows in scores.items()}, embeddings[i], finite[i])
            for i in range(len(samples))
        ]

    def answers(self, scores: Mapping[str, torch.Tensor]) -> dict[str, Answer]:
        """Decide by the scores (C,) of each task."""
        return {
            task.name: task.predict(scores[task.name].tolist(), self.thresholds[task.name])
            for task in self.tasks
        }

    def _prediction(self, computed: Computed) -> Prediction:
        if not all(row.finite for row in computed.rows):
            raise self._not_finite()
        return compose(
            computed,
            run=str(self.run.folder),
            synthetic=self.run.config.data.synthetic,
            answers=self.answers,
            used=self.reader.used,
        )

    @property
    def tasks(self) -> tuple[Task, ...]:
        """What the model answers."""
        return self.run.config.tasks


def _finite(output: Output) -> torch.Tensor:
    """Tell of which utterances (B,) all logits are finite numbers."""
    return torch.stack([rows.isfinite().all(dim=1) for rows in output.logits.values()]).all(dim=0)


def _checked(batch_size: int) -> int:
    if batch_size < 1:
        raise MienError(f"the batch size is at least 1, not {batch_size}")
    return batch_size
