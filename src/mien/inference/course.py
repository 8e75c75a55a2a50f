"""How the scores of each speaker go over time, smoothed."""

import math
from collections.abc import Sequence

import numpy as np

from mien.inference.answered import SHORTEST, answered, numbers, speakers_of, tasks_of
from mien.inference.timeline import Course, TimelineSegment
from mien.task_prediction import TaskPrediction

BANDWIDTH = 8.0
"""Seconds: standard deviation of the Gaussian kernel. An answer in an interview lasts about that
long, so single sentences are evened out and the next answer is still another one."""

MAX_POINTS = 3_600
"""Points of a course at most: one a second for an hour, fewer a second for longer."""

_Answer = tuple[TimelineSegment, TaskPrediction]


def courses(segments: Sequence[TimelineSegment], *, bandwidth: float = BANDWIDTH) -> list[Course]:
    """Smooth the scores, or values, of each speaker and task over time.

    A point is the mean over the time in which the speaker is answered, weighted by a Gaussian
    kernel around it: a segment weighs what of the kernel lies between its start and its end. There
    is none (null) where no answered segment of the speaker is within a bandwidth. Segments that
    are marked, or not answered, don't count. This is the estimator of Nadaraya (1964) and Watson
    (1964) for a score that is constant within a segment.

    Parameters
    ----------
    segments : sequence of TimelineSegment
        Of a whole recording.
    bandwidth : float
        Standard deviation of the kernel in seconds, more than 0.

    Returns
    -------
    list of Course
        By speaker, in order of their first speech, and by task; all at the same whole seconds. No
        course for a speaker who is never answered.

    Examples
    --------
    >>> def of(start, end, score):
    ...     emotion = TaskPrediction(decision=["happy"], scores={"happy": score})
    ...     return TimelineSegment(
    ...         start=start, end=end, speaker="Anna", modalities=[], answers={"emotion": emotion}
    ...     )
    >>> (course,) = courses([of(0, 2, 1.0), of(2, 4, 0.0)])
    >>> course.times
    [0.0, 1.0, 2.0, 3.0, 4.0]
    >>> course.scores["happy"]
    [0.5155, 0.5078, 0.5, 0.4922, 0.4845]
    """
    times = _grid(segments)
    found = []
    for speaker, own in speakers_of(segments).items():
        for task in tasks_of(own):
            kept = [(one, predicted) for one in own if (predicted := answered(one, task))]
            if kept:
                scores = _smoothed(kept, times, bandwidth)
                found.append(
                    Course(speaker=speaker, task=task, times=times.tolist(), scores=scores)
                )
    return found


def _grid(segments: Sequence[TimelineSegment]) -> np.ndarray:
    """Lay whole seconds from the first start to the last end, coarser for a long recording."""
    if not segments:
        return np.zeros(0)
    first = math.floor(min(segment.start for segment in segments))
    last = math.ceil(max(segment.end for segment in segments))
    step = max(1, math.ceil((last - first) / (MAX_POINTS - 1)))
    return np.arange(first, last + 1, step, dtype=float)


def _smoothed(
    kept: Sequence[_Answer], times: np.ndarray, bandwidth: float
) -> dict[str, list[float | None]]:
    """Average the numbers (K,) of N segments with weights (T, N)."""
    starts = np.array([segment.start for segment, _ in kept])
    ends = np.maximum([segment.end for segment, _ in kept], starts + SHORTEST)
    weights = _kernel(times, starts, ends, bandwidth)
    apart = np.maximum(starts - times[:, None], times[:, None] - ends).min(axis=1)
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    names = dict.fromkeys(name for _, predicted in kept for name in numbers(predicted))
    table = np.array(
        [[numbers(predicted).get(name, 0.0) for name in names] for _, predicted in kept]
    )
    means = np.round(weights @ table, 4)
    near = apart <= bandwidth
    return {
        name: [float(mean) if shown else None for mean, shown in zip(column, near, strict=True)]
        for name, column in zip(names, means.T, strict=True)
    }


def _kernel(
    times: np.ndarray, starts: np.ndarray, ends: np.ndarray, bandwidth: float
) -> np.ndarray:
    """Integrate the kernel around each time (T,) over each segment (N,); returns (T, N)."""
    from scipy.special import ndtr

    low, high = ((edges - times[:, None]) / bandwidth for edges in (starts, ends))
    # on the upper tail two values near 1 would cancel out, so both are mirrored to the lower one
    mirrored = low > 0
    low, high = np.where(mirrored, -high, low), np.where(mirrored, -low, high)
    return np.asarray(ndtr(high) - ndtr(low))
