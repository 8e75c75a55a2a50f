"""The published selections of audio features, from the published columns that mien stores."""

import pytest

from mien.errors import MienError
from mien.models.encoders.voice_columns import KEPT, PUBLISHED, ROWS, columns


@pytest.mark.parametrize("selection", range(7))
def test_a_selection_reads_the_published_columns(selection: int) -> None:
    assert [KEPT[c] for c in columns(selection, len(KEPT))] == list(PUBLISHED[selection])


def test_the_published_columns_are_sound() -> None:
    assert [len(part) for part in PUBLISHED] == [144, 120, 130, 34, 70, 106, 306]
    for part in (*PUBLISHED, KEPT):
        assert len(set(part)) == len(part)
        assert max(part) < ROWS
    assert PUBLISHED[0] == KEPT[:144]


@pytest.mark.parametrize("selection", range(6))
def test_the_144_of_mien_take_the_same_places(selection: int) -> None:
    assert list(columns(selection, 144)) == list(columns(selection, len(KEPT)))


def test_features_of_another_kind_are_read_whole_or_refused() -> None:
    assert list(columns(0, 74)) == list(range(74))
    assert list(columns(0, 200)) == list(range(200))
    with pytest.raises(MienError, match=r"audio_feature_type: selection 1 .* have 74"):
        columns(1, 74)
    with pytest.raises(MienError, match="published files"):
        columns(6, 144)
