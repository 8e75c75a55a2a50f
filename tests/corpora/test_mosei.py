"""Every video, word and rating here is synthetic: invented, in the format of the release."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.corpora import CORPORA, mosei, mosei_files
from mien.corpora.published_split import assign
from mien.errors import MienError
from mien.utterance import EMOTIONS, Skipped, SplitName, Utterance

DASH, UNDERSCORE, NUMBER = "-a_synth__1", "_synthetic2", "1234567"

COLUMNS = ["HITId", "Title", "WorkerId", "Input.VIDEO_ID", "Input.CLIP", "Answer.anger"]
COLUMNS += ["Answer.disgust", "Answer.fear", "Answer.gender", "Answer.happiness"]
COLUMNS += ["Answer.sadness", "Answer.sentiment", "Answer.surprise", "RequesterFeedback"]

NAMES = ("anger", "disgust", "fear", "happiness", "sadness", "sentiment", "surprise")

TRANSCRIPTS = {
    DASH: [
        f"{DASH}___1___2.5___4.25___Then he said ___ nothing, “really”.",
        f"{DASH}___0___-0.4776___2.75___Synthetic: well, I mean___",
        f"{DASH}___2___4.0___9.0___Nobody rated this.",
        f"{DASH}___3___6.0___6.0___",
        f"{DASH}___4___-2.0___-1.0___All before the video.",
        "",
        "and a line that goes on",
        f"{DASH}___x___1.0___2.0___Not a number.",
        f"{DASH}___0___5.0___6.0___A second clip 0.",
    ],
    UNDERSCORE: [f"{UNDERSCORE}___10___1e1___12.___No feeling at all."],
    NUMBER: [f"folder/{NUMBER}___7___0___3___", f"{NUMBER}___8___3.0___4.5___Yes."],
    "nomedia": ["nomedia___0___0.0___1.0___Words alone."],
}


def row(video: str, clip: object, comment: str = "", **answers: object) -> dict[str, object]:
    """One annotator's answers, as the crowdsourcing site exports them."""
    own = dict.fromkeys(NAMES, 0) | answers
    cells = {f"Answer.{name}": value for name, value in own.items()}
    place = {"Input.VIDEO_ID": video, "Input.CLIP": clip, "Answer.gender": "male"}
    title = 'Rate, "please", a short video\nof one person'
    return {"HITId": "3A", "Title": title, "RequesterFeedback": comment} | place | cells


TABLES = {
    "5000_batch_raw.csv": [
        row(DASH, 0, anger=1, sentiment=-2),
        row(DASH, 0, sentiment=-1, comment='he said "no", twice,\nand left'),
        row(DASH, 0, surprise=0.5, sentiment=1),
        row(DASH, 1, happiness=3, sentiment=3),
        row(DASH, 1, happiness=1, sentiment=""),
        row(DASH, 3),
        row(DASH, 4),
        row(UNDERSCORE, 10, sentiment=0),
        row("neverseen", 5, fear=1),
        row("nomedia", 0, sadness=1),
    ],
    "Batch_2_results.csv": [
        row(f"pom/{NUMBER}", 7, sadness=2, disgust=1, sentiment=-3),
        row(f"pom/{NUMBER}", "7.0", fear=1, sentiment=-2),
        row(NUMBER, 8, **dict.fromkeys(NAMES, "")),
        row(NUMBER, 8, anger="very"),
        row(NUMBER, 8, sentiment=4),
        row(NUMBER, "", sentiment=1),
        row(NUMBER, 1.5, sentiment=1),
        row(NUMBER, "nan", sentiment=1),
    ],
}


def write_release(root: Path, *, downloaded: bool = True, crlf: bool = False) -> Path:
    """Write the release in the layout of the download, or in that of the published code."""
    audio, transcript = (
        ("Audio/Full/WAV_16000", "Transcript/Segmented/Combined")
        if downloaded
        else ("Audio/WAV_16000", "Transcript/Combined")
    )
    files = {
        f"{transcript}/{video}.txt": "\n".join(lines) + "\n" for video, lines in TRANSCRIPTS.items()
    }
    for name, rows in TABLES.items():
        table = io.StringIO()
        writer = csv.DictWriter(table, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        files[f"Labels/{name}"] = table.getvalue()
    for video in (DASH, NUMBER):
        files[f"{audio}/{video}.wav"] = "synthetic"
    for video in (DASH, UNDERSCORE):
        files[f"Videos/Full/Combined/{video}.mp4"] = "synthetic"
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.replace("\n", "\r\n" if crlf else "\n").encode())
    return root


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """The release with the litter that real copies hold."""
    write_release(tmp_path)
    (tmp_path / "Labels/._5000_batch_raw.csv").write_bytes(b"\x00\x05\x16\x07Mac OS X")
    (tmp_path / "Labels/readme.csv").write_text("file,workers\n5000_batch_raw,3\n")
    (tmp_path / "Transcript/Segmented/Combined/._x.txt").write_bytes(b"\x00\x05Mac OS X")
    return tmp_path


