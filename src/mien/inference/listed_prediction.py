"""Predict for listed clips, with the transcripts that lie beside them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from mien.errors import MienError
from mien.inference.clip_list import ListedClip
from mien.inference.prediction import Failure, Prediction
from mien.media.cues import Transcript
from mien.media.transcript import read_transcript

LARGEST_TRANSCRIPT = 64 * 2**20
"""Bytes of a file beside a clip that may be its transcript; nobody has chosen it."""


class PredictEach(Protocol):
    """Predicts for many clips, as `Recognizer.predict_each` does."""

    def __call__(
        self,
        clips: Iterable[str | None],
        *,
        text: Sequence[str | None],
        transcript: Iterable[str | Path | Transcript | None],
        batch_size: int,
    ) -> Iterator[Prediction | Failure]:
        """Yield a result for each clip, in their order."""
        ...


def predict_listed(
    predict_each: PredictEach,
    clips: Sequence[ListedClip],
    *,
    batch_size: int,
    begin: Callable[[int], object] = lambda place: None,
) -> Iterator[Prediction | Failure]:
    """Predict for listed clips; a note says which file beside a clip gave its text.

    Parameters
    ----------
    predict_each : callable
        Predicts for clips with their texts and transcripts.
    clips : sequence of ListedClip
        The clips.
    batch_size : int
        Segments computed together.
    begin : callable
        Called with the place of a clip in the sequence before it is read.

    Yields
    ------
    Prediction or Failure
        In the order of the clips.
    """
    found = [_transcript(clip) for clip in clips]

    def each() -> Iterator[str | None]:
        for place, clip in enumerate(clips):
            begin(place)
            yield clip.clip

    results = predict_each(
        each(),
        text=[clip.text for clip in clips],
        transcript=[transcript for transcript, _ in found],
        batch_size=batch_size,
    )
    for result, (_, notes) in zip(results, found, strict=True):
        yield _with_notes(result, notes)


def _transcript(clip: ListedClip) -> tuple[str | None, list[str]]:
    """Return the transcript of a clip, and notes if it is a file that lies beside it."""
    notes: list[str] = []
    for number, path in enumerate(clip.beside):
        name = Path(path).name
        try:
            if Path(path).stat().st_size > LARGEST_TRANSCRIPT:
                raise MienError(f"it has more than {LARGEST_TRANSCRIPT:,} bytes")
            read_transcript(path)
        except (MienError, OSError) as error:
            notes.append(f"no text from {name} beside the clip: {error}")
            continue
        others = [Path(one).name for one in clip.beside[number + 1 :]]
        rather = f", rather than {' or '.join(others)}" if others else ""
        return path, [f"text from {name} beside the clip{rather}", *notes]
    return clip.transcript, notes


def _with_notes(result: Prediction | Failure, notes: Sequence[str]) -> Prediction | Failure:
    if not notes:
        return result
    if isinstance(result, Prediction):
        return result.model_copy(update={"warnings": [*notes, *result.warnings]})
    return Failure(source=result.source, reason="; ".join([result.reason, *notes]))
