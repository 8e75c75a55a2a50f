"""Transcripts with or without times: subtitles, output of speech recognition, plain text."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from mien.encoding import decode_text
from mien.errors import MienError
from mien.media.cues import Cue, RawCue, Transcript
from mien.media.rolling_captions import unroll
from mien.media.speaker_labels import extract_speakers
from mien.media.subtitles import TIMES, read_substation, read_subtitles
from mien.media.timed_words import join_words, matching_words
from mien.media.ttml import read_ttml
from mien.media.whisper_output import read_whisper_json, read_whisper_table
from mien.names import strip_invisible

__all__ = ["Cue", "Transcript", "cut_to_length", "read_transcript"]


def _plain(content: str) -> list[RawCue]:
    lines = strip_invisible(content).splitlines()
    if any(TIMES.match(line) for line in lines):
        raise MienError("is a subtitle file: call it .srt, or .vtt if it begins with WEBVTT")
    return [RawCue(lines=lines)]


_READERS: dict[str, Callable[[str], list[RawCue]]] = {
    ".srt": lambda content: read_subtitles(content, webvtt=False),
    ".vtt": lambda content: read_subtitles(content, webvtt=True),
    ".ass": lambda content: read_substation(content, ".ass"),
    ".ssa": lambda content: read_substation(content, ".ssa"),
    ".ttml": read_ttml,
    ".dfxp": read_ttml,
    ".json": read_whisper_json,
    ".tsv": read_whisper_table,
    ".txt": _plain,
}
"""The reader of each kind of file, by its suffix."""


def read_transcript(path: str | Path) -> Transcript:
    """Read a transcript.

    A cue that has no length, ends before it begins, or has times that can't be read is left out
    with a note. Rolling captions (`mien.media.rolling_captions`) give each word once. Speaker
    labels (`mien.media.speaker_labels`) are not part of the text.

    Parameters
    ----------
    path : path
        SubRip (.srt), WebVTT (.vtt), SubStation Alpha (.ass, .ssa), TTML (.ttml, .dfxp), Whisper's
        .json or .tsv, or text without times (.txt).

    Returns
    -------
    Transcript
        Cues in order of time, and notes.

    Raises
    ------
    MienError
        The file is of another kind, can't be read, or holds no text that can be used.
    """
    path = Path(path)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        known = ", ".join(_READERS)
        raise MienError(
            f"{path} is not a transcript that can be read: its suffix is none of {known}"
        )
    content, notes = _text(path)
    try:
        raw_cues = reader(content)
    except MienError as error:
        raise MienError(f"{path} {error}") from error
    notes += _faults(raw_cues)
    valid = [raw for raw in raw_cues if not raw.fault]
    if all(raw.start is not None for raw in valid):
        valid = unroll(sorted(valid, key=lambda raw: raw.start or 0.0))
    named = [raw for raw in extract_speakers(valid) if raw.words]
    cues = [_cue(raw) for raw in named]
    if not cues:
        reasons = f" that can be used ({'; '.join(notes)})" if notes else ""
        raise MienError(f"{path} holds no text{reasons}")
    given = sum(raw.timed_words != () for raw in named)
    if unusable := given - sum(bool(cue.timed_words) for cue in cues):
        notes.append(
            f"the times of the words are not used in {unusable} of {len(cues)} cues: they are out"
            " of order or outside the cue, or the words are not those of its text"
        )
    return Transcript(cues, notes)


def _cue(raw: RawCue) -> Cue:
    text = " ".join(raw.words)
    words = matching_words(raw.timed_words or (), text, raw.start or 0.0, raw.end or 0.0)
    return Cue(text, raw.start, raw.end, ", ".join(raw.speakers) or None, words)


def _text(path: Path) -> tuple[str, list[str]]:
    """Read a file as UTF-8, or UTF-16 by its byte order mark, or else as Windows-1252 with a note.

    Windows-1252 is tried only where few letters are outside ASCII, as in European languages.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise MienError(f"{path} can't be read: {error.strerror}") from error
    notes = []
    try:
        text = decode_text(content)
    except UnicodeDecodeError as error:
        other = sum(byte > 127 for byte in content)
        letters = sum(byte < 128 and chr(byte).isalpha() for byte in content)
        if other > letters:
            raise MienError(f"{path} can't be read as UTF-8 text: save it as UTF-8") from error
        text = content.decode("cp1252", errors="replace")
        notes = [f"{path.name} is not UTF-8 text and was read as Windows-1252"]
    if "\0" in text:
        raise MienError(f"{path} is not UTF-8 text: it holds zero bytes")
    return text, notes


def _faults(raw_cues: Sequence[RawCue]) -> list[str]:
    """Note the cues that are left out: how many for each reason, and the first of them."""
    counts = Counter(raw.fault for raw in raw_cues if raw.fault)
    first = {raw.fault: raw.place for raw in reversed(raw_cues)}
    return [
        f"{count} of {len(raw_cues)} cues left out, {fault}: {first[fault][:80]!r}"
        + (" and others" if count > 1 else "")
        for fault, count in counts.items()
    ]


def cut_to_length(transcript: Transcript, seconds: float) -> Transcript:
    """Cut a transcript to the length of its clip; note the cues that lie outside.

    Parameters
    ----------
    transcript : Transcript
        Of the clip.
    seconds : float
        Length of the clip. 0: there is no clip, and the transcript is returned as it is.

    Raises
    ------
    MienError
        All cues lie outside.

    Examples
    --------
    >>> cut_to_length(Transcript([Cue("Yes.", 1.0, 9.0), Cue("No.", 9.0, 10.0)], []), 5.0).cues
    [Cue(text='Yes.', start=1.0, end=5.0, speaker=None)]
    """
    cues, notes = transcript.cues, transcript.notes
    if not seconds:
        return transcript
    inside = [_cut(cue, seconds) for cue in cues if cue.start is None or cue.start < seconds]
    lost = len(cues) - len(inside)
    if cues and not inside:
        raise MienError(
            f"the transcript begins at {cues[0].start:g} s and the clip ends at {seconds:g} s: it"
            " is not the transcript of this clip"
        )
    if lost:
        outside = f"{lost} of {len(cues)} cues of the transcript begin after the clip's end"
        notes = [*notes, f"{outside}, at {seconds:g} s, and are left out"]
    return replace(transcript, cues=inside, notes=notes)


def _cut(cue: Cue, seconds: float) -> Cue:
    """Cut a cue at the end of the clip; if its words have times, those that begin later go."""
    if cue.end is None or cue.end <= seconds:
        return cue
    words = [
        word._replace(end=min(word.end, seconds))
        for word in cue.timed_words
        if word.start < seconds
    ]
    text = join_words(word.text for word in words) if cue.timed_words else cue.text
    return replace(cue, text=text, end=seconds, timed_words=tuple(words))
