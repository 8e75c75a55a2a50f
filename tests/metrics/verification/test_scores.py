"""Enrolling, and normalising by a cohort."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.metrics.verification.scores import Scores, adaptive_norm, enrol


@st.composite
def cohorts(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(draw(st.integers(0, 10_000)))
    rows, columns, others = (draw(st.integers(low, 6)) for low in (1, 1, 2))
    shapes = (rows, columns), (rows, others), (columns, others)
    return tuple(random.normal(size=shape) for shape in shapes)


@settings(deadline=None)
@given(cohorts(), st.integers(2, 8))
def test_normalised_scores_are_those_of_the_definition(parts, top: int) -> None:
    values, by_enrolment, by_probe = parts
    found = adaptive_norm(values, by_enrolment, by_probe, top)
    for (row, column), score in np.ndenumerate(values):
        halves = []
        for cohort in (by_enrolment[row], by_probe[column]):
            nearest = sorted(cohort)[-top:]
            halves.append((score - np.mean(nearest)) / np.std(nearest))
        assert found[row, column] == pytest.approx(np.mean(halves))


@settings(deadline=None)
@given(cohorts(), st.floats(0.1, 10), st.floats(-5, 5), st.integers(0, 99))
def test_scale_origin_and_order_of_the_cohort_do_not_matter(
    parts, scale: float, origin: float, seed: int
) -> None:
    values, by_enrolment, by_probe = parts
    found = adaptive_norm(values, by_enrolment, by_probe)
    moved = [scale * part + origin for part in parts]
    assert np.allclose(adaptive_norm(*moved), found, atol=1e-6)
    order = np.random.default_rng(seed).permutation(by_probe.shape[1])
    assert np.allclose(adaptive_norm(values, by_enrolment[:, order], by_probe[:, order]), found)


def test_only_the_most_similar_of_the_cohort_count() -> None:
    near = np.array([[0.5, 0.7]])
    far = np.array([[-0.9, 0.5, -0.8, 0.7, -1.0]])
    score = np.array([[0.9]])
    assert adaptive_norm(score, far, far, top=2) == pytest.approx(adaptive_norm(score, near, near))


def test_a_cohort_of_equal_scores_is_not_divided_by_zero() -> None:
    cohort = np.full((1, 3), 0.4)
    assert adaptive_norm(np.array([[0.9]]), cohort, cohort).item() == pytest.approx(0.5)


def test_a_cohort_of_one_clip_is_too_few() -> None:
    with pytest.raises(ValueError, match="cohort of two clips"):
        adaptive_norm(np.zeros((1, 1)), np.zeros((1, 1)), np.zeros((1, 1)))


def test_enrolment_averages_clips() -> None:
    random = np.random.default_rng(0)
    vectors = random.normal(size=(5, 8))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found = enrol(vectors, [[0], [1, 2, 3]])
    assert np.allclose(found[0], vectors[0])
    mean = vectors[1:4].sum(axis=0)
    assert np.allclose(found[1], mean / np.linalg.norm(mean))
    assert not enrol(np.array([[1.0, 0.0], [-1.0, 0.0]]), [[0, 1]]).any()


def test_scores_that_do_not_fit_are_refused() -> None:
    names = np.array(["a", "b"])
    with pytest.raises(ValueError, match="scores"):
        Scores(np.zeros((1, 2)), np.ones((1, 2), bool), names, names)
    twice = np.array(["a", "a"])
    with pytest.raises(ValueError, match="twice"):
        Scores(np.zeros((2, 2)), np.ones((2, 2), bool), twice, names)
