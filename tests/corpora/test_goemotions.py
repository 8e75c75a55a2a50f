"""Texts and ids here are synthetic, but for the tests that read the real tables."""

from collections import Counter
from pathlib import Path

import pytest

from mien.corpora import CORPORA, goemotions
from mien.errors import MienError
from mien.utterance import EMOTIONS, Skipped, Utterance

EKMAN = "anger\ndisgust\nfear\njoy\nneutral\nsadness\nsurprise"
ORIGINAL = (
    "admiration\namusement\nanger\nannoyance\napproval\ncaring\nconfusion\ncuriosity\ndesire\n"
    "disappointment\ndisapproval\ndisgust\nembarrassment\nexcitement\nfear\ngratitude\ngrief\njoy\n"
    "love\nnervousness\noptimism\npride\nrealization\nrelief\nremorse\nsadness\nsurprise\nneutral\n"
)
ROWS = "So glad.\t3\tsyn1\nWhat now?!\t6,0\tsyn2\n"


def write(folder: Path, *, labels: str = EKMAN, **tables: str | bytes) -> Path:
    """Write the list of labels and the tables that are given; the others get a row."""
    folder.mkdir(exist_ok=True)
    (folder / "labels.txt").write_text(labels)
    content = {"dev": "It is.\t4\tsyn8\n", "test": "It was.\t4\tsyn9\n"} | tables
    for name, rows in content.items():
        (folder / f"{name}.tsv").write_bytes(rows if isinstance(rows, bytes) else rows.encode())
    return folder


def split_up(folder: Path) -> tuple[dict[str, Utterance], list[Skipped]]:
    items = list(goemotions.read(folder))
    skipped = [item for item in items if isinstance(item, Skipped)]
    return {item.id: item for item in items if isinstance(item, Utterance)}, skipped


def test_a_row_is_whole(tmp_path: Path) -> None:
    utterances, skipped = split_up(write(tmp_path, train=ROWS))
    assert skipped == []
    assert utterances["syn2"] == Utterance(
        id="syn2",
        corpus="goemotions",
        text="What now?!",
        emotions=("angry", "surprised"),
        split="train",
        attributes={"labels": "anger, surprise"},
    )
    splits = {name: utterance.split for name, utterance in utterances.items()}
    assert splits == {"syn1": "train", "syn2": "train", "syn8": "valid", "syn9": "test"}


REAL = {
    "train": (43_410, (14_219, 17_410, 3_263, 5_579, 726, 793, 5_367), {1: 39_555, 2: 3_763}),
    "valid": (5_426, (1_766, 2_219, 390, 717, 105, 97, 624), {1: 4_946, 2: 468}),
    "test": (5_427, (1_787, 2_104, 379, 726, 98, 123, 677), {1: 4_968, 2: 451}),
}
"""Texts of each split, times of each label, and texts with one label and with two."""


def test_the_counts_of_the_real_tables(shared_data: Path) -> None:
    utterances, skipped = split_up(shared_data / "goemotions")
    assert skipped == []
    assert set(CORPORA["goemotions"].emotions) <= set(EMOTIONS)
    for split, (texts, counts, several) in REAL.items():
        found = [u for u in utterances.values() if u.split == split]
        assert len(found) == texts
        times = Counter(emotion for u in found for emotion in u.emotions or ())
        assert times == dict(zip(CORPORA["goemotions"].emotions, counts, strict=True))
        sizes = Counter(len(u.emotions or ()) for u in found)
        assert sizes == several | {3: texts - sum(several.values())}


def test_the_authors_mapping() -> None:
    ekman = {
        "angry": {"anger", "annoyance", "disapproval"},
        "disgusted": {"disgust"},
        "fearful": {"fear", "nervousness"},
        "happy": {"joy", "amusement", "approval", "excitement", "gratitude", "love", "optimism"}
        | {"relief", "pride", "admiration", "desire", "caring"},
        "sad": {"sadness", "disappointment", "embarrassment", "grief", "remorse"},
        "surprised": {"surprise", "realization", "confusion", "curiosity"},
        "neutral": {"neutral"},
    }
    assert {name: e for e, names in ekman.items() for name in names} == goemotions.MAPPING
    assert set(ORIGINAL.split()) == set(goemotions.MAPPING)