def read(root: Path) -> tuple[dict[str, Utterance], list[Skipped]]:
    items = list(mosei.read(root))
    utterances = {item.id: item for item in items if isinstance(item, Utterance)}
    skipped = [item for item in items if isinstance(item, Skipped)]
    assert len(utterances) + len(skipped) == len(items)
    return utterances, skipped


def reasons(skipped: list[Skipped]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for item in skipped:
        found.setdefault(item.reason, []).append(item.id)
    return found


def test_an_utterance_whole(release: Path) -> None:
    utterances, _ = read(release)
    assert utterances[f"{DASH}_0"] == Utterance(
        id=f"{DASH}_0",
        corpus="mosei",
        dialogue=DASH,
        start=0.0,
        end=2.75,
        text="Synthetic: well, I mean___",
        emotions=("angry", "surprised"),
        sentiment=pytest.approx(-2 / 3),
        video=release / f"Videos/Full/Combined/{DASH}.mp4",
        audio=release / f"Audio/Full/WAV_16000/{DASH}.wav",
        attributes={"annotators": 3, "start": -0.4776},
    )


def test_order_is_by_video_then_by_time(release: Path) -> None:
    utterances, _ = read(release)
    assert list(utterances) == [
        f"{DASH}_0",
        f"{DASH}_1",
        f"{NUMBER}_7",
        f"{UNDERSCORE}_10",
    ]


def test_words_are_kept_whatever_they_hold_and_absent_where_there_are_none(release: Path) -> None:
    utterances, _ = read(release)
    assert utterances[f"{DASH}_1"].text == "Then he said ___ nothing, “really”."
    assert utterances[f"{NUMBER}_7"].text is None


def test_ratings_are_gathered_over_annotators_and_tables(release: Path) -> None:
    utterances, _ = read(release)
    seven = utterances[f"{NUMBER}_7"]
    assert set(seven.emotions or ()) == {"sad", "disgusted", "fearful"}
    assert (seven.sentiment, seven.attributes["annotators"]) == (-2.5, 2)
    happy = utterances[f"{DASH}_1"]
    assert (happy.emotions, happy.sentiment) == (("happy",), 3.0)  # one left sentiment empty
    nothing = utterances[f"{UNDERSCORE}_10"]
    assert (nothing.emotions, nothing.sentiment) == ((), 0.0)
    assert (nothing.start, nothing.end) == (10.0, 12.0)


def test_nobody_is_taken_for_a_person_of_several_videos(release: Path) -> None:
    utterances, _ = read(release)
    assert {u.person for u in utterances.values()} == {None}
    assert {u.dialogue for u in utterances.values()} == {DASH, UNDERSCORE, NUMBER}


def test_whatever_cannot_be_used_is_reported_with_its_reason(release: Path) -> None:
    _, skipped = read(release)
    found = reasons(skipped)
    assert found.pop("audio: file missing") == [f"{UNDERSCORE}_10"]
    assert found.pop("video: file missing") == [f"{NUMBER}_7"]
    assert found.pop("files missing: neither audio nor video") == ["nomedia_0"]
    assert found.pop("not labelled") == [f"{DASH}_2"]
    assert found.pop("labelled, but in no transcript") == ["neverseen_5"]
    assert found.pop("labelled without any rating") == [f"{NUMBER}_8"]
    assert found.pop("does not end after it begins") == [f"{DASH}_4", f"{DASH}_3"]
    assert found.pop("twice in the transcripts; the earlier clip is kept") == [f"{DASH}_0"]
    assert found.pop("transcript line that is no clip") == [DASH, DASH]
    table = "no label table: it lacks a column Input.VIDEO_ID or Input.CLIP"
    assert found.pop(table) == ["readme.csv"]
    rows = {reason.partition(": ")[2]: ids for reason, ids in found.items()}
    assert {reason.partition(" ")[0] for reason in found} == {"label"}
    assert list(rows) == [
        "Answer.anger is 'very', not a number from 0 to 3",
        "Answer.sentiment is '4', not a number from -3 to 3",
        f"it names no clip (video '{NUMBER}', clip '')",
        f"it names no clip (video '{NUMBER}', clip '1.5')",
        f"it names no clip (video '{NUMBER}', clip 'nan')",
    ]
    # a header of one line, then rows of two: titles hold a line break
    assert rows["Answer.anger is 'very', not a number from 0 to 3"] == ["Batch_2_results.csv:9"]
    sources = {item.source for item in skipped if item.reason == "transcript line that is no clip"}
    transcript = release / f"Transcript/Segmented/Combined/{DASH}.txt"
    assert sources == {f"{transcript}:7", f"{transcript}:8"}


def test_both_layouts_and_both_line_ends_give_the_same(release: Path, tmp_path: Path) -> None:
    def plain(root: Path) -> list[tuple[object, ...]]:
        return [
            (u.id, u.start, u.end, u.text, u.emotions, u.sentiment, u.audio is None)
            for u in read(root)[0].values()
        ]

    expected = plain(release)
    published = write_release(tmp_path / "published", downloaded=False, crlf=True)
    assert plain(published) == expected
    write_release(tmp_path / "whole" / "Raw")
    assert plain(tmp_path / "whole") == expected


def test_the_published_lists_name_its_utterances(release: Path) -> None:
    splits: dict[str, SplitName] = {
        f"{DASH}_1": "train",
        f"{NUMBER}_7": "valid",
        "nomedia_0": "test",
    }
    assigned = assign(mosei.read(release), splits | {"neverseen_5": "test"})
    found = {item.id: item.split for item in assigned.items if isinstance(item, Utterance)}
    assert found == {
        f"{DASH}_0": None,
        f"{DASH}_1": "train",
        f"{NUMBER}_7": "valid",
        f"{UNDERSCORE}_10": None,
    }
    assert assigned.skipped == ["neverseen_5", "nomedia_0"]


@pytest.mark.parametrize("gone", ["Transcript", "Labels"])
def test_another_folder_is_refused(release: Path, gone: str) -> None:
    (release / gone).rename(release / "elsewhere")
    with pytest.raises(MienError, match=rf"not the raw release.*{gone}"):
        mosei.read(release)


def test_a_stray_byte_costs_neither_the_video_nor_the_table(release: Path) -> None:
    for path in (
        release / f"Transcript/Segmented/Combined/{UNDERSCORE}.txt",
        release / "Labels/5000_batch_raw.csv",
    ):
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"male", b"m\xffle"))
    text = release / f"Transcript/Segmented/Combined/{UNDERSCORE}.txt"
    text.write_bytes(text.read_bytes().replace(b"feeling", b"feel\xffng"))
    utterances, _ = read(release)
    assert utterances[f"{UNDERSCORE}_10"].text == "No feel\ufffdng at all."
    assert len(utterances) == 4


