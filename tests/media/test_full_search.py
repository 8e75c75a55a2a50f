"""A whole frame is searched where something appears that is not known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.media.full_search import (
    APPEARED,
    FULL_SEARCH_INTERVAL,
    STILL_INTERVAL,
    FullSearch,
)

FACE = (20.0, 8.0, 26.0, 16.0)
"""A face of 6 by 8 places: its head is left out from 17 to 29, its body from 14 to 32 below 12."""


def picture(*bright: tuple[int, int]) -> np.ndarray:
    found = np.full((27, 48), 100, np.float32)
    for row, column in bright:
        found[row, column] += APPEARED + 1
    return found


@pytest.fixture
def full() -> FullSearch:
    search = FullSearch(0.0)
    search.done(5.0, picture())
    return search


@pytest.mark.parametrize(
    ("place", "due"),
    [
        *(((0, 0), True), ((10, 22), False), ((3, 22), True), ((5, 18), False)),
        *(((26, 15), False), ((26, 13), True), ((10, 15), True), ((26, 47), True)),
    ],
)
def test_what_moves_counts_but_for_known_faces_and_their_bodies(full, place, due) -> None:
    assert full.is_due(6.0, picture(place), [FACE]) is due
    assert full.is_due(6.0, picture(place), []), "without a face everything counts"


def test_a_still_picture_is_searched_seldom(full) -> None:
    assert not full.is_due(5 + STILL_INTERVAL - 0.01, picture(), [FACE])
    assert full.is_due(5 + STILL_INTERVAL, picture(), [FACE])
    assert not full.is_due(5 + FULL_SEARCH_INTERVAL - 0.01, picture((0, 0)), [FACE])


@given(
    st.tuples(*[st.floats(-60, 60) for _ in range(4)]),
    st.integers(0, 26),
    st.integers(0, 47),
)
def test_a_face_leaves_out_what_is_near_wherever_it_is(box, row, column) -> None:
    left, right, top, bottom = *sorted(box[:2]), *sorted(box[2:])
    search = FullSearch(0.0)
    search.done(0.0, picture())
    far = column < left - (right - left) - 1 or column > right + (right - left) + 1
    far = far or row < top - (bottom - top) / 2 - 1
    if far:
        assert search.is_due(1.0, picture((row, column)), [(left, top, right, bottom)])


def test_noise_of_a_camera_does_not_count() -> None:
    from mien.media.scene_cuts import CutFinder

    random, find, search = np.random.default_rng(0), CutFinder(), FullSearch(0.0)
    scene = np.full((360, 640, 3), 120.0)
    for time in range(30):
        image = np.clip(scene + random.normal(0, 10, scene.shape), 0, 255).astype(np.uint8)
        find(float(time), image)
        if time:
            assert not search.is_due(1.0, find.thumbnail, [])
        search.done(0.0, find.thumbnail)
    scene[100:116, 300:319] += 60  # 3 % of the width
    find(31.0, scene.astype(np.uint8))
    assert search.is_due(1.0, find.thumbnail, [])
