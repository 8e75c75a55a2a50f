"""Timelines of recordings that never were: a short one by hand, and any length by chance."""

import random
from itertools import pairwise

from mien.inference.course import courses
from mien.inference.reason import Reason
from mien.inference.speaker_summary import summaries
from mien.inference.timeline import (
    FaceSummary,
    Mark,
    NameOrigin,
    Timeline,
    TimelineSegment,
    Word,
)
from mien.modality import Modality
from mien.task_prediction import TaskPrediction

EMOTIONS = ("neutral", "happy", "sad", "angry", "surprised", "fearful", "disgusted")
DIMENSIONS = ("valence", "arousal", "dominance")
SPEAKERS = ("Zoë Müller-Ångström", 'Dr. "Bob" <script>alert(1)</script> & Co', "Speaker 3")
ORIGINS: dict[str, NameOrigin] = {SPEAKERS[0]: "transcript", SPEAKERS[1]: "gallery"}
SENTENCES = (
    "I did not think that it would go so well.",
    "And then? What did she say, <b>exactly</b>?",
    "=SUM(A1:A9) is what the sheet said & nobody laughed.",
    "Well... 2 < 3, and 5 > 4, so --> that is that.",
    "Ich weiß nicht, ob das gut ist – 日本語も少し話します。",
    "No.",
    '-5 degrees outside; @home it was warm, {really} "warm".',
    "We moved to another town when I was about ten years old, and for a long time I knew nobody.",
)
TOO_NOISY = Reason(
    kind="too noisy",
    modality=Modality.AUDIO,
    detail="signal-to-noise about 2 dB; at least 5 are needed",
)
NOT_SURE = Reason(
    kind="not sure",
    task="emotion",
    detail="sad is most likely, with a probability of 0.31; at least 0.4 is needed",
)
AFFECT = TaskPrediction(decision=[], values={"valence": 3.25, "arousal": 2.0})


def emotion(label: str, **scores: float) -> TaskPrediction:
    return TaskPrediction(decision=[label], scores=scores)


def segment(
    start: float,
    end: float,
    speaker: str | None,
    text: str | None,
    answers: dict[str, TaskPrediction],
    *,
    mark: Mark | None = None,
    abstained: list[Reason] | None = None,
    face: int | None = None,
) -> TimelineSegment:
    """Make a segment of which words, if any, last equally long."""
    return TimelineSegment(
        start=start,
        end=end,
        speaker=speaker,
        text=text,
        words=words(text or "", start, end),
        mark=mark,
        face=face,
        modalities=[Modality.TEXT, Modality.AUDIO] if text else [Modality.AUDIO],
        answers=answers,
        abstained=abstained,
    )


def words(text: str, start: float, end: float) -> list[Word]:
    parts = text.split()
    edges = [start + (end - start) * i / max(len(parts), 1) for i in range(len(parts) + 1)]
    return [
        Word(text=part, start=round(a, 3), end=round(b, 3), probability=0.9)
        for part, (a, b) in zip(parts, pairwise(edges), strict=True)
    ]


def timeline_of(segments: list[TimelineSegment], seconds: float, **others: object) -> Timeline:
    """Make a timeline of segments, with all that is computed from them."""
    faces = [
        FaceSummary(id=1, start=0.0, end=seconds / 2, frames=40, speaker=SPEAKERS[0]),
        FaceSummary(id=2, start=seconds / 4, end=seconds, frames=30, speaker=None),
    ]
    return Timeline.model_validate(
        {
            "source": "talks/interview one.mp4",
            "run": "runs/base",
            "seconds": seconds,
            "speakers": summaries(segments, ORIGINS, faces),
            "segments": segments,
            "faces": faces,
            "courses": courses(segments),
            **others,
        }
    )


def short_timeline() -> Timeline:
    """Six segments of twelve seconds, one of each kind."""
    zoe, bob, _ = SPEAKERS
    happy, sad = emotion("happy", happy=0.75, sad=0.25), emotion("sad", happy=0.2, sad=0.8)
    empty = TaskPrediction(decision=[])
    unsure = TaskPrediction(decision=[], scores={"happy": 0.3, "sad": 0.31})
    return timeline_of(
        [
            segment(0.5, 2.5, zoe, "So it goes.", {"emotion": happy, "affect": AFFECT}, face=1),
            segment(2.5, 4, bob, "=1 & <b>", {"emotion": sad, "affect": AFFECT}, face=2),
            segment(3.5, 4.5, None, "Oh!", {}, mark="overlap"),
            segment(5, 5.2, zoe, "No.", {}, mark="short"),
            segment(6, 8, zoe, None, {"emotion": empty, "affect": empty}, abstained=[TOO_NOISY]),
            segment(
                8, 11, zoe, "I'm sad", {"emotion": unsure, "affect": AFFECT}, abstained=[NOT_SURE]
            ),
        ],
        12.0,
        synthetic_training=True,
        warnings=["interview one.mp4: 3 frames of the video can't be decoded"],
    )


def empty_timeline() -> Timeline:
    """Nobody speaks."""
    return timeline_of([], 5.0)


def long_timeline(count: int = 2_000, seconds: float = 7_200.0, seed: int = 0) -> Timeline:
    """Make as many segments as asked, by chance, with moods that last."""
    dice = random.Random(seed)
    marks = sorted(dice.uniform(0, seconds) for _ in range(count))
    ends = [*marks[1:], seconds]
    segments, moods = [], dict.fromkeys(SPEAKERS, "neutral")
    for start, following in zip(marks, ends, strict=True):
        speaker = dice.choices(SPEAKERS, (5, 3, 1))[0]
        if dice.random() < 0.15:
            moods[speaker] = dice.choice(EMOTIONS)
        length = max((following - start) * dice.uniform(0.7, 1.05), 0.2)
        segments.append(_by_chance(dice, start, start + length, speaker, moods[speaker]))
    return timeline_of(segments, seconds, language="en")


def _by_chance(
    dice: random.Random, start: float, end: float, speaker: str, mood: str
) -> TimelineSegment:
    start, end, text = round(start, 3), round(end, 3), dice.choice(SENTENCES)
    kind, face = dice.random(), 1 if speaker == SPEAKERS[0] and dice.random() < 0.7 else None
    if end - start < 0.4:
        return segment(start, end, speaker, "Mm.", {}, mark="short", face=face)
    if kind < 0.05:
        return segment(start, end, dice.choice([speaker, None]), text, {}, mark="overlap")
    if kind < 0.1:
        empty = TaskPrediction(decision=[])
        answers = {"emotion": empty, "affect": empty}
        return segment(start, end, speaker, text, answers, abstained=[TOO_NOISY], face=face)
    raw = {name: dice.random() ** 2 + (1.2 if name == mood else 0.0) for name in EMOTIONS}
    scores = {name: round(score / sum(raw.values()), 6) for name, score in raw.items()}
    best = max(scores, key=scores.__getitem__)
    values = {name: round(dice.gauss(3, 0.6), 6) for name in DIMENSIONS}
    answers = {
        "emotion": TaskPrediction(decision=[best], scores=scores),
        "affect": TaskPrediction(decision=[], values=values),
    }
    if kind < 0.14:
        answers["emotion"] = answers["emotion"].model_copy(update={"decision": []})
        return segment(start, end, speaker, text, answers, abstained=[NOT_SURE], face=face)
    return segment(start, end, speaker, text, answers, face=face)
