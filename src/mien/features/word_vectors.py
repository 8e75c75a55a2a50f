"""Word vectors: the packaged ones, or those of a GloVe file."""

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

FREQUENT_WORDS = 50_000
"""Words that are kept from the beginning of a GloVe file, where the frequent ones are."""


class WordVectors(Protocol):
    """Vectors of `size` numbers for some words."""

    name: str
    size: int

    def vector(self, word: str) -> np.ndarray | None:
        """Return the vector of a word, None for an unknown word."""


def split_words(text: str) -> list[str]:
    """Split a text into words, and English contractions as in GloVe.

    Examples
    --------
    >>> split_words("I don't know, it's [LAUGHTER] fine!")
    ['I', 'do', "n't", 'know', 'it', "'s", 'LAUGHTER', 'fine']
    """
    return WORD.findall(text.replace("’", "'"))


def text_features(text: str, vectors: WordVectors) -> np.ndarray | None:
    """Return the vectors (L, size) of the known words, None if there is none."""
    found = [v for word in split_words(text) if (v := vectors.vector(word)) is not None]
    return np.stack(found).astype(np.float32) if found else None


class PackagedVectors:
    """WordLlama's vectors of 256 numbers: the mean over the tokens of a word (MIT licence).

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
        """Return the vector of a word; every word has one."""
        tokens = self._tokenizer.encode(word.lower(), add_special_tokens=False).ids
        return np.asarray(self._table[tokens].mean(axis=0), np.float32) if tokens else None


class VectorTable:
    """A table of words and vectors that `save_vectors` wrote."""

    def __init__(self, path: Path) -> None:
        try:
            with np.load(path) as content:
                words, self._vectors = content["words"], content["vectors"]
        except Exception as error:  # zipfile raises almost anything on a damaged archive
            raise MienError(f"{path}: missing or damaged ({error}); copy it again") from error
        self._rows = {str(word): row for row, word in enumerate(words)}
        self.size = self._vectors.shape[1]
        digest = hashlib.sha256(words.tobytes() + self._vectors.tobytes()).hexdigest()
        self.name = f"glove-{self.size}-{digest[:12]}"

    def vector(self, word: str) -> np.ndarray | None:
        """Return the vector of a word as it is written, or else in lower case."""
        row = self._rows.get(word, self._rows.get(word.lower()))
        return None if row is None else self._vectors[row].astype(np.float32)


def save_vectors(source: Path, texts: Iterable[str], out: Path) -> None:
    """Save the vectors of a GloVe file for the words of some texts, and for the frequent words.

    Parameters
    ----------
    source : Path
        Text file with a word and its numbers on each line, the frequent words first; a first line
        of two numbers, as word2vec and fastText write it, is skipped.
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
        if word in kept or not (number < FREQUENT_WORDS or word in wanted):
            continue
        # the largest GloVe file has a few entries with spaces in them, which no word matches
        entry, *numbers = line.rsplit(" ", size)
        if entry == word:
            kept[word] = _vector(numbers, size, f"{source}, line {number + 1}")
    if not kept:
        raise MienError(f"{source}: holds no word vectors")
    with atomic_write(out) as part, part.open("wb") as file:
        np.savez(file, words=np.array(list(kept)), vectors=np.stack(list(kept.values())))


def _lines(source: Path) -> Iterator[str]:
    """Yield the lines of words, without a header of two numbers."""
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
            f"{where}: is not a word with {size} numbers; give a GloVe text file", parameter="glove"
        )
    return vector
