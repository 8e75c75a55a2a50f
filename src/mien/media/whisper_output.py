"""Transcripts that Whisper and its derivatives write: JSON with segments, and tab-separated tables.

The JSON is that of OpenAI's program and API, of faster-whisper and WhisperX (which add the
speaker), or of whisper.cpp, whose times are in milliseconds. Segments may have their words with
times; WhisperX gives none for numbers, and these are then estimated between those beside them.
"""

import json
import math
from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple

from mien.errors import MienError
from mien.media.cues import RawCue, timed_cue
from mien.media.timed_words import TimedWord, estimate_times, whole_words
from mien.names import strip_invisible

MAX_WORDS = 10_000
"""Words of one segment, above which their times are not read: Whisper's have 30 s."""


class _Piece(NamedTuple):
    """A word or a part of one as a file has it, and its times in seconds if it has any."""

    text: str
    start: float | None
    end: float | None


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
    start, end = _times(segment)
    speaker = segment.get("speaker")
    named = str(speaker).strip() if isinstance(speaker, str | int) else ""
    lines = strip_invisible(segment["text"]).strip().split("\n")
    place = f"{_format_time(start)} --> {_format_time(end)}"
    words = _words(segment, start, end)
    return timed_cue(lines, start, end, place, (named,) if named else (), words)


def _times(part: dict[str, Any]) -> tuple[float | None, float | None]:
    """Read start and end of a segment or a word, in seconds."""
    offsets = part.get("offsets")
    if isinstance(offsets, dict):
        return _number(offsets.get("from"), 1000), _number(offsets.get("to"), 1000)
    return _number(part.get("start"), 1), _number(part.get("end"), 1)


def _words(
    segment: dict[str, Any], start: float | None, end: float | None
) -> tuple[TimedWord, ...] | None:
    """Read the words of a segment; None where it has some that can't be read."""
    listed = segment.get("words") or segment.get("tokens")
    if not isinstance(listed, list) or not all(isinstance(part, dict) for part in listed):
        return ()  # OpenAI's tokens are numbers
    pieces = [_Piece(_word_text(part), *_times(part)) for part in listed]
    pieces = [piece for piece in pieces if not piece.text.startswith("[_")]  # whisper.cpp's marks
    if len(pieces) > MAX_WORDS or not all(piece.text for piece in pieces):
        return None
    if start is None or end is None or all(None in piece for piece in pieces):
        return None if pieces else ()
    return tuple(whole_words(_filled(pieces, start, end)))


def _word_text(part: dict[str, Any]) -> str:
    text = part.get("word", part.get("text"))
    return strip_invisible(text) if isinstance(text, str) else ""


def _filled(pieces: Sequence[_Piece], start: float, end: float) -> list[TimedWord]:
    """Estimate the times of words without any, between those before and after."""
    filled: list[TimedWord] = []
    runs = [(bare, list(run)) for bare, run in groupby(pieces, lambda piece: None in piece)]
    for number, (bare, run) in enumerate(runs):
        if not bare:
            filled += [TimedWord(p.text, p.start or 0.0, p.end or 0.0) for p in run]
            continue
        behind = runs[number + 1][1][0].start if number + 1 < len(runs) else None
        before = filled[-1].end if filled else start
        filled += estimate_times([p.text for p in run], before, end if behind is None else behind)
    return filled


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
