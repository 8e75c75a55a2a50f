"""What the script of a timeline's page needs, as small as it goes."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from mien.inference.answered import answered, numbers, speakers_of, unanswered
from mien.inference.timeline import Course, Timeline, TimelineSegment
from mien.report.timeline.captions import caption
from mien.report.timeline.lanes import lanes
from mien.report.timeline.legend import UNDECIDED, Legend

Json = dict[str, Any]


def page_data(timeline: Timeline, legends: Sequence[Legend]) -> Json:
    """Give the data of a page as what JSON can hold.

    Lists stand for the speakers, the tasks and the segments, and numbers for their places in them.
    """
    by_name = lanes(timeline)
    lane_of = {id(one): lane for lane, own in enumerate(by_name.values()) for one in own}
    ends = [segment.end for segment in timeline.segments]
    return {
        "start": timeline.start,
        "end": max([timeline.start + timeline.seconds, timeline.start + 0.001, *ends]),
        "speakers": list(by_name),
        "tasks": [_task(timeline, one) for one in legends],
        "segments": [_segment(one, lane_of[id(one)], legends) for one in timeline.segments],
    }


def _task(timeline: Timeline, legend: Legend) -> Json:
    lane_of = {speaker: lane for lane, speaker in enumerate(speakers_of(timeline.segments))}
    courses = [one for one in timeline.courses if one.task == legend.task and one.times]
    return {
        "name": legend.task,
        "ranked": not legend.steps,
        "bars": [asdict(style) for style in legend.bars.values()],
        "lines": [asdict(style) for style in legend.lines.values()],
        "range": [round(legend.lowest, 4), round(legend.highest, 4)],
        "courses": {
            lane_of[one.speaker]: _course(one, legend) for one in courses if one.speaker in lane_of
        },
    }


def _course(course: Course, legend: Legend) -> Json:
    """Give the first time and the step of the even grid, and the scores in the legend's order."""
    times, scores = course.times, [course.scores.get(name, []) for name in legend.lines]
    return {
        "from": times[0],
        "step": times[1] - times[0] if len(times) > 1 else 1,
        "scores": [[None if one is None else round(one, 3) for one in row] for row in scores],
    }


def _segment(segment: TimelineSegment, lane: int, legends: Sequence[Legend]) -> Json:
    return {
        "lane": lane,
        "start": round(segment.start, 3),
        "end": round(segment.end, 3),
        "face": segment.face,
        "from": [str(modality) for modality in segment.modalities],
        "words": [[round(w.start, 2), round(w.end, 2), w.text] for w in segment.words],
        "tasks": [_answer(segment, legend) for legend in legends],
    }


def _answer(segment: TimelineSegment, legend: Legend) -> Json:
    """Give the caption, the place of its look (null: none) and the numbers or the reason."""
    key, predicted = shown_key(segment, legend), segment.answers.get(legend.task)
    held = {} if predicted is None or segment.mark else numbers(predicted)
    return {
        "label": caption(segment, legend.task),
        "bar": list(legend.bars).index(key) if key in legend.bars else None,
        "answered": key is not None,
        "numbers": [round(held.get(name, 0.0), 3) for name in legend.lines] if held else [],
        "why": None if key is not None else unanswered(segment, legend.task),
    }


def shown_key(segment: TimelineSegment, legend: Legend) -> str | None:
    """Give the key of the look of a segment; None where the task is not answered."""
    predicted = answered(segment, legend.task)
    return None if predicted is None else legend.key(predicted) or UNDECIDED
