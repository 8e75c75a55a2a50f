"""A file of predictions survives whatever interrupts it, and says the same in every format."""

import csv
import json
import os
from collections.abc import Iterable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_predictor import MODEL, prediction

from mien.errors import MienError
from mien.inference.answer_columns import AnswerColumns, TaskLabels, answer_row
from mien.inference.answer_file import AnswerFile, ModelIdentity, file_states
from mien.inference.clip_list import ListedClip
from mien.inference.prediction import Failure
from mien.inference.reason import Reason

WORDS = ["=1+1", "-5", "two\nlines", "été, \u2028 «»", "'quoted'", "@x", ""]
CLIPS = [ListedClip(f"{n}.wav", columns={"note": word}) for n, word in enumerate(WORDS)]
KINDS = ["jsonl", "csv", "parquet"]


def result(number: int):
    if number == 2:
        return Failure(source="2.wav", reason="2.wav does not exist")
    return prediction(f"{number}.wav", number)


def record(file: AnswerFile, numbers: Iterable[int]) -> None:
    for number in numbers:
        clip = file.clips[number]
        file.add(number, file_states(clip.files), answer_row(result(number)))


def complete(path: Path, *, resume: bool = False, **options) -> AnswerFile:
    file = AnswerFile(path, CLIPS, {"model": "m"}, resume=resume, **options)
    try:
        if not file.complete:
            file.begin(MODEL)
            record(file, file.todo)
            file.finish()
    finally:
        file.close()
    return file


def interrupted(path: Path, numbers: Iterable[int] = (0, 3, 1)) -> Path:
    """Leave a file with some clips done; return its journal."""
    file = AnswerFile(path, CLIPS, {"model": "m"})
    file.begin(MODEL)
    record(file, numbers)
    file.close()
    return path.with_name(f"{path.name}.journal")


def rows(path: Path) -> list[dict]:
    if path.suffix == ".csv":
        return list(csv.DictReader(path.open(newline="", encoding="utf-8")))
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    return [json.loads(line) for line in path.read_text().split("\n")[:-1]]


def test_the_same_rows_in_every_format(tmp_path: Path) -> None:
    for kind in KINDS:
        assert complete(tmp_path / f"a.{kind}").failed == 1
    assert sorted(os.listdir(tmp_path)) == ["a.csv", "a.jsonl", "a.parquet"]
    lines, table, typed = (rows(tmp_path / f"a.{kind}") for kind in KINDS)
    assert [row["source"] for row in lines] == [clip.clip for clip in CLIPS]
    assert lines[0]["answers"]["mood"] == {
        **{"decision": ["good"], "above_threshold": None, "values": {}},
        "scores": {"good": 1.0, "bad": 0.5},
    }
    assert "embedding" not in lines[0]
    assert lines[2] | {"error": "2.wav does not exist", "answers": None} == lines[2]
    assert [row["note"] for row in lines] == WORDS
    assert [row["note"] for row in typed] == [word or None for word in WORDS]
    assert [row["note"] for row in table] == ["'=1+1", *WORDS[1:5], "'@x", ""]
    assert typed[1] | {"mood": "good", "mood_good": 0.5, "faces": 0, "error": None} == typed[1]
    assert table[1] | {"mood": "good", "mood_good": "0.5", "faces": "0", "error": ""} == table[1]
    assert (typed[2]["mood"], typed[2]["seconds"]) == (None, None)
    assert (
        list(table[0])
        == list(typed[0])
        == [
            *("source", "error", "seconds", "modalities", "faces", "faces_found"),
            *("mood", "mood_good", "mood_bad", "abstained", "person", "references", "warnings"),
            *("synthetic_training", "run", "note"),
        ]
    )


