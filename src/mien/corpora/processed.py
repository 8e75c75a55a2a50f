"""The data that Dai et al. distribute with FE2E and MESM: IEMOCAP or CMU-MOSEI cut into utterances.

``IEMOCAP_RAW_PROCESSED`` and ``MOSEI_RAW_PROCESSED`` each hold a file ``meta.pkl`` and a folder for
each utterance: its sound, and pictures numbered from 0. Those of IEMOCAP are all the frames of the
film, for either half of it; those of MOSEI are taken at two a second. Beside them lie
``IEMOCAP_SPLIT`` and ``MOSEI_SPLIT``, the lists of who trains and who is tested.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mien.corpora import iemocap, pickles
from mien.errors import MienError
from mien.utterance import Side, Skipped, Utterance

FOLDERS = ("IEMOCAP_RAW_PROCESSED", "MOSEI_RAW_PROCESSED")
"""What the authors call the folders with the utterances."""

MOSEI_EMOTIONS = ("angry", "disgusted", "fearful", "happy", "sad", "surprised")
"""The six emotions of a MOSEI label, in its order."""

MOSEI_RATE = 2.0
"""MOSEI's pictures a second; the published loader takes them for 30."""

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
    fields = [entry for entry in meta.values() if isinstance(entry, dict)]
    if any(isinstance(entry.get("label"), str) for entry in fields):
        return _iemocap(folder, **options).read(meta)
    if options:
        flag = next(iter(options)).replace("_", "-")
        raise MienError(f"{folder} is CMU-MOSEI, and --{flag} is for IEMOCAP: leave it out")
    return _read_mosei(folder, meta)


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

    def read(self, meta: Mapping[Any, Any]) -> Iterator[Utterance | Skipped]:
        """Read a corpus, dialogue by dialogue and by time within each."""

        def order(name: Any) -> tuple[str, float, str]:
            return _dialogue(str(name)), _number(meta[name], "start_time") or 0.0, str(name)

        for name in sorted(meta, key=order):
            if fault := self.fault(name, meta[name]):
                yield Skipped(str(name), fault, str(self.folder / "meta.pkl"))
            elif not (place := self.place(name)).is_dir():
                yield Skipped(name, "folder missing: no sound and no pictures", str(place))
            else:
                yield from self.utterance(name, meta[name], place)

    def fault(self, name: Any, entry: Any) -> str | None:
        """Say why an entry cannot be used, or None."""
        if not (isinstance(name, str) and _IEMOCAP_ID.fullmatch(name)):
            return "not an id such as Ses01F_impro01_F000"
        if not (isinstance(entry, dict) and isinstance(entry.get("label"), str)):
            return "no label in meta.pkl"
        return iemocap.label_fault(entry["label"], self.words)

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
            emotions=(self.words[entry["label"]],),
            video=None if rate is None else place / f"image_{side[0].upper()}_%d.jpg",
            video_rate=rate,
            audio=audio,
            audio_channel=channel if audio == both else None,
            attributes={field: _number(entry, field) for field in ("start_time", "end_time")},
        )


def _dialogue(name: str) -> str:
    return name.rpartition("_")[0]


def _read_mosei(folder: Path, meta: Mapping[Any, Any]) -> Iterator[Utterance | Skipped]:
    def order(name: Any) -> tuple[str, int]:
        match = _MOSEI_ID.fullmatch(str(name))
        return (match[1], int(match[2])) if match else (str(name), -1)

    for name in sorted(meta, key=order):
        emotions = _mosei_emotions(meta[name])
        if not (isinstance(name, str) and _MOSEI_ID.fullmatch(name)):
            yield Skipped(str(name), "not an id such as --qXJuDtHPw_5", str(folder / "meta.pkl"))
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
        label = [float(strength) for strength in entry["label"]]
    except (TypeError, ValueError, KeyError, IndexError):
        return None
    if len(label) != len(MOSEI_EMOTIONS):
        return None
    return tuple(word for word, strength in zip(MOSEI_EMOTIONS, label, strict=True) if strength > 0)


def _text(entry: Mapping[str, Any]) -> str | None:
    text = entry.get("text")
    return (text.strip() or None) if isinstance(text, str) else None


def _number(entry: Any, field: str) -> float | None:
    try:
        return float(entry[field])
    except (TypeError, ValueError, KeyError, IndexError):
        return None
