"""Clips whose persons are known, to calibrate a gallery by."""

import csv
from pathlib import Path

import numpy as np
from tqdm import tqdm

from mien.encoder import Encoder
from mien.errors import MienError


def read_trials(path: Path, encoder: Encoder) -> list[tuple[np.ndarray, str | None]]:
    """Embed the clips that a list names.

    Parameters
    ----------
    path : Path
        A CSV file with the columns `clip`, a path (a relative one starts at the list's folder), and
        `person`, a name as enrolled; empty: a stranger.
    encoder : Encoder
        What the gallery's embeddings come from.

    Returns
    -------
    list of (embedding, person)
        As `mien.gallery.Gallery.calibrate` takes them; None for a stranger.

    Raises
    ------
    MienError
        The list can't be read, is empty or lacks a column, or a clip can't be read.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise MienError(f"{path} can't be read ({error})") from error
    if not rows or not {"clip", "person"} <= set(rows[0]):
        raise MienError(f"{path} should be a CSV file with the columns clip and person, and rows")
    return [
        (encoder.embed(path.parent / row["clip"]), (row["person"] or "").strip() or None)
        for row in tqdm(rows, desc="trials", unit="clip")
    ]