def test_names_are_plain_and_none_is_taken_twice() -> None:
    tasks = [TaskLabels("person", ("Zoë", "Zoe")), TaskLabels("sentiment", ("sentiment",))]
    columns = AnswerColumns(tasks, ["person", "Ünïté (s)", "年", "unite s", "Unite s", "warnings"])
    assert [*columns.types][6:11] == [
        *("person_decision", "person_Zoe", "person_Zoe_2", "sentiment", "sentiment_value")
    ]
    assert [*columns.listed.values()] == [
        *("list_person", "Unite_s", "column", "unite_s", "Unite_s_2", "list_warnings")
    ]
    assert all(name.isascii() and name.isidentifier() for name in columns.types)


def test_a_row_says_why_nothing_was_answered() -> None:
    reasons = [
        Reason(kind="too short", modality="audio", detail="0.2 s"),
        Reason(kind="not sure", task="mood", detail="0.4"),
    ]
    columns = AnswerColumns(MODEL.tasks)
    row = answer_row(prediction("a.wav", abstained=reasons, warnings=["one", "two"]))
    cells = columns.flat(columns.document(row, {}))
    assert cells["abstained"] == "too short (0.2 s); mood: not sure (0.4)"
    assert cells["warnings"] == "one; two"


@pytest.mark.parametrize("kind", KINDS)
def test_an_interrupted_file_ends_like_any_other(tmp_path: Path, kind: str) -> None:
    complete(tmp_path / f"whole.{kind}")
    path = tmp_path / f"part.{kind}"
    journal = interrupted(path)
    if kind != "parquet":
        assert len(rows(path)) == 2, "the third waits for the second"
    assert complete(path, resume=True).failed == 1
    assert not journal.exists()
    assert path.read_bytes() == (tmp_path / f"whole.{kind}").read_bytes()
    before = path.stat().st_mtime_ns
    again = complete(path, resume=True)
    assert (again.complete, again.failed, path.stat().st_mtime_ns) == (True, 1, before)


@given(cut=st.integers(0, 10_000), tail=st.sampled_from([b"", b"\0\0\0", b'{"clip": 4, "fi\n']))
@settings(max_examples=60, deadline=None)
def test_a_journal_may_end_in_the_middle_of_anything(
    tmp_path_factory: pytest.TempPathFactory, cut: int, tail: bytes
) -> None:
    folder = tmp_path_factory.mktemp("torn")
    complete(folder / "whole.jsonl")
    path = folder / "part.jsonl"
    journal = interrupted(path)
    content = journal.read_bytes()
    header = content.index(b"\n") + 1
    journal.write_bytes(content[: header + cut % (len(content) - header + 1)] + tail)
    complete(path, resume=True)
    assert path.read_bytes() == (folder / "whole.jsonl").read_bytes()


def test_every_byte_of_a_journal_may_be_its_last(tmp_path: Path) -> None:
    complete(tmp_path / "whole.jsonl")
    path = tmp_path / "part.jsonl"
    content = interrupted(path).read_bytes()
    whole = (tmp_path / "whole.jsonl").read_bytes()
    header = content.index(b"\n") + 1
    for size in (*range(0, header, 7), *range(header, len(content) + 1, 3)):
        path.with_name("part.jsonl.journal").write_bytes(content[:size])
        path.write_bytes(whole[: size % len(whole)])
        if size < header:  # which is on the disk before the file is made
            path.unlink()
        complete(path, resume=True)
        assert path.read_bytes() == whole, size


def test_what_is_there_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    journal = interrupted(path)
    with pytest.raises(MienError, match="holds 3 predictions of an interrupted command: resume it"):
        complete(path)
    journal.unlink()
    with pytest.raises(MienError, match=r"a\.jsonl exists: delete it, or name another file"):
        complete(path)
    with pytest.raises(MienError, match="is complete, and of other clips"):
        complete(path, resume=True)
    path.write_text("my notes\n")
    with pytest.raises(MienError, match="is no file of predictions"):
        complete(path, resume=True)
    journal.write_text("my diary\n")
    with pytest.raises(MienError, match="is no journal of mien: move it away"):
        complete(path, resume=True)
    assert (path.read_text(), journal.read_text()) == ("my notes\n", "my diary\n")


