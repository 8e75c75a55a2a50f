"""Every row and clip here is synthetic: invented, in the format of the release."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.corpora import CORPORA, meld
from mien.corpora.meld import parse_table, person
from mien.corpora.table import RowError
from mien.errors import MienError
from mien.utterance import EMOTIONS, Skipped, Utterance

HEADER = (
    "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,"
    "StartTime,EndTime\n"
)

# Sorted as text dialogue 10 would come before 2; utterance 1 of dialogue 2 is missing, as some are.
TRAIN = (
    HEADER
    + """\
1,"Synthetic: it\u0092s \u0093fine\u0094, \u0085 really\u0097yes.",Rachel,joy,positive,\
2,0,8,21,"00:16:16,059","00:16:21,731"
2,"He said ""no"".",The Interviewer,neutral,neutral,2,2,8,21,"0:16:21,940","0:16:23,442"
3,Two at once!,All,surprise,positive,10,0,3,6,"0:05:52,435","0:05:53,897"
4,,Dr. Green,sadness,negative,10,1,3,6,bad,""
5,Strange.,Ross,puzzled,negative,10,2,3,6,"0:05:58,734","0:05:59,774"
6,Cut short,Ross
7,No number.,Ross,anger,negative,x,3,3,6,"0:05:58,734","0:05:59,774"
8,Too many,Ross,anger,negative,10,4,3,6,"0:05:58,734","0:05:59,774",more
"""
)
DEV = HEADER + '1,Caf\u00e9.,Monica and Ross,Fear,Negative,0,0,9,23,"0:00:01,5","0:00:02,000"\n'
TEST = HEADER + '1,Last.,Guy #2,disgust,negative,0,0,1,1,"0:00:01,000","0:00:02,000"\n'


def write(root: Path, nested: bool = False) -> Path:
    """Lay the release out, as it is unpacked into one folder or each archive into its own."""
    train, dev, test = (
        root / (f"{name}/{folder}" if nested else folder)
        for name, folder in (
            ("train", "train_splits"),
            ("dev", "dev_splits_complete"),
            ("test", "output_repeated_splits_test"),
        )
    )
    clips = {
        train: ["dia2_utt0", "dia2_utt2", "dia10_utt0", "dia10_utt1", "dia66_utt9", "trailer"],
        dev: [],
        test: ["dia0_utt0", "final_videos_testdia0_utt0"],
    }
    for folder, names in clips.items():
        folder.mkdir(parents=True)
        for name in names:
            (folder / f"{name}.mp4").write_bytes(b"synthetic")
            (folder / f"._{name}.mp4").write_bytes(b"Mac OS X")
    (root / "README.txt").write_text("synthetic")
    (root / "train.tar.gz").write_bytes(b"")
    table = train.parent / "train_sent_emo.csv"
    table.write_bytes(TRAIN.encode())
    (table.parent / "._train_sent_emo.csv").write_bytes(b"Mac OS X")
    (root / "dev_sent_emo.csv").write_bytes(DEV.encode("cp1252"))
    (root / "test_sent_emo.csv").write_bytes(b"\xef\xbb\xbf" + TEST.replace("\n", "\r\n").encode())
    return root


@pytest.fixture(params=[False, True], ids=["flat", "nested"])
def release(request, tmp_path: Path) -> Path:
    return write(tmp_path / "MELD.Raw", nested=request.param)


def split_up(items) -> tuple[dict[str, Utterance], list[tuple[str, str]]]:
    items = list(items)
    skipped = [(item.id, item.reason) for item in items if isinstance(item, Skipped)]
    return {item.id: item for item in items if isinstance(item, Utterance)}, skipped


def test_an_utterance_is_whole(release: Path) -> None:
    utterances, _ = split_up(CORPORA["meld"].read(release))
    found = utterances["train_dia2_utt0"]
    assert found.video.name == "dia2_utt0.mp4"
    assert found == Utterance(
        id="train_dia2_utt0",
        corpus="meld",
        person="Rachel",
        session="s08e21",
        dialogue="train_dia2",
        text="Synthetic: it\u2019s \u201cfine\u201d, \u2026 really\u2014yes.",
        emotions=("happy",),
        video=found.video,
        audio=found.video,
        split="train",
        attributes={
            "speaker": "Rachel",
            "sentiment": "positive",
            "start_time": 976.059,
            "end_time": 981.731,
        },
    )


def test_the_order_the_parts_and_the_persons(release: Path) -> None:
    utterances, _ = split_up(meld.read(release))
    assert [(name, u.split, u.person) for name, u in utterances.items()] == [
        ("train_dia2_utt0", "train", "Rachel"),
        ("train_dia2_utt2", "train", "Interviewer (s08e21)"),
        ("train_dia10_utt0", "train", None),
        ("train_dia10_utt1", "train", "Dr. Green"),
        ("dev_dia0_utt0", "valid", None),
        ("test_dia0_utt0", "test", "Guy #2 (s01e01)"),
    ]
    assert utterances["train_dia2_utt2"].text == 'He said "no".'
    assert utterances["train_dia10_utt1"].text is None
    assert utterances["train_dia10_utt1"].attributes["start_time"] is None
    assert utterances["train_dia10_utt0"].attributes["speaker"] == "All"


def test_what_cannot_be_used_is_reported(release: Path) -> None:
    utterances, skipped = split_up(meld.read(release))
    assert sorted(skipped) == sorted(
        [
            ("train line 6", "emotion 'puzzled' is none of MELD's seven"),
            ("train line 7", "3 cells under 11 columns"),
            ("train line 8", "row without the numbers of dialogue and utterance"),
            ("train line 9", "12 cells under 11 columns"),
            ("train_dia66_utt9", "clip that no row of the table names"),
            ("train_trailer", "not called as a clip is, such as dia0_utt0.mp4"),
            ("test_final_videos_testdia0_utt0", "another cut of a clip"),
            ("dev_dia0_utt0", "video: file missing: dev_splits_complete/dia0_utt0.mp4"),
            ("dev_dia0_utt0", "audio: file missing: dev_splits_complete/dia0_utt0.mp4"),
        ]
    )
    words_alone = utterances["dev_dia0_utt0"]
    assert (words_alone.text, words_alone.video, words_alone.audio) == ("Café.", None, None)
    assert words_alone.emotions == ("fearful",)
    assert words_alone.attributes["sentiment"] == "negative"


def test_an_odd_row_costs_that_row_alone(release: Path) -> None:
    good = '9,Fine.,Ross,joy,positive,{},0,1,1,"0:00:01,000","0:00:02,000"\n'
    odd = [
        good.format(1).replace("Fine.", "x" * 131_073),
        good.format("1" * 5000),
        good.format(-1),
        good.format("inf"),
        good.format("1e400"),
        good.format(2).replace("Fine.", "F\0ine"),
        good.format(3).replace("Fine.", '"never closed'),
        good.format(4).replace("0:00:01,000", "9" * 400 + ":00:01,000"),
    ]
    (release / "dev_sent_emo.csv").write_text(HEADER + "".join(odd) + good.format(5))
    utterances, skipped = split_up(meld.read(release))
    found = {name: u for name, u in utterances.items() if u.split == "valid"}
    assert (
        {"dev_dia4_utt0", "dev_dia5_utt0"} <= set(found) <= {f"dev_dia{i}_utt0" for i in (3, 4, 5)}
    )
    assert found["dev_dia4_utt0"].attributes["start_time"] is None
    assert found["dev_dia5_utt0"].attributes["start_time"] == 1.0
    lines = {name for name, reason in skipped if name.startswith("dev line")}
    assert lines == {f"dev line {i}" for i in range(2, 9)}


def test_odd_release(shared_data: Path) -> None:
    utterances, skipped = split_up(meld.read(shared_data / "odd" / "hostile" / "meld-time"))
    assert utterances == {}
    assert ("train line 2", "row without the numbers of dialogue and utterance") in skipped


def test_a_split_alone_is_enough(release: Path) -> None:
    for name in ("dev_sent_emo.csv", "test_sent_emo.csv"):
        (release / name).unlink()
    utterances, skipped = split_up(meld.read(release))
    assert {u.split for u in utterances.values()} == {"train"}
    assert ("dev", "table missing: dev_sent_emo.csv") in skipped
    assert ("test", "table missing: test_sent_emo.csv") in skipped


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"a,b\n1,2\n", "table without the columns Utterance, Speaker, Emotion"),
        (b"", "table without the columns"),
        (b'"' + b"x" * 200_000 + b'"\n', "table whose columns can't be read: is not CSV"),
    ],
)
def test_a_table_that_is_none(release: Path, content: bytes, reason: str) -> None:
    (release / "dev_sent_emo.csv").write_bytes(content)
    _, skipped = split_up(meld.read(release))
    (told,) = [why for name, why in skipped if name == "dev"]
    assert told.startswith(reason)


def test_what_is_not_the_release(tmp_path: Path) -> None:
    with pytest.raises(MienError, match=r"holds none of train_sent_emo\.csv, dev_sent_emo\.csv"):
        meld.read(tmp_path)
    with pytest.raises(MienError, match="is not a folder"):
        meld.read(tmp_path / "gone")
    (tmp_path / "dev_sent_emo.csv").write_text(DEV)
    (tmp_path / "dev.tar.gz").write_bytes(b"")
    with pytest.raises(MienError, match=r"holds no clips: unpack dev\.tar\.gz there first"):
        meld.read(tmp_path)
    (tmp_path / "dev.tar.gz").unlink()
    utterances, _ = split_up(meld.read(tmp_path))
    assert list(utterances) == ["dev_dia0_utt0"], "words alone are a corpus too"


@pytest.mark.parametrize(
    ("speaker", "known"),
    [
        ("Ross", "Ross"),
        ("Mrs. Green", "Mrs. Green"),
        ("Manny", "Manny"),
        ("Andy", "Andy"),
        ("Allan", "Allan"),
        ("Waiter", "Waiter (s01e02)"),
        ("Tall Woman", "Tall Woman (s01e02)"),
        ("Fireman No. 3", "Fireman #3 (s01e02)"),
        ("fireman #3", "Fireman #3 (s01e02)"),
        ("The Fireman 03", "Fireman #3 (s01e02)"),
        ("The Waiter", "Waiter (s01e02)"),
        ("the waiter ", "Waiter (s01e02)"),
        ("The  Casting\u00a0Director", "Casting Director (s01e02)"),
        ("casting director", "Casting Director (s01e02)"),
        ("The Cooking Teacher", "Cooking Teacher (s01e02)"),
        ("The Stripper", "Stripper (s01e02)"),
        ("Joe\u0301", "Jo\u00e9"),
        ("Dr. No", "Dr. No"),
        ("The", "The"),
        ("x" * 10_000, "x" * 10_000),
        ("All", None),
        ("Both", None),
        ("Everyone but Ross", None),
        ("Ross and Rachel", None),
        ("Ross, Joey", None),
        ("Joey/Chandler", None),
        ("Monica & Phoebe", None),
        ("", None),
    ],
)
def test_persons(speaker: str, known: str | None) -> None:
    assert person(speaker, "s01e02") == known


@given(st.binary(max_size=200))
def test_any_bytes_are_a_table_or_refused(content: bytes) -> None:
    try:
        names, rows = parse_table(content)
    except RowError:
        return
    assert all(isinstance(name, str) for name in names)
    assert not any("\x80" <= sign < "\xa0" for name in names for sign in name)
    assert all(line >= 1 for line, _ in rows)


def test_its_emotions_are_words_of_mien() -> None:
    assert set(CORPORA["meld"].emotions) <= set(EMOTIONS)
    assert len(CORPORA["meld"].emotions) == 7
