"""What a protocol is, the table of all protocols, and what their rules are made with."""

import zlib
from collections.abc import Callable, Sequence

from mien.errors import MienError
from mien.utterance import Utterance

Rule = Callable[[Sequence[Utterance], int, int | None], list[str | None]]


def order(groups: Sequence[str], seed: int) -> list[str]:
    """Put groups in an order that depends on their names and the seed alone."""
    return sorted(groups, key=lambda name: (zlib.crc32(f"{seed}:{name}".encode()), name))


def shares(groups: Sequence[str], what: str) -> dict[str | None, str]:
    """Give the last sixth of the groups to test, the twelfth before it to validation."""
    if len(groups) < 3:
        raise MienError(
            f"a split by {what} needs at least three of them, the data have {len(groups)}:"
            " choose another --protocol (`mien inspect DATA` shows what fits)"
        )
    test = max(1, round(len(groups) / 6))
    valid = max(1, round(len(groups) / 12))
    train = len(groups) - test - valid
    names = ["train"] * train + ["valid"] * valid + ["test"] * test
    return dict(zip(groups, names, strict=True))
