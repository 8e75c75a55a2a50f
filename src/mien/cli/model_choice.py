"""The model of a command about clips, which is named by a flag or comes before them."""

import argparse
import math
from pathlib import Path

from mien.errors import MienError
from mien.runs.ready_made import BASE, READY_MADE


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add --model."""
    parser.add_argument(
        "--model",
        metavar="RUN",
        help="a run folder, the name of a run on the Hugging Face Hub, or a ready-made model:"
        f" {', '.join(READY_MADE)} (default: {BASE})",
    )


def model_and_clips(args: argparse.Namespace, *, folders: bool = False) -> tuple[str, list[str]]:
    """Return the model and the clips, checked as far as is possible before anything is loaded.

    With `folders` the clips may be folders of clips.
    """
    from mien.inference.clip_search import is_run_folder

    if not 0 < args.max_seconds < math.inf:
        args.parser.error("--max-seconds must be a finite number above 0")
    model, clips = args.model, list(args.clip)
    if model is None and clips and not folders and Path(clips[0]).is_dir():
        model = clips.pop(0)
    if model is None:
        model = clips.pop(0) if clips and _names_a_model(clips[0]) else BASE
    if model in READY_MADE or not Path(model).is_dir() or is_run_folder(model):
        return model, clips
    raise MienError(f"{model} is not a run folder: it has no config.yaml")


def _names_a_model(first: str) -> bool:
    """Tell a ready-made model or a run folder from clips. Raises `MienError` if it is neither."""
    from mien.inference.clip_search import is_pattern, is_run_folder

    if first in READY_MADE or is_run_folder(first):
        return True
    if not Path(first).suffix and not Path(first).exists() and not is_pattern(first):
        raise MienError(f"{first} is neither a run folder nor a clip: check the name")
    return False
