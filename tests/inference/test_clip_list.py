"""What a user names: files, folders, patterns and lists, and transcripts that lie beside."""

import json
from pathlib import Path

import pytest

from mien.errors import MienError
from mien.inference.clip_list import ListedClip, read_list
from mien.inference.clip_search import find_clips


def written(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_a_table_gives_clips_relative_to_it_and_all_its_columns(tmp_path: Path) -> None:
    text = "Clip,text,speaker,age\na.wav,I am glad,Anna,31\nsub/b.wav,,Zoë,\n,only words,,\n"
    for content in (text, text.encode("utf-8-sig"), text.encode("utf-16"), text.replace(",", ";")):
        first, second, third = read_list(written(tmp_path / "l.csv", content))
        assert first == ListedClip(
            clip=str(tmp_path / "a.wav"),
            text="I am glad",
            columns={"clip": "a.wav", "text": "I am glad", "speaker": "Anna", "age": "31"},
        )
        assert (second.clip, second.text) == (str(tmp_path / "sub/b.wav"), None)
        assert second.columns["speaker"] == "Zoë"
        assert (third.clip, third.text, third.source) == (None, "only words", "text alone")


def test_json_lines_keep_their_values(tmp_path: Path) -> None:
    rows = [{"path": "/a.wav", "transcript": "a.srt", "take": 3, "tags": ["x"]}, {"path": "b.wav"}]
    path = written(tmp_path / "l.jsonl", "\n".join(map(json.dumps, rows)) + "\n\n")
    first, second = read_list(path)
    assert (first.clip, first.transcript) == ("/a.wav", str(tmp_path / "a.srt"))
    assert first.columns == rows[0]
    assert second == ListedClip(clip=str(tmp_path / "b.wav"), columns=rows[1])


def test_a_text_file_gives_a_path_a_line(tmp_path: Path) -> None:
    path = written(tmp_path / "l.txt", "\ufeffa, b.wav\r\n\n  c.wav\n")
    assert [clip.clip for clip in read_list(path)] == [
        str(tmp_path / "a, b.wav"),
        str(tmp_path / "c.wav"),
    ]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("l.csv", "", "lists no clips"),
        ("l.csv", "clip,text\n", "lists no clips"),
        ("l.csv", "file,age\na.wav,3\n", "no column clip, path or text; its columns are file, age"),
        ("l.csv", "clip,path\na.wav,b.wav\n", "the columns clip and path"),
        ("l.csv", "clip,age,age\na.wav,3,3\n", "more than one column age"),
        ("l.csv", "clip,text\na.wav,well, no\n", "line 2: more cells than columns"),
        ("l.csv", "clip,text\n,\n , \n", "lists no clips"),
        ("l.csv", "clip,text,age\n,,3\n", "line 2: it names no clip, and has no text"),
        ("l.csv", "clip\n" + "a" * 200_000 + "\n", "line 2: can't be read (field larger"),
        ("l.csv", b"clip\n\xff\xfea\n", "is not UTF-8 text"),
        ("l.csv", "clip\na\0.wav\n", "holds zero bytes"),
        ("l.csv", ",".join(f"c{n}" for n in range(300)) + ",clip\na.wav\n", "more than 200"),
        ("l.jsonl", '{"clip": "a.wav"}\n{"clip"', "line 2: no JSON"),
        ("l.jsonl", '["a.wav"]', "line 1: no JSON object"),
        ("l.jsonl", '{"clip": 3}', "line 1: clip is 3, and must be text"),
        ("l.jsonl", '{"clip": "a.wav", "age": 1e999}', "line 1: no JSON"),
        ("l.jsonl", "[" * 100_000, "line 1: no JSON"),
        ("l.txt", " \n", "lists no clips"),
    ],
)
def test_what_is_no_list_is_told(tmp_path: Path, name: str, content, told: str) -> None:
    path = written(tmp_path / name, content)
    with pytest.raises(MienError) as error:
        read_list(path)
    assert str(error.value).startswith(str(path))
    assert told in str(error.value)


def test_a_folder_gives_its_media_in_order_and_counts_the_rest(tmp_path: Path) -> None:
    names = "b.WAV a/c.mp4 a/c.jpg d.png notes.md x.csv ._e.mp4 a/c.srt"
    for name in names.split():
        written(tmp_path / name, "x")
    written(tmp_path / "bare", b"\0\0\0\x20ftypisom")
    written(tmp_path / "Makefile", "all:")
    found = find_clips([str(tmp_path)])
    assert [Path(clip.clip).relative_to(tmp_path).as_posix() for clip in found.clips] == [
        *("a/c.mp4", "b.WAV", "bare", "d.png")
    ]
    assert found.clips[0].beside == (str(tmp_path / "a/c.srt"),)
    (note,) = found.notes
    assert note.startswith(f"{tmp_path}: 4 clips; skipped 5 files that are no recordings (")
    assert all(kind in note for kind in ("1 .md", "1 .csv", "1 .mp4", "1 .jpg", "1 Makefile"))


def test_a_pattern_gives_what_it_matches(tmp_path: Path) -> None:
    for name in ("a.wav", "b.wav", "b.txt", "c/d.wav", "[e].wav"):
        written(tmp_path / name, "x")

    def found(pattern: str) -> list[str]:
        clips = find_clips([str(tmp_path / pattern)], beside=False).clips
        return [Path(clip.clip).relative_to(tmp_path).as_posix() for clip in clips]

    assert found("*") == ["[e].wav", "a.wav", "b.wav"]
    assert found("**/[a-d].wav") == ["a.wav", "b.wav", "c/d.wav"]
    assert found("[e].wav") == ["[e].wav"], "a file with such a name is no pattern"
    with pytest.raises(MienError, match="matches no media file"):
        found("*.mp4")


def test_files_and_lists_are_taken_in_the_order_in_which_they_are_named(tmp_path: Path) -> None:
    listed = written(tmp_path / "l.csv", "clip\nx.wav\n")
    clips = find_clips(["gone.wav", str(listed), "last.mp4"]).clips
    assert [clip.clip for clip in clips] == ["gone.wav", str(tmp_path / "x.wav"), "last.mp4"]


def test_what_gives_no_clips_is_told(tmp_path: Path) -> None:
    written(tmp_path / "run" / "config.yaml", "x")
    (tmp_path / "empty").mkdir()
    for name, told in (
        ("run", "is a run folder: name it first"),
        ("empty", "is no run folder, and holds no media file"),
        ("gone.csv", "does not exist"),
    ):
        with pytest.raises(MienError, match=told):
            find_clips([str(tmp_path / name)])


def test_transcripts_beside_a_clip_are_tried_in_their_order(tmp_path: Path) -> None:
    for name in ("a.wav", "a.txt", "a.VTT", "a.json", "a.md", "b.wav", "b.txt", "ab.srt"):
        written(tmp_path / name, "x")
    listed = written(tmp_path / "l.csv", "clip,text\na.wav,\nb.wav,said\n")
    for named in ([str(tmp_path / "a.wav"), str(tmp_path / "b.wav")], [str(listed)]):
        first, second = find_clips(named).clips
        assert [Path(name).name for name in first.beside] == ["a.VTT", "a.json", "a.txt"]
        assert len(second.beside) == (0 if second.text else 1), "text that is given counts"
        assert all(clip.beside == () for clip in find_clips(named, beside=False).clips)
