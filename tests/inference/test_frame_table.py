"""The frame-wise tables hold what was measured, in files that other programs read."""

import csv
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mien.audio_effects import from_int16
from mien.errors import MienError
from mien.inference import frame_table
from mien.inference.audio_frames import audio_frames
from mien.inference.frame_table import (
    AUDIO_COLUMNS,
    FACE_COLUMNS,
    column_table,
    write_audio_table,
    write_face_table,
)
from mien.inference.mouth_observer import MEASURES, FaceSeries
from mien.media.decode import read_audio
from mien.models.pretrained.voice_activity import SPEECH, VoiceActivity

RATE = 16_000
TABLES = (FACE_COLUMNS, AUDIO_COLUMNS)


def face(rows: int, begin: float = 0.0, **more: float) -> FaceSeries:
    """Make a face that is measured 25 times a second; row n has left n and a yaw of -n / 8."""
    series = FaceSeries()
    for n in range(rows):
        box = {"left": n, "top": 2.0, "right": n + 50, "bottom": 70.5}
        series.append(begin + n / 25, box | {"yaw": -n / 8} | more)
    return series


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def tone(pitch: float, seconds: float, level: float = 0.25) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    return np.round(32767 * level * np.sin(2 * np.pi * pitch * time)).astype(np.int16)


def values(waveform: np.ndarray, speech: np.ndarray | None = None) -> np.ndarray:
    """Measure all rows (R, 3)."""
    likely = np.zeros(-(-len(waveform) // 512)) if speech is None else speech
    return np.concatenate([block for _, block in audio_frames(waveform, likely)])


@pytest.mark.parametrize("columns", TABLES)
def test_names_are_those_that_r_and_spss_take(columns) -> None:
    names = [column.name for column in columns]
    assert len({name.lower() for name in names}) == len(names)
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,31}", name) for name in names)
    reserved = {"all", "and", "by", "eq", "ge", "gt", "le", "lt", "ne", "not", "or", "to", "with"}
    assert not reserved & {*names}
    assert column_table(columns).count("\n") == len(names) + 1


def test_faces_are_in_order_of_time_with_what_is_known_of_them(tmp_path: Path) -> None:
    faces = {2: face(3, mouth=0.12345), 1: face(2, begin=0.04)}
    known = {2: {0.0: 0.98765, 1 / 25: 0.9}, 1: {0.0: 0.5}}
    write_face_table(tmp_path / "faces.csv", faces, {1: 'Ada, "A."'}, known)
    found = rows(tmp_path / "faces.csv")
    assert list(found[0]) == [column.name for column in FACE_COLUMNS]
    order = [(row["time"], row["track"]) for row in found]
    assert order == [("0", "2"), ("0.04", "1"), ("0.04", "2"), ("0.08", "1"), ("0.08", "2")]
    assert [row["speaker"] for row in found] == ["", 'Ada, "A."', "", 'Ada, "A."', ""]
    assert [row["detection_confidence"] for row in found] == ["0.988", "", "0.9", "", ""]
    assert [row["mouth_opening"] for row in found] == ["0.1234", "", "0.1234", "", "0.1234"]
    assert [row["head_yaw"] for row in found[::2]] == ["0", "-0.12", "-0.25"]
    assert (found[4]["left"], found[4]["bottom"]) == ("2", "70.5")
    assert {row["head_pitch"] for row in found} == {""}, "no measure is empty, not a number"


def test_both_formats_hold_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame_table, "_ROWS", 7)
    faces = {1: face(20, mouth=0.1, left_eye=0.3), 5: face(9, begin=0.2)}
    for name in ("f.csv", "f.PARQUET"):
        write_face_table(tmp_path / name, faces, {5: "ß \udcff"})
    kinds = pa.schema([(column.name, column.kind) for column in FACE_COLUMNS])
    options = pyarrow.csv.ConvertOptions(column_types=kinds, strings_can_be_null=True)
    text = pyarrow.csv.read_csv(tmp_path / "f.csv", convert_options=options)
    table = pq.read_table(tmp_path / "f.PARQUET")
    assert table.schema == kinds
    assert text.num_rows == 29
    assert text.equals(table)
    assert set(table["speaker"].to_pylist()) == {None, "ß \\udcff"}


def test_no_face_is_a_table_without_rows(tmp_path: Path) -> None:
    for name in ("f.csv", "f.parquet"):
        write_face_table(tmp_path / name, {})
    assert rows(tmp_path / "f.csv") == []
    assert (tmp_path / "f.csv").read_text().startswith('"time","track","speaker","left"')
    assert pq.read_table(tmp_path / "f.parquet").num_rows == 0


def test_another_ending_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(MienError, match=r"\.csv or \.parquet, not as '\.xlsx'"):
        write_face_table(tmp_path / "faces.xlsx", {})
    with pytest.raises(ZeroDivisionError):
        write_audio_table(tmp_path / "a.csv", Broken(), np.zeros(9))
    assert list(tmp_path.iterdir()) == []


