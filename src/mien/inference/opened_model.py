"""A model as a worker process opens it, and what identifies it."""

import hashlib
from typing import Any

from mien.features.extractor import WORD_VECTORS
from mien.files import fingerprint
from mien.inference.abstention import ABSTENTION
from mien.inference.answer_columns import TaskLabels
from mien.inference.answer_file import ModelIdentity
from mien.inference.listed_prediction import PredictEach
from mien.inference.prediction_worker import Opened
from mien.inference.recognizer import Recognizer
from mien.runs.config import CONFIG, WEIGHTS
from mien.runs.joined import JOINED, JoinedRun
from mien.runs.run import Run

FILES = (CONFIG, JOINED, WEIGHTS, WORD_VECTORS, "thresholds.json", ABSTENTION)
"""Files of a run that its predictions depend on; config.yaml has the digests of what it needs."""


def model_identity(run: Run) -> ModelIdentity:
    """Identify the model of a run.

    Parameters
    ----------
    run : Run
        The run, joined of others or not.

    Raises
    ------
    MienError
        A file can't be read.
    """
    folders = [run.folder]
    if isinstance(run, JoinedRun):
        folders += [part.folder for part in run.parts]
    digest = hashlib.sha256()
    for number, folder in enumerate(folders):
        for name in FILES:
            if (folder / name).is_file():
                digest.update(f"{number} {name} {fingerprint(folder / name)}\n".encode())
    tasks = tuple(TaskLabels(task.name, task.labels) for task in run.config.tasks)
    return ModelIdentity(digest.hexdigest(), tasks)


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
