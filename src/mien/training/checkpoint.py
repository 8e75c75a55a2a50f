"""Where training stands, as one safetensors file: no pickle is written or read."""

import json
import math
from pathlib import Path
from typing import Any

from lightning.pytorch.plugins.io import CheckpointIO
from torch import Tensor

from mien.errors import MienError
from mien.files import unwritable
from mien.runs.config import CONFIG, WEIGHTS
from mien.runs.run import Run
from mien.tensor_file import read_tensors, write_tensors

STATE = "state/last.safetensors"
"""Where training stands, within the run folder."""


def flatten(value: Any, tensors: dict[str, Tensor]) -> Any:
    """Turn nested containers into JSON values, moving tensors out into `tensors`.

    Raises
    ------
    TypeError
        Something is neither a container, a plain value nor a tensor.
    """
    if isinstance(value, Tensor):
        name = str(len(tensors))
        tensors[name] = value
        return {"tensor": name}
    if isinstance(value, dict):
        return {"dict": [[flatten(k, tensors), flatten(v, tensors)] for k, v in value.items()]}
    if isinstance(value, list | tuple):
        kind = "tuple" if isinstance(value, tuple) else "list"
        return {kind: [flatten(v, tensors) for v in value]}
    if isinstance(value, float) and not math.isfinite(value):
        return {"number": repr(value)}  # JSON has none of these
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"a training state can't hold {type(value).__name__}")


def restore(value: Any, tensors: dict[str, Tensor]) -> Any:
    """Undo `flatten`."""
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "number":
        return float(content)
    if kind == "tensor":
        return tensors[content]
    if kind == "dict":
        return {restore(k, tensors): restore(v, tensors) for k, v in content}
    items = [restore(v, tensors) for v in content]
    return tuple(items) if kind == "tuple" else items


class SafeCheckpointIO(CheckpointIO):
    """Lightning's checkpoints as safetensors, with what is no tensor as JSON in the header."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None
    ) -> None:
        """Write a checkpoint, whole or not at all."""
        tensors: dict[str, Tensor] = {}
        state = json.dumps(flatten(dict(checkpoint), tensors), allow_nan=False)
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        write_tensors(Path(path), tensors, {"state": state})

    def load_checkpoint(
        self, path: Any, map_location: Any = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Read what `save_checkpoint` wrote. Raises `MienError` where the file is damaged."""
        tensors, texts = read_tensors(Path(path))
        try:
            return dict(restore(json.loads(texts["state"]), tensors))
        except (ValueError, TypeError, LookupError, RecursionError) as error:
            raise MienError(
                f"{path} is no training state ({error!r}): train again into another folder"
            ) from error

    def remove_checkpoint(self, path: Any) -> None:
        """Remove a checkpoint's file."""
        Path(path).unlink(missing_ok=True)


def finished(folder: Path) -> bool:
    """Tell whether training in a run folder has come to its end.

    Without a training state it has if there are weights and thresholds, which come last. With one,
    all epochs must be done, or as many without a better metric as end it early.
    """
    if not all((folder / name).is_file() for name in (WEIGHTS, "thresholds.json")):
        return False
    if not (folder / STATE).is_file():
        return True
    state, training = (
        SafeCheckpointIO().load_checkpoint(folder / STATE),
        Run(folder).config.training,
    )
    epoch, best = state["epoch"], state["callbacks"]["CheckpointCallback"]["best_epoch"]
    return bool(epoch + 1 >= training["epochs"] or epoch - best >= training["early_stop"])


def how_to_go_on(folder: Path) -> str:
    """Say how a finished run is trained longer."""
    if (folder / STATE).is_file():
        return (
            f"{folder} is finished; to train longer raise epochs or early_stop, under training in"
            f" {folder / CONFIG}, and resume again"
        )
    return (
        f"{folder} is finished, and its state/ is not kept; to train longer begin another run that"
        f" takes its weights as init: {folder}"
    )


def remove_state(folder: Path) -> None:
    """Remove the training state of a run folder. Raises `MienError` where that can't be done."""
    try:
        (folder / STATE).unlink(missing_ok=True)
        (folder / STATE).parent.rmdir()
    except OSError as error:
        raise unwritable(folder / STATE, error) from error