def test_an_odd_row_costs_that_row_alone(release: Path) -> None:
    path = release / "Labels/5000_batch_raw.csv"
    many = "9" * 5000
    odd = ["x" * 200_000 + ",,,,", f"3A,,,{DASH},{many},1", f"3A,,,{DASH},2,1e400"]
    odd += [f"3A,,,{DASH},-1,1", f"3A,,,{DASH},2,nan", f"3A,,,{DASH},2,1,\0", f"3A,,,{DASH},2,1"]
    path.write_text(path.read_text() + "\n".join(odd) + "\n")
    transcript = release / f"Transcript/Segmented/Combined/{DASH}.txt"
    lines = [f"{DASH}___{many}___1.0___2.0___a", f"{DASH}___9___1.0___{many}___b"]
    lines += [f"{DASH}___9___1.0___1e400___c", f"{DASH}___9___1.0___2.0___d\0"]
    before = len(transcript.read_text().splitlines())
    transcript.write_text(transcript.read_text() + "\n".join(lines) + "\n")
    utterances, skipped = read(release)
    assert utterances[f"{DASH}_2"].emotions == ("angry",)
    assert utterances[f"{DASH}_2"].attributes["annotators"] == 2, "nan is no answer"
    bad = [item for item in skipped if item.id.startswith("5000_batch_raw.csv")]
    first = int(bad[0].id.partition(":")[2])
    assert [item.id for item in bad] == [f"5000_batch_raw.csv:{first + i}" for i in (0, 1, 2, 3, 5)]
    assert {item.kind for item in bad} == {"label row that cannot be used"}
    sources = {item.source for item in skipped if item.reason == "transcript line that is no clip"}
    assert {f"{transcript}:{before + i}" for i in range(1, 5)} <= sources


def test_odd_release(shared_data: Path) -> None:
    utterances, skipped = read(shared_data / "odd" / "hostile" / "mosei-header")
    assert utterances == {}
    assert [(item.id, item.reason) for item in skipped] == [
        (
            "l.csv",
            "no label table: its first line is not CSV: field larger than field limit (131072)",
        ),
        ("a_0", "not labelled"),
    ]


words = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=30)
videos = st.text("abcXYZ019_-", min_size=1, max_size=12).filter(
    lambda name: "___" not in name and not name.endswith("_")
)


@given(videos, st.integers(0, 999), st.floats(-5, 999), st.floats(-5, 999), words)
def test_any_clip_comes_back(video: str, clip: int, start: float, end: float, text: str) -> None:
    line = f"{video}___{clip}___{start}___{end}___{text}"
    (found,), unreadable = mosei_files.parse_transcript(line)
    assert (found.video, found.clip, found.start, found.end) == (video, clip, start, end)
    assert found.text == text.strip()
    assert not unreadable


@given(st.text(max_size=200))
def test_no_transcript_stops_the_reader(text: str) -> None:
    lines, unreadable = mosei_files.parse_transcript(text)
    assert len(lines) + len(unreadable) == sum(bool(line.strip()) for line in text.split("\n"))


def test_the_corpus_is_in_the_table_with_known_words() -> None:
    assert CORPORA["mosei"].emotions == (
        *("happy", "sad", "angry", "fearful", "disgusted", "surprised"),
    )
    assert set(CORPORA["mosei"].emotions) <= set(EMOTIONS)
