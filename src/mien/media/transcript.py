"""Words with their times, from subtitles or from a program that transcribes; or plain text."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from mien.encoding import decode
from mien.errors import MienError
from mien.media.captions import unroll
from mien.media.cues import Cue, Entry, Transcript
from mien.media.speakers import name_speakers
from mien.media.subtitles import TIMES, read_substation, read_subtitles
from mien.media.ttml import read_ttml
from mien.media.whisper import read_whisper_json, read_whisper_table
from mien.names import visible

__all__ = ["Cue", "Transcript", "read_transcript", "within"]


def _plain(content: str) -> list[Entry]:
    lines = visible(content).splitlines()
    if any(TIMES.match(line) for line in lines):
        raise MienError("is a subtitle file: call it .srt, or .vtt if it begins with WEBVTT")
    return [Entry(lines=lines)]


_READERS: dict[str, Callable[[str], list[Entry]]] = {
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
"""How each kind of file is read, by its suffix."""


def read_transcript(path: str | Path) -> Transcript:
    """Read a transcript.

    A cue that has no length, ends before it begins, or whose times can't be read is left out with a
    note. Captions that roll (`mien.media.captions`) give each word once. The names of speakers
    (`mien.media.speakers`) are no words.

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
        The file is of another kind, can't be read, or holds no words that can be used.
    """
    path = Path(path)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        known = ", ".join(_READERS)
        raise MienError(
            f"{path} is no transcript that can be read: its name ends in none of {known}"
        )
    content, notes = _text(path)
    try:
        entries = reader(content)
    except MienError as error:
        raise MienError(f"{path} {error}") from error
    notes += _faults(entries)
    sound = [entry for entry in entries if not entry.fault]
    if all(entry.start is not None for entry in sound):
        sound = unroll(sorted(sound, key=lambda entry: entry.start or 0.0))
    cues = [
        Cue(" ".join(entry.words), entry.start, entry.end, ", ".join(entry.speakers) or None)
        for entry in name_speakers(sound)
        if entry.words
    ]
    if not cues:
        reasons = f" that can be used ({'; '.join(notes)})" if notes else ""
        raise MienError(f"{path} holds no words{reasons}")
    return Transcript(cues, notes)


def _text(path: Path) -> tuple[str, list[str]]:
    """Read a file as UTF-8, or UTF-16 by its mark, or else as Windows-1252 with a note.

    Only European languages are written with few letters outside ASCII; where most of the letters
    are, that guess would make nonsense of the words.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise MienError(f"{path} can't be read: {error.strerror}") from error
    notes = []
    try:
        text = decode(content)
    except UnicodeDecodeError as error:
        other = sum(byte > 127 for byte in content)
        letters = sum(byte < 128 and chr(byte).isalpha() for byte in content)
        if other > letters:
            raise MienError(f"{path} can't be read as UTF-8 text: save it as UTF-8") from error
        text = content.decode("cp1252", errors="replace")
        notes = [f"{path.name} is not UTF-8 text and was read as Windows-1252"]
    if "\0" in text:
        raise MienError(f"{path} is no text, or none in UTF-8: it holds zero bytes")
    return text, notes


def _faults(entries: Sequence[Entry]) -> list[str]:
    """Note what is left out: how many for each reason, and the first of them."""
    counts = Counter(entry.fault for entry in entries if entry.fault)
    first = {entry.fault: entry.place for entry in reversed(entries)}
    return [
        f"{count} of {len(entries)} cues left out, {fault}: {first[fault][:80]!r}"
        + (" and others" if count > 1 else "")
        for fault, count in counts.items()
    ]


def within(transcript: Transcript, seconds: float) -> Transcript:
    """Cut a transcript to a clip's length; note the cues that lie outside.

    Parameters
    ----------
    transcript : Transcript
        Of the clip.
    seconds : float
        Length of the clip. 0: there is no clip, and the words stay as they are.

    Raises
    ------
    MienError
        All of it lies outside.

    Examples
    --------
    >>> within(Transcript([Cue("Yes.", 1.0, 9.0), Cue("No.", 9.0, 10.0)], []), 5.0).cues
    [Cue(text='Yes.', start=1.0, end=5.0, speaker=None)]
    """
    cues, notes = transcript
    if not seconds:
        return transcript
    inside = [
        cue if cue.end is None else replace(cue, end=min(cue.end, seconds))
        for cue in cues
        if cue.start is None or cue.start < seconds
    ]
    lost = len(cues) - len(inside)
    if cues and not inside:
        raise MienError(
            f"the transcript begins at {cues[0].start:g} s and the clip ends at {seconds:g} s: it"
            " is not the transcript of this clip"
        )
    if lost:
        outside = f"{lost} of {len(cues)} cues of the transcript begin after the clip's end"
        notes = [*notes, f"{outside}, at {seconds:g} s, and are left out"]
    return Transcript(inside, notes)
