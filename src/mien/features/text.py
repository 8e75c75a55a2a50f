"""Words as vectors: of the packaged table, or of a GloVe file of the user's."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Protocol

import numpy as np

from mien.errors import MienError
from mien.files import atomic_write

WORD = re.compile(r"[^\W_]+(?=n't\b)|n't\b|'?[^\W_]+", re.IGNORECASE)

KEPT = 50_000
"""Words taken from the beginning of a word-vector file, where the frequent ones are."""


class Vectors(Protocol):
    """Something that knows a vector of `size` numbers for some words."""

    name: str
    size: int

    def vector(self, word: str) -> np.ndarray | None:
        """Give a word's vector, None for a word that is not known."""


def split_words(text: str) -> list[str]:
    """Cut a text into words, English contractions as GloVe has them.

    Examples
    --------
    >>> split_words("I don't know, it's [LAUGHTER] fine!")
    ['I', 'do', "n't", 'know', 'it', "'s", 'LAUGHTER', 'fine']
    """
    return WORD.findall(text.replace("’", "'"))


def text_features(text: str, vectors: Vectors) -> np.ndarray | None:
    """Give the vectors (L, size) of the words that are known, None where none is."""
    found = [v for word in split_words(text) if (v := vectors.vector(word)) is not None]
    return np.stack(found).astype(np.float32) if found else None


class Packaged:
    """WordLlama's vectors of 256 numbers: the mean over the pieces of a word (MIT licence).

    Raises
    ------
    MienError
        The package is not installed.
    """

    name = "wordllama-256"
    size = 256

    def __init__(self) -> None:
        try:
            import wordllama
        except (ImportError, OSError, RuntimeError) as error:
            raise MienError(
                "word vectors need an extra: pip install 'mien[features]'; or give a GloVe file",
                parameter="glove",
            ) from error
        folder = Path(wordllama.__file__).parent
        model = wordllama.WordLlama.load(cache_dir=folder, disable_download=True)
        self._table, self._tokenizer = model.embedding, model.tokenizer

    def vector(self, word: str) -> np.ndarray | None:
        """Give a word's vector; every word has one."""
        pieces = self._tokenizer.encode(word.lower(), add_special_tokens=False).ids
        return np.asarray(self._table[pieces].mean(axis=0), np.float32) if pieces else None


class Table:
    """A table of words and vectors, as `save_table` wrote it."""

    def __init__(self, path: Path) -> None:
        try:
            with np.load(path) as content:
                words, self._vectors = content["words"], content["vectors"]
        except Exception as error:  # a damaged archive makes zipfile raise anything
            raise MienError(f"{path}: missing or damaged ({error}); copy it again") from error
        self._rows = {str(word): row for row, word in enumerate(words)}
        self.size = self._vectors.shape[1]
        digest = hashlib.sha256(words.tobytes() + self._vectors.tobytes()).hexdigest()
        self.name = f"glove-{self.size}-{digest[:12]}"

    def vector(self, word: str) -> np.ndarray | None:
        """Give a word's vector, as it is written or else in small letters."""
        row = self._rows.get(word, self._rows.get(word.lower()))
        return None if row is None else self._vectors[row].astype(np.float32)


def save_table(source: Path, texts: Iterable[str], out: Path) -> None:
    """Keep of a GloVe file what is needed: the words of some texts, and the frequent ones.

    Parameters
    ----------
    source : Path
        Text, a word and its numbers a line, the frequent ones first; a first line of two
        numbers, as word2vec and fastText write it, is left out.
    texts : iterable of str
        All their words are kept.
    out : Path
        The table, in half precision.

    Raises
    ------
    MienError
        The file cannot be read as word vectors.
    """
    wanted = {form for text in texts for word in split_words(text) for form in (word, word.lower())}
    kept: dict[str, np.ndarray] = {}
    size = None
    for number, line in enumerate(_lines(source)):
        size = size or line.count(" ")
        word = line.partition(" ")[0]
        if word in kept or not (number < KEPT or word in wanted):
            continue
        # the largest GloVe file has a few entries with blanks in them, which no word matches
        whole_word, *numbers = line.rsplit(" ", size)
        if whole_word == word:
            kept[word] = _vector(numbers, size, f"{source}, line {number + 1}")
    if not kept:
        raise MienError(f"{source}: holds no word vectors")
    with atomic_write(out) as part, part.open("wb") as file:
        np.savez(file, words=np.array(list(kept)), vectors=np.stack(list(kept.values())))


def _lines(source: Path) -> Iterator[str]:
    """Yield the lines of words, without a heading of two numbers."""
    try:
        with source.open(encoding="utf-8", errors="replace") as file:
            lines = (line.rstrip() for line in file)
            yield from (line for line in islice(lines, 1) if len(line.split()) > 2)
            yield from lines
    except OSError as error:
        raise MienError(f"{source}: cannot be read ({error.strerror})") from error


def _vector(numbers: list[str], size: int, where: str) -> np.ndarray:
    try:
        vector = np.array(numbers, np.float16)
    except ValueError:
        vector = np.empty(0, np.float16)
    if len(vector) != size or not np.isfinite(vector).all():
        raise MienError(
            f"{where}: is no word with {size} numbers; give a GloVe text file", parameter="glove"
        )
    return vector
