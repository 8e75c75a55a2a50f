"""The flags of every command that computes: device, threads, offline and batch size."""

import argparse
import re

from mien.inference import BATCH_SIZE


def add_compute(parser: argparse.ArgumentParser, *, batch_size: str | None = None) -> None:
    """Add --device, --threads, --offline, and --batch-size if `batch_size` says of what."""
    group = parser.add_argument_group("computing")
    group.add_argument(
        "--device", type=_device, help="cpu, cuda, cuda:1 or mps (default: a GPU if there is one)"
    )
    group.add_argument("--threads", type=count, help="CPU threads (default: one per core)")
    group.add_argument(
        "--offline",
        action="store_true",
        help="use only models that are on this machine, as MIEN_OFFLINE=1 does",
    )
    if batch_size is not None:
        group.add_argument(
            "--batch-size",
            type=count,
            default=BATCH_SIZE,
            help=f"{batch_size} computed together (default: {BATCH_SIZE})",
        )


def _device(text: str) -> str:
    if not re.fullmatch(r"cpu|mps|cuda(:\d+)?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no device: cpu, cuda, cuda:1 or mps")
    return text


def count(text: str) -> int:
    """Read a number of at least 1. Raises `argparse.ArgumentTypeError`."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)
