"""The published division of a corpus: three lists of ids, one a line."""

from pathlib import Path
from typing import Literal

from mien.errors import MienError

Part = Literal["train", "valid", "test"]

PARTS: tuple[Part, ...] = ("train", "valid", "test")


def read_split(folder: Path) -> dict[str, Part]:
    """Read ``train_split.txt``, ``valid_split.txt`` and ``test_split.txt``.

    Parameters
    ----------
    folder : Path
        What holds them, as Dai et al. publish them.

    Returns
    -------
    dict
        The part of each id.

    Raises
    ------
    MienError
        A list is missing or empty, or an id is in two of them.
    """
    parts: dict[str, Part] = {}
    for part in PARTS:
        path = folder / f"{part}_split.txt"
        if not path.is_file():
            raise MienError(f"{path} is missing: give the folder that holds the three split lists")
        names = path.read_text("utf-8-sig").split()
        if not names:
            raise MienError(f"{path} lists nothing")
        for name in names:
            if parts.setdefault(name, part) != part:
                raise MienError(f"{path}: {name} is in the {parts[name]} part too")
    return parts
