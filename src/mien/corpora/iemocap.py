"""IEMOCAP's raw release (Busso et al. 2008): five sessions of two actors in conversation.

``Session1`` … ``Session5`` each hold a folder ``dialog`` with ``avi/DivX`` (split-screen video),
``wav`` (stereo), ``transcriptions`` and ``EmoEvaluation`` (labels). An utterance id such as
``Ses01F_impro01_M003`` names the recording (session 1, the woman wears the markers, first
improvisation) and, in its last field, the speaker: here the man.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from string import ascii_lowercase
from typing import Literal, get_args

from pydantic import Field

from mien.corpora.base import Corpus, CorpusOptions
from mien.corpora.iemocap_files import EvaluatedTurn, parse_evaluation, parse_transcript
from mien.errors import MienError
from mien.utterance import Side, Skipped, Utterance

CODES = {
    "ang": "angry",
    "exc": "excited",
    "fru": "frustrated",
    "hap": "happy",
    "neu": "neutral",
    "sad": "sad",
    "sur": "surprised",
    "fea": "fearful",
    "dis": "disgusted",
}
"""The emotions by IEMOCAP's codes."""

SIX = tuple(CODES.values())[:6]
"""The emotions that published work on IEMOCAP uses (Dai et al. 2021)."""

Emotions = Literal["six", "all"]
PersonRule = Literal["speaker", "published"]


class Options(CorpusOptions):
    """The options of `read`."""

    emotions: Emotions = Field(
        "six", description="the six emotions of published work, or all labels"
    )
    person_rule: PersonRule = Field(
        "speaker",
        description="how the speaker is found; published: a fork's rule, right half the time",
    )
    named_side: Side = Field("left", description="side of the actor named in the dialogue's id")


_DIALOGUE = re.compile(r"Ses\d\d[FM]_\w+")


def emotion_codes(emotions: Emotions, person_rule: PersonRule, named_side: Side) -> dict[str, str]:
    """Return the emotions that are used, by their codes; refuse options of unknown value."""
    for option, value, kind in (
        ("emotions", emotions, Emotions),
        ("person_rule", person_rule, PersonRule),
        ("named_side", named_side, Side),
    ):
        if value not in get_args(kind):
            raise MienError(f"{option} is {value!r} and must be {' or '.join(get_args(kind))}")
    return {code: word for code, word in CODES.items() if emotions == "all" or word in SIX}


def label_fault(code: str, words: Mapping[str, str]) -> str | None:
    """Return why a turn with this code is not used, or None; `words` come from `emotion_codes`."""
    if code in words:
        return None
    if code in CODES:
        return f"{CODES[code]} ({code}) is not one of the six emotions"
    if code == "xxx":
        return "annotators do not agree (xxx)"
    return f"label {code} is not a known emotion"


def stage_position(utterance_id: str, named_side: Side = "left") -> tuple[Side, int]:
    """Return the half of the video and the audio channel of the speaker.

    Dai et al.'s code has the actor named in the dialogue id (the one with markers) on the left of
    the video and in channel 0 of the audio. Nothing beyond that code proves the rule, so
    `named_side` can reverse it.

    Parameters
    ----------
    utterance_id : str
        For example ``Ses01F_impro01_M003``.
    named_side : {"left", "right"}
        Side of the named actor.

    Returns
    -------
    side : {"left", "right"}
        Half of the video.
    channel : int
        0 for the left half's actor, 1 for the right half's.

    Examples
    --------
    >>> stage_position("Ses01F_impro01_F000"), stage_position("Ses01F_impro01_M003")
    (('left', 0), ('right', 1))
    """
    named = utterance_id[5] == _speaker(utterance_id)
    side: Side = "left" if named == (named_side == "left") else "right"
    return side, 0 if side == "left" else 1


def person(utterance_id: str, rule: PersonRule = "speaker") -> str:
    """Return the actor of an utterance.

    Parameters
    ----------
    utterance_id : str
        For example ``Ses01F_impro01_M003``.
    rule : {"speaker", "published"}
        "speaker": the session and the letter of the last field. "published": the first field,
        which names the actor with markers whoever speaks, and so is right for about half of the
        utterances; it exists only to reproduce a published fork that labels persons so.

    Examples
    --------
    >>> person("Ses01F_impro01_M003"), person("Ses01F_impro01_M003", "published")
    ('Ses01M', 'Ses01F')
    """
    letter = _speaker(utterance_id) if rule == "speaker" else utterance_id[5]
    return utterance_id[:5] + letter


