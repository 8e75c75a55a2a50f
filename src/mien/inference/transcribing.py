"""Predict for clips whose words are transcribed first."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from mien.errors import MienError
from mien.inference.listed_prediction import PredictEach
from mien.inference.prediction import Failure, Prediction
from mien.inference.transcribed import transcribed
from mien.inference.transcription import Transcriber
from mien.media.cues import Transcript
from mien.models.pretrained.voice_activity import VoiceActivity


class TranscribeEach:
    """Transcribes clips without a text or a transcript, and predicts.

    It can be called as `mien.inference.listed_prediction.PredictEach` says.

    Parameters
    ----------
    predict_each : callable
        Predicts for clips with their transcripts.
    transcriber : Transcriber
        Writes down what is said.
    """

    def __init__(self, predict_each: PredictEach, transcriber: Transcriber) -> None:
        self.predict_each, self.transcriber = predict_each, transcriber
        self.voice_activity = VoiceActivity()

    def __call__(
        self,
        clips: Iterable[str | None],
        *,
        text: Sequence[str | None],
        transcript: Iterable[str | Path | Transcript | None],
        batch_size: int,
        **options: Any,
    ) -> Iterator[Prediction | Failure]:
        """Predict for clips, one after the other."""
        taken: deque[str | None] = deque()

        def each() -> Iterator[str | None]:
            for clip in clips:
                taken.append(clip)
                yield clip

        def transcripts() -> Iterator[str | Path | Transcript | None]:
            for said, given in zip(text, transcript, strict=True):
                clip = taken.popleft()
                has_words = said is not None or given is not None or clip is None
                yield given if has_words else self._transcribe(str(clip))

        return self.predict_each(
            each(), text=text, transcript=transcripts(), batch_size=batch_size, **options
        )

    def _transcribe(self, clip: str) -> Transcript | None:
        try:
            return transcribed(clip, self.transcriber, self.voice_activity)
        except MienError:
            return None  # the prediction says what is wrong with the clip
