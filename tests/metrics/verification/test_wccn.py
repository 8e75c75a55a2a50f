"""WCCN: what changes within speakers counts for less, as learned from other speakers."""

import numpy as np
import pytest

from mien.errors import MienError
from mien.metrics.verification import evaluate_trials
from mien.metrics.verification.cross_fitted import halves
from mien.metrics.verification.scores import Scores
from mien.metrics.verification.wccn import WithinClassNorm

SIZE = 8


def speakers_with(
    within: np.ndarray, speakers: int, clips: int, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Gaussian speakers: unit covariance of their means, `within` of the clips of each."""
    random = np.random.default_rng(seed)
    means = np.repeat(random.normal(size=(speakers, SIZE)), clips, axis=0)
    noise = random.multivariate_normal(np.zeros(SIZE), within, size=len(means))
    return means + noise, np.repeat([f"p{number:03}" for number in range(speakers)], clips)


def trials(vectors: np.ndarray, names: np.ndarray, enrolled: int = 3):
    rows = np.arange(len(names)).reshape(len(set(names)), -1)
    probes = rows[:, enrolled:].ravel().tolist()
    return (
        vectors,
        names,
        rows[:, :enrolled].tolist(),
        probes,
        np.ones((len(rows), len(probes)), bool),
    )


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def correlated(*variances: float) -> np.ndarray:
    """A covariance that is no multiple of the identity, nor diagonal."""
    axes = np.linalg.qr(np.random.default_rng(5).normal(size=(SIZE, SIZE)))[0]
    return axes @ np.diag(variances or (40, 20, 4, 1, 0.2, 0.1, 0.1, 0.1)) @ axes.T


def test_the_whitening_is_the_inverse_of_the_within_class_covariance() -> None:
    within = correlated(9, 4, 2, 1, 1, 1, 0.5, 0.5)
    norm = WithinClassNorm(*speakers_with(within, 200, 40))
    assert norm.shrinkage < 0.01
    assert np.allclose(norm.whitening @ norm.whitening.T @ within, np.eye(SIZE), atol=0.15)
    assert np.allclose(norm.mean, 0, atol=0.5)


def test_fewer_errors_where_speakers_vary_in_some_directions_only() -> None:
    vectors, names = speakers_with(correlated(), 40, 10)
    found = evaluate_trials(*trials(unit(vectors), names), resamples=50)["cross_fitted"]
    assert found["eer_wccn"] < found["eer"] / 2
    assert found["rank1_wccn"] > found["rank1"] + 0.2
    for name in ("eer_wccn", "rank1_wccn", "eer_wccn_norm"):
        interval = found["intervals"][name]
        assert interval["low"] <= found[name] <= interval["high"]


def test_nothing_to_whiten_changes_nothing_but_the_origin() -> None:
    vectors, names = speakers_with(np.eye(SIZE), 100, 6)
    norm = WithinClassNorm(vectors, names)
    expected = unit(vectors - norm.mean)
    assert norm.shrinkage > 0.8
    assert np.allclose(norm(vectors) @ norm(vectors).T, expected @ expected.T, atol=0.1)


def test_an_invertible_map_and_an_origin_change_nothing_up_to_shrinkage() -> None:
    vectors, names = speakers_with(correlated(9, 4, 2, 1, 1, 1, 0.5, 0.5), 200, 40)
    sheared = np.eye(SIZE) + np.triu(np.full((SIZE, SIZE), 0.3), 1)
    mapped = vectors @ sheared * [1, 2, 1, 2, 1, 2, 1, 2] + 3
    plain, moved = (WithinClassNorm(each, names)(each)[:300] for each in (vectors, mapped))
    assert np.allclose(plain @ plain.T, moved @ moved.T, atol=0.05)
    cosines = [unit(each[:300]) @ unit(each[:300]).T for each in (vectors, mapped)]
    assert np.abs(cosines[0] - cosines[1]).max() > 0.5, "without it the map matters"


def test_turning_moving_and_scaling_change_nothing_at_all() -> None:
    vectors, names = speakers_with(correlated(), 5, 4)
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(SIZE, SIZE)))[0]
    plain, moved = WithinClassNorm(vectors, names), WithinClassNorm(7 * vectors @ turn - 2, names)
    assert moved.shrinkage == pytest.approx(plain.shrinkage)
    turned = moved(7 * vectors @ turn - 2)
    assert np.allclose(plain(vectors) @ plain(vectors).T, turned @ turned.T)


def test_the_shrinkage_is_what_the_formula_gives() -> None:
    """Two speakers whose covariances are diag(2, 0) and diag(0, 1), by hand."""
    clips = np.array([[1.0, 0], [-1, 0], [5, 0.5**0.5], [5, -(0.5**0.5)]])
    norm = WithinClassNorm(clips, ["a", "a", "b", "b"])
    # pooled diag(1, .5), identity .75: the error 1.25 is more than the distance .125
    assert norm.shrinkage == 1
    assert np.allclose(norm.whitening @ norm.whitening.T, np.eye(2) / 0.75)
    assert norm.mean.tolist() == [2.5, 0]


def test_a_speaker_counts_by_its_degrees_of_freedom() -> None:
    """Three with two clips, diag(2, 0), and one with four, diag(2/3, 2/3), by hand."""
    two, four = np.array([[1.0, 0], [-1, 0]]), np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]])
    norm = WithinClassNorm(np.vstack([two, two, two, four]), list("aabbccdddd"))
    # pooled diag(4/3, 1/3), identity 5/6, distance 1/2; each lies 5/9 from pooled, so that the
    # error is 5/9 (3/36 + 1/4) / (1 - 1/3) = 5/18
    assert norm.shrinkage == pytest.approx(5 / 9)
    covariance = np.diag([4 / 3, 1 / 3]) * 4 / 9 + np.eye(2) * 5 / 6 * 5 / 9
    assert np.allclose(norm.whitening @ norm.whitening.T @ covariance, np.eye(2))


def test_a_half_is_never_fitted_on_itself() -> None:
    """Other clips of a half change what is fitted for the other half, and not its own."""
    vectors, names, *rest = trials(*speakers_with(correlated(), 8, 5))

    def shrinkage(clips: np.ndarray) -> list[float]:
        found = evaluate_trials(unit(clips), names, *rest, resamples=2)
        return found["cross_fitted"]["wccn_shrinkage"]

    scores = Scores(rest[-1] * 0.0, rest[-1], np.unique(names), names[rest[1]])
    before = shrinkage(vectors)
    for number, own in enumerate(halves(scores)):
        changed = vectors.copy()
        changed[np.isin(names, own)] **= 3
        after = shrinkage(changed)
        assert after[number] == before[number]
        assert abs(after[1 - number] - before[1 - number]) > 1e-3


def test_clips_that_are_in_no_trial_are_learned_from() -> None:
    vectors, names = speakers_with(correlated(), 10, 12)
    vectors, names, enrolments, _, _ = trials(unit(vectors), names)
    probes = list(range(3, len(names), 12))
    compared = np.ones((10, 10), bool)
    found = evaluate_trials(vectors, names, enrolments, probes, compared, resamples=2)
    used = sorted({*probes, *(row for rows in enrolments for row in rows)})
    place = {row: number for number, row in enumerate(used)}
    fewer = evaluate_trials(
        vectors[used],
        names[used],
        [[place[row] for row in rows] for rows in enrolments],
        [place[row] for row in probes],
        compared,
        resamples=2,
    )
    assert found["cross_fitted"]["eer"] == fewer["cross_fitted"]["eer"]
    shrinkage = [each["cross_fitted"]["wccn_shrinkage"] for each in (found, fewer)]
    assert max(shrinkage[0]) < min(shrinkage[1]), "more clips need less"


def test_more_dimensions_than_clips_are_no_harm() -> None:
    random = np.random.default_rng(3)
    vectors = unit(
        np.repeat(random.normal(size=(4, 300)), 3, axis=0) + random.normal(size=(12, 300))
    )
    norm = WithinClassNorm(vectors, np.repeat(list("abcd"), 3))
    assert 0 < norm.shrinkage <= 1
    assert np.allclose(np.linalg.norm(norm(vectors), axis=1), 1)


@pytest.mark.parametrize(
    ("clips", "names", "reason"),
    [
        (np.eye(3), ["a", "b", "c"], "fewer than two speakers have several clips"),
        (np.eye(3), ["a", "a", "b"], "fewer than two speakers have several clips"),
        (np.eye(2)[[0, 0, 1, 1]], ["a", "a", "b", "b"], "clips of each speaker .* are alike"),
    ],
)
def test_where_nothing_can_be_learned_the_reason_is_told(clips, names, reason: str) -> None:
    with pytest.raises(MienError, match=reason):
        WithinClassNorm(clips, names)


def test_clips_that_are_alike_leave_the_other_metrics() -> None:
    vectors = np.repeat(np.eye(4), 3, axis=0)
    found = evaluate_trials(*trials(vectors, np.repeat(list("abcd"), 3), 2), resamples=5)
    fitted = found["cross_fitted"]
    assert fitted["no_wccn"] == "the clips of each speaker to learn from are alike"
    assert fitted["eer"] == 0
    assert "eer_wccn" not in fitted
    assert "eer_wccn" not in fitted["intervals"]
