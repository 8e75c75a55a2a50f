"""Plan the synthetic corpus, before anything is rendered.

Every turn has an emotion, and expresses one in each modality. That is the emotion of the turn with
the probability in `CONGRUENCE`, and else any of the other five, drawn independently: no modality
suffices, and together they are more informative than each.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TypeVar

import numpy as np

from mien.corpora.synthetic.face import Expression
from mien.corpora.synthetic.sentences import EMOTIONS, draw_sentence
from mien.corpora.synthetic.speech import Manner

SESSIONS = 5
NO_CONSENSUS = "xxx"
"""IEMOCAP's code for a turn that its annotators disagree about."""

CONGRUENCE = {"text": 0.58, "audio": 0.78, "video": 0.75}
"""Probability that a modality expresses the emotion of the turn: lower where it is easy to read."""

MANNERS = {
    "ang": Manner(pitch=8, range=25, speed=0.1, gain=7, tension=1.0),
    "exc": Manner(pitch=28, range=40, speed=0.22, gain=4, tension=0.4),
    "fru": Manner(pitch=-10, range=10, speed=-0.1, gain=1, tension=0.7),
    "hap": Manner(pitch=16, range=20, gain=1, tension=-0.5),
    "neu": Manner(range=-15, gain=-2),
    "sad": Manner(pitch=-16, range=-35, speed=-0.22, gain=-7, tension=-0.9),
}
EXPRESSIONS = {
    "ang": Expression(smile=-0.45, mouth=0.15, brow_tilt=-1, brow_lift=-0.8, eyes=0.25),
    "exc": Expression(smile=0.9, mouth=0.75, brow_lift=1.0, eyes=1.0),
    "fru": Expression(smile=-0.35, skew=0.9, brow_tilt=-0.35, eyes=-0.45),
    "hap": Expression(smile=0.95, mouth=0.1, brow_lift=0.2, eyes=-0.1),
    "neu": Expression(),
    "sad": Expression(smile=-0.95, brow_tilt=1.0, brow_lift=0.15, eyes=-0.45),
}
_SPREAD_OF_MANNER = Manner(pitch=4, range=8, speed=0.05, gain=1.5, tension=0.15)
_SPREAD_OF_EXPRESSION = Expression(
    smile=0.15, mouth=0.05, skew=0.12, brow_tilt=0.15, brow_lift=0.15, eyes=0.12
)
_AFFECT = {  # valence, activation, dominance about which annotators rate, 1 to 5
    "ang": (1.8, 4.0, 4.0),
    "exc": (4.2, 4.1, 3.4),
    "fru": (2.2, 3.0, 3.0),
    "hap": (4.1, 3.1, 3.0),
    "neu": (3.0, 2.4, 2.8),
    "sad": (1.9, 1.8, 2.0),
    NO_CONSENSUS: (2.8, 3.0, 3.0),
}

