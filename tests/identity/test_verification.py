"""Verification of a run and of the voice encoder over prepared data."""

import json
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
from samples import TASKS, sample, store, tiny_run
from voices import voice

from mien.dataset.store import Store
from mien.errors import MienError
from mien.features.extract import extract
from mien.features.store import FeatureStore, fit_sizes
from mien.identity.verification import verify_encoder, verify_run, write_verification
from mien.media.decode import read_audio, read_frames
from mien.media.faces import FaceCropper
from mien.modality import Modality
from mien.models import preset
from mien.report.verification_report import VerificationReport
from mien.report.verification_tables import markdown
from mien.runs.config import DataConfig, RunConfig
from mien.runs.run import Run
from mien.utterance import Sample

FAST = {"progress": False, "resamples": 20}


def pauses(sound: np.ndarray) -> np.ndarray:
    """Put half a second of faint noise around a sound."""
    quiet = np.random.default_rng(len(sound)).normal(0, 3, 8000)
    return np.concatenate([quiet, sound, quiet]).astype(np.int16)


@pytest.fixture(scope="module")
def talks(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """48 synthetic clips of 6 persons: 3 sessions, each of 4 dialogues of its two persons."""
    clips = []
    for number in range(48):
        person = number % 6
        made = sample(
            number,
            "ta" if number % 12 == 0 else "tav",
            person=f"P{person}",
            session=f"S{person // 2}",
            dialogue=f"D{number // 12}",
        )
        sound = voice(0.8, 0.2, pitch=90 + 30 * person) * 20_000
        clips.append(Sample(**(vars(made) | {"waveform": pauses(sound)})))
    nobody = sample(99, "t", person=None)
    return store(tmp_path_factory.mktemp("talks") / "data", [*clips, nobody])


@pytest.fixture
def run(tmp_path: Path, tiny_text: Path) -> Run:
    return tiny_run(tmp_path / "run", tiny_text)


def test_every_kind_of_trials_on_every_input(run: Run, talks: Store) -> None:
    result = verify_run(run.folder, data=talks.folder, split="all", **FAST)
    assert [(row.pairing, row.input) for row in result.rows] == [
        (pairing, used)
        for pairing in ("clips", "sentences", "dialogues", "sessions")
        for used in ("text + audio + video", "silence alone", "text alone")
    ]
    assert (result.clips, result.speakers, result.synthetic) == (48, 6, True)
    assert "1 clips: their speaker is not known" in result.left_out
    assert result.trained is None, "the data are not those of training"
    by_name = {(row.pairing, row.input): row.metrics for row in result.rows}
    dialogues = by_name["dialogues", "text alone"]
    assert (dialogues.targets, dialogues.nontargets) == (24, 120)
    sessions = by_name["sessions", "silence alone"]
    assert (sessions.targets, sessions.nontargets) == (24, 24)
    assert sessions.chance == 0.5
    for metrics in by_name.values():
        assert 0 <= metrics.eer <= 1


def test_what_is_no_input_changes_nothing(run: Run, talks: Store, monkeypatch) -> None:
    """Silence alone: neither text nor faces nor speech reach the model."""
    seen = []
    real = Store.__getitem__

    def spoil(self: Store, number: int) -> Sample:
        found = real(self, number)
        loud = np.abs(found.waveform) > 200
        other = np.where(loud, found.waveform // 2, found.waveform).astype(np.int16)
        seen.append(number)
        return Sample(**(vars(found) | {"waveform": other, "faces": 255 - found.faces}))

    faces = [row for row, letters in enumerate(talks.modalities) if letters == "tav"]
    some = store(run.folder.parent / "faces", [talks[row] for row in faces])
    before = verify_run(run.folder, data=some.folder, split="all", **FAST)
    monkeypatch.setattr(Store, "__getitem__", spoil)
    after = verify_run(run.folder, data=some.folder, split="all", **FAST)
    assert seen
    for one, other in zip(before.rows, after.rows, strict=True):
        same = one.metrics.det == other.metrics.det
        assert same == (one.input != "text + audio + video"), one.input


def test_only_the_modalities_asked_for_are_used(run: Run, talks: Store) -> None:
    result = verify_run(run.folder, data=talks.folder, split="all", modalities="v", **FAST)
    assert {row.input for row in result.rows} == {"video"}
    assert {row.clips for row in result.rows} == {44}
    for line in (
        "silence alone: the model does not use audio",
        "text alone: the model does not use text",
        "4 clips (video): they have none",
    ):
        assert line in result.left_out
    result = verify_run(run.folder, data=talks.folder, split="all", modalities="t", **FAST)
    assert {row.input for row in result.rows} == {"text"}
    with pytest.raises(MienError, match="choose from these"):
        verify_run(run.folder, data=talks.folder, split="all", modalities="x", **FAST)


@pytest.fixture(scope="module")
def featured(talks: Store, tmp_path_factory: pytest.TempPathFactory) -> FeatureStore:
    """The same clips with hand-crafted features of text and audio."""
    folder = tmp_path_factory.mktemp("featured") / "data"
    copytree(talks.folder, folder)
    extract(folder, modalities="ta", workers=1, progress=False)
    return FeatureStore(folder)


@pytest.fixture
def baseline(featured: FeatureStore, tmp_path: Path) -> Run:
    """A run on hand-crafted features that has learnt nothing."""
    model = preset("lf-rnn", modalities="ta", rnn_hidden=4)
    config = RunConfig(
        model=fit_sizes(model, featured.settings),
        tasks=TASKS,
        data=DataConfig(path="data", corpus="synthetic", protocol="random", synthetic=True),
        training={},
        features=featured.settings,
    )
    run = Run.create(tmp_path / "baseline", config)
    run.write_model(run.build())
    return run


def test_a_run_on_hand_crafted_features_has_no_control_of_silence(
    baseline: Run, featured: FeatureStore
) -> None:
    result = verify_run(baseline.folder, data=featured.folder, split="all", **FAST)
    assert {row.input for row in result.rows} == {"text + audio", "text alone"}
    assert {row.clips for row in result.rows} == {48}
    assert "silence alone: the features are those of whole utterances" in result.left_out
    one, other = (
        next(row.metrics.det for row in result.rows if row.input == used)
        for used in ("text + audio", "text alone")
    )
    assert one != other


def test_data_that_do_not_fit_are_refused_as_by_evaluation(
    baseline: Run, run: Run, talks: Store, featured: FeatureStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(MienError, match="has no features; make them with: mien features"):
        verify_run(baseline.folder, data=talks.folder, split="all", **FAST)
    video = type(run.config.model.encoders[Modality.VIDEO])
    monkeypatch.setattr(video, "face_size", None)
    run.record_data(run.config.data.model_copy(update={"face_size": 112}))
    with pytest.raises(MienError, match="48 pixels, the training had 112, and the video encoder"):
        verify_run(run.folder, data=talks.folder, split="all", **FAST)


def test_one_speaker_makes_no_trials(run: Run, tmp_path: Path) -> None:
    alone = store(tmp_path / "alone", [sample(number, person="P") for number in range(4)])
    with pytest.raises(MienError, match="are of 1"):
        verify_run(run.folder, data=alone.folder, split="all", **FAST)
    single = store(tmp_path / "single", [sample(n, person=f"P{n}") for n in range(4)])
    with pytest.raises(MienError, match="allows no trials"):
        verify_run(run.folder, data=single.folder, split="all", **FAST)


def test_embeddings_that_are_not_finite_are_an_error(run: Run, talks: Store, monkeypatch) -> None:
    def broken(*arguments, **options) -> np.ndarray:
        return np.full((48, 4), np.nan)

    monkeypatch.setattr("mien.identity.verification.embed", broken)
    with pytest.raises(MienError, match="not finite"):
        verify_run(run.folder, data=talks.folder, split="all", **FAST)


def test_clips_that_are_alike_leave_out_wccn_with_the_reason(
    run: Run, talks: Store, monkeypatch
) -> None:
    def embedding_of_the_person(run: Run, model, data: Store, rows: list[int], **options):
        return np.eye(6)[[int(data.utterances[row].person[1]) for row in rows]]

    monkeypatch.setattr("mien.identity.verification.embed", embedding_of_the_person)
    result = verify_run(run.folder, data=talks.folder, split="all", modalities="v", **FAST)
    reason = "the clips of each speaker to learn from are alike"
    assert f"WCCN, other dialogues (video): {reason}" in result.left_out
    fitted = [row.metrics.cross_fitted for row in result.rows]
    assert [(found.eer, found.eer_wccn, found.rank1_wccn) for found in fitted] == [
        (0, None, None)
    ] * 4
    header, _, first = (
        markdown(result).split("fitted on the other half of the speakers:")[1].split("\n")[2:5]
    )
    cells = dict(zip(header.split("|"), first.split("|"), strict=True))
    assert [value.strip() for name, value in cells.items() if "WCCN" in name] == ["–"]


def test_a_result_is_written_as_json_tables_and_plot(
    run: Run, talks: Store, tmp_path: Path
) -> None:
    result = verify_run(run.folder, data=talks.folder, split="all", **FAST)
    files = write_verification(result, tmp_path / "new" / "out")
    assert sorted(files) == sorted((tmp_path / "new" / "out").iterdir())
    content, tables, plot = files
    assert json.loads(content.read_text()) == result.model_dump(mode="json")
    assert VerificationReport.model_validate_json(content.read_text()) == result
    text = tables.read_text()
    assert text == markdown(result)
    assert "Synthetic data" in text
    assert text.count("| other dialogues, same session |") == 12
    assert "with WCCN" in text
    for block in text.split("\n\n"):
        if block.startswith("|"):
            assert len({(len(line), line.count("|")) for line in block.split("\n")}) == 1
    assert plot.read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(MienError, match=r"^out: .* choose another$"):
        write_verification(result, content / "below")


def test_the_voice_encoder_over_prepared_data(voice_weights, talks: Store) -> None:
    result = verify_encoder("voice", talks.folder, **FAST)
    found = {(row.pairing, row.input): row.metrics for row in result.rows}
    assert {name for _, name in found} == {"audio", "silence alone"}
    # the synthetic pitches differ, the noise around them does not
    assert found["dialogues", "audio"].eer < 0.05
    assert found["dialogues", "silence alone"].eer > 0.3
    assert "text alone: the encoder voice does not use text" in result.left_out


@pytest.mark.slow
def test_ten_readers_are_told_apart_by_their_voices(
    voice_weights, shared_data: Path, tmp_path: Path
) -> None:
    import soundfile

    clips = []
    for number, path in enumerate(sorted((shared_data / "librispeech").glob("*/*.flac"))):
        wave = soundfile.read(path, dtype="int16")[0]
        made = sample(number, "a", id=path.stem, person=path.parent.name, synthetic=False)
        clips.append(Sample(utterance=made.utterance, waveform=wave))
    readers = store(tmp_path / "readers", clips)
    result = verify_encoder("voice", readers.folder, **FAST)
    (metrics,) = (row.metrics for row in result.rows if row.input == "audio")
    assert (metrics.speakers, metrics.targets, metrics.nontargets) == (10, 50, 450)
    assert metrics.eer <= 0.05
    # learned from five readers, it does no harm; chance would be 50 %
    assert metrics.cross_fitted.eer_wccn <= 0.05
    assert metrics.cross_fitted.rank1_wccn >= 0.95
    assert metrics.rank1 >= 0.95


@pytest.mark.parametrize(("encoder", "used"), [("face", "video"), ("both", "audio + video")])
def test_the_faces_of_prepared_data_tell_people_apart(
    voice_weights, face_weights, shared_data: Path, tmp_path: Path, encoder: str, used: str
) -> None:
    cropper, clips = FaceCropper(), []
    for number, path in enumerate(sorted((shared_data / "grid").glob("[bs]*.mpg"))):
        wave = read_audio(path)
        for part in range(2):
            half = (1.5 * part, 1.5 * (part + 1))
            frames = list(read_frames(path, [half], report=[].append))
            made = sample(2 * number + part, "av", person=path.stem, synthetic=False)
            replaced = {
                "faces": np.stack([cropper.crop(image, 48).pixels for *_, image in frames]),
                "face_times": np.array([time for _, time, _ in frames], np.float32),
                "frame_times": np.array([time for _, time, _ in frames], np.float32),
                "face_found": np.ones(len(frames), bool),
                "waveform": wave[: len(wave) // 2] if part == 0 else wave[len(wave) // 2 :],
            }
            clips.append(Sample(**vars(made) | replaced))
    alone = sample(99, "a", person=clips[0].utterance.person, synthetic=False)
    grid = store(tmp_path / "grid", [*clips, alone])
    result = verify_encoder(encoder, grid.folder, **FAST)
    (row,) = result.rows
    assert (row.pairing, row.input, row.metrics.speakers) == ("clips", used, 5)
    assert (row.metrics.eer, row.metrics.rank1) == (0, 1)
    assert f"text alone: the encoder {encoder} does not use text" in result.left_out
    assert f"silence alone: the encoder {encoder} needs faces" in result.left_out
    assert f"1 clips ({used}): they have none" in result.left_out
