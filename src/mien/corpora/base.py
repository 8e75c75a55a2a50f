"""What a corpus says of itself, and the table of all corpora."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from mien.registry import Registry
from mien.utterance import Skipped, Utterance


class CorpusOptions(BaseModel):
    """The options of a corpus: a field each, with a description. They become flags by themselves.

    A corpus that has some derives its own class. Fields are text, numbers, switches, paths or
    literals; all have a default.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """A corpus that mien can read.

    Parameters
    ----------
    about : str
        One line for the user: what it is, and what to give as its source.
    read : callable
        ``read(source, **options)`` yields an `Utterance` for each usable turn and a `Skipped` for
        whatever cannot be used. It raises `MienError` where ``source`` is not that corpus.
    options : type of CorpusOptions
        What ``read`` takes beside the source.
    emotions : tuple of str
        The words it yields unless an option says otherwise. Empty: whatever its rows say.
    splits : callable
        ``splits(source)`` gives the folder in which a release keeps the lists of its published
        split, or None.
    make : callable, optional
        ``make(source, **make_options)`` is called before ``read``, for a corpus that is generated
        or fetched: it sees to it that the source is there. It raises `MienError` where it can't, or
        where options are given that the source, made before, can't have.
    make_options : type of CorpusOptions
        What ``make`` takes beside the source.
    """

    about: str
    read: Callable[..., Iterator[Utterance | Skipped]]
    options: type[CorpusOptions] = CorpusOptions
    emotions: tuple[str, ...] = ()
    splits: Callable[[Path], Path | None] = lambda source: None
    make: Callable[..., None] | None = None
    make_options: type[CorpusOptions] = CorpusOptions


CORPORA: Registry[Corpus] = Registry("corpus")
"""Every corpus by its name."""


def register_corpus(name: str, corpus: Corpus) -> None:
    """Let `mien prepare NAME` read a corpus.

    Raises
    ------
    MienError
        Another corpus has the name.
    """
    CORPORA.register(name, corpus)
