"""A timeline as subtitles: SubRip (.srt) and WebVTT (.vtt)."""

import re
from html import escape

from mien.inference.timeline import Timeline, TimelineSegment
from mien.report.timeline.captions import captions, subtitle_tasks
from mien.report.timeline.lanes import Stretch, stretch
from mien.report.timeline.plain_text import plain_text

_TAG = re.compile(r"(<)(?=[/!?\w])|(\{)(?=\\)")

WORD_JOINER = "\u2060"
"""Without width; SubRip has no escapes, so it keeps players from taking text for a tag."""


def srt(timeline: Timeline) -> str:
    """Write SubRip: a cue for each segment, `[speaker, label] text`.

    A `<` that a player would take for the beginning of a tag is followed by a word joiner, which
    is not seen.
    """
    tasks = subtitle_tasks(timeline)
    cues = []
    for number, one in enumerate(_stretches(timeline), 1):
        times = f"{_clock(one.start, ',')} --> {_clock(one.end, ',')}"
        cues.append(f"{number}\n{times}\n{_untagged(_srt_line(one.segment, tasks))}\n")
    return "\n".join(cues)


def _srt_line(segment: TimelineSegment, tasks: list[str]) -> str:
    head = ", ".join(filter(None, [_name(segment), captions(segment, tasks)]))
    return " ".join(filter(None, [f"[{head}]" if head else "", plain_text(segment.text or "")]))


def _untagged(line: str) -> str:
    return _TAG.sub(lambda sign: sign[0] + WORD_JOINER, line)


def vtt(timeline: Timeline) -> str:
    """Write WebVTT: a cue for each segment, `<v speaker>[label] text</v>`."""
    tasks = subtitle_tasks(timeline)
    note = "Labels in brackets are predictions"
    if timeline.synthetic_training:
        note += " of a model trained on synthetic data"
    blocks = ["WEBVTT", f"NOTE {note}."]
    for number, one in enumerate(_stretches(timeline), 1):
        times = f"{_clock(one.start, '.')} --> {_clock(one.end, '.')}"
        blocks.append(f"{number}\n{times}\n{_vtt_line(one.segment, tasks)}")
    return "\n\n".join(blocks) + "\n"


def _vtt_line(segment: TimelineSegment, tasks: list[str]) -> str:
    label = captions(segment, tasks)
    said = " ".join(filter(None, [f"[{label}]" if label else "", plain_text(segment.text or "")]))
    said = escape(said, quote=False)
    name = _name(segment)
    return f"<v {escape(name, quote=False)}>{said}</v>" if name else said


def _name(segment: TimelineSegment) -> str:
    return plain_text(segment.speaker or "")


def _stretches(timeline: Timeline) -> list[Stretch]:
    return sorted(map(stretch, timeline.segments), key=lambda one: (one.start, one.end))


def _clock(milliseconds: int, point: str) -> str:
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}{point}{rest % 1000:03d}"
