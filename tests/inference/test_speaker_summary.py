"""What a recording holds of each speaker."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_timeline import AFFECT, NOT_SURE, SPEAKERS, emotion, segment, short_timeline

from mien.inference.speaker_summary import summaries
from mien.inference.timeline import Change, FaceSummary
from mien.task_prediction import TaskPrediction

HAPPY, SAD = emotion("happy", happy=0.75, sad=0.25), emotion("sad", happy=0.25, sad=0.75)


def test_the_short_timeline() -> None:
    zoe, bob = short_timeline().speakers
    assert (zoe.speaker, bob.speaker) == SPEAKERS[:2]
    assert (zoe.named_by, bob.named_by) == ("transcript", "gallery")
    assert (zoe.seconds, zoe.segments, zoe.words, zoe.faces) == (7.2, 4, 6, [1])
    assert zoe.share == pytest.approx(7.2 / 9.7, abs=1e-6)  # a second is of nobody known
    assert zoe.scores["emotion"] == {"happy": 0.75, "sad": 0.25}
    assert zoe.scores["affect"] == {"valence": 3.25, "arousal": 2.0}
    assert zoe.changes == {"emotion": [], "affect": []}


def test_scores_are_weighted_by_length() -> None:
    said = [
        segment(0, 3, "Anna", None, {"emotion": HAPPY}),
        segment(5, 6, "Anna", None, {"emotion": SAD}),
        segment(6, 99, "Anna", None, {"emotion": SAD}, abstained=[NOT_SURE]),
    ]
    (anna,) = summaries(said, {}, [])
    assert anna.scores["emotion"] == {"happy": 0.625, "sad": 0.375}
    assert anna.named_by is None


def test_changes_pass_over_others_and_over_what_is_not_answered() -> None:
    both = TaskPrediction(decision=["happy", "sad"], scores={"happy": 0.6, "sad": 0.5})
    turned = both.model_copy(update={"decision": ["sad", "happy"]})
    said = [
        segment(0, 1, "Anna", None, {"emotion": HAPPY, "affect": AFFECT}),
        segment(1, 2, "Ben", None, {"emotion": SAD}),
        segment(2, 3, "Anna", None, {"emotion": SAD}, mark="overlap"),
        segment(3, 4, "Anna", None, {"emotion": SAD}, abstained=[NOT_SURE]),
        segment(4, 5, "Anna", None, {"emotion": HAPPY}),
        segment(5, 6, "Anna", None, {"emotion": both}),
        segment(6, 7, "Anna", None, {"emotion": turned, "affect": AFFECT}),
        segment(7, 8, "Anna", None, {"emotion": SAD}),
    ]
    anna, ben = summaries(said[::-1], {}, [])
    assert anna.changes["emotion"] == [
        Change(time=5, before=["happy"], after=["happy", "sad"]),
        Change(time=7, before=["sad", "happy"], after=["sad"]),
    ]
    assert anna.changes["affect"] == []
    assert ben.changes["emotion"] == []


def test_words_are_those_of_the_text_where_none_has_a_time() -> None:
    said = segment(0, 1, "Anna", "so it goes", {}).model_copy(update={"words": []})
    (anna,) = summaries([said], {}, [FaceSummary(id=7, start=0, end=1, frames=5, speaker="Anna")])
    assert (anna.words, anna.faces, anna.scores, anna.changes) == (3, [7], {}, {})


def test_nobody_speaks_or_for_no_time() -> None:
    assert summaries([], {}, []) == []
    (anna,) = summaries([segment(1, 1, "Anna", None, {"emotion": HAPPY})], {}, [])
    assert (anna.seconds, anna.share) == (0, 0)
    assert anna.scores["emotion"]["happy"] == 0.75


@given(
    st.lists(
        st.tuples(st.floats(0, 99), st.floats(0.1, 9), st.sampled_from(["Anna", "Ben", "Cy"])),
        min_size=1,
    )
)
def test_the_shares_of_known_speakers_add_up(parts: list[tuple[float, float, str]]) -> None:
    said = [segment(start, start + long, name, None, {}) for start, long, name in parts]
    found = summaries(said, {}, [])
    assert sum(one.share for one in found) == pytest.approx(1, abs=1e-5)
    firsts = [min(start for start, _, name in parts if name == one.speaker) for one in found]
    assert firsts == sorted(firsts)
