"""Log output of training, in this process and in those that it starts for devices."""

import logging
import os
import warnings
from typing import Any

from lightning.pytorch.callbacks import Callback


def quieten() -> None:
    """Suppress Lightning's messages for developers."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)


class SpawnedOutput(Callback):
    """Configure the log output of a process that is started for a device like that of its parent.

    Such a process does not have the handlers and filters of its parent. It gets them when this
    callback is unpickled in it.
    """

    def __init__(self) -> None:
        self.process = os.getpid()
        self.level = logging.getLogger("mien").getEffectiveLevel()

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if self.process == os.getpid():
            return
        quieten()
        for category in (UserWarning, FutureWarning):
            warnings.filterwarnings("ignore", category=category, module="lightning")
        logger = logging.getLogger("mien")
        logger.addHandler(logging.StreamHandler())
        logger.setLevel(self.level)
