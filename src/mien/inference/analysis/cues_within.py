"""The cues of a transcript, within the stretch of a recording that is analysed."""

from dataclasses import replace

from mien.errors import MienError
from mien.media.cues import Cue, Transcript


def cues_within(transcript: Transcript, start: float, seconds: float) -> Transcript:
    """Keep the cues within a stretch; their times are from where that begins.

    Parameters
    ----------
    transcript : Transcript
        With times from the beginning of the recording.
    start, seconds : float
        Where the stretch begins, and its length.

    Raises
    ------
    MienError
        There are cues, and all lie outside.

    Examples
    --------
    >>> cues_within(Transcript([Cue("Yes.", 5.0, 7.0), Cue("No.", 8.0, 9.0)], []), 6.0, 1.5).cues
    [Cue(text='Yes.', start=0.0, end=1.0, speaker=None)]
    """
    kept = [placed for cue in transcript.cues if (placed := _placed(cue, start, seconds))]
    lost = len(transcript.cues) - len(kept)
    if transcript.cues and not kept:
        raise MienError(
            f"the first cue of the transcript begins at {transcript.cues[0].start:g} s, and what is"
            f" analysed lasts from {start:g} to {start + seconds:g} s: it is not the transcript of"
            " this recording",
            parameter="transcript",
        )
    notes = list(transcript.notes)
    if lost:
        where = f"from {start:g} to {start + seconds:g} s"
        notes.append(
            f"{lost} of {len(transcript.cues)} cues of the transcript lie outside of what is"
            f" analysed, {where}, and are left out"
        )
    return Transcript(kept, notes)


def _placed(cue: Cue, start: float, seconds: float) -> Cue | None:
    begin = max((cue.start or 0.0) - start, 0.0)
    end = min((cue.end or 0.0) - start, seconds)
    if begin >= end:
        return None
    words = tuple(
        word._replace(
            start=min(max(word.start - start, begin), end),
            end=min(max(word.end - start, begin), end),
        )
        for word in cue.timed_words
    )
    return replace(cue, start=begin, end=end, timed_words=words)
