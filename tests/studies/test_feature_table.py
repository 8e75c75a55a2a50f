"""Vectors of a baseline: from hand-crafted features, voices, and tables of a user's own."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from samples import sample, store
from voices import voice

from mien.errors import MienError
from mien.features.extract import extract
from mien.features.store import FeatureStore
from mien.models.pretrained.weights import Package
from mien.studies.feature_table import FeatureTable, compute_features, name_of, read_features

IDS = ["Ses01_F000", "Ses01_F001", "Ses02.a"]

COMMAS = """file,speaker,energy,pitch,start
clips/Ses01_F001.wav,Ann,2,0.5,1
clips/Ses02.a.wav,Ben,3,,7
clips/elsewhere.wav,Ben,9,9,9
"""

OPENSMILE = """name;frameTime;F0_mean;F0_deviation
'Ses01_F000';0.0;120.5;3
'C:\\clips\\Ses01_F001.wav';0.0;-1e3;inf
"""


@pytest.fixture
def read(tmp_path: Path) -> Callable[[str], FeatureTable]:
    def written(text: str) -> FeatureTable:
        path = tmp_path / "features.csv"
        path.write_text(text, encoding="utf-8")
        return read_features(path, IDS)

    return written


def test_a_table_with_commas(read: Callable[[str], FeatureTable]) -> None:
    """Files are known by their names, times are no features, an empty cell is a missing number."""
    found = read(COMMAS)
    assert (found.ids, found.names) == (["Ses01_F001", "Ses02.a"], ["energy", "pitch"])
    np.testing.assert_array_equal(found.values, [[2, 0.5], [3, np.nan]])


def test_a_table_of_opensmile(read: Callable[[str], FeatureTable]) -> None:
    """Semicolons, names in quotes of their own, and a time; what is infinite is missing."""
    found = read(OPENSMILE)
    assert (found.ids, found.names) == (["Ses01_F000", "Ses01_F001"], ["F0_mean", "F0_deviation"])
    np.testing.assert_array_equal(found.values, [[120.5, 3], [-1000, np.nan]])


def test_ids_that_are_numbers_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "features.csv"
    path.write_bytes("\ufeffid\tx\n007\t1.5\n7\t2\n".encode())
    found = read_features(path, ["7", "007"])
    assert (found.ids, found.values.tolist()) == (["007", "7"], [[1.5], [2.0]])


def test_a_parquet_file_written_and_read(tmp_path: Path) -> None:
    table = FeatureTable(IDS, ["a", "file"], np.array([[1, 2], [np.nan, 3], [4, 5.5]]))
    table.write(tmp_path / "features.parquet")
    found = read_features(tmp_path / "features.parquet", IDS[1:])
    assert (found.ids, found.names) == (IDS[1:], ["a", "file"])
    np.testing.assert_array_equal(found.values, table.values[1:])
    columns = {"id": IDS, "n": pa.array([1, None, 3]), "x": pa.array([1, 2, 3], pa.float32())}
    pq.write_table(pa.table(columns), tmp_path / "other.parquet")
    found = read_features(tmp_path / "other.parquet", IDS)
    np.testing.assert_array_equal(found.values, [[1, 1], [np.nan, 2], [3, 3]])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("id,x\nSes01_F000,1\na/Ses01_F000.wav,2\n", "has several rows of 'Ses01_F000': one"),
        ("id,x\nother,1\n", "names none of the utterances; the first ones are 'other', and the"),
        ("id,text\nSes01_F000,hello\n", "has no column of numbers beside id"),
        ("id,start\nSes01_F000,0.5\n", "has no column of numbers beside id"),
        ("clip,x\nSes01_F000,1\n", "has none of the columns id, name, file, filename"),
        ("id,x,x\nSes01_F000,1,2\n", "has several columns 'x': give each a name of its own"),
        ("id,x\nSes01_F000,1,2\n", "can't be read as a table (CSV parse error"),
        ("", "can't be read as a table (Empty CSV file)"),
    ],
)
def test_a_table_that_cannot_be_used(
    read: Callable[[str], FeatureTable], text: str, told: str
) -> None:
    with pytest.raises(MienError) as caught:
        read(text)
    assert "features.csv" in str(caught.value)
    assert told in str(caught.value)


def test_a_file_that_is_no_table(tmp_path: Path) -> None:
    for name in ("features.parquet", "features.csv"):
        (tmp_path / name).write_bytes(b"\xff\xfe\x00PAR1")
        with pytest.raises(MienError, match="can't be read as a table"):
            read_features(tmp_path / name, IDS)
    with pytest.raises(MienError, match="does not exist"):
        name_of(str(tmp_path / "none.csv"))


def test_a_file_is_known_by_its_content(tmp_path: Path) -> None:
    """So a study of other features under the same name is refused."""
    path = tmp_path / "features.csv"
    path.write_text("id,x\na,1\n")
    first = name_of(str(path))
    path.write_text("id,x\na,2\n")
    assert first.startswith("features.csv ")
    assert name_of(str(path)) != first
    assert name_of("functionals") == "functionals"


def test_functionals_of_hand_crafted_features(tmp_path: Path) -> None:
    """An utterance without a modality lacks its numbers; one without any has no row."""
    samples = [sample(0, "ta"), sample(1, "t"), sample(2, "a"), sample(3, "")]
    data = store(tmp_path / "data", samples).folder
    extract(data, modalities="ta", workers=1, progress=False)
    features = FeatureStore(data)
    ids = [utterance.id for utterance in features.utterances]
    found = compute_features("functionals", data, progress=False)
    assert found.ids == ids[:3]
    sizes = features.settings.sizes
    assert len(found.names) == len(set(found.names)) == 4 * (sizes["t"] + sizes["a"])
    place = 4 * sizes["t"]
    steps = features[2].features["a"].astype(float)
    expected = [steps.mean(0), steps.std(0), *np.percentile(steps, [10, 90], axis=0)]
    np.testing.assert_allclose(found.values[2, place:], np.concatenate(expected))
    assert np.isnan(found.values[2, :place]).all()
    assert np.isnan(found.values[1, place:]).all()
    assert np.isfinite(found.values[0]).all()


def test_functionals_without_features_say_how_to_make_them(study_data: Path) -> None:
    with pytest.raises(MienError, match="has no features; make them with: mien features"):
        compute_features("functionals", study_data, progress=False)


@pytest.mark.usefixtures("voice_weights")
def test_voices(tmp_path: Path) -> None:
    """Clips without audio have no vector."""
    from mien.identity.resemblyzer import Voiceprint

    wave = (voice(1.5, 0.3) * 32767).astype("i2")
    samples = [replace(sample(0, "a"), waveform=wave), sample(1, "t"), sample(2, "t")]
    data = store(tmp_path / "data", samples).folder
    found = compute_features("voice", data, progress=False)
    assert found.ids == [samples[0].utterance.id]
    np.testing.assert_allclose(found.values, [Voiceprint()(wave)], rtol=1e-5)
    silent = store(tmp_path / "silent", samples[1:]).folder
    with pytest.raises(MienError, match="has no audio of which a voice can be embedded"):
        compute_features("voice", silent, progress=False)


def test_voices_without_the_weights_say_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = store(tmp_path / "data", [sample(0), sample(1)]).folder
    monkeypatch.setattr(Package, "find", lambda package: None)
    with pytest.raises(MienError, match="install"):
        compute_features("voice", data, progress=False)
