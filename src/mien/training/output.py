"""What training says, in this process and in those that are started for devices."""

import logging
import os
import warnings
from typing import Any

from lightning.pytorch.callbacks import Callback


def quieten() -> None:
    """Keep to itself what Lightning tells developers of its work."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)


class SpawnedOutput(Callback):
    """Has a process that is started for a device say what the one that starts it says, no more.

    Such a process has none of the handlers and filters of its parent. It gets them as soon as
    this is unpickled there.
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
