"""How labels look, and what is written on segments."""

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_timeline import NOT_SURE, TOO_NOISY, emotion, segment, timeline_of

from mien.report.timeline.captions import caption
from mien.report.timeline.label_style import (
    EMOTION_FILLS,
    SENTIMENT_FILLS,
    STEP_FILLS,
    contrast,
    label_styles,
    letters_for,
    step_styles,
)
from mien.report.timeline.legend import UNDECIDED, legend
from mien.task_prediction import TaskPrediction
from mien.utterance import EMOTIONS

VISION = {
    "full": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
"""What remains of linear red, green and blue (Machado et al. 2009, severity 1)."""


def seen(fills: list[str], vision: str) -> np.ndarray:
    """Give colours as CIELAB (N, 3), as somebody sees them."""
    channels = np.array([[int(fill[i : i + 2], 16) / 255 for i in (1, 3, 5)] for fill in fills])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ np.transpose(VISION[vision]), 0, 1)
    xyz = linear @ np.array(
        [[0.4124, 0.2126, 0.0193], [0.3576, 0.7152, 0.1192], [0.1805, 0.0722, 0.9505]]
    )
    f = xyz / [0.9505, 1, 1.089]
    f = np.where(f > 0.008856, np.cbrt(f), 7.787 * f + 16 / 116)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], 1)


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize(
    "fills", [EMOTION_FILLS.values(), SENTIMENT_FILLS.values(), STEP_FILLS], ids=len
)
def test_colours_are_told_apart_with_any_vision(vision: str, fills: Iterable[str]) -> None:
    colours = seen(list(fills), vision)
    apart = np.linalg.norm(colours[:, None] - colours[None], axis=-1)
    assert apart[~np.eye(len(colours), dtype=bool)].min() > 18


def test_text_and_lines_stand_out() -> None:
    many = [f"label {i}" for i in range(40)]
    for styles in (
        label_styles(EMOTIONS),
        label_styles(SENTIMENT_FILLS),
        step_styles(list("abcde")),
        label_styles(many),
    ):
        for style in styles.values():
            assert contrast(style.ink, style.fill) >= 4.5, style
            assert contrast(style.line, "#ffffff") >= 3, style


def test_every_emotion_has_its_colour_whatever_is_beside_it() -> None:
    assert set(EMOTION_FILLS) == set(EMOTIONS)
    few = label_styles(["admiration", "sad", "neutral"])
    assert (few["sad"].fill, few["neutral"].fill) == (
        EMOTION_FILLS["sad"],
        EMOTION_FILLS["neutral"],
    )
    assert few["admiration"].fill == EMOTION_FILLS["excited"]
    assert label_styles(["neutral", "positive"])["neutral"].fill == SENTIMENT_FILLS["neutral"]


def test_forty_labels_look_different() -> None:
    looks = label_styles([f"speaker {i:02d}" for i in range(40)])
    assert len({(one.fill, one.pattern) for one in looks.values()}) == 40
    assert [one.pattern for one in looks.values()][::10] == [0, 1, 2, 3]
    assert len({one.letter for one in looks.values()}) == 40


@given(st.lists(st.text(), unique=True, max_size=30))
def test_letters_are_short_and_differ(names: list[str]) -> None:
    letters = letters_for(names)
    assert len(set(letters)) == len(names)


def test_letters() -> None:
    assert letters_for(["happy", "sad", "surprised"]) == ["H", "Sa", "Su"]
    assert letters_for(["speaker 01", "speaker 02", "anna"]) == ["1", "2", "A"]
    assert letters_for(["a", "ab"]) == ["A", "Ab"]


def test_captions() -> None:
    sad = emotion("sad", sad=0.9)
    below = TaskPrediction(decision=[], scores={"sad": 0.1})
    said = segment(0, 1, None, None, {"emotion": sad})
    assert caption(said, "emotion") == "sad"
    assert caption(said, "affect") == ""
    assert caption(said.model_copy(update={"mark": "short"}), "emotion") == "short"
    assert caption(said.model_copy(update={"answers": {"emotion": below}}), "emotion") == "no label"
    for reason in (NOT_SURE, TOO_NOISY):
        unsure = said.model_copy(update={"abstained": [reason]})
        assert caption(unsure, "emotion") == "can't tell"


def test_a_legend_of_labels() -> None:
    both = TaskPrediction(decision=["sad", "happy"], scores={"happy": 0.7, "sad": 0.6, "calm": 0})
    below = TaskPrediction(decision=[], scores={"happy": 0.1, "sad": 0.1, "calm": 0})
    found = legend(timeline_of([segment(0, 1, None, None, {"emotion": both})], 1), "emotion")
    assert list(found.bars) == list(found.lines) == ["happy", "sad", "calm"]
    assert (found.key(both), found.key(below)) == ("happy", UNDECIDED)
    assert (found.lowest, found.highest) == (0, 1)


def test_a_legend_of_numbers() -> None:
    rated = [
        TaskPrediction(decision=[], values={"valence": v, "arousal": 5}) for v in (1, 2, 3.5, 3)
    ]
    said = [segment(i, i + 1, None, None, {"affect": one}) for i, one in enumerate(rated)]
    found = legend(timeline_of(said, 4), "affect")
    assert list(found.bars)[::4] == ["valence 1.00 to 1.50", "valence 3.00 to 3.50"]
    keys = [list(found.bars).index(found.key(one)) for one in rated]
    assert keys == [0, 1, 4, 3]
    assert list(found.lines) == ["valence", "arousal"]
    assert (found.lowest, found.highest) == (1, 5)
    (same,) = legend(timeline_of(said[:1], 1), "affect").bars
    assert same == "valence 1.00 to 1.00"


def test_a_legend_of_sentiments_goes_from_negative_to_positive() -> None:
    rated = [
        TaskPrediction(decision=[name], values={"sentiment": value})
        for name, value in (("positive", 2), ("neutral", 0), ("negative", -2))
    ]
    said = [segment(i, i + 1, None, None, {"sentiment": one}) for i, one in enumerate(rated)]
    found = legend(timeline_of(said, 3), "sentiment")
    assert list(found.bars) == ["negative", "neutral", "positive"]
    assert list(found.lines) == ["sentiment"]
    assert (found.lowest, found.highest) == (-2, 2)
