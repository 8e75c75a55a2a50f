"""A synthetic conversation: who says what, when and with which emotion, turn by turn."""

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from mien.corpora.iemocap import CODES
from mien.corpora.synthetic.face import Expression
from mien.corpora.synthetic.persons import PERSONS, Person
from mien.corpora.synthetic.plan import vary_expression, vary_manner
from mien.corpora.synthetic.sentences import EMOTIONS, draw_sentence
from mien.corpora.synthetic.speech import Synthesizer
from mien.corpora.synthetic.word_times import SpokenWord
from mien.utterance import SAMPLE_RATE

CAST = ("Ses03F", "Ses03M", "Ses04F", "Ses04M")
"""The persons of the corpus who take part, in this order.

By the speaker encoder of `mien.identity.resemblyzer` their voices are the farthest apart: in ten
minutes of the first two, turns of one have a mean cosine of .86, and of both .50 (72 turns)."""

TURN = (2.0, 15.0)
"""Seconds of a turn, at least and at most."""

_PAUSE = (0.2, 1.0)  # seconds between two turns
_BREATH = (0.1, 0.2)  # seconds between two sentences of a turn
_QUIET = 0.6  # seconds before the first turn and after the last one
_RECENT = 200  # sentences that are not said again

Say = Callable[[str], tuple[np.ndarray, list[SpokenWord]]]


@dataclass(frozen=True, kw_only=True)
class SpokenTurn:
    """What is true of a turn of a conversation.

    Parameters
    ----------
    speaker : int
        Place of the speaker among the persons.
    start, end : float
        Seconds from the beginning.
    emotion : str
        Name from `mien.utterance.EMOTIONS`; words, voice and face express it.
    words : list of SpokenWord
        With times in seconds from the beginning of the conversation.
    """

    speaker: int
    start: float
    end: float
    emotion: str
    words: list[SpokenWord]

    @property
    def text(self) -> str:
        """What is said."""
        return " ".join(word.text for word in self.words)


@dataclass(frozen=True)
class Performance:
    """A turn with its voice, `waveform` (S,) float32 at 16 kHz, and the expression of the face."""

    turn: SpokenTurn
    waveform: np.ndarray
    expression: Expression


class Conversation:
    """Generates the turns of a conversation one after the other, without overlap.

    Iterating gives a `Performance` at a time; the voices are synthesised meanwhile.

    Parameters
    ----------
    persons : sequence of Person
        Who talks; nobody has two turns in a row.
    seconds : float
        Length of the conversation.
    seed : int
        Of everything random.
    """

    def __init__(self, persons: Sequence[Person], seconds: float, seed: int) -> None:
        self.persons, self.seconds = persons, seconds
        self._rng = np.random.default_rng(seed)
        self._emotions: list[list[str]] = [[] for _ in persons]
        self._recent: deque[str] = deque(maxlen=_RECENT)

    def __iter__(self) -> Iterator[Performance]:
        """Yield the turns in order of time."""
        speaker, start = int(self._rng.integers(len(self.persons))), _QUIET
        with Synthesizer() as synthesizer:
            while performance := self._perform(synthesizer, speaker, start):
                yield performance
                start = performance.turn.end + self._rng.uniform(*_PAUSE)
                others = [one for one in range(len(self.persons)) if one != speaker]
                speaker = int(self._rng.choice(others))

    def _perform(
        self, synthesizer: Synthesizer, speaker: int, earliest: float
    ) -> Performance | None:
        """Perform a turn; None where there is no more time for one."""
        first = math.ceil(earliest * SAMPLE_RATE)
        start = first / SAMPLE_RATE
        longest = min(TURN[1], self.seconds - _QUIET - start)
        if longest < TURN[0]:
            return None
        emotion = self._emotion(speaker)
        least = TURN[0] + (longest - TURN[0]) * self._rng.beta(1, 2)  # short ones are frequent
        manner = vary_manner(emotion, self._rng)
        say = partial(synthesizer.speak, voice=self.persons[speaker].voice, manner=manner)
        waveform, words = self._sentences(say, emotion, (least, longest))
        if len(waveform) < TURN[0] * SAMPLE_RATE:
            return None
        turn = SpokenTurn(
            speaker=speaker,
            start=start,
            end=(first + len(waveform)) / SAMPLE_RATE,
            emotion=CODES[emotion],
            words=[_later(word, start) for word in words],
        )
        return Performance(turn, waveform, vary_expression(emotion, self._rng))

    def _sentences(
        self, say: Say, emotion: str, lengths: tuple[float, float]
    ) -> tuple[np.ndarray, list[SpokenWord]]:
        """Say sentences until a turn is long enough, and none that would make it too long."""
        least, longest = (round(seconds * SAMPLE_RATE) for seconds in lengths)
        waveform, words = np.zeros(0, np.float32), list[SpokenWord]()
        while len(waveform) < least:
            sentence = self._sentence(emotion)
            # as in the corpus, punctuation must not change the intonation
            line, heard = say(sentence.translate(str.maketrans("!?", "..")))
            breath = round(self._rng.uniform(*_BREATH) * SAMPLE_RATE) if words else 0
            if len(waveform) + breath + len(line) > longest:
                break
            waveform = np.concatenate([waveform, np.zeros(breath, np.float32), line])
            begin = (len(waveform) - len(line)) / SAMPLE_RATE
            written = zip(heard, sentence.split(), strict=True)
            words += [_later(replace(word, text=text), begin) for word, text in written]
        return waveform, words

    def _emotion(self, speaker: int) -> str:
        """Draw a speaker's next emotion; all come equally often."""
        waiting = self._emotions[speaker]
        if not waiting:
            waiting.extend(map(str, self._rng.permutation(EMOTIONS)))
        return waiting.pop()

    def _sentence(self, emotion: str) -> str:
        """Draw a sentence that was not said lately."""
        sentence = draw_sentence(emotion, self._rng)
        while sentence in self._recent:
            sentence = draw_sentence(emotion, self._rng)
        self._recent.append(sentence)
        return sentence


def cast(count: int) -> list[Person]:
    """Give so many persons, women and men in turn."""
    return [PERSONS[name] for name in CAST[:count]]


def _later(word: SpokenWord, seconds: float) -> SpokenWord:
    return replace(word, start=word.start + seconds, end=word.end + seconds)
