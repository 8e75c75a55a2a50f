"""People who are not enrolled are named at the stated rate, and probabilities are calibrated."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from people import gallery, name, views
from scipy.stats import betabinom, binom

from mien.errors import MienError
from mien.gallery import UNKNOWN, Calibration, Gallery, calibrate

ENROLLED = range(150)
RATE = 0.02
DEV, TEST = range(1000, 2000), range(2000, 3000)


def known(gallery: Gallery, persons: range, seed: int = 1, noise: float = 0.9) -> list[str]:
    """Who the gallery takes a fresh view of each person for."""
    fresh = (views(person, 1, seed=seed, noise=noise)[0] for person in persons)
    return [gallery.identify(view, encoder="v1").person for view in fresh]


def trials(non_mated: range, mated: range, seed: int = 3, noise: float = 0.9) -> list:
    """One fresh view of each."""
    named = [(p, None) for p in non_mated] + [(p, name(p)) for p in mated]
    return [(views(person, 1, seed=seed, noise=noise)[0], who) for person, who in named]


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Gallery:
    return gallery(tmp_path_factory.mktemp("gallery"), ENROLLED)


def tolerated(trials: int, tested: int) -> tuple[int, int]:
    """How many of those tested may be named: chance goes beyond once in a thousand times.

    A threshold with k of n non-mated trials above it lets through a share that is itself drawn,
    from the beta distribution of k + 1 and n - k, whatever the distribution of the scores.
    """
    above = int(RATE * (trials + 1)) - 1
    shares = betabinom(tested, above + 1, trials - above)
    return int(shares.ppf(0.0005)), int(shares.ppf(0.9995))


@pytest.mark.slow
def test_people_who_are_not_enrolled_are_named_at_the_stated_rate(full: Gallery) -> None:
    chosen = full.calibrate(trials(DEV, ENROLLED), fpir=RATE, encoder="v1")
    assert (chosen.non_mated, chosen.mated, chosen.templates) == (1000, 150, 450)
    named = sum(answer != UNKNOWN for answer in known(full, TEST))
    least, most = tolerated(len(DEV), len(TEST))
    assert least <= named <= most
    right = np.mean([a == name(p) for a, p in zip(known(full, ENROLLED), ENROLLED, strict=True)])
    assert right > 0.8, "a threshold that nobody reaches would be no use"


@pytest.mark.slow
def test_the_enrolled_persons_alone_will_do_to_calibrate(full: Gallery) -> None:
    chosen = full.calibrate(fpir=RATE)
    assert (chosen.non_mated, chosen.mated) == (150, 150)
    named = sum(answer != UNKNOWN for answer in known(full, TEST))
    # the gallery's own clips have less noise than the tested ones
    assert named <= tolerated(150, len(TEST))[1]


@pytest.mark.slow
def test_probabilities_are_what_they_say(full: Gallery) -> None:
    full.calibrate(trials(DEV[:300], ENROLLED, noise=1.6), fpir=RATE, encoder="v1")
    said, true = [], []
    for view, who in trials(TEST[:300], ENROLLED, seed=8, noise=1.6) + trials(
        range(0), ENROLLED, seed=9, noise=1.6
    ):  # as many non-mated trials as mated ones, as is assumed
        best = full.identify(view, encoder="v1").candidates[0]
        said.append(best.probability)
        true.append(best.person == who)
    said, true = np.array(said), np.array(true)
    for low, high in ((0, 0.3), (0.3, 0.7), (0.7, 1)):
        part = (said >= low) & (said <= high)
        assert part.sum() > 30, "not all the same"
        # four standard errors of a share, and as much again for the fit
        assert abs(said[part].mean() - true[part].mean()) < 0.05 + 2 / part.sum() ** 0.5


def test_a_calibration_is_kept_and_tells_when_it_is_old(full: Gallery, tmp_path: Path) -> None:
    small = gallery(tmp_path, range(60))
    small.calibrate(trials(range(1000, 1100), range(60)), fpir=0.05, encoder="v1")
    again = Gallery(tmp_path)
    assert again.calibration == small.calibration
    assert "at most 5.00% of people who are not enrolled" in str(again.calibration)
    assert again.identify(views(0)[0], encoder="v1").notes == []
    (logged,) = (line["detail"] for line in again.audit.lines() if line["act"] == "calibrate")
    assert (logged["strangers"], logged["mates"]) == (100, 60), "the names in stored galleries"
    gallery(tmp_path, range(60, 130))
    (note,) = again.identify(views(0)[0], encoder="v1").notes
    assert "180 templates" in note
    assert "390" in note


def test_trials_must_be_enough_and_persons_enrolled(full: Gallery) -> None:
    with pytest.raises(MienError, match=r"give 99 clips of .*, or a rate of at least"):
        full.calibrate(trials(range(1000, 1098), ENROLLED), fpir=0.01, encoder="v1")
    full.calibrate(trials(range(1000, 1099), range(0)), fpir=0.01, encoder="v1")
    assert full.identify(views(0)[0], encoder="v1").candidates[0].probability is None
    with pytest.raises(MienError, match="leave the name out"):
        full.calibrate([(views(5)[0], "Nobody")], fpir=0.5, encoder="v1")
    with pytest.raises(MienError, match="between 0 and 1"):
        full.calibrate(fpir=1.0)


def test_without_others_to_find_there_is_no_threshold(tmp_path: Path) -> None:
    alone = gallery(tmp_path, [0])
    with pytest.raises(MienError, match="at least two persons"):
        alone.calibrate(fpir=0.5)
    alone.forget(name(0))
    with pytest.raises(MienError, match="0 non-mated trials are too few"):
        alone.calibrate(fpir=0.5)
    with pytest.raises(MienError, match="enrol somebody first"):
        alone.calibrate(trials(range(5), range(0)), fpir=0.5, encoder="v1")
    assert alone.calibration.made is None
    assert [line["act"] for line in alone.audit.lines()] == ["enrol", "forget"]


@given(
    best=st.lists(st.floats(-1, 1), min_size=20, max_size=60),
    fpir=st.sampled_from([0.05, 0.1, 0.3]),
)
def test_no_more_than_the_rate_are_above_the_threshold(best: list[float], fpir: float) -> None:
    scores = np.array(best)[:, None]
    nobody = np.full(len(scores), -1)
    chosen = calibrate(scores, nobody, nobody < 0, fpir=fpir, templates=9)
    passing = (scores[:, 0] >= chosen.threshold).sum()
    assert passing <= fpir * (len(scores) + 1) - 1 + 1e-9
    assert np.nextafter(chosen.threshold, -np.inf) in best, "not a bit more than needed"


def test_the_fit_finds_the_parameters_that_made_the_data() -> None:
    random = np.random.default_rng(0)
    slope, intercept, n = 12.0, -6.0, 20_000
    scores = np.sort(random.uniform(-0.2, 1, (n, 4)), axis=1)[:, ::-1]
    weights = np.column_stack([np.exp(slope * scores + intercept), np.ones(n)])
    weights /= weights.sum(axis=1, keepdims=True)
    truth = (random.random(n)[:, None] > weights.cumsum(axis=1)).sum(axis=1)
    non_mated = truth == 4
    keep = np.flatnonzero(~non_mated)[: non_mated.sum()]  # as many of each, as the fit weighs them
    rows = np.concatenate([np.flatnonzero(non_mated), keep])
    truth = np.where(non_mated, -1, truth)[rows]
    found = calibrate(scores[rows], truth, non_mated[rows], fpir=0.1, templates=1)
    assert found.slope == pytest.approx(slope, rel=0.1)


def test_few_trials_that_all_go_well_do_not_give_certainty() -> None:
    scores = np.array([[0.9, 0.4]] * 8 + [[0.5, 0.3]] * 8)
    truth, non_mated = np.array([0] * 8 + [-1] * 8), np.arange(16) > 7
    few = calibrate(scores, truth, non_mated, fpir=0.2, templates=1)
    many = calibrate(
        *(np.concatenate([a] * 100) for a in (scores, truth, non_mated)), fpir=0.2, templates=1
    )
    assert few.probabilities(scores[0])[0] == pytest.approx(0.9, abs=0.02)
    assert few.probabilities(scores[-1])[0] < 0.15
    assert many.probabilities(scores[0])[0] > 0.99


def test_probabilities_of_all_candidates_add_up_to_less_than_one() -> None:
    twins = Calibration(threshold=0.5, slope=20, intercept=-12).probabilities(np.array([0.9, 0.9]))
    assert twins == pytest.approx([0.5, 0.5], abs=0.01)
    assert twins.sum() < 1
    assert Calibration(threshold=0.5, slope=2000, intercept=0).probabilities(np.array([1.0])) == 1


def test_the_tolerance_would_notice_twice_the_rate() -> None:
    _, most = tolerated(len(DEV), len(TEST))
    assert binom(len(TEST), 3 * RATE).sf(most) > 0.9