_Style = TypeVar("_Style", Manner, Expression)


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One line of one person, as it will be rendered and annotated.

    Parameters
    ----------
    id : str
        "Ses01F_impro01_M003": the dialogue, the speaker's letter, the number.
    emotion : str
        A code from `EMOTIONS`, or `NO_CONSENSUS`.
    expressed : dict of str to str
        The emotion that "text", "audio" and "video" express.
    text : str
        The sentence.
    manner, expression : Manner, Expression
        Of voice and face, noise included.
    pause : float
        Seconds from the end of the turn before; negative: they overlap.
    votes : tuple of str
        Emotion codes of the three annotators.
    ratings : tuple of (int, int, int)
        Valence, activation and dominance by each of two annotators.
    """

    id: str
    emotion: str
    expressed: dict[str, str]
    text: str
    manner: Manner
    expression: Expression
    pause: float
    votes: tuple[str, ...]
    ratings: tuple[tuple[int, int, int], ...]

    @property
    def person(self) -> str:
        """The speaker, such as "Ses01M"."""
        return self.id[:5] + self.id.rsplit("_", 1)[1][0]


@dataclass(frozen=True)
class Dialogue:
    """A recording of two persons, the one named in its id on the left and in channel 0."""

    id: str
    turns: tuple[Turn, ...]
    seed: int

    @property
    def session(self) -> str:
        """The folder of the session, such as "Session1"."""
        return f"Session{int(self.id[3:5])}"

    @property
    def persons(self) -> tuple[str, str]:
        """The named person and the other one."""
        other = {"F": "M", "M": "F"}[self.id[5]]
        return self.id[:6], self.id[:5] + other


def plan(*, dialogues: int, turns: int, seed: int) -> Iterator[Dialogue]:
    """Plan every dialogue.

    Parameters
    ----------
    dialogues : int
        Dialogues in each of the five sessions; women and men are named in turn.
    turns : int
        Turns with a consensus in each dialogue; one without follows. The six emotions are equally
        frequent as far as `turns` allows.
    seed : int
        The same seed gives the same plan.
    """
    rng = np.random.default_rng(seed)
    for session in range(1, SESSIONS + 1):
        for number in range(dialogues):
            name = f"Ses{session:02d}{'FM'[number % 2]}_impro{number // 2 + 1:02d}"
            yield Dialogue(name, tuple(_turns(name, turns, rng)), int(rng.integers(2**32)))


def _turns(dialogue: str, turns: int, rng: np.random.Generator) -> Iterator[Turn]:
    """Both persons go through all emotions in the same order, from different starting points."""
    order, shift, first = rng.permutation(EMOTIONS), rng.integers(1, 6), rng.integers(2)
    for number in range(turns + 1):
        pair, second = divmod(number, 2)
        emotion = str(order[(pair + second * shift) % 6]) if number < turns else NO_CONSENSUS
        yield _turn(f"{dialogue}_{'FM'[(first + second) % 2]}{pair:03d}", emotion, rng)


def _turn(name: str, emotion: str, rng: np.random.Generator) -> Turn:
    expressed = {m: _expressed(emotion, chance, rng) for m, chance in CONGRUENCE.items()}
    ratings = np.rint(rng.normal(_AFFECT[emotion], 0.5, (2, 3))).clip(1, 5).astype(int).tolist()
    return Turn(
        id=name,
        emotion=emotion,
        expressed=expressed,
        text=draw_sentence(expressed["text"], rng),
        manner=vary_manner(expressed["audio"], rng),
        expression=vary_expression(expressed["video"], rng),
        pause=float(rng.uniform(-0.15, 0.55)),
        votes=_votes(emotion, rng),
        ratings=tuple((v, a, d) for v, a, d in ratings),
    )


def _expressed(emotion: str, chance: float, rng: np.random.Generator) -> str:
    if emotion in EMOTIONS and rng.random() < chance:
        return emotion
    return str(rng.choice([other for other in EMOTIONS if other != emotion]))


def vary_manner(emotion: str, rng: np.random.Generator) -> Manner:
    """Draw a manner of speaking that expresses an emotion (a code from `EMOTIONS`)."""
    return _vary(MANNERS[emotion], _SPREAD_OF_MANNER, rng)


def vary_expression(emotion: str, rng: np.random.Generator) -> Expression:
    """Draw an expression of the face for an emotion (a code from `EMOTIONS`)."""
    return _vary(EXPRESSIONS[emotion], _SPREAD_OF_EXPRESSION, rng)


def _vary(typical: _Style, spread: _Style, rng: np.random.Generator) -> _Style:
    """Scale the typical values, and add noise."""
    strength = rng.uniform(0.75, 1.15)
    return type(typical)(
        **{
            name: float(rng.normal(strength * middle, getattr(spread, name)))
            for name, middle in asdict(typical).items()
        }
    )


def _votes(emotion: str, rng: np.random.Generator) -> tuple[str, ...]:
    """Draw the votes of three annotators: two or three agree, or none without a consensus."""
    if emotion == NO_CONSENSUS:
        return tuple(str(vote) for vote in rng.choice(EMOTIONS, 3, replace=False))
    votes = [emotion, emotion, str(rng.choice(EMOTIONS)) if rng.random() < 0.4 else emotion]
    return tuple(str(vote) for vote in rng.permutation(votes))
