"""What is fitted is fitted on other speakers; metrics come with intervals over speakers."""

import numpy as np
import pytest

from mien.errors import MienError
from mien.metrics.verification import evaluate_trials
from mien.metrics.verification.bootstrap import speaker_intervals
from mien.metrics.verification.cross_fitted import FPIR, cross_fitted, halves
from mien.metrics.verification.det import DetCurve, equal_error_rate
from mien.metrics.verification.identification import Search
from mien.metrics.verification.llr import LlrCalibration, cllr
from mien.metrics.verification.scores import Scores, adaptive_norm, enrol
from mien.metrics.verification.wccn import WithinClassNorm


def voices(speakers: int = 10, clips: int = 12, noise: float = 0.8, seed: int = 0):
    """Embeddings of synthetic speakers: a direction each, and noise."""
    random = np.random.default_rng(seed)
    names = np.repeat([f"p{number:02}" for number in range(speakers)], clips)
    centres = np.repeat(random.normal(size=(speakers, 16)), clips, axis=0)
    vectors = centres + noise * random.normal(size=centres.shape) * 2
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    rows = np.arange(speakers * clips).reshape(speakers, clips)
    enrolments, probes = rows[:, : clips // 2].tolist(), rows[:, clips // 2 :].ravel().tolist()
    compared = np.ones((speakers, len(probes)), bool)
    return vectors, names, enrolments, probes, compared


def test_halves_share_no_speaker(gaussian) -> None:
    first, second = halves(gaussian(7, 2))
    assert sorted(first + second) == [f"p{number:02}" for number in range(7)]
    assert min(len(first), len(second)) == 3
    assert halves(gaussian(3, 2)) is None


def test_speakers_of_a_session_stay_together(gaussian) -> None:
    scores = gaussian(6, 2)
    session = {name: number // 2 for number, name in enumerate(scores.enrolled)}
    rooms = [
        np.array([session[name] for name in side]) for side in (scores.enrolled, scores.probes)
    ]
    scores = Scores(scores.values, rooms[0][:, None] == rooms[1], scores.enrolled, scores.probes)
    for half in halves(scores):
        sessions = [session[name] for name in half]
        assert len(sessions) == 2 * len(set(sessions))
    assert halves(scores.among(["p00", "p01"])) is None


def test_each_half_is_evaluated_with_what_the_other_gave() -> None:
    vectors, names, clips, probes, compared = voices()
    enrolled, tested = enrol(vectors, clips), vectors[probes]
    scores = Scores(enrolled @ tested.T, compared, np.unique(names), names[probes])
    found = cross_fitted(scores, vectors, names, clips, probes, resamples=20)
    ratios, normed, target, missed, false = [], [], [], [], []
    whitened, both = [], []
    first, second = halves(scores)
    for own, other in ((first, second), (second, first)):
        mine, theirs = scores.among(own), scores.among(other)
        line = LlrCalibration(theirs.values.ravel(), theirs.same.ravel())
        ratios.append(line(mine.values).ravel())
        target.append(mine.same.ravel())
        cohort = tested[np.isin(scores.probes, other)].T
        here, there = np.isin(scores.enrolled, own), np.isin(scores.probes, own)
        norm = adaptive_norm(mine.values, enrolled[here] @ cohort, tested[there] @ cohort)
        normed.append(mine.with_values(norm))
        white = WithinClassNorm(vectors[np.isin(names, other)], names[np.isin(names, other)])
        rows, columns = enrol(white(vectors), clips)[here], white(vectors)[probes]
        cohort, columns = columns[np.isin(scores.probes, other)].T, columns[there]
        whitened.append(mine.with_values(rows @ columns.T))
        norm = adaptive_norm(rows @ columns.T, rows @ cohort, columns @ cohort)
        both.append(mine.with_values(norm))
        threshold, search = Search(theirs).threshold(FPIR), Search(mine)
        missed.append(search.fnir(threshold))
        false.append(search.fpir(threshold))
    assert found["cllr"] == pytest.approx(cllr(np.concatenate(ratios), np.concatenate(target)))
    for kind, by_half in (("_norm", normed), ("_wccn", whitened), ("_wccn_norm", both)):
        rates = DetCurve(*by_half).rates()
        assert found[f"eer{kind}"] == pytest.approx(equal_error_rate(*rates))
        rank1 = np.mean([Search(half).within(1) for half in by_half])
        assert found[f"rank1{kind}"] == pytest.approx(rank1)
    assert found["fnir"] == pytest.approx(np.mean(missed))
    assert found["fpir"] == pytest.approx(np.mean(false))
    assert found["targets"] == scores.targets.sum()
    assert found["nontargets"] == 2 * (5 * 5 * 6 - 5 * 6)
    assert 0 < found["min_cllr"] <= found["cllr"] < 1


def test_well_separated_speakers_are_all_found() -> None:
    found = evaluate_trials(*voices(noise=0.1), resamples=50)
    assert found["eer"] == 0
    assert found["rank1"] == found["rank5"] == 1
    assert found["min_dcf_0.01"] == 0
    assert found["cross_fitted"]["fnir"] == 0
    assert found["chance"] == pytest.approx(0.1)
    assert found["cmc"] == [1.0] * 10
    assert found["clips"] == [6, 6]
    assert (found["targets"], found["nontargets"]) == (60, 540)


def test_more_clips_enrol_better_and_the_interval_holds_the_metric() -> None:
    found = evaluate_trials(*voices(20, 16), resamples=200)
    curve = found["by_clips"]
    assert list(curve) == ["1", "2", "4", "8"]
    assert [at["enrolments"] for at in curve.values()] == [8, 4, 2, 1]
    rates = [at["eer"] for at in curve.values()]
    assert rates == sorted(rates, reverse=True)
    assert curve["8"]["eer"] == found["eer"]
    assert curve["8"]["rank1"] == found["rank1"]
    for name in ("eer", "rank1", "min_dcf_0.01", "min_dcf_0.05"):
        interval = found["intervals"][name]
        assert interval["low"] <= found[name] <= interval["high"]
        assert interval["by"] == "person"


def test_noise_tells_nobody_apart() -> None:
    random = np.random.default_rng(0)
    _, names, clips, probes, compared = voices(20, 16)
    vectors = random.normal(size=(len(names), 16))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found = evaluate_trials(vectors, names, clips, probes, compared, resamples=20)
    assert found["eer"] == pytest.approx(0.5, abs=0.06)
    assert found["cross_fitted"]["eer_norm"] == pytest.approx(0.5, abs=0.06)
    assert found["cross_fitted"]["cllr"] == pytest.approx(1, abs=0.05)
    assert found["rank1"] == pytest.approx(found["chance"], abs=0.06)


def test_two_speakers_are_too_few_for_what_needs_fitting() -> None:
    found = evaluate_trials(*voices(2), resamples=20)
    assert found["cross_fitted"] is None
    assert found["rank5"] is None
    assert found["chance"] == 0.5


def test_embeddings_that_are_not_finite_are_an_error() -> None:
    vectors, *rest = voices(3)
    vectors[0, 0] = np.nan
    with pytest.raises(MienError, match="not finite"):
        evaluate_trials(vectors, *rest)


def test_intervals_are_those_of_drawing_speakers() -> None:
    # of two speakers the first is drawn 0, 1 or 2 times, with chances 1/4, 1/2, 1/4
    found = speaker_intervals(lambda counts: {"first": counts[0]}, 2, resamples=400, level=0.4)
    assert (found["first"]["low"], found["first"]["high"]) == (1, 1)
    found = speaker_intervals(lambda counts: {"first": counts[0]}, 2, resamples=400)
    assert (found["first"]["low"], found["first"]["high"]) == (0, 2)

    def only_both(counts: np.ndarray) -> dict[str, float]:
        return {"both": 1.0 if counts.min() else np.nan, "never": np.nan}

    found = speaker_intervals(only_both, 5, resamples=400)
    assert found == {"both": None, "never": None}


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    """A value of each speaker, drawn from a Gaussian: the mean's interval holds 0 in 95 of 100."""
    random = np.random.default_rng(0)
    held = 0
    for _ in range(100):
        speakers = random.normal(size=30)
        found = speaker_intervals(
            lambda counts, speakers=speakers: {"mean": float(counts @ speakers / counts.sum())},
            30,
            resamples=200,
        )["mean"]
        held += found["low"] <= 0 <= found["high"]
    assert 86 <= held <= 100
