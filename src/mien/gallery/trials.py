"""Clips whose persons are known, to calibrate a gallery by."""

import csv
from collections.abc import Collection
from pathlib import Path

import numpy as np
from tqdm import tqdm

from mien.encoder import Encoder
from mien.errors import MienError
from mien.files import fingerprint


def read_trials(
    path: Path, encoder: Encoder, enrolled: Collection[str]
) -> list[tuple[np.ndarray, str | None]]:
    """Embed the clips that a list names.

    Parameters
    ----------
    path : Path
        A CSV file with the columns `clip`, a path (a relative one starts at the list's folder), and
        `person`, a name as enrolled; empty: a stranger.
    encoder : Encoder
        What the gallery's embeddings come from.
    enrolled : collection of str
        Hashes of the enrolled clips: a clip is too like itself to tell of others.

    Returns
    -------
    list of (embedding, person)
        As `mien.gallery.Gallery.calibrate` takes them; None for a stranger.

    Raises
    ------
    MienError
        The list can't be read, is empty or lacks a column, or a clip can't be read, is enrolled, or
        is listed twice.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise MienError(f"{path} can't be read ({error})") from error
    if not rows or not {"clip", "person"} <= set(rows[0]):
        raise MienError(f"{path} should be a CSV file with the columns clip and person, and rows")
    clips = [_clip(path, number, row["clip"]) for number, row in enumerate(rows, start=1)]
    _refuse_known(path, clips, enrolled)
    return [
        (encoder.embed(clip), (row["person"] or "").strip() or None)
        for clip, row in zip(tqdm(clips, desc="trials", unit="clip"), rows, strict=True)
    ]


def _clip(path: Path, number: int, name: str | None) -> Path:
    clip = path.parent / (name or "").strip()
    if not clip.is_file():
        what = f"there is no {clip}" if name else "no clip is named"
        raise MienError(f"{path}, row {number}: {what}; correct the row, or take it out")
    return clip


def _refuse_known(path: Path, clips: list[Path], enrolled: Collection[str]) -> None:
    seen: dict[str, Path] = {}
    for clip in clips:
        content = fingerprint(clip)
        if content in enrolled:
            raise MienError(f"{path}: {clip} is enrolled in the gallery; take its row out")
        if content in seen:
            raise MienError(f"{path}: {clip} is the same as {seen[content]}; take one row out")
        seen[content] = clip
