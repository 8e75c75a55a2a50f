"""The smoothed course of each speaker's scores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_timeline import NOT_SURE, TOO_NOISY, emotion, segment

from mien.inference.course import BANDWIDTH, MAX_POINTS, courses
from mien.inference.timeline import TimelineSegment
from mien.task_prediction import TaskPrediction


def of(start: float, end: float, happy: float, speaker: str | None = "Anna") -> TimelineSegment:
    answer = emotion("happy", happy=happy, sad=1 - happy)
    return segment(start, end, speaker, None, {"emotion": answer})


def by_integration(
    segments: list[TimelineSegment], time: float, bandwidth: float = BANDWIDTH
) -> float:
    """Average the score with the kernel, both sampled a thousand times a second."""
    grid = np.arange(-60, 120, 0.001)
    kernel = np.exp(-(((grid - time) / bandwidth) ** 2) / 2)
    spans = [(grid >= s.start) & (grid < s.end) for s in segments]
    weights = [kernel[span].sum() for span in spans]
    scores = [s.answers["emotion"].scores["happy"] for s in segments]
    return float(np.dot(weights, scores) / np.sum(weights))


def test_a_point_is_the_mean_under_the_kernel() -> None:
    segments = [of(0.5, 3.25, 0.9), of(5, 6, 0.1), of(6.5, 19, 0.4)]
    (course,) = courses(segments)
    assert course.times == [float(second) for second in range(20)]
    for time in (0.0, 4.0, 19.0):
        point = course.scores["happy"][int(time)]
        assert point == pytest.approx(by_integration(segments, time), abs=2e-4)
        assert course.scores["sad"][int(time)] == pytest.approx(1 - point, abs=2e-4)


def test_the_bandwidth_says_how_much_is_evened_out() -> None:
    segments = [of(0, 10, 1.0), of(10, 20, 0.0)]
    (fine,), (coarse,) = courses(segments, bandwidth=1), courses(segments, bandwidth=100)
    assert fine.scores["happy"][3] == 1.0
    assert coarse.scores["happy"][3] == pytest.approx(0.5, abs=0.02)
    assert fine.scores["happy"][10] == coarse.scores["happy"][10] == 0.5


def test_there_is_no_score_further_than_a_bandwidth_from_speech() -> None:
    (course,) = courses([of(0, 2, 0.5), of(40, 42, 0.5)])
    known = [time for time, score in zip(course.times, course.scores["sad"], strict=True) if score]
    assert known == [*range(11), *range(32, 43)]


def test_marked_and_unanswered_segments_do_not_count() -> None:
    loud = of(0, 10, 1.0).model_copy(update={"mark": "overlap"})
    unsure = of(0, 10, 1.0).model_copy(update={"abstained": [NOT_SURE]})
    noisy = of(0, 10, 1.0).model_copy(update={"abstained": [TOO_NOISY]})
    empty = segment(0, 10, "Anna", None, {"emotion": TaskPrediction(decision=[])})
    assert courses([loud, unsure, noisy, empty]) == []
    (course,) = courses([loud, unsure, noisy, empty, of(4, 6, 0.25)])
    assert set(course.scores["happy"]) == {0.25}
    of_another_task = of(0, 10, 1.0).model_copy(
        update={"abstained": [NOT_SURE.model_copy(update={"task": "person"})]}
    )
    assert len(courses([of_another_task])) == 1


def test_speakers_are_apart_in_order_of_speech_and_unknown_ones_have_no_course() -> None:
    found = courses([of(9, 10, 0.2, "Ben"), of(0, 2, 0.7), of(3, 4, 0.9, None)])
    assert [course.speaker for course in found] == ["Anna", "Ben"]
    assert [course.scores["happy"][5] for course in found] == [0.7, 0.2]
    assert found[0].times == found[1].times


def test_values_have_courses_too() -> None:
    affect = TaskPrediction(decision=[], values={"valence": -1.5})
    (course,) = courses([segment(0, 2, "Anna", None, {"affect": affect})])
    assert course.task == "affect"
    assert course.scores == {"valence": [-1.5, -1.5, -1.5]}


def test_a_long_recording_has_a_coarser_grid() -> None:
    (hour,) = courses([of(0, 1, 0.5), of(3598, 3599, 0.5)])
    assert len(hour.times) == MAX_POINTS
    (day,) = courses([of(10, 11, 0.5), of(86_000, 86_400, 0.5)])
    assert len(day.times) <= MAX_POINTS
    assert np.unique(np.diff(day.times)).tolist() == [25.0]
    assert day.scores["happy"][0] == 0.5


def test_nobody_speaks() -> None:
    assert courses([]) == []


@given(
    st.lists(
        st.tuples(st.floats(0, 500), st.floats(0, 30), st.floats(0, 1)), min_size=1, max_size=12
    )
)
def test_a_course_stays_within_the_scores(parts: list[tuple[float, float, float]]) -> None:
    segments = [of(start, start + length, happy) for start, length, happy in parts]
    (course,) = courses(segments)
    scores = [happy for _, _, happy in parts]
    known = [score for score in course.scores["happy"] if score is not None]
    assert known
    assert min(scores) - 1e-4 <= min(known) <= max(known) <= max(scores) + 1e-4