@pytest.mark.parametrize(
    ("change", "told", "parameter"),
    [
        ({"settings": {"model": "n"}}, "was begun with m, not n: repeat the same command", "model"),
        ({"settings": {"model": "m", "max_seconds": 3}}, "with the default, not 3", "max_seconds"),
        ({"clips": CLIPS[:5]}, "was begun for 7 clips, not 5", "clip"),
        ({"clips": [*CLIPS[:6], ListedClip("x")]}, "for other clips, texts or columns", "clip"),
    ],
)
def test_other_settings_or_clips_are_refused(tmp_path, change, told: str, parameter: str) -> None:
    journal = interrupted(tmp_path / "a.jsonl")
    content = journal.read_bytes()
    given = {"clips": CLIPS, "settings": {"model": "m"}} | change
    with pytest.raises(MienError, match=told) as error:
        AnswerFile(tmp_path / "a.jsonl", **given, resume=True)
    assert error.value.parameter == parameter
    assert journal.read_bytes() == content


def test_another_model_of_the_same_name_is_refused(tmp_path: Path) -> None:
    interrupted(tmp_path / "a.jsonl")
    file = AnswerFile(tmp_path / "a.jsonl", CLIPS, {"model": "m"}, resume=True)
    with pytest.raises(MienError, match="with a model of the same name that has changed since"):
        file.begin(ModelIdentity("other", MODEL.tasks))
    file.close()


def test_a_clip_that_has_changed_is_predicted_again(tmp_path: Path, caplog) -> None:
    clips = [ListedClip(str(tmp_path / f"{n}.wav")) for n in range(3)]
    for clip in clips:
        Path(clip.clip).write_text("x")
    file = AnswerFile(tmp_path / "a.jsonl", clips, {})
    file.begin(MODEL)
    record(file, [0, 1])
    file.close()
    Path(clips[0].clip).write_text("longer")
    file = AnswerFile(tmp_path / "a.jsonl", clips, {}, resume=True)
    assert file.todo == [0, 2]
    assert f"changed since, and predicted again: {clips[0].clip}" in caplog.text
    file.begin(MODEL)
    assert file.add(0, [], answer_row(prediction("new")))
    assert not file.add(0, [], answer_row(prediction("newer")))
    record(file, [2])
    file.finish()
    assert rows(tmp_path / "a.jsonl")[0]["source"] == "new"


def test_a_file_has_one_writer(tmp_path: Path) -> None:
    file = AnswerFile(tmp_path / "a.jsonl", CLIPS, {})
    with pytest.raises(MienError, match="another command is writing this file"):
        AnswerFile(tmp_path / "a.jsonl", CLIPS, {})
    file.close()
    assert os.listdir(tmp_path) == [], "nothing was begun"


def test_embeddings_are_kept_where_a_row_can_hold_them(tmp_path: Path) -> None:
    for kind in ("jsonl", "parquet"):
        complete(tmp_path / f"a.{kind}", embedding=True)
        first, _, failed, *_ = rows(tmp_path / f"a.{kind}")
        assert (first["embedding"], failed["embedding"]) == ([0.25, -0.5], None)
    with pytest.raises(MienError, match=r"embeddings: a \.csv file holds none"):
        complete(tmp_path / "a.csv", embedding=True)
    with pytest.raises(MienError, match=r"none of the suffixes \.jsonl, \.csv, \.parquet"):
        complete(tmp_path / "a.txt")


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = AnswerFile(tmp_path / "a.jsonl", CLIPS, {})
    file.begin(MODEL)
    monkeypatch.setattr(file._journal, "_append", lambda entry: os.write(9999, b""))
    with pytest.raises(MienError, match=r"a\.jsonl\.journal: can't be written"):
        record(file, [0])
    file.close()
