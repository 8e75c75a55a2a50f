"""Where training stands, as safetensors and JSON: no pickle is written or read."""

import json
from pathlib import Path
from typing import Any

from lightning.pytorch.plugins.io import CheckpointIO
from torch import Tensor

from mien.files import write_text
from mien.run import read_tensors, write_tensors


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
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return {"float": str(value)}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"a training state can't hold {type(value).__name__}")


def restore(value: Any, tensors: dict[str, Tensor]) -> Any:
    """Undo `flatten`."""
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "tensor":
        return tensors[content]
    if kind == "float":
        return float(content)
    if kind == "dict":
        return {restore(k, tensors): restore(v, tensors) for k, v in content}
    items = [restore(v, tensors) for v in content]
    return tuple(items) if kind == "tuple" else items


class SafeCheckpointIO(CheckpointIO):
    """Lightning's checkpoints as NAME.json and NAME.safetensors."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None
    ) -> None:
        """Write the tensors, then the file that names them."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        tensors: dict[str, Tensor] = {}
        structure = flatten(dict(checkpoint), tensors)
        epoch = checkpoint["epoch"]
        weights = path.with_name(f"{path.name}-{epoch}.safetensors")
        write_tensors(weights, tensors)
        write_text(
            path.with_suffix(".json"), json.dumps({"file": weights.name, "state": structure})
        )
        for old in path.parent.glob(f"{path.name}-*.safetensors"):
            if old != weights:
                old.unlink()

    def load_checkpoint(
        self, path: Any, map_location: Any = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Read what `save_checkpoint` wrote."""
        path = Path(path)
        content = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        return restore(content["state"], read_tensors(path.parent / content["file"]))

    def remove_checkpoint(self, path: Any) -> None:
        """Remove a checkpoint's files."""
        path = Path(path)
        for file in [path.with_suffix(".json"), *path.parent.glob(f"{path.name}-*.safetensors")]:
            file.unlink(missing_ok=True)
