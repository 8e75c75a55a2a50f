"""What a sparse model selected of a clip: attention maps, and the shares that were kept."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from mien.batch import Ragged
from mien.errors import MienError
from mien.files import write_text
from mien.inference.prediction import Readable
from mien.inference.recognizer import Recognizer
from mien.inference.segments import Recording
from mien.modality import Modality
from mien.models.config import ModelConfig
from mien.models.encoders.selection import Selection
from mien.models.encoders.spectrogram import COLUMNS, HOP_LENGTH
from mien.report.attention_maps import CHUNKS, FACES, AttentionView, plot_attention
from mien.task_prediction import TaskPrediction
from mien.utterance import SAMPLE_RATE, Sample

LAYOUTS = {Modality.VIDEO: FACES, Modality.AUDIO: CHUNKS}

QUIET = 1e-7
"""Added to a power before its logarithm is drawn."""

DIM = 90
"""Grey level of silence: darkened sites could not be seen on black."""


class SelectedShares(BaseModel):
    """How much the model selected of one modality of a segment."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str = Field(description="the PNG file with the attention map")
    sparsity: str = Field(description="what the encoder selects: sites, frames or both")
    threshold: float = Field(description="share of the attention that is kept")
    steps: int = Field(description="face crops, or spectrogram chunks of 0.4 s")
    selected: float = Field(description="share of these that was selected")
    kept: list[float] = Field(
        description="for each stage the share of the sites kept, in what was selected"
    )


class ExplainedSegment(BaseModel):
    """A segment of the clip, what was selected of it, and what was decided."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    start: float = Field(description="seconds from the beginning of the clip")
    end: float = Field(description="seconds from the beginning of the clip")
    text: str | None = Field(None, description="the text given for it")
    looks: dict[str, SelectedShares] = Field(description="of video and audio, where it has them")
    decision: dict[str, list[str]] = Field(description="by task; none: all below their threshold")


class Explanation(BaseModel):
    """What a model selected of a clip; what `explain` writes as JSON."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: Readable = Field(description="the clip")
    run: Readable = Field(description="the run folder of the model")
    segments: list[ExplainedSegment] = Field(description="in order of time")
    synthetic_training: bool = Field(
        False, description="true where the model was trained on synthetic data"
    )
    notes: list[Readable] = Field(default_factory=list, description="what is not drawn, and why")

    @property
    def file(self) -> str:
        """Name of the JSON file."""
        return f"explain-{Path(self.source).stem}.json"

    @property
    def files(self) -> list[str]:
        """Names of all files written."""
        return [look.file for s in self.segments for look in s.looks.values()] + [self.file]


def explain(
    recognizer: Recognizer,
    clip: str | Path,
    out: str | Path,
    *,
    text: str | None = None,
    transcript: str | Path | None = None,
) -> Explanation:
    """Draw what a sparse model selects of a clip, a PNG for each segment and modality.

    Parameters
    ----------
    recognizer : Recognizer
        Of a run with a sparse encoder, such as those of the model "mme2e-sparse".
    clip : path
        A video or an audio file.
    out : path
        The folder to write into; made if need be.
    text, transcript : optional
        What is said, as the recognizer takes it.

    Returns
    -------
    Explanation
        Also written to the folder as JSON.

    Raises
    ------
    MienError
        The model is dense, the clip can't be read or has nothing that the model uses, or the
        folder can't be written.

    Examples
    --------
    >>> recognizer = Recognizer.from_pretrained("runs/sparse")                      # doctest: +SKIP
    >>> explain(recognizer, "clip.mp4", "looks", text="I am glad").files  # doctest: +SKIP
    ['explain-clip-1-video.png', 'explain-clip-1-audio.png', 'explain-clip.json']
    """
    config, out = recognizer.model.config, Path(out)
    if not any(encoder.selects for encoder in config.encoders.values()):
        raise MienError(
            f"{recognizer.run.folder}: its model is dense and selects nothing; explain needs a"
            " sparse one: train one with the model mme2e-sparse"
        )
    recording = recognizer.read(clip, text=text, transcript=transcript)
    _make(out)
    explanation = Explanation(
        source=recording.source,
        run=str(recognizer.run.folder),
        segments=[
            _segment(recognizer, recording, number, out)
            for number, _ in enumerate(recording.segments, 1)
        ],
        synthetic_training=recognizer.run.config.data.synthetic,
        notes=[*recording.warnings, *_missing(recording, config)],
    )
    write_text(out / explanation.file, explanation.model_dump_json(indent=2))
    return explanation


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MienError(
            f"{folder} can't be made ({error}): choose another", parameter="out"
        ) from error


