"""The one class a user needs: a trained model that answers for any clip."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import torch
import torch.nn.functional as F

from mien.answer import Answer
from mien.batch import Batch
from mien.dataset.collate import collate
from mien.dataset.sample import from_clip, to_sample
from mien.dataset.turns import DecodeOptions
from mien.encoding import readable
from mien.errors import MienError
from mien.inference.prediction import Prediction, Segment
from mien.inference.segments import Recording, seconds_of, segments_of
from mien.media.decode import has_audio, has_video
from mien.media.faces import FaceCropper
from mien.media.limits import MAX_SECONDS
from mien.media.silence import has_sound
from mien.media.transcript import Cue, Transcript, read_transcript, within
from mien.models import MultimodalModel, Output
from mien.runs.run import Run
from mien.tasks import Task
from mien.utterance import Clip, Sample, Utterance

BATCH = 16

WORDS = {"t": "words", "v": "pictures", "a": "sound"}


class Recognizer:
    """A trained model, ready to answer.

    Parameters
    ----------
    run : Run
        The run folder.
    device : str, optional
        Where to compute (default: a GPU if there is one).
    max_seconds : float
        Longer clips are cut to their first so many seconds, with a note.

    Examples
    --------
    >>> recognizer = Recognizer.load("runs/emotion")                  # doctest: +SKIP
    >>> recognizer("clip.mp4", text="I am so glad").answers["emotion"]  # doctest: +SKIP
    """

    def __init__(
        self, run: Run, device: str | None = None, *, max_seconds: float = MAX_SECONDS
    ) -> None:
        self.run = run
        self.options = DecodeOptions(
            frame_interval=run.config.data.frame_interval,
            no_face=run.config.data.no_face,
            face_size=run.config.data.face_size,
            max_seconds=max_seconds,
        )
        self.device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self.model: MultimodalModel = run.model().to(self.device)
        self.readers = self.model.config.readers(run.tokenizer())
        self.extractor = run.extractor()
        self.thresholds = {task.name: run.thresholds(task) for task in run.config.tasks}

    @cached_property
    def cropper(self) -> FaceCropper:
        """The face detector, made when the first picture comes."""
        return FaceCropper()

    @classmethod
    def load(
        cls, run: str | Path, device: str | None = None, *, max_seconds: float = MAX_SECONDS
    ) -> "Recognizer":
        """Load the best weights of a run folder. Raises `MienError` where it is not whole."""
        return cls(Run(run), device, max_seconds=max_seconds)

    def __call__(
        self,
        clip: str | Path | Clip | Sample | None = None,
        *,
        text: str | None = None,
        transcript: str | Path | None = None,
    ) -> Prediction:
        """Answer for a video, a sound file, words, or any of them together.

        Parameters
        ----------
        clip : path, Clip or Sample, optional
            Any file that FFmpeg reads, or one that is in memory; None: words alone.
        text : str, optional
            What is said.
        transcript : path, optional
            What is said, as a file with times, of which each cue becomes a segment, or as text: see
            `mien.media.transcript.read_transcript`. What begins after the clip's end is left out.

        Raises
        ------
        MienError
            The clip can't be read, or has nothing that the model goes by.
        """
        return self._predict(self.read(clip, text=text, transcript=transcript))

    def read(
        self,
        clip: str | Path | Clip | Sample | None = None,
        *,
        text: str | None = None,
        transcript: str | Path | None = None,
    ) -> Recording:
        """Decode a clip and cut it into segments; takes and raises what a call does."""
        if text is not None and transcript is not None:
            raise MienError("give either the words or a transcript file, not both")
        said = read_transcript(transcript) if transcript else Transcript([], [])
        if text:
            said = Transcript([Cue(text)], [])
        warnings: list[str] = []
        if isinstance(clip, Clip):
            clip, warnings = from_clip(clip, self.cropper, self.options)
        if isinstance(clip, Sample):
            sample, source = clip, clip.utterance.id
        else:
            sample, warnings = self._decode(clip, " ".join(cue.text for cue in said.cues))
            source = "words alone" if clip is None else readable(str(clip))
        cues, unused = within(said, seconds_of(sample))
        cuts = [
            (start, end, self._featured(_heard(cut)))
            for start, end, cut in segments_of(sample, cues)
        ]
        segments = [segment for segment in cuts if self._grounds([segment[2]])]
        warnings = [*unused, *warnings, *self._not_extracted(sample)]
        warnings += [
            f"nothing to go by from {start:.1f} to {end:.1f} s: no prediction for it"
            for start, end, cut in cuts
            if segments and not self._grounds([cut])
        ]
        if not segments:
            needs = " or ".join(WORDS[m] for m in self.model.config.letters)
            reasons = f" ({'; '.join(warnings)})" if warnings else ""
            raise MienError(f"{source}: the model goes by {needs}, and there is none{reasons}")
        return Recording(source, sample, segments, warnings)

    def _featured(self, sample: Sample) -> Sample:
        """Add the features that the model goes by, unless the sample brings its own."""
        if self.extractor is None or sample.features:
            return sample
        return replace(sample, features=self.extractor(sample))

    def _not_extracted(self, sample: Sample) -> list[str]:
        """Note what the sample has and the model goes by, but whose features came from files."""
        if self.extractor is None or sample.features:
            return []
        lost = set(self.model.config.letters) & set(sample.modalities)
        return [
            f"{word} left out: the run's features of them were read from files"
            f" ({self.extractor.sources[m]}) and can't be extracted from a clip"
            for m, word in WORDS.items()
            if m in lost - set(self.extractor.modalities)
        ]

    def _decode(self, clip: str | Path | None, text: str) -> tuple[Sample, list[str]]:
        """Decode a clip into a sample, with notes on what could not be used."""
        if clip is None:
            return Sample(utterance=Utterance(id="words", corpus="clip", text=text)), []
        path = Path(clip)
        if not path.is_file():
            raise MienError(f"{path} {'is no file' if path.exists() else 'does not exist'}")
        utterance = Utterance(
            id=path.name,
            corpus="clip",
            text=text,
            video=path if has_video(path) else None,
            audio=path if has_audio(path) else None,
        )
        sample, skipped = to_sample(utterance, self.cropper, self.options)
        return sample or Sample(utterance=utterance), [s.reason for s in skipped]

    @torch.inference_mode()
    def forward(self, samples: Sequence[Sample]) -> tuple[Batch, Output]:
        """Show samples to the model: what it sees, and what it answers."""
        batch = collate(samples, self.readers).to(self.device)
        return batch, self.model(batch)

    def scores(self, output: Output) -> dict[str, torch.Tensor]:
        """Give the scores (B, C) of each task: probabilities, or numbers.

        Raises
        ------
        MienError
            One is not a finite number, which is no answer.
        """
        if not all(logits.isfinite().all() for logits in output.logits.values()):
            raise MienError(
                f"{self.run.folder}: the model's scores are not finite numbers: copy the run again,"
                " or train again with a lower --lr or with --clip 1"
            )
        return {t.name: t.scores(output.logits[t.name]).cpu() for t in self.tasks}

    def answers(self, scores: Mapping[str, torch.Tensor]) -> dict[str, Answer]:
        """Decide by the scores (C,) of each task."""
        return {
            task.name: task.answer(scores[task.name].tolist(), self.thresholds[task.name])
            for task in self.tasks
        }

    def _predict(self, recording: Recording) -> Prediction:
        scores: dict[str, list[torch.Tensor]] = {task.name: [] for task in self.tasks}
        segments, vectors = recording.segments, []
        for first in range(0, len(segments), BATCH):
            _, output = self.forward([sample for *_, sample in segments[first : first + BATCH]])
            vectors.append(output.embedding.cpu())
            for name, rows in self.scores(output).items():
                scores[name].append(rows)
        by_task = {name: torch.cat(parts) for name, parts in scores.items()}
        length = torch.tensor([max(end - start, 1e-3) for start, end, _ in segments])
        share = length / length.sum()
        embedding = F.normalize(share @ torch.cat(vectors), dim=0)
        searched, found = _faces(recording.sample)
        return Prediction(
            source=recording.source,
            run=str(self.run.folder),
            modalities=self._grounds([sample for *_, sample in segments]),
            seconds=round(seconds_of(recording.sample), 3),
            answers=self.answers({name: share @ rows for name, rows in by_task.items()}),
            segments=[
                self._segment(start, end, sample, {n: s[i] for n, s in by_task.items()})
                for i, (start, end, sample) in enumerate(segments)
            ],
            embedding=embedding.tolist(),
            faces=searched,
            faces_found=found,
            synthetic_training=self.run.config.data.synthetic,
            warnings=recording.warnings,
        )

    @property
    def tasks(self) -> tuple[Task, ...]:
        """What the model answers."""
        return self.run.config.tasks

    def _grounds(self, samples: Sequence[Sample]) -> str:
        """Give the letters of what the samples have and the model reads."""
        had = [s.modalities if self.extractor is None else s.features for s in samples]
        letters = {letter for part in had for letter in part}
        return "".join(m for m in "tav" if m in letters and m in self.model.config.letters)

    def _segment(
        self, start: float, end: float, sample: Sample, scores: dict[str, torch.Tensor]
    ) -> Segment:
        searched, found = _faces(sample)
        return Segment(
            start=round(start, 3),
            end=round(end, 3),
            text=sample.text,
            speaker=sample.utterance.person,
            modalities=self._grounds([sample]),
            faces=searched,
            faces_found=found,
            answers=self.answers(scores),
        )


def _faces(sample: Sample) -> tuple[int, int]:
    """Count the frames that were searched for a face, and those in which one was found."""
    found = sample.face_found
    searched = found if sample.frame_times is None else sample.frame_times
    return 0 if searched is None else len(searched), 0 if found is None else int(found.sum())


def _heard(sample: Sample) -> Sample:
    """Leave out the sound of a segment in which there is nothing to hear."""
    if sample.waveform is None or has_sound(sample.waveform):
        return sample
    return replace(sample, waveform=None)
