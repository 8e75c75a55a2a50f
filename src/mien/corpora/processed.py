"""The data that Dai et al. distribute with FE2E and MESM: IEMOCAP or CMU-MOSEI cut into utterances.

``IEMOCAP_RAW_PROCESSED`` and ``MOSEI_RAW_PROCESSED`` each hold a file ``meta.pkl`` and a folder for
each utterance: its sound, and pictures numbered from 0. Those of IEMOCAP are all the frames of the
film, for either half of it; those of MOSEI are taken at two a second. Beside them lie
``IEMOCAP_SPLIT`` and ``MOSEI_SPLIT``, the lists of who trains and who is tested.

A fork that identifies IEMOCAP's persons has the same folders, and a ``meta.pkl`` with a
``speaker_id`` in place of the label.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, TypeGuard

from mien.corpora import iemocap
from mien.corpora.base import Corpus
from mien.errors import MienError
from mien.safe_pickle import reader as pickles
from mien.utterance import Side, Skipped, Utterance

FOLDERS = ("IEMOCAP_RAW_PROCESSED", "MOSEI_RAW_PROCESSED")
"""What the authors call the folders with the utterances."""

MOSEI_EMOTIONS = ("angry", "disgusted", "fearful", "happy", "sad", "surprised")
"""The six emotions of a MOSEI label, in its order."""

MOSEI_RATE = 2.0
"""MOSEI's pictures a second; the published loader takes them for 30."""

OTHER_SPEAKER = "note: speaker_id names another person than the speaker"
"""Kind of the notes on the fork's `speaker_id`: it is whom the recording is named after."""

_LABEL_SHOWN = 20  # letters of a label that no importer knows, in messages

_IEMOCAP_ID = re.compile(r"Ses\d\d[FM]_\w+_[FM]\w+")
_MOSEI_ID = re.compile(r"([\w-]+)_(\d+)")


def read(source: Path, **options: Any) -> Iterator[Utterance | Skipped]:
    """Read one of the two corpora.

    Parameters
    ----------
    source : Path
        ``IEMOCAP_RAW_PROCESSED``, ``MOSEI_RAW_PROCESSED``, or the folder above if it holds one of
        them.
    **options
        For IEMOCAP those of `mien.corpora.iemocap.read`: ``emotions``, ``person_rule`` and
        ``named_side``.

    Yields
    ------
    Utterance or Skipped
        Dialogue by dialogue. What an utterance lacks of its media is a `Skipped` too.

    Raises
    ------
    MienError
        The folder holds neither corpus, or both; ``meta.pkl`` is damaged or more than plain data;
        or an option is not for this corpus.
    """
    folder = _corpus_folder(source)
    meta = pickles.load(folder / "meta.pkl")
    if not isinstance(meta, dict) or not meta:
        raise MienError(f"{folder / 'meta.pkl'} holds no utterances: it should be a dict by id")
    entries = {name: entry for name, entry in meta.items() if _is_text(name)}
    nameless = [
        Skipped("?", f"an id that is no text but a {type(name).__name__}", str(folder / "meta.pkl"))
        for name in meta.keys() - entries.keys()
    ]
    if _is_iemocap(folder, entries):
        return chain(nameless, _iemocap(folder, **options).read(entries))
    if options:
        flag = next(iter(options)).replace("_", "-")
        raise MienError(f"{folder} is CMU-MOSEI, and --{flag} is for IEMOCAP: leave it out")
    return chain(nameless, _read_mosei(folder, entries))


def _is_iemocap(folder: Path, entries: Mapping[str, Any]) -> bool:
    """Tell the two corpora apart by the folder's name, or else by the ids."""
    if folder.name in FOLDERS:
        return folder.name == FOLDERS[0]
    return any(map(_IEMOCAP_ID.fullmatch, entries))


def splits(source: Path) -> Path | None:
    """Find the lists of the published split beside the utterances, if they are there."""
    folder = _corpus_folder(source)
    lists = folder.with_name(folder.name.replace("_RAW_PROCESSED", "_SPLIT"))
    return lists if lists != folder and lists.is_dir() else None


def _corpus_folder(source: Path) -> Path:
    found = [path for path in (source, *map(source.joinpath, FOLDERS)) if _has_meta(path)]
    if not found:
        raise MienError(
            f"{source} is not the authors' processed data: there is no meta.pkl in it, nor in"
            f" {' or '.join(FOLDERS)} within it"
        )
    if len(found) > 1:
        raise MienError(
            f"{source} holds two corpora with emotions of their own: name one,"
            f" {' or '.join(map(str, found))}"
        )
    return found[0].resolve()


def _has_meta(folder: Path) -> bool:
    return (folder / "meta.pkl").is_file()


def _iemocap(
    folder: Path,
    emotions: iemocap.Emotions = "six",
    person_rule: iemocap.PersonRule = "speaker",
    named_side: Side = "left",
) -> "_Iemocap":
    words = iemocap.vocabulary(emotions, person_rule, named_side)
    return _Iemocap(folder, words, person_rule, named_side)


