"""The seven selections of voice features that the published code offers (`--audio-feature-type`).

They are column numbers of its files, 763 rows a step. mien keeps of these the 144 that are read by
default, in their order, and behind them what only the last selection reads.
"""

from collections.abc import Sequence

from mien.errors import MienError

_BARK, _MFCC = range(22), range(22, 34)
_STATISTICS = range(655, 763)
"""18 phonological classes, for each mean, deviation, skewness, kurtosis, maximum and minimum."""
_EMPTY = (100, 101)
_MORE = (
    *(range(58, 104), range(116, 122), range(180, 214), range(238, 244), range(360, 366)),
    *(range(424, 458), range(482, 488), range(552, 560), range(562, 566), range(568, 582)),
)
"""Of the articulation, phonation and prosody that only the seventh selection reads."""

_PLUS = (*_BARK, *_MFCC, *(column for part in _MORE for column in part), *_STATISTICS)

PUBLISHED: tuple[tuple[int, ...], ...] = (
    (*_BARK, *_MFCC, *_STATISTICS, *_EMPTY),
    (*_MFCC, *_STATISTICS),
    (*_BARK, *_STATISTICS),
    (*_BARK, *_MFCC),
    (*_BARK, *_MFCC, *(c for c in _STATISTICS if (c - 655) % 6 < 2)),
    (*_BARK, *_MFCC, *(c for c in _STATISTICS if (c - 655) % 6 < 4)),
    _PLUS,
)
"""For each selection the columns of the published files."""

ROWS = 763
"""Features a step in the published files of IEMOCAP's voices."""

KEPT = (*PUBLISHED[0], *(c for c in _PLUS if c not in PUBLISHED[0]))
"""The columns of the published files that mien keeps, in the order in which it keeps them."""


def columns(selection: int, width: int) -> Sequence[int]:
    """Give the columns of a selection among voice features of so many columns.

    Raises
    ------
    MienError
        The features are not of the kind that the selection is about.

    Examples
    --------
    >>> [len(columns(selection, 144)) for selection in range(6)]
    [144, 120, 130, 34, 70, 106]
    """
    if selection == 0:
        return range(len(PUBLISHED[0]) if width == len(KEPT) else width)
    needed = len(KEPT) if selection == 6 else len(PUBLISHED[0])
    if width not in (needed, len(KEPT)):
        raise MienError(
            f"--audio-feature-type {selection} chooses among {needed} voice features, and the data"
            f" have {width}: leave it out"
            + (", or read the published files" if selection == 6 else "")
        )
    return [KEPT.index(column) for column in PUBLISHED[selection]]
