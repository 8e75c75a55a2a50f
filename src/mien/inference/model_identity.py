"""What identifies the model of a run, so that work that was begun with it can be resumed."""

import hashlib

from mien.features.extractor import WORD_VECTORS
from mien.files import fingerprint
from mien.inference.abstention import ABSTENTION
from mien.inference.answer_columns import TaskLabels
from mien.inference.answer_file import ModelIdentity
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