@dataclass(frozen=True)
class _Iemocap:
    folder: Path
    words: Mapping[str, str]
    person_rule: iemocap.PersonRule
    named_side: Side

    def read(self, meta: Mapping[str, Any]) -> Iterator[Utterance | Skipped]:
        """Read a corpus, dialogue by dialogue and by time within each."""

        def order(name: str) -> tuple[str, float, str]:
            return _dialogue(name), _number(meta[name], "start_time") or 0.0, name

        for name in sorted(meta, key=order):
            if fault := self.fault(name, meta[name]):
                yield Skipped(name, fault, str(self.folder / "meta.pkl"))
            elif not (place := self.place(name)).is_dir():
                yield Skipped(name, "folder missing: no sound and no pictures", str(place))
            else:
                yield from self.utterance(name, meta[name], place)

    def fault(self, name: str, entry: Any) -> str | None:
        """Say why an entry cannot be used, or None. One without a label can: by who speaks."""
        if not _IEMOCAP_ID.fullmatch(name):
            return "not an id such as Ses01F_impro01_F000"
        if not isinstance(entry, dict):
            return f"a {type(entry).__name__} in meta.pkl where its fields are expected"
        label = entry.get("label")
        if label is None:
            return None
        if not isinstance(label, str):
            return "its label in meta.pkl is no text"
        return iemocap.label_fault(label[:_LABEL_SHOWN], self.words)

    def place(self, name: str) -> Path:
        """Name an utterance's folder; the dialogue's is called by the first two parts of the id."""
        short = self.folder / "_".join(name.split("_")[:2]) / name
        return short if short.is_dir() else self.folder / _dialogue(name) / name

    def utterance(
        self, name: str, entry: Mapping[str, Any], place: Path
    ) -> Iterator[Utterance | Skipped]:
        """Make an utterance of the speaker's half of sound and pictures, after what it lacks."""
        side, channel = iemocap.place(name, self.named_side)
        voice, both = place / f"audio_{'LR'[channel]}.wav", place / "audio.wav"
        audio = next((path for path in (voice, both) if path.is_file()), None)
        if audio is None:
            yield Skipped(name, f"audio: file missing: {voice.name}", str(voice))
        speaker = iemocap.person(name)
        if "speaker_id" in entry and (why := _other_speaker(entry["speaker_id"], speaker)):
            yield Skipped(name, why, str(self.folder / "meta.pkl"), OTHER_SPEAKER)
        rate = _number(entry, "fps")
        if rate is None:
            yield Skipped(name, "video: no frame rate (fps) in meta.pkl", str(place))
        yield Utterance(
            id=name,
            corpus="iemocap",
            person=iemocap.person(name, self.person_rule),
            session=name[:5],
            dialogue=_dialogue(name),
            text=_text(entry),
            emotions=None if entry.get("label") is None else (self.words[entry["label"]],),
            video=None if rate is None else place / f"image_{side[0].upper()}_%d.jpg",
            video_rate=rate,
            audio=audio,
            audio_channel=channel if audio == both else None,
            attributes={field: _number(entry, field) for field in ("start_time", "end_time")},
        )


def _other_speaker(claimed: Any, speaker: str) -> str | None:
    """Say that somebody else than the speaker is claimed to speak, or None."""
    if claimed == speaker:
        return None
    shown = claimed[:_LABEL_SHOWN] if isinstance(claimed, str) else type(claimed).__name__
    return f"note: speaker_id in meta.pkl is {shown}; by the id's last part {speaker} speaks"


def _dialogue(name: str) -> str:
    return name.rpartition("_")[0]


def _read_mosei(folder: Path, meta: Mapping[str, Any]) -> Iterator[Utterance | Skipped]:
    def order(name: str) -> tuple[str, int]:
        match = _MOSEI_ID.fullmatch(name)
        return (match[1], int(match[2])) if match else (name, -1)

    for name in sorted(meta, key=order):
        emotions = _mosei_emotions(meta[name])
        if not _MOSEI_ID.fullmatch(name):
            yield Skipped(name, "not an id such as --qXJuDtHPw_5", str(folder / "meta.pkl"))
        elif emotions is None:
            yield Skipped(name, "no label of six numbers in meta.pkl", str(folder / "meta.pkl"))
        elif not (folder / name).is_dir():
            yield Skipped(name, "folder missing: no sound and no pictures", str(folder / name))
        else:
            audio = folder / name / "audio.wav"
            if not audio.is_file():
                yield Skipped(name, f"audio: file missing: {audio.name}", str(audio))
            yield Utterance(
                id=name,
                corpus="mosei",
                dialogue=_dialogue(name),
                text=_text(meta[name]),
                emotions=emotions,
                video=folder / name / "image_%d.jpg",
                video_rate=MOSEI_RATE,
                audio=audio if audio.is_file() else None,
            )


def _mosei_emotions(entry: Any) -> tuple[str, ...] | None:
    """Give the words of a label; several, or none of them, are labels too."""
    try:
        label = entry["label"]
        strengths = [float(label[place]) for place in range(len(MOSEI_EMOTIONS))]
        complete = len(label) == len(MOSEI_EMOTIONS) and all(map(math.isfinite, strengths))
    except (TypeError, ValueError, KeyError, IndexError, OverflowError):
        return None
    if not complete:
        return None
    pairs = zip(MOSEI_EMOTIONS, strengths, strict=True)
    return tuple(word for word, strength in pairs if strength > 0)


def _text(entry: Mapping[str, Any]) -> str | None:
    text = entry.get("text")
    return (text.strip() or None) if _is_text(text) else None


def _is_text(value: Any) -> TypeGuard[str]:
    """Tell text from other values, and from halves of characters that no file can hold."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _number(entry: Any, field: str) -> float | None:
    try:
        number = float(entry[field])
    except (TypeError, ValueError, KeyError, IndexError, OverflowError):
        return None
    return number if math.isfinite(number) else None


CORPUS = Corpus(
    about="the folder that the authors of FE2E and MESM distribute: IEMOCAP_RAW_PROCESSED or"
    " MOSEI_RAW_PROCESSED",
    read=read,
    options=iemocap.Options,
    splits=splits,
)
