"""Writing a timeline to a folder."""

import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import unquote

import pytest
from made_up_timeline import empty_timeline, long_timeline, short_timeline

from mien.errors import MienError
from mien.inference.timeline import Timeline
from mien.report.timeline import FORMATS, write_timeline

FILES = [
    *("timeline.json", "segments.csv", "words.csv", "courses.csv", "segments.parquet"),
    *("timeline.srt", "timeline.vtt", "timeline.eaf", "timeline.TextGrid", "timeline.rttm"),
    *("timeline.html", "timeline.png", "timeline.svg"),
]


@pytest.mark.parametrize("make", [short_timeline, empty_timeline])
def test_all_formats(tmp_path: Path, make) -> None:
    written = write_timeline(make(), tmp_path / "new" / "folder")
    assert [path.name for path in written] == FILES
    assert {path.name for path in (tmp_path / "new" / "folder").iterdir()} == set(FILES)
    text = (tmp_path / "new" / "folder" / "timeline.json").read_text("utf-8")
    assert Timeline.model_validate_json(text) == make()


def test_formats_are_chosen_by_name(tmp_path: Path) -> None:
    written = write_timeline(short_timeline(), tmp_path, formats=["srt", "csv"])
    assert [path.name for path in written] == [*FILES[1:4], "timeline.srt"]
    assert all(one.about for one in FORMATS.values())
    with pytest.raises(MienError, match=r"formats: no format 'pgn' \(did you mean png\?\): choose"):
        write_timeline(short_timeline(), tmp_path, formats=["pgn"])


def test_the_recording_is_linked_relatively(tmp_path: Path) -> None:
    media = tmp_path / "media" / "a b#1é.mp4"
    media.parent.mkdir()
    media.write_bytes(b"frames")
    write_timeline(short_timeline(), tmp_path / "out", formats=["html", "eaf"], media=media)
    url = "../media/a%20b%231%C3%A9.mp4"
    assert unquote(url) == "../media/a b#1é.mp4"
    assert f'src="{url}"' in (tmp_path / "out" / "timeline.html").read_text("utf-8")
    assert f'RELATIVE_MEDIA_URL="{url}"' in (tmp_path / "out" / "timeline.eaf").read_text("utf-8")
    assert str(tmp_path) not in (tmp_path / "out" / "timeline.eaf").read_text("utf-8")


def test_the_recording_is_copied(tmp_path: Path) -> None:
    media = tmp_path / "a.wav"
    media.write_bytes(b"samples")
    for _ in range(2):
        write_timeline(
            short_timeline(), tmp_path / "out", formats=["html"], media=media, copy_media=True
        )
        media = tmp_path / "out" / "a.wav"
    assert media.read_bytes() == b"samples"
    assert 'src="a.wav"' in (tmp_path / "out" / "timeline.html").read_text("utf-8")


def test_what_cannot_be_written_or_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MienError, match=r"file.*can't be written"):
        write_timeline(short_timeline(), tmp_path / "file" / "out", formats=["srt"])
    with pytest.raises(MienError, match=r"none\.mp4 does not exist"):
        write_timeline(short_timeline(), tmp_path, formats=["srt"], media=tmp_path / "none.mp4")
    assert not (tmp_path / "timeline.srt").exists()


def test_a_failed_writer_leaves_no_part_of_its_file(tmp_path: Path, monkeypatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pyarrow.parquet.write_table", broken)
    monkeypatch.setattr("pympi.Praat.TextGrid.to_file", broken)
    for name in ("parquet", "textgrid"):
        with pytest.raises(MienError, match="No space left"):
            write_timeline(short_timeline(), tmp_path, formats=[name])
    assert list(tmp_path.iterdir()) == []


def test_listing_the_formats_imports_nothing_heavy() -> None:
    code = (
        "import sys; from mien.report.timeline import FORMATS; assert FORMATS;"
        "print([m for m in ('torch', 'matplotlib', 'pyarrow', 'pympi', 'jinja2', 'scipy')"
        " if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "[]", result.stderr


@pytest.mark.slow
def test_two_hours_are_written_in_seconds(tmp_path: Path) -> None:
    timeline = long_timeline()
    before = time.process_time()
    written = write_timeline(timeline, tmp_path)
    assert time.process_time() - before < 60
    assert sum(path.stat().st_size for path in written) < 20_000_000
