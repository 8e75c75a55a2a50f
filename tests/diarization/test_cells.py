"""Speech is cut into cells, segments and turns: nothing is lost, nothing counted twice."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tones import conversation, hear

from mien.diarization.clustering import groupings, least_cells
from mien.diarization.course import clean_windows, find_turns
from mien.diarization.resegmentation import CHANGE, CHANGE_IN_PAUSE, discriminant, scaled, viterbi
from mien.diarization.segments import cut_segments
from mien.diarization.windows import (
    CELL,
    WINDOW,
    Cells,
    cut_cells,
    embed_windows,
    read_windows,
    short_regions,
    speech_regions,
)
from mien.turn import Turn

SPANS = st.lists(st.tuples(st.floats(0, 60), st.floats(0.1, 20)), max_size=8)


@given(SPANS)
def test_cells_are_the_speech_cut_into_equal_parts(spans: list[tuple[float, float]]) -> None:
    regions = speech_regions([Turn(a, a + length) for a, length in spans], 70 * 16_000)
    assert (regions[1:, 0] > regions[:-1, 1]).all()
    assert regions.max(initial=0) <= 70 * 16_000
    cells = cut_cells(regions)
    for number, (start, end) in enumerate(regions.tolist()):
        own = cells.edges[cells.regions == number]
        assert (own[0, 0], own[-1, 1]) == (start, end)
        assert (own[1:, 0] == own[:-1, 1]).all()
        lengths = own[:, 1] - own[:, 0]
        assert len(own) == 1 or (abs(lengths / 16_000 - CELL) <= CELL / 2).all()
        windows = cells.windows[cells.window[cells.regions == number]]
        assert (windows[:, 0] >= start).all()
        assert (windows[:, 1] <= end).all()
        assert (windows[:, 1] - windows[:, 0] == min(WINDOW, end - start)).all()


def test_turns_that_overlap_are_one_stretch_and_those_behind_the_end_are_none() -> None:
    turns = [Turn(3.0, 9.0), Turn(0.0, 1.0), Turn(2.0, 4.0), Turn(11.0, 12.0), Turn(8.0, 30.0)]
    assert (speech_regions(turns, 160_000) / 16_000).tolist() == [[0, 1], [2, 10]]


def test_a_short_window_is_repeated_until_it_is_full() -> None:
    waveform = np.arange(8000, dtype=np.int16)
    (batch,) = read_windows(waveform, np.array([[100, 4100]]))
    assert batch.shape == (1, WINDOW)
    assert (batch[0, :4000] * 32768).tolist() == list(range(100, 4100))
    assert np.array_equal(batch[0, 4000:8000], batch[0, :4000])


def brute_force(scores: np.ndarray, regions: np.ndarray) -> float:
    """The best score of all courses."""
    best = -np.inf
    for course in itertools.product(range(scores.shape[1]), repeat=len(scores)):
        total = sum(scores[i, one] for i, one in enumerate(course))
        for i in range(1, len(course)):
            if course[i] != course[i - 1]:
                total -= CHANGE if regions[i] == regions[i - 1] else CHANGE_IN_PAUSE
        best = max(best, total)
    return best


@given(
    st.lists(st.tuples(*[st.floats(-1, 1)] * 3), min_size=1, max_size=5),
    st.lists(st.integers(0, 1), min_size=5, max_size=5),
)
def test_the_course_is_the_best_of_all(rows: list[tuple[float, ...]], steps: list[int]) -> None:
    scores, regions = np.array(rows), np.cumsum(steps)[: len(rows)]
    course = viterbi(scores, regions)
    total = scores[np.arange(len(course)), course].sum()
    for i in range(1, len(course)):
        if course[i] != course[i - 1]:
            total -= CHANGE if regions[i] == regions[i - 1] else CHANGE_IN_PAUSE
    assert total == pytest.approx(brute_force(scores, regions), abs=1e-9)


def test_a_discriminant_finds_what_the_means_alone_do_not() -> None:
    """Two classes differ in a direction of little variance, beside one of much."""
    random = np.random.default_rng(0)
    wide, narrow = random.normal(0, 5, (2, 300)), random.normal(0, 0.2, (2, 300))
    classes = [np.stack([wide[i], narrow[i] + i, *np.zeros((8, 300))], axis=1) for i in (0, 1)]
    found = discriminant(np.concatenate(classes), classes).argmax(axis=1)
    assert (found == np.repeat([0, 1], 300)).mean() > 0.85
    scores = scaled(discriminant(np.concatenate(classes), classes), 2)
    assert np.abs(scores[:, 0] - scores[:, 1]).mean() == pytest.approx(1)


def test_segments_are_cut_where_the_voice_changes() -> None:
    waveform, turns = conversation([(0, 5.0), (1, 4.0), (0, 6.0)], pause=0)
    cells = cut_cells(speech_regions(turns, len(waveform)))
    vectors = embed_windows(hear, waveform, cells.windows)[cells.window]
    segments = cut_segments(vectors, cells.regions)
    assert (segments.edges[:, 0] * CELL).tolist() == pytest.approx([0, 5, 9], abs=0.3)
    assert segments.edges[-1, 1] == len(cells.edges)
    assert segments.sizes.sum() == len(cells.edges)


def test_groups_grow_in_number_and_hold_each_segment_once() -> None:
    waveform, turns = conversation([(0, 5.0), (1, 4.0), (0, 6.0), (2, 5.0), (1, 5.0)])
    cells = cut_cells(speech_regions(turns, len(waveform)))
    vectors = embed_windows(hear, waveform, cells.windows)[cells.window]
    segments = cut_segments(vectors, cells.regions)
    levels = list(groupings(segments, least_cells(segments)))
    assert [len(level.large) for level in levels] == sorted({len(one.large) for one in levels})
    assert len(levels[0].large) == 1
    three = next(level for level in levels if len(level.large) == 3)
    assert three.voices() == three.large.tolist()
    assert three.labels[0] == three.labels[2] != three.labels[1] == three.labels[4]
    cells_of = np.concatenate([three.cells(label) for label in three.large])
    assert sorted(cells_of) == list(range(len(cells.edges)))


def test_turns_follow_the_course() -> None:
    edges = np.array([[0, 4000], [4000, 8000], [8000, 16_000], [20_000, 30_000], [60_000, 64_000]])
    cells = Cells(edges, np.array([0, 0, 0, 1, 2]), edges, np.arange(5))
    turns, names = find_turns(cells, [(1,), (1,), (0, 1), (0,), (0,)], np.zeros(3, bool))
    assert turns == [
        Turn(0.0, 0.5, "Speaker 1"),
        Turn(0.5, 1.0, "Speaker 2", mark="overlap"),
        Turn(0.5, 1.0, "Speaker 1", mark="overlap"),
        Turn(1.25, 1.875, "Speaker 2"),
        Turn(3.75, 4.0, "Speaker 2", mark="short"),
    ]
    assert names == {1: "Speaker 1", 0: "Speaker 2"}
    # where a stretch holds little speech, a turn that is all of it is short
    turns, _ = find_turns(cells, [(0,)] * 5, np.array([False, True, False]))
    assert [turn.mark for turn in turns] == [None, "short"]
    turns, _ = find_turns(cells, [(0,), (0,), (0,), (1,), (1,)], np.array([False, True, False]))
    assert [turn.mark for turn in turns] == [None, "short", "short"]


def test_the_mark_of_a_short_turn_is_that_of_its_stretch() -> None:
    turns = [Turn(0, 1, mark="short"), Turn(2, 3), Turn(4, 5, mark="short"), Turn(5, 6)]
    regions = speech_regions(turns, 160_000)
    assert short_regions(turns, regions).tolist() == [True, False, False]


def test_a_window_is_clean_if_one_voice_has_all_of_it() -> None:
    """Cells of 1 s, of which windows hold two and a half, two stretches."""
    edges = np.stack([np.arange(8), np.arange(1, 9)], axis=1) * 10
    windows = np.array([[0, 25], [5, 30], [20, 45], [30, 50], [50, 65], [60, 80]])
    cells = Cells(edges, np.repeat([0, 1], [5, 3]), windows, np.array([0, 0, 1, 2, 3, 4, 4, 5]))
    likeness = np.array([[0.9, 0.1, 0.1], *[[0.2, 0.8, 0.1]] * 4, [0.2, 0.2, 0.7]])
    clean = clean_windows(cells, np.array([0, 0, 0, 1, 1, 0, 0, 0]), likeness)
    assert [own.tolist() for own in clean] == [[0, 1, 4, 5], [3], [5]]
