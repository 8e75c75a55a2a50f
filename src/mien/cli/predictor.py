"""Load the model of a command that predicts, in this process or in a worker."""

from argparse import Namespace
from collections.abc import Collection
from typing import TYPE_CHECKING

from mien.cli.speakers import relative_to_speakers
from mien.cli.transcribe import transcriber_of
from mien.modality import Modality

if TYPE_CHECKING:
    from mien.inference.listed_prediction import PredictEach
    from mien.inference.prediction_worker import Opened
    from mien.inference.recognizer import Recognizer


def load_recognizer(
    args: Namespace, model: str, used: Collection[Modality], *, abstention: bool
) -> "Recognizer":
    """Load the model, without the encoders of modalities that are not used."""
    from mien.inference.recognizer import Recognizer

    return Recognizer.from_pretrained(
        model,
        device=args.device,
        max_seconds=args.max_seconds,
        modalities=used,
        abstention=abstention,
    )


def predictor(
    args: Namespace, model: str, used: Collection[Modality]
) -> "tuple[Recognizer, PredictEach]":
    """Load the model of `mien predict`, and return it with what predicts for many clips."""
    recognizer = load_recognizer(args, model, used, abstention=not args.answer_all)
    predict_each = relative_to_speakers(args, recognizer)
    transcriber = transcriber_of(args)
    if transcriber is not None:
        from mien.inference.transcribing import TranscribeEach

        predict_each = TranscribeEach(predict_each, transcriber)
    return recognizer, predict_each


def open_predictor(args: Namespace, model: str, used: Collection[Modality]) -> "Opened":
    """Load the model of `mien predict` in a worker."""
    from mien.inference.opened_model import opened

    return opened(*predictor(args, model, used))
