"""A folder of one evaluation apart from its run, as of degraded audio."""

from pathlib import Path

from mien.errors import MienError
from mien.files import PART, check_writable, write_text
from mien.inference.metrics import Metrics
from mien.inference.predictions import Predictions
from mien.inference.predictions_file import PREDICTIONS, write_predictions

METRICS = "metrics.json"


def make_folder(folder: Path) -> None:
    """Make the folder of an evaluation, before the work whose results go there.

    Raises
    ------
    MienError
        It can't be made or written to, or it has files of something else, such as of a run.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        names = sorted(path.name for path in folder.iterdir() if path.suffix != PART)
    except OSError as error:
        raise MienError(
            f"{folder} can't be made ({error.strerror or error}): choose another", parameter="out"
        ) from error
    for name in names:
        if name not in (METRICS, PREDICTIONS):
            raise MienError(
                f"{folder} has other files than those of an evaluation ({name}): choose a folder of"
                " its own",
                parameter="out",
            )
    check_writable(folder)


def write_evaluation(folder: Path, metrics: Metrics, predictions: Predictions) -> None:
    """Write metrics.json and predictions.parquet into a folder.

    Raises
    ------
    MienError
        A file can't be written, or a score is not a finite number.
    """
    write_predictions(folder / PREDICTIONS, predictions)
    write_text(folder / METRICS, metrics.model_dump_json(indent=2))