def read(
    source: Path,
    *,
    emotions: Emotions = "six",
    person_rule: PersonRule = "speaker",
    named_side: Side = "left",
) -> Iterator[Utterance | Skipped]:
    """Read a release, whole or with some of its sessions only.

    Utterances are ordered by dialogue and by time within each, so that a video is decoded in one
    pass. A release folder with a file ``SYNTHETIC.txt`` was generated: its utterances are marked so
    and belong to the corpus "synthetic".

    Parameters
    ----------
    source : Path
        The folder that holds ``Session1`` and so on.
    emotions : {"six", "all"}
        "six": those of `SIX`. "all": surprised, fearful and disgusted too. Turns with another
        label, or none by majority, are skipped.
    person_rule : {"speaker", "published"}
        See `person`.
    named_side : {"left", "right"}
        See `stage_position`.

    Yields
    ------
    Utterance or Skipped
        A missing file of a dialogue is a `Skipped` too; its utterances have None in that field.

    Raises
    ------
    MienError
        If `source` holds no evaluation file, or an option has a value unknown.
    """
    words = emotion_codes(emotions, person_rule, named_side)
    if not source.is_dir():
        raise MienError(f"{source} is not a folder; give the one that holds Session1 to Session5")
    pattern = "Session*/dialog/EmoEvaluation/*.txt"
    files = sorted(file for file in source.glob(pattern) if not file.name.startswith("."))
    if not files:
        raise MienError(
            f"{source} is not an IEMOCAP release: nothing in it matches {pattern}. "
            "Give the folder that holds Session1 to Session5, or some of them."
        )
    reader = _Reader(
        words=words,
        person_rule=person_rule,
        named_side=named_side,
        synthetic=(source / "SYNTHETIC.txt").is_file(),
    )
    return chain.from_iterable(map(reader.dialogue, files))


@dataclass(frozen=True)
class _Reader:
    words: dict[str, str]
    person_rule: PersonRule
    named_side: Side
    synthetic: bool

    def dialogue(self, evaluation: Path) -> Iterator[Utterance | Skipped]:
        name, folder = evaluation.stem, evaluation.parents[1]
        video = folder / "avi" / "DivX" / f"{name}.avi"
        audio = folder / "wav" / f"{name}.wav"
        transcript = folder / "transcriptions" / f"{name}.txt"
        for path in (video, audio, transcript):
            if not path.is_file():
                where, what = path.relative_to(folder), path.parent.relative_to(folder)
                yield Skipped(name, f"file missing: {where}", str(path), f"file missing in {what}")
        turns, unreadable = parse_evaluation(_text(evaluation))
        spoken, unnamed = parse_transcript(_text(transcript))
        for number in unreadable:
            yield Skipped(name, "evaluation line that cannot be read", f"{evaluation}:{number}")
        for number in unnamed:
            yield Skipped(name, "transcript line without an utterance id", f"{transcript}:{number}")
        for unlabelled in sorted(spoken.keys() - {turn.id for turn in turns}):
            yield Skipped(unlabelled, "in the transcript but not evaluated", str(transcript))
        seen: set[str] = set()
        for turn in sorted(turns, key=lambda turn: (turn.start, turn.end, turn.id)):
            if reason := self.fault(turn, name, seen):
                yield Skipped(turn.id, reason, str(evaluation))
            else:
                seen.add(turn.id)
                yield self.utterance(turn, name, spoken.get(turn.id), video, audio)

    def fault(self, turn: EvaluatedTurn, dialogue: str, seen: set[str]) -> str | None:
        """Return why a turn can't be used, or None."""
        if not (_DIALOGUE.fullmatch(dialogue) and re.fullmatch(rf"{dialogue}_[FM]\w+", turn.id)):
            return "not an id such as Ses01F_impro01_F000 in the file of its own dialogue"
        if turn.id in seen:
            return "evaluated twice; the earlier turn is kept"
        if not 0 <= turn.start < turn.end:
            return "does not end after it begins"
        return label_fault(turn.code, self.words)

    def utterance(
        self, turn: EvaluatedTurn, dialogue: str, text: str | None, video: Path, audio: Path
    ) -> Utterance:
        side, channel = stage_position(turn.id, self.named_side)
        has_video, has_audio = video.is_file(), audio.is_file()
        return Utterance(
            id=turn.id,
            corpus="synthetic" if self.synthetic else "iemocap",
            person=person(turn.id, self.person_rule),
            session=dialogue[:5],
            dialogue=dialogue,
            start=turn.start,
            end=turn.end,
            text=text or None,
            emotions=(self.words[turn.code],),
            video=video if has_video else None,
            video_side=side if has_video else None,
            audio=audio if has_audio else None,
            audio_channel=channel if has_audio else None,
            synthetic=self.synthetic,
            labels={
                "valence": turn.valence,
                "arousal": turn.activation,  # today's term
                "dominance": turn.dominance,
            },
            attributes={
                "annotators": len(turn.votes),
                "agreeing": turn.agreeing,
                **scenario(dialogue),
            },
        )


def scenario(dialogue: str) -> dict[str, str]:
    """Return the attributes ``scenario`` and ``style`` of a dialogue, from its name.

    The scenario is what is acted, in whichever session; the parts of a play are one scenario. So
    are those of an improvisation, such as ``Ses03M_impro05a`` and ``Ses03M_impro05b``.

    Examples
    --------
    >>> scenario("Ses03M_impro05a")
    {'scenario': 'impro05', 'style': 'improvised'}
    """
    name = dialogue.split("_")[1].rstrip(ascii_lowercase)
    style = "improvised" if name.startswith("impro") else "scripted"
    return {"scenario": name, "style": style}


def _speaker(utterance_id: str) -> str:
    return utterance_id.rsplit("_", 1)[1][0]


def _text(path: Path) -> str:
    """Read a file, or return "" if it is missing; an invalid byte must not cost the dialogue."""
    return path.read_text("utf-8-sig", errors="replace") if path.is_file() else ""


CORPUS = Corpus(
    about="IEMOCAP's raw release: the folder that holds Session1 to Session5",
    read=read,
    options=Options,
    emotions=SIX,
)
