"""The predictions for the segments of a recording."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from mien.inference.abstention import answer
from mien.inference.reason import Reason
from mien.modality import Modality
from mien.progress import Progress
from mien.task_prediction import TaskPrediction
from mien.utterance import Sample

if TYPE_CHECKING:
    from mien.inference.recognizer import Recognizer


class SegmentPrediction(BaseModel):
    """The prediction for one segment; empty for one that is not answered by its form."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    modalities: list[Modality] = []
    answers: dict[str, TaskPrediction] = {}
    abstained: list[Reason] | None = None
    left_out: list[Reason] = []
    embedding: list[float] | None = None


def predict_segments(
    recognizer: "Recognizer",
    sample_at: Callable[[int], Sample | None],
    count: int,
    kept: Path,
    *,
    batch_size: int,
    whole_text: str | None,
    embeddings: bool = False,
    progress: bool = False,
) -> list[SegmentPrediction]:
    """Predict the segments of a recording in batches.

    Each batch is added to a file as soon as it is computed, and what the file holds already is not
    computed again. Batches are the same however often the work was interrupted.

    Parameters
    ----------
    recognizer : Recognizer
        The model, with its rules of when to say "can't tell".
    sample_at : callable
        Makes the sample of a segment by its number; None: it is not answered.
    count : int
        Number of segments.
    kept : Path
        The file, one line a segment.
    batch_size : int
        Segments computed together.
    whole_text : str or None
        The text of all segments, by which the language of a few words is told.
    embeddings : bool
        Keep the embedding of each segment.
    progress : bool
        Show how many are done.

    Raises
    ------
    MienError
        The scores of the model are not finite numbers.
    """
    done = _kept(kept, batch_size, count)
    with (
        kept.open("a", encoding="utf-8") as file,
        Progress("predicting", "segments", count, shown=progress) as bar,
    ):
        bar.update(len(done))
        while len(done) < count:
            numbers = range(len(done), min(len(done) + batch_size, count))
            batch = _predict(recognizer, list(map(sample_at, numbers)), whole_text, embeddings)
            file.writelines(f"{one.model_dump_json()}\n" for one in batch)
            file.flush()
            done += batch
            bar.update(len(batch))
    return done


def _kept(path: Path, batch_size: int, count: int) -> list[SegmentPrediction]:
    """Read the whole batches of a file, and remove what a killed process left behind them."""
    found: list[SegmentPrediction] = []
    ends = [0]
    if path.is_file():
        with path.open("rb") as file:
            for line in file:
                try:
                    found.append(SegmentPrediction.model_validate_json(line))
                except ValidationError:
                    break
                if not line.endswith(b"\n"):
                    found.pop()
                    break
                ends.append(file.tell())
    whole = len(found) if len(found) == count else len(found) // batch_size * batch_size
    with path.open("ab") as file:
        file.truncate(ends[whole])
    return found[:whole]


def _predict(
    recognizer: "Recognizer",
    samples: Sequence[Sample | None],
    whole_text: str | None,
    embeddings: bool,
) -> list[SegmentPrediction]:
    """Predict one batch; of segments that are not answered nothing is computed."""
    results = [SegmentPrediction() for _ in samples]
    usable: list[tuple[int, Sample, list[Reason]]] = []
    for place, sample in enumerate(samples):
        if sample is None:
            continue
        screened, reasons = recognizer.reader.screened(sample, whole_text, [], recognizer.screening)
        if recognizer.reader.used([screened]):
            usable.append((place, screened, reasons))
        else:
            empty, _ = answer(recognizer.tasks, recognizer.decide, recognizer.abstention, None)
            results[place] = SegmentPrediction(answers=empty, abstained=reasons or None)
    outputs = recognizer.outputs([sample for _, sample, _ in usable]) if usable else []
    for (place, sample, reasons), output in zip(usable, outputs, strict=True):
        if not output.finite:
            raise recognizer.not_finite()
        answers, unsure = answer(
            recognizer.tasks, recognizer.decide, recognizer.abstention, output.scores
        )
        results[place] = SegmentPrediction(
            modalities=recognizer.reader.used([sample]),
            answers=answers,
            abstained=unsure or None,
            left_out=reasons,
            embedding=output.embedding.tolist() if embeddings else None,
        )
    return results
