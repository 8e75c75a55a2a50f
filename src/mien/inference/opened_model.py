"""A model as a worker process opens it."""

from typing import Any

from mien.inference.listed_prediction import PredictEach
from mien.inference.model_identity import model_identity
from mien.inference.prediction_worker import Opened
from mien.inference.recognizer import Recognizer


def opened(recognizer: Recognizer, predict_each: PredictEach | None = None) -> Opened:
    """Give what a worker needs of a recognizer.

    Parameters
    ----------
    recognizer : Recognizer
        The model.
    predict_each : callable, optional
        How to predict for many clips with it (default: its own).
    """
    return Opened(
        predict_each=predict_each or recognizer.predict_each,
        model=model_identity(recognizer.run),
        on_cpu=recognizer.device.type == "cpu",
        max_seconds=recognizer.reader.options.max_seconds,
    )


def open_recognizer(source: str, **options: Any) -> Opened:
    """Load a recognizer; takes the options of `Recognizer.from_pretrained`, and raises as it does.

    Examples
    --------
    >>> opener = partial(open_recognizer, "mien-base", device="cpu")  # doctest: +SKIP
    """
    return opened(Recognizer.from_pretrained(source, **options))
