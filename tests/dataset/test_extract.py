"""Features beside prepared data: extracted or read, resumed, and verified."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples import sample, store

from mien.dataset.store import Store
from mien.errors import MienError
from mien.features.extract import extract
from mien.features.extractor import Extractor, FeatureSettings
from mien.features.face_features import face_features
from mien.features.store import (
    FEATURE_SCHEMA_VERSION,
    FOLDER,
    FeatureStore,
    check_sources,
    fit_sizes,
    open_store,
)
from mien.features.voice_features import voice_features
from mien.models import ModelConfig, preset

GLOVE = "I 1 2\nam 3 4\nglad 5 6\n"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Five utterances in two shards; some parts are missing."""
    modalities = ["tav", "t", "av", "ta", "v"]
    samples = [sample(i, letters, faces=4) for i, letters in enumerate(modalities)]
    return store(tmp_path / "data", samples).folder


def run(data: Path, **options: Any) -> Any:
    return extract(data, **({"workers": 1, "progress": False} | options))


def test_what_is_extracted_is_of_each_utterance_and_its_parts(data: Path) -> None:
    summary = run(data)
    assert summary.counts == {"t": 3, "a": 3, "v": 3}
    assert summary.sizes == {"t": 256, "a": 144, "v": 35}
    assert summary.unknown == 0
    raw, features = Store(data), FeatureStore(data)
    assert features.modalities == ["tav", "t", "av", "ta", "v"]
    for row in range(len(raw)):
        had, found = raw[row], features[row]
        assert found.utterance == had.utterance
        assert found.waveform is None
        assert "".join(found.features) == had.modalities == features.modalities[row]
        assert all(part.dtype == np.float32 for part in found.features.values())
        if had.waveform is not None:
            voice = voice_features(had.waveform.astype(np.float32) / 32768)
            assert np.array_equal(found.features["a"], voice)
        if had.faces is not None:
            faces = face_features(had.faces[had.face_found])
            assert np.array_equal(found.features["v"], faces)


def test_the_same_for_a_sample_at_hand(data: Path) -> None:
    run(data)
    features = FeatureStore(data)
    extractor = Extractor(features.settings.sources, features.table)
    for row, one in enumerate(Store(data)[i] for i in range(5)):
        again = extractor(one)
        assert again.keys() == features[row].features.keys()
        for m, part in again.items():
            assert np.array_equal(part, features[row].features[m])


def test_frames_without_a_face_have_no_features(tmp_path: Path) -> None:
    samples = [sample(0, faces=3), sample(1, faces=2)]
    samples[0].face_found[:] = [True, False, True]
    samples[1].face_found[:] = False
    data = store(tmp_path / "data", samples).folder
    assert run(data).counts["v"] == 1
    features = FeatureStore(data)
    assert len(features[0].features["v"]) == 2
    assert features.modalities == ["tav", "ta"]


def test_long_utterances_are_cut(tmp_path: Path) -> None:
    data = store(tmp_path / "data", [sample(0, "av", faces=6, seconds=3.0)]).folder
    run(data, max_seconds=1.0)
    found = FeatureStore(data)[0].features
    found_faces = int(sample(0, "av", faces=6).face_found[:2].sum())
    assert (len(found["a"]), len(found["v"])) == (11, found_faces)


def test_two_processes_give_what_one_gives(data: Path, tmp_path: Path) -> None:
    run(data, workers=2)
    digest = FeatureStore(data).settings.digest
    other = store(tmp_path / "other", [Store(data)[i] for i in range(5)]).folder
    run(other)
    assert FeatureStore(other).settings.digest == digest


