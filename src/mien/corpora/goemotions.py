"""GoEmotions (Demszky et al. 2020): 54,263 comments from Reddit with the emotions that readers saw.

A table for each split has a row ``text, labels, id`` for each comment, without a header; a label is
the place of its name in a list, from 0. Texts may hold quotation marks, which mean nothing.
"""

import codecs
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from mien.corpora.base import Corpus
from mien.corpora.table import RowError, check_text, to_int
from mien.errors import MienError
from mien.utterance import EMOTIONS, Skipped, SplitName, Utterance

TABLES: dict[str, SplitName] = {"train.tsv": "train", "dev.tsv": "valid", "test.tsv": "test"}
"""The tables of the splits."""

LABEL_LISTS = ("emotions.txt", "labels.txt")
"""The list of labels: in the release of the authors, and where they were mapped already."""

_NAMES = {
    "neutral": "neutral",
    "happy": "joy admiration amusement approval caring desire excitement gratitude love optimism"
    " pride relief",
    "sad": "sadness disappointment embarrassment grief remorse",
    "angry": "anger annoyance disapproval",
    "fearful": "fear nervousness",
    "disgusted": "disgust",
    "surprised": "surprise confusion curiosity realization",
}
MAPPING = {name: emotion for emotion, names in _NAMES.items() for name in names.split()}
"""The emotion for each label of the corpus, as its authors map them to Ekman's six and neutral."""

MAX_LIST_BYTES = 4096
MAX_TABLE_BYTES = 64 * 2**20
"""Bytes of a list and of a table; the largest table has 3.5 million."""

MAX_FAULTS = 1000
"""Rows of a table that may be faulty, before it is taken for something else."""

_MAX_ID = 100


def read(source: Path) -> Iterator[Utterance | Skipped]:
    """Read the corpus, with the 28 labels of its authors or with the seven that they map these to.

    Parameters
    ----------
    source : Path
        The folder with `TABLES`, and with one of `LABEL_LISTS`.

    Yields
    ------
    Utterance or Skipped
        Row by row. The attribute ``labels`` has the names in the list.

    Raises
    ------
    MienError
        There is no table, no list or a list of something else; while reading, a table can't be
        read, is too large, or is something else.
    """
    tables = [name for name in TABLES if (source / name).is_file()]
    if not tables:
        raise MienError(
            f"{source} is not a folder of GoEmotions: it holds none of {', '.join(TABLES)}. Give"
            " the folder data of the release, or that of its version with seven labels"
        )
    labels = _read_labels(source)
    ids: set[str] = set()
    missing = (
        Skipped(split, f"table missing: {name}", str(source / name), "table missing")
        for name, split in TABLES.items()
        if name not in tables
    )
    rows = (_read_table(source / name, TABLES[name], labels, ids) for name in tables)
    return chain(missing, chain.from_iterable(rows))


def _read_labels(source: Path) -> list[str]:
    """Read the list of labels. Raises `MienError`."""
    paths = [source / name for name in LABEL_LISTS if (source / name).is_file()]
    if not paths:
        raise MienError(
            f"{source} lacks the names of the labels: copy {' or '.join(LABEL_LISTS)} there, that"
            " of the same release as the tables"
        )
    lists = [_parse_labels(path) for path in paths]
    if lists[0] != lists[-1]:
        raise MienError(
            f"{source}: {' and '.join(LABEL_LISTS)} name different labels: remove the one that does"
            " not belong to the tables"
        )
    return lists[0]


def _parse_labels(path: Path) -> list[str]:
    try:
        names = _content(path, MAX_LIST_BYTES).decode().lower().split("\n")
    except UnicodeDecodeError as error:
        raise MienError(f"{path} is not UTF-8 text: copy it again") from error
    names = [name.strip() for name in names]
    while names and not names[-1]:
        names.pop()
    if not names:
        raise MienError(f"{path} names no label: copy it again")
    for line, name in enumerate(names, start=1):
        if name not in MAPPING:
            raise MienError(
                f"{path}:{line}: {name[:40]!r} is no label of GoEmotions. Take the release with 28"
                " labels, or its version with seven: neutral and Ekman's six emotions"
            )
        if name in names[: line - 1]:
            raise MienError(f"{path}:{line}: {name!r} is there before: copy the list again")
    return names


def _content(path: Path, most: int) -> bytes:
    """Read a file of bounded size, without a byte order mark. Raises `MienError`."""
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise MienError(f"{path} cannot be opened: {error.strerror}") from error
    if len(content) > most:
        raise MienError(f"{path} has more than {most:,} bytes, so it is not of GoEmotions")
    return content.removeprefix(codecs.BOM_UTF8)


def _read_table(
    path: Path, split: SplitName, labels: list[str], ids: set[str]
) -> Iterator[Utterance | Skipped]:
    """Read a table; `ids` are those of the rows before, to which its own are added."""
    faults = 0
    for line, content in enumerate(_content(path, MAX_TABLE_BYTES).split(b"\n"), start=1):
        if not content.strip():
            continue
        try:
            utterance = _utterance(content, split, labels)
            if utterance.id in ids:
                raise RowError(
                    f"an earlier row has the id {utterance.id}", "an earlier row has the same id"
                )
        except RowError as error:
            faults += 1
            if faults > MAX_FAULTS:
                raise MienError(
                    f"{path}:{line}: {error}. More than {MAX_FAULTS:,} rows of it can't be used:"
                    " copy it again"
                ) from error
            yield error.skipped(f"{path.stem} line {line}", f"{path}:{line}")
        else:
            ids.add(utterance.id)
            yield utterance


def _utterance(content: bytes, split: SplitName, labels: list[str]) -> Utterance:
    """Parse a row. Raises `RowError`."""
    try:
        cells = [cell.strip() for cell in content.decode().split("\t")]
    except UnicodeDecodeError as error:
        raise RowError("row that is not UTF-8") from error
    if len(cells) != 3:
        kind = "row with another number of cells than text, labels and id"
        raise RowError(f"{len(cells)} cells instead of text, labels and id", kind)
    text, places, name = cells
    check_text(text)
    if not text:
        raise RowError("row without text")
    if not name or len(name) > _MAX_ID or not name.isprintable():
        raise RowError("row without a usable id")
    named = _named(places, labels)
    found = {MAPPING[label] for label in named}
    return Utterance(
        id=name,
        corpus="goemotions",
        text=text,
        emotions=tuple(emotion for emotion in EMOTIONS if emotion in found),
        split=split,
        attributes={"labels": ", ".join(named)},
    )


def _named(places: str, labels: list[str]) -> list[str]:
    """Return the labels at places such as ``3,27``, each once. Raises `RowError`."""
    numbers = {to_int(place, "label", high=len(labels) - 1) for place in places.split(",")}
    return [labels[number] for number in sorted(numbers)]


CORPUS = Corpus(
    about="GoEmotions, text only: the folder with train.tsv, dev.tsv, test.tsv and emotions.txt",
    read=read,
    emotions=tuple(_NAMES),
)
