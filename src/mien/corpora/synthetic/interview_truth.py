"""What is true of a synthetic interview, in the formats in which such truth is written."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from mien.corpora.synthetic.conversation import SpokenTurn
from mien.corpora.synthetic.split_screen import SplitScreen


def subtitles(turns: Iterable[SpokenTurn], names: Sequence[str] | None) -> str:
    """Format the turns as SubRip, a cue each; with the name of the speaker if `names` are given."""
    cues = []
    for number, turn in enumerate(turns, 1):
        speaker = f"{names[turn.speaker]}: " if names else ""
        times = f"{_clock(turn.start)} --> {_clock(turn.end)}"
        cues.append(f"{number}\n{times}\n{speaker}{turn.text}\n")
    return "\n".join(cues)


def rttm(turns: Iterable[SpokenTurn], names: Sequence[str], recording: str) -> str:
    """Format who speaks when as RTTM (NIST 2009): a line for each turn."""
    return "".join(
        f"SPEAKER {recording} 1 {turn.start:.3f} {turn.end - turn.start:.3f} <NA> <NA>"
        f" {names[turn.speaker]} <NA> <NA>\n"
        for turn in turns
    )


def as_json(
    turns: Iterable[SpokenTurn],
    names: Sequence[str],
    screen: SplitScreen,
    seconds: float,
    seed: int,
) -> str:
    """Format everything as JSON: the speakers with their place in the frame, and the turns."""
    speakers = [
        {"name": name, "box": box, "voice": person.voice.variant}
        for name, box, person in zip(names, screen.boxes, screen.persons, strict=True)
    ]
    content = {
        "synthetic": True,
        "seed": seed,
        "seconds": seconds,
        "fps": screen.fps,
        "size": screen.size,
        "speakers": speakers,
        "turns": [_turn(turn, names) for turn in turns],
    }
    return json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def _turn(turn: SpokenTurn, names: Sequence[str]) -> dict[str, Any]:
    return {
        "start": round(turn.start, 3),
        "end": round(turn.end, 3),
        "speaker": names[turn.speaker],
        "emotion": turn.emotion,
        "text": turn.text,
        "words": [
            {"text": word.text, "start": round(word.start, 3), "end": round(word.end, 3)}
            for word in turn.words
        ],
    }


def _clock(seconds: float) -> str:
    """Format a time as SubRip does: 01:02:03,456."""
    milliseconds = round(1000 * seconds)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02},{rest % 1000:03}"