PLACES = {
    "edgurhb": "27",
    "ee84bjg": "4,27",
    "edcu99z": "25",
    "eepig6r": "20",
    "eczm50f": "15",
    "ed4yr9r": "2",
    "ee0fxpu": "10",
    "eelgxk0": "18",
    "eczyj0h": "12,22",
    "edwloev": "16",
    "ed2znun": "1,3,25",
    "ee2piwu": "2,3",
    "eehtttu": "9",
    "eeb65ah": "0",
    "ed2qbu3": "7,24",
    "efg7lsu": "14",
    "edhw91l": "13",
    "edmmdfn": "6",
    "eekvin7": "11,12",
    "edrjfw8": "5,24",
    "ee0ajqa": "0,17",
    "edcttl6": "23",
    "ee035ml": "8",
    "edj4q2f": "26",
    "efb6lk2": "1,6,7,24",
}
"""Rows of the authors' dev.tsv: their ids, and their labels among the 28."""


def test_both_releases_agree(shared_data: Path, tmp_path: Path) -> None:
    mapped, _ = split_up(shared_data / "goemotions")
    rows = [f"synthetic\t{labels}\t{name}\n" for name, labels in PLACES.items()]
    folder = write(tmp_path, dev="".join(rows))
    (folder / "labels.txt").unlink()
    (folder / "emotions.txt").write_text(ORIGINAL)
    (folder / "test.tsv").unlink()
    original, _ = split_up(folder)
    assert len(original) == len(PLACES)
    for name, utterance in original.items():
        assert utterance.emotions == mapped[name].emotions, name
    assert original["eczyj0h"].attributes == {"labels": "embarrassment, realization"}


ODD = {
    b"Two cells\tsyn3": "row with another number of cells than text, labels and id",
    b"Four\t3\tsyn3\tmore": "row with another number of cells than text, labels and id",
    b"Past the list\t7\tsyn3": "label is not a whole number from 0 to 6",
    b"Below it\t-1\tsyn3": "label is not a whole number from 0 to 6",
    b"A word\tjoy\tsyn3": "label is not a whole number from 0 to 6",
    b"None\t\tsyn3": "label is not a whole number from 0 to 6",
    b"A comma\t3,\tsyn3": "label is not a whole number from 0 to 6",
    b"Long\t" + b"9" * 5000 + b"\tsyn3": "label is not a whole number from 0 to 6",
    b" \t3\tsyn3": "row without text",
    b"No id\t3\t ": "row without a usable id",
    b"Long id\t3\t" + b"s" * 101: "row without a usable id",
    b"Odd id\t3\tsyn\x1b[2J": "row without a usable id",
    b"Latin caf\xe9\t3\tsyn3": "row that is not UTF-8",
    b"Zero\0\t3\tsyn3": "a cell holds zero bytes",
    b"y" * 131_073 + b"\t3\tsyn3": "cell that is too long",
    b"Again\t3\tsyn1": "an earlier row has the same id",
}


@pytest.mark.parametrize("row", ODD, ids=lambda row: row[:12].decode("latin1"))
def test_an_odd_row_is_skipped_with_its_line(tmp_path: Path, row: bytes) -> None:
    table = ROWS.encode() + b"\n" + row + b"\nAfter it\t5\tsyn4\n"
    utterances, (skipped,) = split_up(write(tmp_path, train=table))
    assert set(utterances) == {"syn1", "syn2", "syn4", "syn8", "syn9"}
    assert (skipped.id, skipped.kind) == ("train line 4", ODD[row])
    assert skipped.source == f"{tmp_path / 'train.tsv'}:4"
    assert len(skipped.reason) < 120