def test_stopped_half_way_it_goes_on(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mien.features import extract as module

    write = module.write_features
    written: list[Path] = []

    def stop(path: Path, rows: Any) -> None:
        if written:
            raise KeyboardInterrupt
        write(path, rows)
        written.append(path)

    monkeypatch.setattr(module, "write_features", stop)
    with pytest.raises(KeyboardInterrupt):
        run(data)
    with pytest.raises(MienError, match="not finished; run the same 'mien features'"):
        FeatureStore(data)
    before = written[0].stat().st_mtime_ns
    monkeypatch.setattr(module, "write_features", write)
    assert run(data).counts["t"] == 3
    assert written[0].stat().st_mtime_ns == before, "what is finished stays"


def test_again_there_is_nothing_to_do(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = run(data)
    monkeypatch.setattr("mien.features.extract._run", lambda *_: pytest.fail("it extracts again"))
    assert run(data) == first


def test_one_process_extracts_and_a_killed_one_leaves_no_lock(data: Path) -> None:
    folder = data / FOLDER
    folder.mkdir()
    holder = (
        "import sys, time; from pathlib import Path; from mien.files import only_one\n"
        "with only_one(Path(sys.argv[1]), 'mien features'):\n"
        "    print('held', flush=True); time.sleep(600)"
    )
    command = [sys.executable, "-c", holder, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(MienError, match="another 'mien features' is at work in it") as error:
            run(data)
        assert str(folder) in str(error.value)
        assert list(folder.iterdir()) == []
        process.kill()
    assert run(data).counts == {"t": 3, "a": 3, "v": 3}
    assert run(data).counts == {"t": 3, "a": 3, "v": 3}, "the lock is let go at the end"


def test_made_in_another_way_they_are_refused(data: Path, tmp_path: Path) -> None:
    run(data, modalities="a")
    with pytest.raises(MienError, match=r"made with another modalities; delete it"):
        run(data)
    with pytest.raises(MienError, match="another max_seconds"):
        run(data, modalities="a", max_seconds=3.0)


def test_what_was_not_finished_gives_way(data: Path, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    with pytest.raises(MienError, match="holds no features"):
        run(data, read=tmp_path / "nothing")
    assert run(data, modalities="t").sizes == {"t": 256}
    assert FeatureStore(data).modalities == ["t", "t", "", "t", ""]


def test_another_folder_of_that_name_is_left_alone(data: Path) -> None:
    (data / FOLDER).mkdir()
    (data / FOLDER / "thesis.txt").write_text("mine")
    with pytest.raises(MienError, match="holds something else"):
        run(data)
    assert (data / FOLDER / "thesis.txt").read_text() == "mine"


def test_of_a_glove_file_the_table_is_kept(data: Path, tmp_path: Path) -> None:
    glove = tmp_path / "glove.txt"
    glove.write_text(GLOVE)
    summary = run(data, glove=glove, modalities="t")
    assert summary.sizes == {"t": 2}
    assert summary.counts == {"t": 1}, "the others have no word with a vector"
    assert summary.unknown == 13
    assert "13 words have no vector" in str(summary)
    features = FeatureStore(data)
    assert features.settings.sources["t"].startswith("glove-2-")
    assert features.table.is_file()
    assert features[0].features["t"].tolist() == [[1, 2], [3, 4], [5, 6]]
    glove.write_text(GLOVE + "came 7 8\n")
    with pytest.raises(MienError, match="another glove"):
        run(data, glove=glove, modalities="t")


def test_what_is_read_goes_before_what_is_extracted(data: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    for number in (0, 1):
        np.savez(own / f"synthetic-{number:03}.npz", voice=np.full((3, 7), number))
    summary = run(data, read=own)
    assert summary.sources == {"t": "wordllama-256", "a": "own", "v": "face-1"}
    assert summary.sizes == {"t": 256, "a": 7, "v": 35}
    assert summary.counts == {"t": 3, "a": 2, "v": 3}
    features = FeatureStore(data)
    assert features[1].features["a"].tolist() == [[1.0] * 7] * 3
    assert features.modalities == ["tav", "ta", "v", "t", "v"]


def test_word_vectors_for_words_that_are_read(data: Path, tmp_path: Path) -> None:
    (tmp_path / "glove.txt").write_text(GLOVE)
    own = tmp_path / "own"
    own.mkdir()
    np.savez(own / "synthetic-000.npz", text=np.ones((1, 2)))
    with pytest.raises(MienError, match=r"glove: .* leave it out"):
        run(data, read=own, glove=tmp_path / "glove.txt")


def test_features_of_another_width_are_left_out_and_written_down(
    data: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    for number, width in enumerate((8, 7, 7)):
        np.savez(own / f"synthetic-{number:03}.npz", face=np.ones((3, width)))
    summary = run(data, read=own)
    assert (summary.counts["v"], summary.sizes["v"]) == (2, 7)
    where = f"(reasons in {data / FOLDER / 'skipped.jsonl'})"
    assert f"1 left out: face with another number of columns than most {where}" in str(summary)
    (line,) = (data / FOLDER / "skipped.jsonl").read_text().splitlines()
    item, source = json.loads(line), str(own / "synthetic-000.npz")
    assert (item["id"], item["source"]) == ("synthetic-000", source)
    assert item["reason"] == f"{source}, face: 8 features per step, most have 7: write it again"
    assert FeatureStore(data).modalities == ["ta", "tv", "av", "ta", ""]


def test_where_no_features_are_of_the_usual_width_it_says_so(data: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    for name, width in (("synthetic-000", 8), ("x", 7), ("y", 7)):
        np.savez(own / f"{name}.npz", face=np.ones((3, width)))
    with pytest.raises(MienError, match="no utterance has features of video") as error:
        run(data, read=own, modalities="v")
    assert "; 1 left out: face with another number of columns than most" in str(error.value)
    assert "most have 7" in (data / FOLDER / "skipped.jsonl").read_text()


def test_what_there_is_is_written_where_one_modality_has_nothing(
    data: Path, tmp_path: Path
) -> None:
    strange = tmp_path / "strange"
    strange.mkdir()
    np.savez(strange / "somebody.npz", face=np.ones((3, 7)))
    summary = run(data, read=strange)
    assert summary.sources == {"t": "wordllama-256", "a": "voice-1"}
    assert "no utterance has features of video: the rest is kept" in str(summary)
    assert set(FeatureStore(data).settings.sizes) == {"t", "a"}
    other = store(tmp_path / "other", [sample(0)]).folder
    with pytest.raises(MienError, match="no utterance has features of video"):
        run(other, read=strange, modalities="v")


def test_damaged_features_are_left_out_and_written_down(data: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    for number in range(3):
        np.savez(own / f"synthetic-{number:03}.npz", face=np.full((3, 7), number))
    np.savez(own / "synthetic-001.npz", face=np.full((3, 7), np.nan))
    (own / "synthetic-002.npz").write_bytes(b"PK cut short")
    summary = run(data, read=own)
    assert summary.counts["v"] == 1
    where = f"(reasons in {data / FOLDER / 'skipped.jsonl'})"
    assert f"1 left out: face that is not a table of finite numbers {where}" in str(summary)
    assert f"1 left out: file that cannot be read {where}" in str(summary)
    lines = (data / FOLDER / "skipped.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["synthetic-001", "synthetic-002"]
    for one in FeatureStore(data):
        assert all(np.isfinite(part).all() for part in one.features.values())


def test_features_are_made_again_where_that_is_asked_for(data: Path) -> None:
    run(data, modalities="a")
    assert set(run(data, renew=True).sources) == {"t", "a", "v"}
    assert set(FeatureStore(data).settings.sizes) == {"t", "a", "v"}


def test_features_of_other_data_are_refused(data: Path, tmp_path: Path) -> None:
    run(data)
    other = store(tmp_path / "other", [sample(7), sample(8)]).folder
    (data / FOLDER).rename(other / FOLDER)
    with pytest.raises(MienError, match="of other data"):
        FeatureStore(other)
    with pytest.raises(MienError, match="has no features; make them with: mien features"):
        FeatureStore(data)


def test_features_of_another_version_are_refused(data: Path) -> None:
    run(data)
    path = data / FOLDER / "features.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema": 0}))
    with pytest.raises(MienError, match=f"schema 0, this one reads {FEATURE_SCHEMA_VERSION}"):
        FeatureStore(data)


def test_a_damaged_shard_is_named(data: Path) -> None:
    run(data)
    (data / FOLDER / "1.parquet").write_bytes(b"cut short")
    with pytest.raises(MienError, match=r"features/1\.parquet: missing or damaged.*mien features"):
        _ = FeatureStore(data)[4]
    with pytest.raises(MienError, match=r"features/1\.parquet: missing or damaged"):
        _ = FeatureStore(data).modalities


def test_a_model_reads_what_it_needs(data: Path) -> None:
    assert type(open_store(data, ModelConfig())) is Store
    run(data)
    assert isinstance(open_store(data, preset("lf-rnn")), FeatureStore)


def settings(**sizes: int) -> FeatureSettings:
    sources = dict.fromkeys(sizes, "own")
    return FeatureSettings(sources=sources, sizes=sizes, max_seconds=60, digest="")


def test_sizes_are_those_of_the_data_unless_they_are_given() -> None:
    model = preset("lf-rnn")
    assert fitted(model, settings(t=256, a=144, v=20)) == [256, 144, 20]
    assert fitted(model, settings(a=144)) == [300, 144, 35]
    chosen = preset("lf-rnn", audio_feature_type=3)
    assert fitted(chosen, settings(a=144)) == [300, 34, 35]
    given = preset("lf-rnn", audio_feature_size=144, video_feature_size=35, modalities="av")
    assert fitted(given, settings(t=256, a=144, v=35)) == [144, 35]
    with pytest.raises(MienError, match=r"^video_feature_size: .* of size 20, not 35"):
        fit_sizes(given, settings(a=144, v=20))


def fitted(model: ModelConfig, found: FeatureSettings) -> list[int]:
    return [encoder.feature_size for encoder in fit_sizes(model, found).encoders.values()]


def test_a_model_reads_no_other_kind_of_features(tmp_path: Path) -> None:
    learnt = settings(a=144, v=35)
    check_sources(learnt, learnt, "av", tmp_path)
    check_sources(settings(a=144, v=34), learnt, "a", tmp_path)
    for other in (
        learnt.model_copy(update={"sources": {"a": "voice-1", "v": "own"}}),
        learnt.model_copy(update={"sizes": {"a": 144, "v": 34}}),
        settings(a=144),
    ):
        with pytest.raises(MienError, match="features of another kind"):
            check_sources(other, learnt, "av", tmp_path)
