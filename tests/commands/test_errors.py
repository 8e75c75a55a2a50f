"""Bad input: a clear message or a recorded skip, never a traceback, never a NaN."""

import errno
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
import soundfile
from media_files import murmur, write_video

from mien import files


def assert_told(result: subprocess.CompletedProcess[str], *words: str) -> None:
    assert result.returncode == 1, (result.stdout, result.stderr)
    assert "Traceback" not in result.stderr
    message = result.stderr.strip().split("\n")[-1]
    assert message.startswith("mien: ")
    for word in words:
        assert word in message, message


def skips(out: Path) -> dict[str, str]:
    lines = (out / "skipped.jsonl").read_text().splitlines()
    return {row["id"]: row["reason"] for row in map(json.loads, lines)}


@pytest.mark.parametrize("corpus", ["iemocap", "ravdess", "manifest"])
def test_a_missing_folder(mien, tmp_path: Path, corpus: str) -> None:
    assert_told(mien("prepare", corpus, tmp_path / "no", tmp_path / "out"), "no")
    assert not (tmp_path / "out" / "dataset.json").exists()


def test_data_that_are_not_there_or_not_prepared(mien, tmp_path: Path) -> None:
    assert_told(mien("inspect", tmp_path / "no"), "no such folder")
    assert_told(mien("train", tmp_path, "--out", tmp_path / "run"), "not a prepared folder")
    assert_told(mien("evaluate", tmp_path), "not a run folder")
    assert_told(mien("verification", tmp_path), "not a run folder")
    gone = mien("verification", "--encoder", "voice", "--data", tmp_path / "no")
    assert_told(gone, "no such folder")
    assert_told(mien("report", tmp_path), "not a run folder")
    assert_told(mien("predict", tmp_path, "a.wav"), "no run folder")
    assert_told(mien("explain", tmp_path, "a.wav", "--out", tmp_path / "o"), "not a run folder")


def test_bad_media_are_recorded_and_the_rest_is_kept(mien, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    soundfile.write(tmp_path / "good.wav", random.normal(0, 0.1, 16_000), 16_000)
    soundfile.write(tmp_path / "silent.wav", np.zeros(16_000), 16_000)
    soundfile.write(tmp_path / "short.wav", np.zeros(1), 16_000)
    (tmp_path / "corrupt.mp4").write_bytes(random.bytes(5000))
    (tmp_path / "clips.csv").write_text(
        "id,media,text,emotion\n"
        "good,good.wav,hello,happy\nsilent,silent.wav,hm,sad\nshort,short.wav,,sad\n"
        "corrupt,corrupt.mp4,,sad\nwords,corrupt.mp4,only these,sad\ngone,gone.wav,,happy\n"
    )
    out = tmp_path / "out"
    result = mien("prepare", "manifest", tmp_path / "clips.csv", out, "--workers", 1)
    assert result.returncode == 0, result.stderr
    assert "3 utterances" in result.stdout
    assert set(skips(out)) == {"silent", "good", "short", "corrupt", "words", "gone"}
    assert skips(out)["silent"].startswith("audio: silent in the file")
    assert skips(out)["good"].startswith("audio: its level never changes")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gone.wav", ["gone.wav", "does not exist"]),
        ("corrupt.mp4", ["corrupt.mp4", "cannot be read"]),
        ("short.wav", ["short.wav", "only 1 sample"]),
        ("empty.wav", ["empty.wav"]),
    ],
)
def test_predict_on_bad_clips(
    mien, run_folder: Path, tmp_path: Path, name: str, words: list[str]
) -> None:
    soundfile.write(tmp_path / "short.wav", np.zeros(1), 16_000)
    (tmp_path / "empty.wav").write_bytes(b"")
    (tmp_path / "corrupt.mp4").write_bytes(np.random.default_rng(0).bytes(5000))
    assert_told(mien("predict", run_folder, tmp_path / name), *words)


