"""Finds the speech of a recording: its turns, who speaks in each, and the words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mien.diarization.result import DiarizationEngine, label_turns
from mien.errors import MienError
from mien.inference.analysis.cue_speakers import mark_overlaps, named_voices, with_speakers
from mien.inference.analysis.cues_within import cues_within
from mien.inference.analysis.options import AnalysisOptions
from mien.inference.analysis.spoken import Speech, SpokenTurn
from mien.inference.timeline import Word
from mien.inference.transcription import Transcriber, Transcription
from mien.inference.turns import CueSegmenter, VoiceSegmenter, WindowSegmenter
from mien.inference.words import assign_words, text_of, words_of
from mien.media.cues import Transcript
from mien.turn import Turn


@dataclass(frozen=True, kw_only=True)
class SpeechFinder:
    """Finds the turns of a recording, their speakers and their words.

    Parameters
    ----------
    options : AnalysisOptions
        What cuts the recording, and how many persons speak.
    engine : callable
        Makes what tells the speakers apart; it is not called where a transcript names them all.
    transcript : Transcript or None
        What is said, with times.
    transcriber : Transcriber or None
        Writes down what is said, where there is no transcript.

    Raises
    ------
    MienError
        The transcript has no times, or there is none where it is needed, or both a transcript and
        a transcriber.
    """

    options: AnalysisOptions
    engine: Callable[[], DiarizationEngine]
    transcript: Transcript | None = None
    transcriber: Transcriber | None = None

    def __post_init__(self) -> None:
        if self.transcript is not None and self.transcriber is not None:
            raise MienError(
                "there is a transcript already: give one, or transcribe", parameter="transcribe"
            )
        if any(cue.start is None for cue in self._cues.cues):
            raise MienError(
                "the transcript has no times, so that its words can't be placed in the recording:"
                " give subtitles (.srt or .vtt), or transcribe",
                parameter="transcript",
            )
        if self.options.segments == "cues" and self.transcript is None:
            raise MienError("cues are those of a transcript: give one", parameter="segments")

    @property
    def _cues(self) -> Transcript:
        return self.transcript or Transcript([], [])

    def __call__(
        self,
        waveform: np.ndarray | None,
        seconds: float,
        *,
        progress: bool = False,
    ) -> Speech:
        """Find the speech between the start of the options and `seconds` later.

        Parameters
        ----------
        waveform : array (S,) int16, or None
            Mono at 16 kHz; it may lie in a file (`numpy.memmap`). None: there is no audio.
        seconds : float
            Length of what is analysed.
        progress : bool
            Show how much of a transcription is done.
        """
        if self.transcript is not None:
            placed = cues_within(self.transcript, self.options.start or 0.0, seconds)
            return replace(self, transcript=placed)._find(waveform, seconds, progress)
        return self._find(waveform, seconds, progress)

    def _find(self, waveform: np.ndarray | None, seconds: float, progress: bool) -> Speech:
        voiced = [] if waveform is None else VoiceSegmenter()(waveform, seconds)
        heard = Transcription([])
        if self.transcriber is not None and waveform is not None:
            regions = [(turn.start, turn.end) for turn in voiced]
            heard = self.transcriber(waveform, regions, progress=progress)
        by_cues = self.options.segments in (None, "cues") and self.transcript is not None
        find = self._from_cues if by_cues else self._from_voice
        turns, notes = find(waveform, seconds, voiced, heard.words)
        named = {cue.speaker for cue in self._cues.cues}
        return Speech(
            turns=turns,
            origins={t.speaker: "transcript" for t in turns if t.speaker and t.speaker in named},
            language=heard.language,
            notes=[*self._cues.notes, *heard.notes, *notes],
        )

    def _from_cues(
        self,
        waveform: np.ndarray | None,
        seconds: float,
        voiced: Sequence[Turn],
        heard: Sequence[Word],
    ) -> tuple[list[SpokenTurn], list[str]]:
        """Take each cue as a turn."""
        turns: list[SpokenTurn] = []
        for cue in self._cues.cues:
            for turn in CueSegmenter(Transcript([cue], []))(waveform, seconds):
                turns.append(_spoken(turn, words_of([cue]), cue.text))
        turns.sort(key=lambda turn: (turn.start, turn.end))
        if waveform is not None and not all(turn.speaker for turn in turns):
            turns = with_speakers(turns, self.engine()(waveform, voiced).turns)
        return mark_overlaps(turns), []

    def _from_voice(
        self,
        waveform: np.ndarray | None,
        seconds: float,
        voiced: Sequence[Turn],
        heard: Sequence[Word],
    ) -> tuple[list[SpokenTurn], list[str]]:
        """Take what one voice says without a long pause as a turn, or fixed windows."""
        found = None if waveform is None else self.engine()(waveform, voiced)
        turns = [] if found is None else found.turns
        if self.options.segments == "windows":
            turns = WindowSegmenter(self.options.window, self.options.hop)(waveform, seconds)
            turns = turns if found is None else label_turns(turns, found)
        cues = [_spoken(Turn(c.start or 0.0, c.end or 0.0, c.speaker), []) for c in self._cues.cues]
        names = {} if found is None else named_voices(cues, found.turns)
        assigned = assign_words(
            [*heard, *words_of(self._cues.cues)], [(turn.start, turn.end) for turn in turns]
        )
        return [
            _spoken(turn, words, name=names.get(turn.speaker or ""))
            for turn, words in zip(turns, assigned.words, strict=True)
        ], assigned.notes


def _spoken(
    turn: Turn, words: Sequence[Word], text: str | None = None, name: str | None = None
) -> SpokenTurn:
    return SpokenTurn(
        start=turn.start,
        end=turn.end,
        speaker=name or turn.speaker,
        mark=turn.mark,
        text=text or text_of(words) or None,
        words=list(words),
    )
