"""The declaration of a corpus, and the table of all corpora."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from mien.registry import Registry
from mien.utterance import Skipped, Utterance


class CorpusOptions(BaseModel):
    """The options of a corpus: each field, with its description, becomes a flag.

    A corpus with options derives its own class. Fields are text, numbers, booleans, paths or
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
        whatever can't be used. It raises `MienError` where ``source`` is not that corpus.
    options : type of CorpusOptions
        The options of ``read``.
    emotions : tuple of str
        The emotions that it yields by default. Empty: those that its rows name.
    splits : callable
        ``splits(source)`` returns the folder in which a release keeps the lists of its published
        splits, or None.
    make : callable, optional
        ``make(source, **make_options)`` is called before ``read``, for a corpus that is generated
        or downloaded: it makes sure that the source exists. It raises `MienError` where it can't,
        or where options are given and the source exists already.
    make_options : type of CorpusOptions
        The options of ``make``.
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
    """Register a corpus for `mien prepare NAME`.

    Raises
    ------
    MienError
        Another corpus has the name.
    """
    CORPORA.register(name, corpus)
