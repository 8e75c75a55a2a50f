"""The published lists of ids split a corpus, or an error says why they can't."""

from collections import Counter
from pathlib import Path

import pytest

from mien.corpora.published_split import assign, read_split
from mien.errors import MienError
from mien.utterance import Skipped, Utterance


def write_lists(folder: Path, train="a b c", valid="d", test="e f", end: str = "\n") -> Path:
    folder.mkdir(exist_ok=True)
    for part, names in (("train", train), ("valid", valid), ("test", test)):
        (folder / f"{part}_split.txt").write_bytes(end.join(names.split()).encode())
    return folder


def corpus(names: str) -> list[Utterance | Skipped]:
    return [Utterance(id=name, corpus="synthetic", split="test") for name in names.split()]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"])
def test_lists_are_read_whatever_their_line_ends(tmp_path: Path, end: str) -> None:
    parts = read_split(write_lists(tmp_path / "split", train="\ufeffa -b_c_0 --d_1", end=end))
    assert parts == {
        "a": "train", "-b_c_0": "train", "--d_1": "train", "d": "valid", "e": "test", "f": "test"
    }  # fmt: skip


def test_what_is_listed_gets_its_split_and_the_rest_none() -> None:
    assigned = assign(corpus("a b x y"), {"a": "train", "b": "test"})
    assert {item.id: item.split for item in assigned.items} == {
        "a": "train", "b": "test", "x": None, "y": None
    }  # fmt: skip
    assert str(assigned) == "splits: train 1, valid 0, test 1; 2 in no split"


def test_what_was_skipped_is_no_mismatch() -> None:
    items = [*corpus("a"), Skipped("b", "files missing"), Skipped("Ses01F_impro01", "file missing")]
    assigned = assign(items, {"a": "train", "b": "test"})
    assert assigned.skipped == ["b"]
    assert assigned.items[1:] == items[1:]
    assert str(assigned).endswith("1 (b) listed but skipped (reasons in skipped.jsonl)")


def test_ids_that_are_not_there_are_counted_with_examples() -> None:
    parts = dict.fromkeys("abcdefgh", "train")
    with pytest.raises(
        MienError, match=r"the lists.* 6 \(c, d, e, …\) of the 8 listed ids"
    ) as error:
        assign(corpus("a b"), parts, name="the lists")
    assert error.value.parameter == "partial"
    assigned = assign(corpus("a b"), parts, partial=True)
    assert str(assigned).endswith("6 (c, d, e, …) listed but not in the corpus")


@pytest.mark.parametrize("partial", [False, True])
def test_a_split_of_another_corpus_is_reported(partial: bool) -> None:
    with pytest.raises(MienError, match=r"another corpus, since none of the 1 listed ids.*Ses01F"):
        assign(corpus("a b"), {"Ses01F_impro01_F000": "train"}, partial=partial)


@pytest.mark.parametrize(
    ("lists", "message"),
    [
        ({"valid": "a"}, r"1 \(a\) in more than one of the three lists"),
        ({"valid": "a b", "test": "b c"}, r"3 \(a, b, c\) in more than one"),
        ({"test": ""}, r"test_split\.txt lists no id"),
    ],
)
def test_lists_that_do_not_divide(tmp_path: Path, lists: dict[str, str], message: str) -> None:
    with pytest.raises(MienError, match=message):
        read_split(write_lists(tmp_path, **lists))


def test_lists_that_are_not_there_or_no_text(tmp_path: Path) -> None:
    folder = write_lists(tmp_path / "split")
    (folder / "valid_split.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(MienError, match=r"valid_split\.txt cannot be read as a list"):
        read_split(folder)
    (folder / "valid_split.txt").unlink()
    with pytest.raises(MienError, match=r"valid_split\.txt is missing: give the folder"):
        read_split(folder)


@pytest.mark.parametrize(
    ("corpus", "counts"),
    [("iemocap", (5162, 737, 1481)), ("mosei", (14524, 1765, 4188))],
)
def test_the_real_lists(shared_data: Path, corpus: str, counts: tuple[int, ...]) -> None:
    parts = read_split(shared_data / "splits" / corpus)
    found = Counter(parts.values())
    assert (found["train"], found["valid"], found["test"]) == counts
