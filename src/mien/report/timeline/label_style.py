"""How labels look in a figure and on a page: a colour, a letter, a pattern and a dash each."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count, cycle

from mien.tasks.sentiment import SENTIMENTS

EMOTION_FILLS = {
    **{"sad": "#2c53a4", "excited": "#dc771e", "calm": "#48a57a", "frustrated": "#cb79a8"},
    **{"surprised": "#8ac6ee", "disgusted": "#495e15", "happy": "#eec731", "fearful": "#4b1e64"},
    **{"angry": "#d53c3a", "neutral": "#cad1d8"},
}
"""Colours of emotions; labels of other tasks take them in this order.

A random search chose them, as those below, among the hues that one expects. As seen with full
colour vision and with each kind of dichromacy (Machado et al. 2009) any two differ by more than 18
(CIE 1976), which tests/report/test_timeline_labels.py computes."""

SENTIMENT_FILLS = dict(
    zip(
        SENTIMENTS,
        ("#8f3c16", "#f57f00", "#efb27e", "#e9efe6", "#c0abc8", "#7c8bd9", "#4e155f"),
        strict=True,
    )
)
"""From orange to violet, dark at both ends."""

STEP_FILLS = ("#371f3b", "#3b57ac", "#a289a3", "#e99069", "#fbfe69")
"""Of the steps of a number, from low to high: from dark to light."""

DARK, WHITE = "#1f2933", "#ffffff"
PATTERNS = 4
"""Patterns: none, lines, dots, a grid. Labels after the tenth have the colours again with one."""

DASHES = ("", "7 3", "2 2", "9 3 2 3")
LINE_CONTRAST = 3.0
"""Contrast that a line has with the white behind it, as WCAG 2.2 asks of graphics."""


@dataclass(frozen=True)
class LabelStyle:
    """How a label looks.

    Parameters
    ----------
    name, letter : str
        The label, and one to three letters that stand for it.
    fill, line, ink : str
        Colour of its segments, of its course, and of text on its segments.
    pattern : int
        Which of the four patterns lies over the fill.
    dash : str
        Dashes of its course, as SVG writes them; "" is a solid line.
    """

    name: str
    letter: str
    fill: str
    line: str
    ink: str
    pattern: int
    dash: str


def label_styles(names: Iterable[str]) -> dict[str, LabelStyle]:
    """Choose how these labels look; a known emotion or sentiment always has its colour."""
    names = list(names)
    known = SENTIMENT_FILLS if all(name in SENTIMENT_FILLS for name in names) else EMOTION_FILLS
    free = [(fill, 0) for label, fill in EMOTION_FILLS.items() if label not in names]
    free += [(fill, p) for p in range(1, PATTERNS) for fill in EMOTION_FILLS.values()]
    looks = cycle(free)
    chosen = [(known[name], 0) if name in known else next(looks) for name in names]
    letters = letters_for(names)
    return {
        name: _style(name, letters[i], *chosen[i], DASHES[i % len(DASHES)])
        for i, name in enumerate(names)
    }


def step_styles(names: list[str]) -> dict[str, LabelStyle]:
    """Choose how the steps of a number look, from low to high."""
    fills = STEP_FILLS[-len(names) :]
    return {
        name: _style(name, str(step), fill, 0, "")
        for step, (name, fill) in enumerate(zip(names, fills, strict=True), 1)
    }


def _style(name: str, letter: str, fill: str, pattern: int, dash: str) -> LabelStyle:
    ink = max((DARK, WHITE), key=lambda colour: contrast(colour, fill))
    return LabelStyle(name, letter, fill, _line(fill), ink, pattern, dash)


def letters_for(names: Iterable[str]) -> list[str]:
    """Give each name the shortest beginning, of up to three letters, that no other one has.

    Examples
    --------
    >>> letters_for(["neutral", "sad", "surprised"])
    ['N', 'Sa', 'Su']
    """
    names = [" ".join(name.split()) for name in names]
    found: list[str] = []
    for name in names:
        others = [other.casefold() for other in names if other != name]
        for size in range(1, 4):
            letter = name[:size].casefold()
            if not any(other.startswith(letter) for other in others):
                break
        found.append(name[:size].strip().capitalize() or "?")
    free = (str(number) for number in count(1) if str(number) not in found)
    return [one if found.count(one) == 1 else next(free) for one in found]


def _line(fill: str) -> str:
    """Darken a colour until it stands out from white."""
    red, green, blue = _channels(fill)
    while contrast(_hex(red, green, blue), WHITE) < LINE_CONTRAST:
        red, green, blue = 0.97 * red, 0.97 * green, 0.97 * blue
    return _hex(red, green, blue)


def contrast(one: str, other: str) -> float:
    """Compute the contrast of two colours, from 1 to 21, as WCAG 2.2 defines it.

    Examples
    --------
    >>> contrast("#000000", "#ffffff")
    21.0
    """
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in _channels(colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _channels(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def _hex(red: float, green: float, blue: float) -> str:
    return "#" + "".join(f"{round(255 * channel):02x}" for channel in (red, green, blue))
