"""Where utterances come from: one module a corpus, one table of them all."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mien.corpora import cremad, iemocap, manifest, meld, processed, ravdess
from mien.utterance import Skipped, Utterance


@dataclass(frozen=True)
class Corpus:
    """A corpus that mien can import.

    Parameters
    ----------
    name : str
        What the user types.
    read : callable
        ``read(source, **options)`` yields an `Utterance` for each usable turn and a `Skipped` for
        whatever cannot be used. It raises `MienError` where ``source`` is not that corpus.
    emotions : tuple of str
        The words it yields unless an option says otherwise. Empty: whatever its rows say.
    about : str
        One line for the user.
    splits : callable
        ``splits(source)`` gives the folder in which a release keeps the lists of its published
        split, or None.
    """

    name: str
    read: Callable[..., Iterator[Utterance | Skipped]]
    emotions: tuple[str, ...]
    about: str
    splits: Callable[[Path], Path | None] = lambda source: None


CORPORA = {
    corpus.name: corpus
    for corpus in (
        Corpus(
            "iemocap",
            iemocap.read,
            iemocap.SIX,
            "IEMOCAP's raw release: the folder that holds Session1 to Session5",
        ),
        Corpus(
            "processed",
            processed.read,
            (),
            "the folder that the authors of FE2E and MESM distribute: IEMOCAP_RAW_PROCESSED or"
            " MOSEI_RAW_PROCESSED",
            processed.splits,
        ),
        Corpus(
            "ravdess",
            ravdess.read,
            ravdess.EMOTION_WORDS,
            "RAVDESS speech, sound or video: files such as 03-01-05-01-02-01-12.wav",
        ),
        Corpus(
            "meld",
            meld.read,
            tuple(meld.EMOTIONS.values()),
            "MELD's raw release: the folder MELD.Raw, its archives unpacked",
        ),
        Corpus(
            "cremad",
            cremad.read,
            tuple(cremad.EMOTIONS.values()),
            "CREMA-D: the repository with AudioWAV and VideoFlash",
        ),
        Corpus(
            "manifest",
            manifest.read,
            (),
            "your own clips, listed in a .csv or .jsonl file",
        ),
        Corpus(
            "synthetic",
            iemocap.read,
            iemocap.SIX,
            "the generated corpus, a synthetic folder in IEMOCAP's release layout",
        ),
    )
}
"""Every corpus by its name."""