def _missing(recording: Recording, config: ModelConfig) -> list[str]:
    """Say of which modalities there is no attention map, and why."""
    notes = []
    for modality in LAYOUTS:
        missing = f"no attention map of {modality}"
        has = [modality.letter in sample.modalities for *_, sample in recording.segments]
        lacking = [str(number) for number, there in enumerate(has, 1) if not there]
        if modality not in config.encoders:
            notes.append(f"{missing}: the model does not use it")
        elif not config.encoders[modality].selects:
            notes.append(f"{missing}: its encoder is dense")
        elif not any(has):
            notes.append(f"{missing}: the clip has none")
        elif lacking:
            notes.append(f"{missing} for segment {', '.join(lacking)}: it has none")
    return notes


def _segment(
    recognizer: Recognizer, recording: Recording, number: int, out: Path
) -> ExplainedSegment:
    """Draw what is selected of one segment, counted from 1."""
    start, end, sample = recording.segments[number - 1]
    batch, output = recognizer.forward([sample])
    scores = {task: rows[0] for task, rows in recognizer.scores(output).items()}
    answers = recognizer.decide(scores)
    clip, config, looks = Path(recording.source), recognizer.model.config, {}
    for modality, selection in output.selections.items():
        layout, settings = LAYOUTS[modality], config.encoders[modality]
        given = cast(Ragged, batch.inputs[modality])
        view = _view(sample, start, given, selection, getattr(settings, "spectrogram", None))
        file = f"explain-{clip.stem}-{number}-{modality}.png"
        looks[modality.value] = _shares(view, file, settings)
        segment = f"segment {number} of {len(recording.segments)}"
        heading = [
            f"{clip.name}, {segment}, {start:.2f} – {end:.2f} s: {modality}",
            _text(sample, config),
            _decision(answers),
            f"selected: {view.selected.sum()} of {len(view.selected)} {layout.name}",
        ]
        synthetic = recognizer.run.config.data.synthetic
        plot_attention(view, out / file, heading, layout, synthetic)
    return ExplainedSegment(
        start=round(start, 3),
        end=round(end, 3),
        text=sample.text,
        looks=looks,
        decision={task: answer.decision for task, answer in answers.items()},
    )


def _text(sample: Sample, config: ModelConfig) -> str:
    if Modality.TEXT not in config.encoders:
        return "the model does not use text"
    return f"text: “{sample.text}”" if sample.text else "no text guides the attention"


def _decision(answers: Mapping[str, TaskPrediction]) -> str:
    return "decision: " + "; ".join(f"{task}: {answer}" for task, answer in answers.items())


def _shares(view: AttentionView, file: str, settings: Any) -> SelectedShares:
    return SelectedShares(
        file=file,
        sparsity=settings.sparsity,
        threshold=settings.sparse_threshold,
        steps=len(view.selected),
        selected=round(float(view.selected.mean()), 6),
        kept=[round(float(kept.mean()), 6) for kept in view.kept],
    )


def _view(
    sample: Sample,
    start: float,
    given: Ragged,
    selection: Selection,
    spectrogram: str | None,
) -> AttentionView:
    """Turn what a model was given and selected into arrays."""
    shares = selection.image_attention
    if spectrogram is None:
        images, labels = given.values.permute(0, 2, 3, 1).cpu().numpy(), _face_labels(sample)
    else:
        images = _shaded(given.values[:, 0].cpu().numpy(), spectrogram)
        seconds = COLUMNS * HOP_LENGTH / SAMPLE_RATE
        labels = [f"{start + seconds * i:.2f} s" for i in range(len(images))]
    return AttentionView(
        images,
        labels,
        selection.images.cpu().numpy(),
        None if shares is None else shares.cpu().numpy(),
        selection.attention[0].cpu().numpy() if selection.attention else None,
        [kept.cpu().numpy() for kept in selection.kept],
    )


def _face_labels(sample: Sample) -> list[str]:
    """Give each face crop its time, and say where no face was found."""
    assert sample.face_times is not None
    assert sample.face_found is not None
    return [
        f"{time:.2f} s" if found else f"no face found\n{time:.2f} s"
        for time, found in zip(sample.face_times, sample.face_found, strict=True)
    ]


def _shaded(chunks: np.ndarray, spectrogram: str) -> np.ndarray:
    """Draw spectrogram chunks (P, 128, 32) in grey, (P, 128, 32, 3) uint8; silence is not black."""
    energy = np.log(chunks + QUIET) if spectrogram == "published" else chunks
    low, high = energy.min(), energy.max()
    grey = DIM + (energy - low) / max(high - low, QUIET) * (255 - DIM)
    return grey.astype(np.uint8)[..., None].repeat(3, axis=3)