def test_a_dense_model_has_nothing_to_explain(
    mien, run_folder: Path, clips: Path, tmp_path: Path
) -> None:
    result = mien("explain", run_folder, clips / "synthetic3.wav", "--out", tmp_path / "looks")
    assert_told(result, str(run_folder), "dense", "mme2e-sparse")
    assert not (tmp_path / "looks").exists()


def test_silence_and_a_clip_without_a_face_are_not_answered(
    mien, run_folder: Path, tmp_path: Path
) -> None:
    soundfile.write(tmp_path / "silent.wav", np.zeros(16_000), 16_000)
    write_video(tmp_path / "grey.mp4", 40, sound=np.zeros(20_000, np.float32))
    assert_told(mien("predict", run_folder, tmp_path / "silent.wav"), "silent.wav", "silent in")
    assert_told(mien("predict", run_folder, tmp_path / "grey.mp4"), "no face was found", "silent")
    result = mien("predict", run_folder, tmp_path / "grey.mp4", "--text", "joy", "--json", "-")
    (prediction,) = json.loads(result.stdout)
    assert (prediction["modalities"], prediction["faces_found"]) == (["text"], 0)
    assert prediction["faces"] == 3
    assert [note.split(":")[0] for note in prediction["warnings"]] == ["video", "audio"]


def test_what_is_explained_needs_a_run(mien, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "clip.wav", np.zeros(16_000), 16_000)
    result = mien("explain", tmp_path / "clip.wav", "--out", tmp_path / "out")
    assert result.returncode == 1
    assert "mme2e-sparse" in result.stderr
    assert not (tmp_path / "out").exists()


def test_empty_words_are_no_words(mien, run_folder: Path, clips: Path) -> None:
    assert_told(mien("predict", run_folder, "--text", "  "), "text")
    result = mien("predict", run_folder, clips / "synthetic1.wav", "--text", "", "--json", "-")
    assert json.loads(result.stdout)[0]["modalities"] == ["audio"]


