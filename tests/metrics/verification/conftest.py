import numpy as np
import pytest
from hypothesis import strategies as st

from mien.metrics.verification.scores import Scores

NAMES = tuple("abcdefgh")


@st.composite
def score_lists(draw: st.DrawFn) -> Scores:
    """Scores of a few speakers, with ties, and with pairs that are no trials."""
    speakers = NAMES[: draw(st.integers(2, 5))]
    probes = draw(st.lists(st.sampled_from(speakers), min_size=2, max_size=12))
    random = np.random.default_rng(draw(st.integers(0, 10_000)))
    shape = (len(speakers), len(probes))
    # eighths, so that ties occur and sums of them are exact
    values = random.integers(-8, 9, shape) / 8
    compared = random.random(shape) < draw(st.sampled_from([0.6, 1.0]))
    # one trial of each kind at least
    compared[:, 0] = True
    return Scores(values, compared, np.array(speakers), np.array(probes))


@pytest.fixture
def gaussian():
    """Scores of `speakers` with `clips` probes each, targets `apart` standard deviations higher."""

    def made(speakers: int = 12, clips: int = 20, apart: float = 2.0, seed: int = 0) -> Scores:
        names = np.array([f"p{number:02}" for number in range(speakers)])
        probes = np.repeat(names, clips)
        values = np.random.default_rng(seed).normal(size=(speakers, len(probes)))
        values += apart * (names[:, None] == probes)
        return Scores(values, np.ones(values.shape, bool), names, probes)

    return made
