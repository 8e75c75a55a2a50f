"""Features computed elsewhere: OpenFace's, a user's, and files of neither kind."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mien.errors import MienError
from mien.features.precomputed import PrecomputedFeatures, open_precomputed
from mien.utterance import Utterance

INTENSITIES = ("01", "02", "04", "05", "06", "07", "09", "10", "12", "14", "15", "17", "20")
INTENSITIES += ("23", "25", "26", "45")
UNITS = [f"AU{n}_r" for n in INTENSITIES] + [f"AU{n}_c" for n in sorted((*INTENSITIES, "28"))]


def utterance(name: str = "u1", **fields: object) -> Utterance:
    return Utterance(id=name, corpus="own", **fields)


# OpenFace


def openface_rows(path: Path, rows: list[dict[str, float]], *, wide: bool = True) -> None:
    """A synthetic file as OpenFace writes it: blanks after commas, many other columns."""
    names = ["frame", "face_id", "timestamp", "confidence", "success", "gaze_0_x", *UNITS]
    lines = [(", " if wide else ",").join(names)]
    for number, row in enumerate(rows, 1):
        own = {"frame": number, "face_id": 0, "confidence": 0.9, "success": 1, "gaze_0_x": -0.1}
        values = own | dict.fromkeys(UNITS, number / 10) | row
        lines.append(", ".join(f"{values[name]:g}" for name in names))
    path.write_text("\n".join(lines) + "\n")


def test_openface_gives_35_units_in_order(tmp_path: Path) -> None:
    openface_rows(tmp_path / "u1.csv", [{"timestamp": 0, "AU01_r": 3, "AU01_c": 1, "AU45_c": 9}])
    files = open_precomputed(tmp_path)
    assert (files.name, files.modalities) == ("openface", "v")
    (row,) = files(utterance())["v"]
    assert len(row) == len(UNITS) == 35
    assert (row[0], row[17], row[34]) == (3, 1, 9)
    assert row[1] == pytest.approx(0.1)
    assert files(utterance("another")) == {}


def test_openface_without_a_face_or_with_two(tmp_path: Path) -> None:
    rows = [
        {"timestamp": 0.0, "success": 0},
        {"timestamp": 0.1, "confidence": 0.5},
        {"timestamp": 0.1, "confidence": 0.8, "face_id": 1},
        {"timestamp": 0.2},
    ]
    openface_rows(tmp_path / "u1.csv", rows, wide=False)
    assert open_precomputed(tmp_path)(utterance())["v"][:, 0] == pytest.approx([0.3, 0.4])
    openface_rows(tmp_path / "u2.csv", rows[:1])
    assert open_precomputed(tmp_path)(utterance("u2")) == {}


def test_openface_of_a_whole_video_is_cut_by_time(tmp_path: Path) -> None:
    openface_rows(tmp_path / "talk.csv", [{"timestamp": n / 10} for n in range(30)])
    files, video = open_precomputed(tmp_path), Path("videos/talk.avi")
    part = files(utterance(video=video, start=1.0, end=1.5))["v"]
    assert part[:, 0] == pytest.approx([1.1, 1.2, 1.3, 1.4, 1.5])
    assert len(files(utterance(video=video, start=2.0))["v"]) == 10
    assert len(files(utterance(video=video))["v"]) == 30
    assert files(utterance(video=video, start=9.0, end=10.0)) == {}


def left_out(files: PrecomputedFeatures) -> list[tuple[str, str]]:
    return [(item.id, item.reason.partition(": ")[2]) for item in files.skipped]


def test_openface_files_that_are_damaged_are_left_out_and_noted(tmp_path: Path) -> None:
    for number in range(1, 8):
        openface_rows(tmp_path / f"u{number}.csv", [{"timestamp": 0}, {"timestamp": 0.1}])
    (tmp_path / "u1.csv").write_text("id,text\n1,hello\n")
    (tmp_path / "u2.csv").write_text((tmp_path / "u2.csv").read_text() + "2, 0, 0.1\n")
    openface_rows(tmp_path / "u3.csv", [{"timestamp": 0, "AU06_r": float("nan")}])
    openface_rows(tmp_path / "u4.csv", [{"timestamp": 0, "AU06_r": float("-inf")}])
    openface_rows(tmp_path / "u5.csv", [{"timestamp": float("nan")}])
    (tmp_path / "u6.csv").write_text("timestamp, AU01_r\n0, 1\n")
    files = open_precomputed(tmp_path)
    found = [files(utterance(f"u{number}")) for number in range(1, 8)]
    assert found[:6] == [{}] * 6
    assert found[6]["v"].shape == (2, 35)
    infinite = "has action units that are not finite"
    reasons = dict(left_out(files))
    assert list(reasons) == ["u1", "u2", "u3", "u4", "u5", "u6"]
    assert reasons["u1"].startswith("is not a file of OpenFace")
    assert reasons["u2"].startswith("is damaged (")
    assert (reasons["u3"], reasons["u4"]) == (infinite, infinite)
    assert reasons["u5"] == "has a time that is not finite"
    assert reasons["u6"].startswith("has other action units (1) than most files (35)")
    assert {item.kind for item in files.skipped} == {
        "features: file of OpenFace that cannot be read"
    }


def test_what_is_damaged_elsewhere_in_a_video_does_not_matter(tmp_path: Path) -> None:
    rows = [{"timestamp": n / 10} for n in range(10)]
    rows[8]["AU06_r"] = float("nan")
    openface_rows(tmp_path / "talk.csv", rows)
    files, video = open_precomputed(tmp_path), Path("videos/talk.avi")
    assert len(files(utterance(video=video, start=0.0, end=0.5))["v"]) == 5
    assert files(utterance("u2", video=video, start=0.5, end=1.0)) == {}
    assert left_out(files) == [("u2", "has action units that are not finite")]


# A user's own


def test_own_features_as_npz(tmp_path: Path) -> None:
    np.savez(tmp_path / "u1.npz", text=np.ones((4, 6)), face=np.zeros((2, 3), np.float64))
    np.savez(tmp_path / "u2.npz", text=np.ones((1, 6)), more=np.ones(3))
    files = open_precomputed(tmp_path)
    assert (files.name, files.modalities) == ("own", "tv")
    found = files(utterance("u1"))
    assert {m: (f.shape, f.dtype) for m, f in found.items()} == {
        "t": ((4, 6), np.float32),
        "v": ((2, 3), np.float32),
    }
    assert set(files(utterance("u2"))) == {"t"}
    assert files(utterance("u3")) == {}


def test_own_features_as_parquet(tmp_path: Path) -> None:
    path = tmp_path / "own.parquet"
    voice = [[[1.0, 2.0], [3.0, 4.0]], None, []]
    pq.write_table(pa.table({"id": ["u1", "u2", "u3"], "voice": voice}), path)
    files = open_precomputed(path)
    assert files.modalities == "a"
    assert files(utterance("u1"))["a"].tolist() == [[1, 2], [3, 4]]
    assert [files(utterance(name)) for name in ("u2", "u3", "u4")] == [{}, {}, {}]


def test_own_features_of_another_width_than_most_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "own.parquet"
    face = [[[1.0, 2.0, 3.0]] * 9, [[1.0, 2.0]], [[3.0, 4.0]], None, [], [[1.0], [2.0, 3.0]]]
    ids = [f"u{number}" for number in range(6)]
    pq.write_table(pa.table({"id": ids, "face": face}), path)
    files = open_precomputed(path)
    found = {name: files(utterance(name)).get("v") for name in ids}
    assert [name for name, part in found.items() if part is not None] == ["u1", "u2"]
    assert found["u2"].tolist() == [[3, 4]]
    kinds = {(item.id, item.kind) for item in files.skipped}
    assert ("u0", "features: face with another number of columns than most") in kinds
    assert ("u5", "features: face that is not a table of finite numbers") in kinds


@pytest.mark.parametrize(
    "wrong",
    [
        *(np.ones(3), np.ones((2, 0)), np.full((2, 2), np.nan), np.array([["a", "b"]])),
        np.full((1, 2), 1e300),
    ],
    ids=["one axis", "empty", "not finite", "letters", "too large"],
)
def test_own_features_that_are_no_table_of_numbers_are_left_out(
    tmp_path: Path, wrong: np.ndarray
) -> None:
    np.savez(tmp_path / "u1.npz", face=wrong, voice=np.ones((2, 3)))
    files = open_precomputed(tmp_path)
    assert {m: part.shape for m, part in files(utterance()).items()} == {"a": (2, 3)}
    (fault,) = files.skipped
    assert (fault.id, fault.kind) == (
        "u1",
        "features: face that is not a table of finite numbers",
    )
    assert fault.source == str(tmp_path / "u1.npz")


def test_own_files_that_are_damaged_are_left_out(tmp_path: Path) -> None:
    np.savez(tmp_path / "u1.npz", face=np.ones((2, 3)))
    whole = (tmp_path / "u1.npz").read_bytes()
    (tmp_path / "u0.npz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "u2.npz").write_bytes(b"")
    np.savez(tmp_path / "u3.npz", face=np.array([{"a": 1}], dtype=object))  # a pickle
    files = open_precomputed(tmp_path)
    assert files.modalities == "v"
    assert [set(files(utterance(f"u{n}"))) for n in range(4)] == [set(), {"v"}, set(), set()]
    assert [item.id for item in files.skipped] == ["u0", "u2", "u3"]
    assert {item.kind for item in files.skipped} == {"features: file that cannot be read"}


def test_where_all_is_damaged_there_is_nothing_to_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "u1.npz", face=np.array([{"a": 1}], dtype=object))
    with pytest.raises(MienError, match=r"u1\.npz.*plain numbers"):
        open_precomputed(tmp_path)


def test_what_is_not_known_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MienError, match="does not exist"):
        open_precomputed(tmp_path / "no")
    with pytest.raises(MienError, match="holds no features that mien knows"):
        open_precomputed(tmp_path)
    pq.write_table(pa.table({"name": ["u1"]}), tmp_path / "own.parquet")
    with pytest.raises(MienError, match="no column id"):
        open_precomputed(tmp_path / "own.parquet")
    pq.write_table(pa.table({"id": ["u1"]}), tmp_path / "own.parquet")
    with pytest.raises(MienError, match="none of text, voice, face"):
        open_precomputed(tmp_path / "own.parquet")