def test_ids_are_unique_over_all_tables(tmp_path: Path) -> None:
    utterances, (skipped,) = split_up(write(tmp_path, train=ROWS, test="Twice.\t4\tsyn1\n"))
    assert utterances["syn1"].split == "train"
    assert (skipped.id, skipped.reason) == ("test line 1", "an earlier row has the id syn1")


@pytest.mark.parametrize(
    "table",
    [
        b"\xef\xbb\xbf" + ROWS.encode(),
        ROWS.replace("\n", "\r\n").encode(),
        ROWS.rstrip("\n").encode(),
        ROWS.replace("\t6,0\t", "\t 6, 0,6\t").encode(),
    ],
    ids=["byte order mark", "carriage returns", "no last line end", "spaces and a repeated label"],
)
def test_harmless_variants_read_alike(tmp_path: Path, table: bytes) -> None:
    expected = split_up(write(tmp_path / "a", train=ROWS))
    folder = write(
        tmp_path / "b", train=table, labels="\ufeff" + EKMAN.replace("\n", "\r\n") + "\n\n"
    )
    assert split_up(folder) == expected


def test_quotation_marks_mean_nothing(tmp_path: Path) -> None:
    table = '"""Oh look," he said\t4\tsyn1\n"Not closed\t4\tsyn2\n'
    utterances, skipped = split_up(write(tmp_path, train=table))
    assert skipped == []
    assert [utterances[name].text for name in ("syn1", "syn2")] == [
        '"""Oh look," he said',
        '"Not closed',
    ]


def test_a_missing_table_is_recorded(tmp_path: Path) -> None:
    folder = write(tmp_path, train=ROWS)
    (folder / "dev.tsv").unlink()
    utterances, (skipped,) = split_up(folder)
    assert {u.split for u in utterances.values()} == {"train", "test"}
    assert (skipped.id, skipped.reason) == ("valid", "table missing: dev.tsv")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("ambiguous\nnegative\nneutral\npositive", r"labels\.txt:1: 'ambiguous' is no label of"),
        (f"{EKMAN}\nanger", r"labels\.txt:8: 'anger' is there before"),
        (EKMAN.replace("fear\n", "\n"), r"labels\.txt:3: '' is no label of"),
        ("\n\n", r"labels\.txt names no label"),
        ("anger\n" * 1000, r"labels\.txt has more than 4,096 bytes"),
    ],
)
def test_another_list_of_labels_is_refused(tmp_path: Path, labels: str, message: str) -> None:
    with pytest.raises(MienError, match=message):
        goemotions.read(write(tmp_path, labels=labels))


def test_what_is_not_the_corpus(tmp_path: Path) -> None:
    with pytest.raises(MienError, match=r"holds none of train\.tsv, dev\.tsv, test\.tsv"):
        goemotions.read(tmp_path / "gone")
    folder = write(tmp_path, train=ROWS)
    (folder / "emotions.txt").write_text(ORIGINAL)
    with pytest.raises(MienError, match=r"emotions\.txt and labels\.txt name different labels"):
        goemotions.read(folder)
    for name in goemotions.LABEL_LISTS:
        (folder / name).unlink()
    with pytest.raises(MienError, match=r"copy emotions\.txt or labels\.txt there"):
        goemotions.read(folder)
    (folder / "labels.txt").write_bytes(b"ang\xe9r\n")
    with pytest.raises(MienError, match=r"labels\.txt is not UTF-8"):
        goemotions.read(folder)


def test_a_table_of_something_else_is_refused(tmp_path: Path, monkeypatch) -> None:
    folder = write(tmp_path, train=ROWS + "odd\n" * (goemotions.MAX_FAULTS + 5))
    with pytest.raises(MienError, match=r"train\.tsv:1003: 1 cells instead of .* More than 1,000"):
        list(goemotions.read(folder))
    monkeypatch.setattr(goemotions, "MAX_TABLE_BYTES", 100)
    with pytest.raises(MienError, match=r"train\.tsv has more than 100 bytes"):
        list(goemotions.read(folder))