def test_an_encoder_that_can_not_be_fetched(mien, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    named = ["--modalities", "ta", "--text-model", "albert-base-v2"]
    result = mien("train", data, "--out", out, *named)
    assert_told(result, "--text-model: ", "albert-base-v2", "choose minilm")
    assert not out.exists()


def test_an_emotion_that_nobody_has(mien, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", murmur(16_000), 16_000)
    rows = "".join(f"{i},a.wav,P{i},puzzled\n" for i in range(6))
    (tmp_path / "clips.csv").write_text("id,audio,person,emotion\n" + rows)
    out = tmp_path / "data"
    mien("prepare", "manifest", tmp_path / "clips.csv", out, "--workers", 1)
    result = mien("train", out, "--out", tmp_path / "run", "--modalities", "a")
    assert_told(result, "at least two labels", "puzzled")


def test_flags_of_another_corpus_are_a_wrong_command(mien, tmp_path: Path) -> None:
    result = mien("prepare", "ravdess", tmp_path, tmp_path / "out", "--named-side", "left")
    assert result.returncode == 2
    told = "--named-side is not for the corpus ravdess, but for iemocap, processed, synthetic"
    assert result.stderr.endswith(f"error: {told}\n")
    result = mien("prepare", "synthetic", tmp_path / "new", tmp_path / "out", "--turns", 0)
    assert result.returncode == 2
    wrong = "--turns: Input should be greater than or equal to 1 (given: '0')"
    assert result.stderr.endswith(f"error: {wrong}\n")
    assert not (tmp_path / "new").exists()


def test_a_corpus_that_is_misspelt(mien, tmp_path: Path) -> None:
    result = mien("prepare", "ravdes", tmp_path, tmp_path / "out")
    assert result.returncode == 2
    assert "no corpus 'ravdes' (did you mean ravdess?); choose from iemocap, " in result.stderr


def test_a_protocol_that_is_misspelt(mien, tmp_path: Path) -> None:
    command = ["train", tmp_path, "--out", tmp_path / "run"]
    result = mien(*command, "--protocol", "dialogs")
    assert result.returncode == 2
    assert "protocol: no protocol 'dialogs' (did you mean dialogues?); choose" in result.stderr
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("training: {protocol: person}\n")
    result = mien(*command, "--config", recipe)
    assert_told(result, f"{recipe}: training.protocol: no protocol 'person' (did you mean")


def test_the_help_of_prepare_lists_corpora_and_their_options(mien, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    shown = mien("prepare", "--help").stdout
    assert "\n  cremad      CREMA-D: the repository with AudioWAV and VideoFlash\n" in shown
    assert "Session1 to Session5 (--emotions, --person-rule, --named-side)\n" in shown
    assert "{six,all}  iemocap, processed, synthetic: the six emotions of published" in shown


@pytest.mark.parametrize("size", ["47", "513", "large"])
def test_a_face_size_out_of_range_is_a_wrong_command(mien, tmp_path: Path, size: str) -> None:
    result = mien("prepare", "ravdess", tmp_path, tmp_path / "out", "--face-size", size)
    assert result.returncode == 2
    assert "--face-size" in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_published_split_divides_or_is_refused(mien, clips: Path, tmp_path: Path) -> None:
    names = [f"synthetic{number}" for number in range(36)]
    lists = {"train": names[:20], "valid": names[20:24], "test": [*names[24:30], "elsewhere"]}
    for part, ids in lists.items():
        (tmp_path / f"{part}_split.txt").write_text("\n".join(ids))
    command = ["prepare", "manifest", clips / "clips.csv", tmp_path / "out", "--workers", 1]
    refused = mien(*command, "--splits", tmp_path)
    assert_told(refused, str(tmp_path), "1 (elsewhere) of the 31 listed ids", "--partial")
    assert not (tmp_path / "out").exists()
    result = mien(*command, "--splits", tmp_path, "--partial")
    assert result.returncode == 0, result.stderr
    assert "splits: train 20, valid 4, test 6; 6 in no split; 1 (elsewhere)" in result.stdout
    given = next(
        line for line in mien("inspect", tmp_path / "out").stdout.split("\n") if "given" in line
    )
    assert given.split()[1:4] == ["20", "4", "6"]
    (tmp_path / "test_split.txt").write_text("\n".join(names[24:32]))
    assert_told(mien(*command, "--splits", tmp_path), "was begun with", "splits")
    assert mien(*command, "--partial").returncode == 2


def test_a_run_folder_that_is_taken(mien, data: Path, run_folder: Path) -> None:
    again = mien("train", data, "--out", run_folder, "--modalities", "ta")
    assert_told(again, "--out: ", "not empty", "resume")


def test_a_modality_that_nobody_has(mien, data: Path, tmp_path: Path) -> None:
    result = mien("train", data, "--out", tmp_path / "run")
    assert_told(result, "--modalities: no training utterance has video", "choose ta")
    assert not (tmp_path / "run").exists()


def test_a_list_that_has_changed_since_it_was_prepared(mien, tmp_path: Path) -> None:
    clips, out = tmp_path / "clips.csv", tmp_path / "out"
    clips.write_text("id,text\na,hello\n")
    prepare = ["prepare", "manifest", clips, out, "--workers", 1]
    assert mien(*prepare).returncode == 0
    assert mien(*prepare).returncode == 0, "the same again is nothing to do"
    clips.write_text("id,text\na,hello\nb,goodbye\n")
    assert_told(mien(*prepare), "was begun with", "another folder")


def test_resume_takes_the_settings_of_the_run(mien, run_folder: Path) -> None:
    for flags in (["--lr", "1e-3"], ["--config", "recipe.yaml"]):
        result = mien("train", "--resume", "--out", run_folder, *flags)
        assert result.returncode == 2
        assert f"leave {flags[0]} out" in result.stderr


@pytest.fixture
def read_only(monkeypatch: pytest.MonkeyPatch):
    """Make a folder one of a read-only disk; the user of the tests may write anywhere."""

    def lock(folder: Path) -> None:
        sync, touch = files.sync, Path.touch

        def refused(path: Path, real: Callable[[Path], None]) -> None:
            if path.is_relative_to(folder):
                raise OSError(errno.EROFS, "Read-only file system")
            real(path)

        monkeypatch.setattr("mien.files.sync", lambda path: refused(path, sync))
        monkeypatch.setattr(Path, "touch", lambda path, *how: refused(path, touch))

    return lock


def test_figures_are_shown_though_the_run_folder_can_not_be_written(
    mien, run_folder: Path, tmp_path: Path, read_only
) -> None:
    run = Path(copytree(run_folder, tmp_path / "run"))
    expected = mien("evaluate", run).stdout
    (run / "metrics.json").unlink()
    (run / "thresholds.json").unlink()
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    read_only(run)
    result = mien("evaluate", run)
    assert_told(result, f"{run}/metrics.json: can't be written (Read-only file system)")
    assert result.stdout == expected
    assert f"{run}/thresholds.json: can't be written" in result.stderr
    assert before == {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}


def test_where_nothing_can_be_written_no_work_is_begun(
    mien, run_folder: Path, tmp_path: Path, read_only, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Path(copytree(run_folder, tmp_path / "run"))
    read_only(tmp_path)
    for work in (
        "inference.evaluate.evaluate",
        "training.fit._fit",
        "report.run_report.plot_metrics",
    ):
        monkeypatch.setattr(f"mien.{work}", lambda *_, **__: pytest.fail("it works in vain"))
    told = f"{run}: can't be written (Read-only file system)"
    assert_told(mien("report", run), told)
    assert_told(mien("train", "--resume", "--out", run), told)
    result = mien("evaluate", run_folder, "--json", tmp_path / "figures.json")
    assert_told(result, f"{tmp_path}: can't be written (Read-only file system)")


@pytest.mark.parametrize("content", ['{"split": "test"}', '{"split": 1, "data": 2, "tasks": 3}'])
def test_damaged_figures_are_told_by_the_report(
    mien, run_folder: Path, tmp_path: Path, content: str
) -> None:
    run = Path(copytree(run_folder, tmp_path / "run"))
    (run / "metrics.json").write_text(content)
    result = mien("report", run)
    assert_told(result, f"{run}/metrics.json is damaged", "`mien evaluate` renews it")


@pytest.mark.parametrize("name", ["date.yaml", "deep.yaml"])
def test_recipes_that_are_none(
    mien, data: Path, tmp_path: Path, shared_data: Path, name: str
) -> None:
    recipe = shared_data / "odd" / "hostile" / name
    result = mien("train", data, "--out", tmp_path / "run", "--config", recipe)
    assert_told(result, str(recipe))
    assert result.stderr.count("\n") == 1
    assert "unexpected" not in result.stderr
    assert not (tmp_path / "run").exists()


def test_a_value_of_a_recipe_that_is_none_is_told_with_the_file(
    mien, data: Path, tmp_path: Path
) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("training: {lr: fast, epochs: 2001-12-14}\nmodel: {fusion: concat}\n")
    train = ["train", data, "--out", tmp_path / "run", "--config", recipe]
    assert_told(mien(*train), f"{recipe}: training.epochs: ", "valid integer", "'2001-12-14'")
    assert_told(mien(*train, "--epochs", "1"), f"{recipe}: training.lr: ", "'fast'")
    result = mien(*train, "--lr", "1e-3", "--epochs", "some")
    assert result.returncode == 2
    assert "epochs: " in result.stderr


def test_a_traceback_is_shown_with_debug_alone(program, tmp_path: Path) -> None:
    assert_told(program("inspect", tmp_path / "no"), "no such folder")
    assert "Traceback" in program("inspect", tmp_path / "no", "--debug").stderr
