"""The seven selections of audio features that the published code offers (`--audio-feature-type`).

They are column numbers of its files, which have 763 columns. mien stores the 144 columns of the
default selection in their order, followed by those that only the last selection reads.
"""

from collections.abc import Sequence

from mien.errors import MienError

_BARK, _MFCC = range(22), range(22, 34)
_STATISTICS = range(655, 763)
"""Mean, deviation, skewness, kurtosis, maximum and minimum of each of 18 phonological classes."""
_EMPTY = (100, 101)
_MORE = (
    *(range(58, 104), range(116, 122), range(180, 214), range(238, 244), range(360, 366)),
    *(range(424, 458), range(482, 488), range(552, 560), range(562, 566), range(568, 582)),
)
"""Articulation, phonation and prosody features that only the last selection reads."""

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
"""The columns of the published files in each selection."""

ROWS = 763
"""Number of features of a step in the published audio files of IEMOCAP."""

KEPT = (*PUBLISHED[0], *(c for c in _PLUS if c not in PUBLISHED[0]))
"""The columns of the published files that mien stores, in its order."""


def columns(selection: int, width: int) -> Sequence[int]:
    """Return the columns of a selection among audio features that have `width` columns.

    Raises
    ------
    MienError
        The features have another number of columns than the selection needs.

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
            f"selection {selection} needs {needed} audio features, and the data have {width}:"
            f" leave it out{', or read the published files' if selection == 6 else ''}",
            parameter="audio_feature_type",
        )
    return [KEPT.index(column) for column in PUBLISHED[selection]]
