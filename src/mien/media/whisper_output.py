"""Transcripts that Whisper and its derivatives write: JSON with segments, and tab-separated tables.

The JSON is that of OpenAI's program and API, of faster-whisper and WhisperX (which add the
speaker), or of whisper.cpp, whose times are in milliseconds.
"""

import json
import math
from typing import Any

from mien.errors import MienError
from mien.media.cues import RawCue, timed_cue
from mien.names import strip_invisible


def read_whisper_json(content: str) -> list[RawCue]:
    """Read the segments, or the text alone where there are none."""
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise MienError(f"is not JSON ({error})") from error
    whole = data if isinstance(data, dict) else {}
    segments = data
    if isinstance(data, dict):
        segments = data.get("segments", data.get("transcription"))
    if isinstance(segments, list):
        return [_segment(segment) for segment in segments]
    if isinstance(whole.get("text"), str):
        return [RawCue(lines=strip_invisible(whole["text"]).split("\n"))]
    raise MienError("is not JSON as Whisper writes it: it has neither segments nor a text")


def _segment(segment: Any) -> RawCue:
    if not isinstance(segment, dict) or not isinstance(segment.get("text"), str):
        return RawCue(lines=[], place=str(segment)[:60], fault="it holds no text")
    offsets = segment.get("offsets")
    if isinstance(offsets, dict):
        start, end = (_number(offsets.get(name), 1000) for name in ("from", "to"))
    else:
        start, end = (_number(segment.get(name), 1) for name in ("start", "end"))
    speaker = segment.get("speaker")
    named = str(speaker).strip() if isinstance(speaker, str | int) else ""
    lines = strip_invisible(segment["text"]).split("\n")
    place = f"{_format_time(start)} --> {_format_time(end)}"
    return timed_cue(lines, start, end, place, (named,) if named else ())


def _format_time(time: float | None) -> str:
    return "?" if time is None else f"{time:g} s"


def _number(value: Any, unit: int) -> float | None:
    """Read a time; None where the value is not a number."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value) / unit
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def read_whisper_table(content: str) -> list[RawCue]:
    """Read a table: a header with start, end and text; times in milliseconds."""
    rows = [line.split("\t") for line in content.splitlines() if line.strip()]
    names = [strip_invisible(name).strip().lower() for name in rows[0]] if rows else []
    if missing := [name for name in ("start", "end", "text") if name not in names]:
        raise MienError(
            f"is not a table as Whisper writes it: it lacks the columns {', '.join(missing)}"
        )
    entries = []
    for cells in rows[1:]:
        row = dict(zip(names, cells, strict=False))
        start, end = (_number(row.get(name), 1000) for name in ("start", "end"))
        speaker = row.get("speaker", "").strip()
        place = f"{row.get('start')} --> {row.get('end')}"
        lines = [strip_invisible(row.get("text", ""))]
        entries.append(timed_cue(lines, start, end, place, (speaker,) if speaker else ()))
    return entries
