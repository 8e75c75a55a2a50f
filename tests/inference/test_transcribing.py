"""Clips whose words are transcribed before they are predicted."""

from typing import Any

from mien.errors import MienError
from mien.inference import transcribing as module
from mien.inference.transcribing import TranscribeEach
from mien.media.cues import Cue, Transcript


class Said:
    """A stand-in for a recognizer, which keeps what it was given."""

    def __init__(self) -> None:
        self.given: list[tuple[Any, Any, Any]] = []

    def __call__(self, clips: Any, *, text: Any, transcript: Any, batch_size: int) -> Any:
        transcripts = iter(transcript)
        for clip, said in zip(clips, text, strict=True):
            self.given.append((clip, said, next(transcripts)))
            yield clip


def test_only_clips_without_words_are_transcribed(monkeypatch: Any) -> None:
    def transcribed(clip: str, *_: Any) -> Transcript:
        if clip == "bad.wav":
            raise MienError("bad.wav can't be read")
        return Transcript([Cue(f"heard in {clip}")], [])

    monkeypatch.setattr(module, "transcribed", transcribed)
    said = Said()
    each = TranscribeEach(said, None)  # type: ignore[arg-type]
    clips = ["a.wav", "b.wav", "c.wav", "bad.wav", None]
    text = [None, "given", None, None, "text alone"]
    transcript = [None, None, "c.srt", None, None]
    assert list(each(clips, text=text, transcript=transcript, batch_size=1)) == clips
    assert said.given == [
        ("a.wav", None, Transcript([Cue("heard in a.wav")], [])),
        ("b.wav", "given", None),
        ("c.wav", None, "c.srt"),
        ("bad.wav", None, None),
        (None, "text alone", None),
    ]
