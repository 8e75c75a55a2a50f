"""mien tells how a person feels and who they are from the text, audio and video of a recording.

Examples
--------
>>> from mien import Recognizer
>>> recognizer = Recognizer.from_pretrained("runs/emotion")              # doctest: +SKIP
>>> recognizer("clip.mp4", text="I am so glad").answers["emotion"]        # doctest: +SKIP
"""

import logging
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from mien.errors import MienError

if TYPE_CHECKING:
    from mien.gallery import Gallery
    from mien.inference.evaluate import evaluate
    from mien.inference.prediction import Failure, Prediction
    from mien.inference.recognizer import Recognizer
    from mien.inference.timeline import Timeline
    from mien.runs.run import Run
    from mien.studies.baseline import train_baseline
    from mien.studies.comparison import compare
    from mien.studies.cross_validation import cross_validate
    from mien.studies.system import open_system
    from mien.training import train

__all__ = [
    "Failure",
    "Gallery",
    "MienError",
    "Prediction",
    "Recognizer",
    "Run",
    "Timeline",
    "compare",
    "cross_validate",
    "evaluate",
    "open_system",
    "train",
    "train_baseline",
]

__version__ = version("mien")

# a library says nothing until the program that uses it sets logging up
logging.getLogger(__name__).addHandler(logging.NullHandler())

_HOMES = {
    "Failure": "mien.inference.prediction",
    "Gallery": "mien.gallery",
    "Prediction": "mien.inference.prediction",
    "Recognizer": "mien.inference.recognizer",
    "Run": "mien.runs.run",
    "Timeline": "mien.inference.timeline",
    "compare": "mien.studies.comparison",
    "cross_validate": "mien.studies.cross_validation",
    "evaluate": "mien.inference.evaluate",
    "open_system": "mien.studies.system",
    "train": "mien.training",
    "train_baseline": "mien.studies.baseline",
}


def __getattr__(name: str) -> Any:
    # what computes takes seconds to import, and the command line needs none of it to say what it is
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