class Broken(np.ndarray):
    """Audio that can't be read."""

    def __new__(cls) -> "Broken":
        return np.zeros(RATE, np.int16).view(cls)

    def __getitem__(self, key):
        raise ZeroDivisionError


def test_the_columns_of_faces_are_all_that_is_measured() -> None:
    others = {"time", "track", "speaker", "detection_confidence"}
    names = [column.name for column in FACE_COLUMNS if column.name not in others]
    assert len(names) == len(MEASURES)
    for name, measure in zip(names, MEASURES, strict=True):
        assert measure in name


@pytest.mark.parametrize("pitch", [80.0, 123.4, 200.0, 311.1, 440.0, 580.0])
def test_a_tone_has_its_pitch_and_level(pitch: float) -> None:
    found = values(tone(pitch, 2))
    assert found.shape == (20, 3)
    assert found[1:-1, 1] == pytest.approx(pitch, rel=0.02)
    assert found[1:-1, 0] == pytest.approx(20 * np.log10(0.25 / np.sqrt(2)), abs=0.5)


def test_silence_hum_and_noise_have_no_pitch() -> None:
    noise = np.random.default_rng(0).normal(0, 2000, 3 * RATE).astype(np.int16)
    for sound in (noise, np.zeros(3 * RATE, np.int16), tone(100, 3, level=1e-4)):
        assert np.isnan(values(sound)[:, 1]).mean() > 0.95
    assert values(np.full(RATE, 5000, np.int16))[:, 0] == pytest.approx(-96.3, abs=0.1)


@given(samples=st.integers(0, 40_000))
def test_there_is_a_row_for_each_tenth_of_a_second_begun(samples: int) -> None:
    wave = tone(200, 2.5)[:samples]
    found = values(wave, np.full(-(-samples // 512), 0.25)) if samples else np.zeros((0, 3))
    assert len(found) == -(-samples // 1600)
    assert list(audio_frames(wave[:0], np.zeros(0))) == []
    assert np.isfinite(found[:, 0]).all()
    assert found[:, 2] == pytest.approx(0.25)


def test_blocks_have_no_seams() -> None:
    wave = np.concatenate([tone(150, 9.95), tone(300, 10.1), tone(220, 4)])
    found = values(wave)
    assert found[98, 1] == pytest.approx(150, rel=0.02)
    assert found[101:199, 1] == pytest.approx(300, rel=0.02)
    assert found[202:239, 1] == pytest.approx(220, rel=0.02)
    assert np.abs(np.diff(found[1:98, 0])).max() < 0.5


def test_speech_is_averaged_over_each_row() -> None:
    wave, likely = np.zeros(3200, np.int16), np.array([1, 1, 1, 0.5, 0, 0, 0])
    # 1600 samples are 3.125 frames
    assert values(wave, likely)[:, 2] == pytest.approx([(3 + 0.0625) / 3.125, 0.4375 / 3.125])
    assert np.isnan(values(wave, likely[:4])[1, 2]), "not given"
    assert np.isnan(values(wave, likely[:0])[:, 2]).all()


def test_audio_on_the_disk_is_written_block_by_block(tmp_path: Path) -> None:
    wave = tone(210, 65)
    wave.tofile(tmp_path / "wave")
    mapped = np.memmap(tmp_path / "wave", np.int16, "r")
    likely = np.linspace(0, 1, -(-len(wave) // 512))
    write_audio_table(tmp_path / "audio.csv", mapped, likely)
    found = rows(tmp_path / "audio.csv")
    assert len(found) == 650
    times = [float(row["time"]) for row in found]
    assert all(b - a == pytest.approx(0.1) for a, b in pairwise(times))
    assert [float(row["pitch_hz"]) for row in found[1:-1]] == pytest.approx([210] * 648, rel=0.02)
    chances = [float(row["speech_probability"]) for row in found]
    assert chances == sorted(chances)
    write_audio_table(tmp_path / "none.parquet", wave[:0], likely[:0])
    assert pq.read_table(tmp_path / "none.parquet").num_rows == 0


def test_women_speak_higher_than_men(shared_data: Path) -> None:
    """Actors of RAVDESS speak calmly: odd numbers are male."""
    activity, medians = VoiceActivity(), []
    for path in sorted((shared_data / "ravdess").glob("03-01-02-01-01-01-*.flac")):
        wave = read_audio(path)
        found = values(wave, activity(torch.from_numpy(from_int16(wave))).numpy())
        spoken = found[found[:, 2] > SPEECH]
        assert np.isfinite(spoken[:, 1]).mean() > 0.7
        medians.append(float(np.nanmedian(spoken[:, 1])))
    assert len(medians) == 24
    men, women = np.array(medians[::2]), np.array(medians[1::2])
    assert ((men > 80) & (men < 140)).all()
    assert ((women > 160) & (women < 260)).all()
