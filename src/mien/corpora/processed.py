"""The data that Dai et al. distribute with FE2E and MESM: IEMOCAP or CMU-MOSEI cut into utterances.

``IEMOCAP_RAW_PROCESSED`` and ``MOSEI_RAW_PROCESSED`` each hold a file ``meta.pkl`` and a folder for
each utterance with its audio, and its frames numbered from 0. Those of IEMOCAP are all frames of
the video, for both halves of it; those of MOSEI are sampled at two per second. Beside them are
``IEMOCAP_SPLIT`` and ``MOSEI_SPLIT``, the lists of the published splits.

A fork that identifies IEMOCAP's persons has the same folders, and a ``meta.pkl`` with a
``speaker_id`` instead of the label.
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
"""The authors' names of the folders with the utterances."""

MOSEI_EMOTIONS = ("angry", "disgusted", "fearful", "happy", "sad", "surprised")
"""The six emotions of a MOSEI label, in its order."""

MOSEI_RATE = 2.0
"""Frame rate of MOSEI; the published loader takes it for 30."""

OTHER_SPEAKER = "note: speaker_id names another person than the speaker"
"""Kind of the notes on the fork's `speaker_id`: the person after whom the recording is named."""

_MAX_SHOWN = 20  # letters of an unknown label in messages

_IEMOCAP_ID = re.compile(r"Ses\d\d[FM]_\w+_[FM]\w+")
_MOSEI_ID = re.compile(r"([\w-]+)_(\d+)")


def read(source: Path, **options: Any) -> Iterator[Utterance | Skipped]:
    """Read one of the two corpora.

    Parameters
    ----------
    source : Path
        ``IEMOCAP_RAW_PROCESSED``, ``MOSEI_RAW_PROCESSED``, or the parent folder if it holds one of
        them.
    **options
        For IEMOCAP those of `mien.corpora.iemocap.read`: ``emotions``, ``person_rule`` and
        ``named_side``.

    Yields
    ------
    Utterance or Skipped
        Dialogue by dialogue. A missing media file of an utterance is a `Skipped` too.

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
        Skipped("?", f"an id that is a {type(name).__name__}, not text", str(folder / "meta.pkl"))
        for name in meta.keys() - entries.keys()
    ]
    if _is_iemocap(folder, entries):
        return chain(nameless, _iemocap(folder, **options).read(entries))
    if options:
        raise MienError(
            f"{folder} is CMU-MOSEI, and this is for IEMOCAP: leave it out",
            parameter=next(iter(options)),
        )
    return chain(nameless, _read_mosei(folder, entries))


def _is_iemocap(folder: Path, entries: Mapping[str, Any]) -> bool:
    """Tell whether the corpus is IEMOCAP, by the folder's name or else by the ids."""
    if folder.name in FOLDERS:
        return folder.name == FOLDERS[0]
    return any(map(_IEMOCAP_ID.fullmatch, entries))


def splits(source: Path) -> Path | None:
    """Return the folder with the lists of the published splits, if it is beside the utterances."""
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
            f"{source} holds two corpora with different emotions: name one of"
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
    words = iemocap.emotion_codes(emotions, person_rule, named_side)
    return _Iemocap(folder, words, person_rule, named_side)


@dataclass(frozen=True)
class _Iemocap:
    folder: Path
    words: Mapping[str, str]
    person_rule: iemocap.PersonRule
    named_side: Side

    def read(self, meta: Mapping[str, Any]) -> Iterator[Utterance | Skipped]:
        """Read the corpus, by dialogue and by time within each."""

        def order(name: str) -> tuple[str, float, str]:
            return _dialogue(name), _number(meta[name], "start_time") or 0.0, name

        for name in sorted(meta, key=order):
            if fault := self.fault(name, meta[name]):
                yield Skipped(name, fault, str(self.folder / "meta.pkl"))
            elif not (folder := self.utterance_folder(name)).is_dir():
                yield Skipped(name, "folder missing: no audio and no video", str(folder))
            else:
                yield from self.utterance(name, meta[name], folder)

    def fault(self, name: str, entry: Any) -> str | None:
        """Return why an entry can't be used, or None. One without a label has a speaker."""
        if not _IEMOCAP_ID.fullmatch(name):
            return "not an id such as Ses01F_impro01_F000"
        if not isinstance(entry, dict):
            return f"a {type(entry).__name__} in meta.pkl where its fields are expected"
        label = entry.get("label")
        if label is None:
            return None
        if not isinstance(label, str):
            return "its label in meta.pkl is not text"
        return iemocap.label_fault(label[:_MAX_SHOWN], self.words)

    def utterance_folder(self, name: str) -> Path:
        """Return an utterance's folder; that of the dialogue has the first two fields of the id."""
        short = self.folder / "_".join(name.split("_")[:2]) / name
        return short if short.is_dir() else self.folder / _dialogue(name) / name

    def utterance(
        self, name: str, entry: Mapping[str, Any], folder: Path
    ) -> Iterator[Utterance | Skipped]:
        """Yield what is missing, then the utterance with the speaker's half of audio and video."""
        side, channel = iemocap.stage_position(name, self.named_side)
        voice, both = folder / f"audio_{'LR'[channel]}.wav", folder / "audio.wav"
        audio = next((path for path in (voice, both) if path.is_file()), None)
        if audio is None:
            yield Skipped(name, f"audio: file missing: {voice.name}", str(voice))
        speaker = iemocap.person(name)
        if "speaker_id" in entry and (why := _other_speaker(entry["speaker_id"], speaker)):
            yield Skipped(name, why, str(self.folder / "meta.pkl"), OTHER_SPEAKER)
        rate = _number(entry, "fps")
        if rate is None:
            yield Skipped(name, "video: no frame rate (fps) in meta.pkl", str(folder))
        yield Utterance(
            id=name,
            corpus="iemocap",
            person=iemocap.person(name, self.person_rule),
            session=name[:5],
            dialogue=_dialogue(name),
            text=_text(entry),
            emotions=None if entry.get("label") is None else (self.words[entry["label"]],),
            video=None if rate is None else folder / f"image_{side[0].upper()}_%d.jpg",
            video_rate=rate,
            audio=audio,
            audio_channel=channel if audio == both else None,
            attributes={
                "start_time": _number(entry, "start_time"),
                "end_time": _number(entry, "end_time"),
                **iemocap.scenario(_dialogue(name)),
            },
        )


def _other_speaker(claimed: Any, speaker: str) -> str | None:
    """Return a note if the claimed speaker is another person than the speaker, else None."""
    if claimed == speaker:
        return None
    shown = claimed[:_MAX_SHOWN] if isinstance(claimed, str) else type(claimed).__name__
    return f"note: speaker_id in meta.pkl is {shown}; by the last field of the id {speaker} speaks"


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
            yield Skipped(name, "folder missing: no audio and no video", str(folder / name))
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
    """Return the emotions of a label: any number of them, also none."""
    try:
        label = entry["label"]
        strengths = [float(label[index]) for index in range(len(MOSEI_EMOTIONS))]
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
    """Tell text from other values, and from surrogates, which can't be stored."""
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
